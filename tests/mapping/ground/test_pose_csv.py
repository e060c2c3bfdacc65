"""Poses that another program wrote as CSV: read, or refused with line and column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mapping.ground.control import ControlPoint, read_control
from mapping.ground.pose_csv import read_poses
from vision.errors import InputError

IMAGES = [Path("flight/a.jpg"), Path("flight/b.jpg"), Path("flight/c.jpg")]
HEADER = "file,lat_deg,lon_deg,alt_home_m,alt_hae_m,yaw_deg,pitch_deg,roll_deg,time_utc,sigma_position_m\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "given.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_poses_come_in_the_order_of_the_images(tmp_path: Path) -> None:
    text = HEADER + "c.jpg,47.25,8.5,60,,-90,-45,1,2026-11-22T18:15:00.5Z,0.5\na.jpg,47.25,8.5,,547.6,,,,,\n"
    poses = read_poses(written(tmp_path, text), IMAGES)
    np.testing.assert_array_equal(poses.lat_deg, [47.25, np.nan, 47.25])
    np.testing.assert_array_equal(poses.yaw_deg, [np.nan, np.nan, 270.0])
    np.testing.assert_array_equal(poses.pitch_deg, [np.nan, np.nan, -45.0])
    assert poses.alt_amsl_m[0] == pytest.approx(500.0, abs=1.0)  # the geoid lies 47.6 m above the ellipsoid there
    assert poses.time_s[2] == 1_795_371_300.5
    np.testing.assert_array_equal(poses.sigma_position_m, [1.5, np.nan, 0.5])
    np.testing.assert_array_equal(poses.sigma_attitude_deg, [np.nan, np.nan, 2.0])


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("file,lat_deg\na.jpg,1\n", "line 1", "lacks the column lon_deg"),
        ("file,lat_deg,lon_deg,altitude\na.jpg,1,2,3\n", "line 1", "'altitude' is no column"),
        ("file,lat_deg,lon_deg\na.jpg,1,2\n", "line 2", "no height"),
        ("file,lat_deg,lon_deg,alt_home_m\na.jpg,91,2,3\n", "line 2, lat_deg", "'91' is no number from -90 to 90"),
        ("file,lat_deg,lon_deg,alt_home_m\na.jpg,1,2,high\n", "line 2, alt_home_m", "'high' is no number"),
        ("file,lat_deg,lon_deg,alt_home_m\nz.jpg,1,2,3\n", "line 2, file", "none of the pictures"),
        ("file,lat_deg,lon_deg,alt_home_m\na.jpg,1,2,3\na.jpg,1,2,3\n", "line 3, file", "on line 2 already"),
        ("file,lat_deg,lon_deg,alt_home_m,yaw_deg\na.jpg,1,2,3,4\n", "line 2", "all three angles or none"),
        ("file,lat_deg,lon_deg,alt_home_m,time_utc\na.jpg,1,2,3,noon\n", "line 2, time_utc", "'noon' is no time"),
        ("file,lat_deg,lon_deg,alt_home_m\na.jpg,0,0,3\n", "line 2, lat_deg", "no fix"),
    ],
)
def test_bad_poses_are_named_with_their_place(tmp_path: Path, text: str, place: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read_poses(written(tmp_path, text), IMAGES)
    assert f"given.csv: {place}: " in str(caught.value)


def test_control_points(tmp_path: Path) -> None:
    text = "object,lat_deg,lon_deg,alt_m\nbarrel,-35.1,149.2,\nwell,-35.2,149.3,580.5\n"
    assert read_control(written(tmp_path, text)) == {
        "barrel": ControlPoint(-35.1, 149.2),
        "well": ControlPoint(-35.2, 149.3, 580.5),
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("object,lat_deg,lon_deg\n", "holds no control points"),
        ("object,lat_deg,lon_deg\na,1,200\n", "line 2, lon_deg"),
        (
            "object;lat_deg;lon_deg\na;1;2\n",
            "line 1: separates columns by semicolons; separate them by commas: object,",
        ),
        ("object\tlat_deg\tlon_deg\na\t1\t2\n", "line 1: separates columns by tabs"),
        ("object;lat_deg\na;1\n", "lacks the column object, lat_deg, lon_deg"),
        ("object,lat_deg,lon_deg\na,1,2\na,1,2\n", "given twice"),
        ("object,lat_deg,lon_deg,alt_m\na,1,2,1e9\n", "line 2, alt_m"),
        ("object,lat_deg,lon_deg,alt_hae_m\na,1,2,30\n", "line 1: 'alt_hae_m' is no column of control points"),
    ],
)
def test_bad_control_points(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_control(written(tmp_path, text))
