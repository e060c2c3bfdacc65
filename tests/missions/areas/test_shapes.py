"""What is certainly meant is mended and said; what is a guess is refused; 180 degrees is a line like any other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Polygon

from mapping.ground.frame import LocalFrame
from missions.areas.read import read_area
from missions.areas.shapes import Shapes
from vision.errors import InputError


def polygons(*rings: list[list[float]]) -> tuple[list[Polygon], list[str]]:
    shapes = Shapes(Path("drawn.geojson"))
    return shapes.polygons("Polygon", list(rings), "feature 1"), shapes.notes


SQUARE = [[0.0, 0.0], [0.01, 0.0], [0.01, 0.01], [0.0, 0.01], [0.0, 0.0]]


def square(x: float, y: float, side: float) -> list[list[float]]:
    return [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]


def test_repeated_corners_need_no_mend() -> None:
    parts, notes = polygons([SQUARE[0], *SQUARE])
    assert (parts[0].area, notes) == (pytest.approx(1e-4), [])


def test_a_spike_is_cut_off() -> None:
    parts, notes = polygons([*SQUARE[:3], [0.02, 0.02], *SQUARE[2:]])
    assert (len(parts), parts[0].area) == (1, pytest.approx(1e-4))
    assert "mended" in notes[0]


def test_a_slip_of_the_hand_is_mended() -> None:
    """The outline closes with a loop of a metre."""
    parts, notes = polygons(
        [[0.0, 0.0], [0.01, 0.0], [0.01, 0.01], [0.0, 0.01], [0.0, -0.00001], [0.00001, 0.0], [0.0, 0.0]]
    )
    assert parts[0].area == pytest.approx(1e-4, rel=1e-3)
    assert "crosses itself" in notes[0]


def test_an_outline_that_touches_itself_is_two_areas() -> None:
    parts, notes = polygons(
        [[0, 0], [0.01, 0], [0.01, 0.01], [0.02, 0.01], [0.02, 0.02], [0.01, 0.02], [0.01, 0.01], [0, 0.01], [0, 0]]
    )
    assert sum(part.area for part in parts) == pytest.approx(2e-4)
    assert all(part.is_valid for part in parts)
    assert len(notes) == 1


def test_a_bow_tie_is_a_guess() -> None:
    with pytest.raises(InputError, match=r"crosses itself at latitude 0.005000, longitude 0.005000; redraw it there"):
        polygons([[0, 0], [0.01, 0.01], [0.01, 0], [0, 0.01], [0, 0]])


def test_a_ring_drawn_twice_over_itself_is_a_guess() -> None:
    with pytest.raises(InputError, match="redraw"):
        polygons(
            [
                [0, 0],
                [0.01, 0],
                [0.01, 0.01],
                [-0.005, 0.01],
                [-0.005, 0.002],
                [0.005, 0.002],
                [0.005, 0.02],
                [0, 0.02],
                [0, 0],
            ]
        )


def test_holes_that_overlap_or_stick_out_are_holes_all_the_same() -> None:
    parts, notes = polygons(SQUARE, square(0.002, 0.002, 0.002), square(0.003, 0.003, 0.002))
    assert sum(part.area for part in parts) == pytest.approx(1e-4 - 7e-6)
    assert notes
    parts, notes = polygons(SQUARE, square(0.009, 0.004, 0.002))
    assert sum(part.area for part in parts) == pytest.approx(1e-4 - 2e-6)
    with pytest.raises(InputError, match="a hole lies outside the polygon"):
        polygons(SQUARE, square(0.05, 0.05, 0.001))


@given(
    st.lists(st.tuples(st.floats(-0.01, 0.01), st.floats(-0.01, 0.01)), min_size=3, max_size=12),
    st.lists(st.tuples(st.floats(-0.01, 0.01), st.floats(-0.01, 0.01)), min_size=3, max_size=5),
)
def test_any_scribble_is_valid_ground_or_one_line(shell: list, hole: list) -> None:
    try:
        parts, _ = polygons([list(point) for point in shell], [list(point) for point in hole])
    except InputError:
        return
    assert parts
    assert all(part.is_valid and part.area > 0 for part in parts)


def local_area(shape: shapely.Geometry) -> float:
    west, south, east, north = shape.bounds
    return LocalFrame((south + north) / 2, (west + east) / 2).geometry_to_local(shape).area


def geojson(tmp_path: Path, kind: str, coordinates: object) -> Path:
    path = tmp_path / "far.geojson"
    path.write_text(json.dumps({"type": kind, "coordinates": coordinates}))
    return path


@pytest.mark.parametrize(
    ("kind", "coordinates"),
    [
        ("Polygon", [[[179.999, -17.0], [-179.999, -17.0], [-179.999, -16.998], [179.999, -16.998]]]),
        ("Polygon", [[[179.999, -17.0], [180.001, -17.0], [180.001, -16.998], [179.999, -16.998]]]),
        ("Polygon", [[[-180.001, -17.0], [-179.999, -17.0], [-179.999, -16.998], [-180.001, -16.998]]]),
        (
            "MultiPolygon",
            [
                [[[179.999, -17.0], [180.0, -17.0], [180.0, -16.998], [179.999, -16.998]]],
                [[[-180.0, -17.0], [-179.999, -17.0], [-179.999, -16.998], [-180.0, -16.998]]],
            ],
        ),
    ],
    ids=["jump", "beyond 180", "before -180", "cut in two"],
)
def test_an_area_across_180_degrees_is_one_area(tmp_path: Path, kind: str, coordinates: object) -> None:
    patrol = read_area(geojson(tmp_path, kind, coordinates)).patrol
    assert len(patrol.geoms) == 1
    here = Polygon([(0.001 + x, y) for x, y in [(-0.002, -17.0), (0.0, -17.0), (0.0, -16.998), (-0.002, -16.998)]])
    assert local_area(patrol) == pytest.approx(local_area(here), rel=1e-6)
    west, _, east, _ = patrol.bounds
    assert east - west == pytest.approx(0.002)


@given(st.floats(-60, 60), st.floats(-10, 10))
def test_the_turn_of_longitude_does_not_matter(lat: float, lon: float) -> None:
    ring = np.array([[lon, lat], [lon + 0.001, lat], [lon + 0.001, lat + 0.001]])
    for turn in (-340.0, 0.0, 340.0):
        turned = ring + np.array([turn, 0.0])
        one = Shapes(Path("x")).polygons("Polygon", [turned.tolist()], "here")[0]
        assert local_area(one) == pytest.approx(local_area(Polygon(ring)), rel=1e-6)
