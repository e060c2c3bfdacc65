"""Where in its box an object stands."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mapping.ground.camera import project
from mapping.ground.contact import contact_points, contact_sigmas
from mapping.ground.georeference import GroundPoints, locate_pixels
from mapping.ground.pose import Poses
from mapping.ground.terrain import FlatGround
from tests.mapping.ground.standpoint import BOSON, GEOD, LAT, LON, NO_SIGMAS


def apart_m(lat_deg: float, lon_deg: float, points: GroundPoints, number: int = 0) -> float:
    return GEOD.inv(lon_deg, lat_deg, points.lon_deg[number], points.lat_deg[number])[2]


@pytest.mark.parametrize(
    ("pitch_deg", "roll_deg", "class_name", "expected"),
    [
        (-90.0, 0.0, "person", (320.0, 256.0)),
        (-90.0, 0.0, "vehicle", (320.0, 256.0)),
        (0.0, 0.0, "person", (320.0, 276.0)),
        (0.0, 180.0, "person", (320.0, 236.0)),
        (0.0, 90.0, "person", (330.0, 256.0)),
        (0.0, -90.0, "person", (310.0, 256.0)),
        (-45.0, 0.0, "person", (320.0, 256.0 + 20.0 * 3.4 / 4.4)),
    ],
)
def test_objects_stand_on_the_edge_of_the_box_that_is_down(
    pitch_deg: float, roll_deg: float, class_name: str, expected: tuple[float, float], pose: Callable[..., Poses]
) -> None:
    poses = pose(yaw_deg=33.0, pitch_deg=pitch_deg, roll_deg=roll_deg)
    found = contact_points([[310.0, 236.0, 330.0, 276.0]], [0], poses, BOSON, [class_name])
    assert found[0] == pytest.approx(expected, abs=1e-6)


def test_a_person_seen_obliquely_is_placed_at_the_feet(pose: Callable[..., Poses]) -> None:
    """A box drawn round a 1.7 m cylinder 0.5 m across, 60 m down and 50 m ahead: the place is its axis."""
    poses = pose(yaw_deg=0.0, pitch_deg=-40.0, roll_deg=6.0, **NO_SIGMAS)
    angle = np.linspace(0.0, 2.0 * np.pi, 60)
    ring = np.stack([50.0 + 0.25 * np.cos(angle), 0.25 * np.sin(angle), np.full(60, 60.0)], axis=1)
    body = np.vstack([ring, ring - [0.0, 0.0, 1.7]])
    pixels = project(BOSON, poses.rotation[0].inv().apply(body))
    box = np.hstack([pixels.min(axis=0), pixels.max(axis=0)])[None]
    contact = contact_points(box, [0], poses, BOSON, ["person"])
    points = locate_pixels(contact, [0], poses, BOSON, FlatGround())
    lat, lon = GEOD.fwd(LON, LAT, 0.0, 50.0)[1::-1]
    assert apart_m(lat, lon, points) < 0.2
    middle = locate_pixels(0.5 * (box[:, :2] + box[:, 2:]), [0], poses, BOSON, FlatGround())
    assert apart_m(lat, lon, middle) > 0.6


def test_without_attitude_the_middle_of_the_box_counts(pose: Callable[..., Poses]) -> None:
    assert contact_points([[0.0, 0.0, 10.0, 40.0]], [0], pose(), BOSON)[0].tolist() == [5.0, 20.0]


def test_a_box_cut_by_the_picture_is_known_less_well() -> None:
    whole, cut, mark = (100.0, 100.0, 150.0, 120.0), (590.0, 100.0, 640.0, 120.0), (0.0, 0.0, 0.0, 0.0)
    assert contact_sigmas([whole, cut, mark], BOSON).tolist() == [2.0, 25.0, 2.0]
