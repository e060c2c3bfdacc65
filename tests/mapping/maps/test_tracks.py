from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from mapping.maps import tracks
from mapping.tables import TRACK

EMPTY = dict.fromkeys(TRACK.columns.names)


def track(lons: list[float | None], heights: list[float | None] | None = None) -> pa.Table:
    given_heights = heights or [None] * len(lons)
    return TRACK.from_rows(
        {**EMPTY, "lat_deg": 23.04, "lon_deg": lon, "alt_home_m": height}
        for lon, height in zip(lons, given_heights, strict=True)
    )


def ends(features: list[tracks.Feature]) -> list[list[float]]:
    return [shapely.get_coordinates(line.geometry)[[0, -1], 0].round(6).tolist() for line in features]


def test_the_track_is_broken_where_the_position_is_unknown() -> None:
    table = track([88.890, 88.891, None, 88.893, float("nan"), 88.895, 88.896, 88.897])
    assert ends(tracks.track_features(table, None, 88.9)) == [[88.890, 88.891], [88.895, 88.897]]


@pytest.mark.parametrize("table", [track([]), track([None, None]), track([88.89])])
def test_no_track(table: pa.Table) -> None:
    assert tracks.track_features(table, None, 88.9) == []


def test_lines_of_two_heights_meet_where_the_height_changes() -> None:
    table = track([88.890, 88.891, 88.892, 88.893, 88.894], [20.0, 20.0, 60.0, 60.0, 60.0])
    scale = tracks.height_scale({"one": table})
    assert scale is not None
    lines = tracks.track_features(table, scale, 88.9)
    assert ends(lines) == [[88.890, 88.892], [88.892, 88.894]]
    assert [line.tone for line in lines] == [0, tracks.TONES - 1]


@given(st.lists(st.floats(0, 120) | st.none(), min_size=2, max_size=60))
def test_every_height_has_a_tone_near_its_band(heights: list[float | None]) -> None:
    table = track([88.89 + k * 1e-4 for k in range(len(heights))], heights)
    scale = tracks.height_scale({"one": table})
    if scale is None:
        assert all(height is None for height in heights)
        return
    values = np.array([np.nan if height is None else height for height in heights])
    for height, tone in zip(values, scale.tones(values), strict=True):
        assert 0 <= tone < tracks.TONES
        low, high = scale.limits_m[tone], scale.limits_m[tone + 1]
        assert np.isnan(height) or low - tracks.STAYS_M <= height <= high + tracks.STAYS_M


def test_a_track_over_the_180th_meridian_is_one_short_line() -> None:
    table = track([179.998, 179.999, -179.999, -179.998])
    (line,) = tracks.track_features(table, None, 180.0)
    assert line.geometry.bounds[2] - line.geometry.bounds[0] < 0.01


def test_a_replay_keeps_both_ends_and_few_points() -> None:
    start = datetime(2026, 11, 22, 18, tzinfo=UTC)
    rows = [
        {**EMPTY, "time_utc": start + timedelta(seconds=k / 10), "lat_deg": 23.0, "lon_deg": 88.0} for k in range(5000)
    ]
    rows[0]["lat_deg"] = None
    (flight,) = tracks.replay({"one": TRACK.from_rows(rows), "two": TRACK.from_rows(rows[:2])}, 88.0)
    assert flight["start"] == start + timedelta(seconds=0.1)
    assert len(flight["points"]) == tracks.REPLAY_POINTS
    assert flight["points"][0] == [23.0, 88.0, 0.0]
    assert flight["points"][-1][2] == 499.8
