"""Transects, routes and times: the parts of planning, against other planners' numbers and against geometry."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiPolygon, Polygon, box

from mapping.ground.camera import height_for_ground_sample_distance_m, load_camera
from missions.drones import load_drone
from missions.errors import NotFlyableError
from missions.planning.energy import usable_battery_s, vertical_cost, way_cost
from missions.planning.imaging import plan_imaging
from missions.planning.routing import Router
from missions.planning.survey import Spacing, line_offsets, photo_count, survey_cells
from vision.errors import InputError

SQUARE = box(0, 0, 100, 100)
SPACING = Spacing(between_m=20.0, trigger_m=15.0, across_m=28.0, along_m=26.0)


@pytest.mark.parametrize("sidelap", [0.3, 0.7])
def test_qgroundcontrol_square_has_two_transects(sidelap: float) -> None:
    cells = survey_cells(SQUARE, 0.0, Spacing(49.0, 10.0, 49.0 / (1.0 - sidelap), 40.0))
    assert [len(cell) for cell in cells] == [2]


def test_sony_qx1_from_the_height_qgroundcontrol_reckons() -> None:
    camera = load_camera("qx1-16")
    height_m = height_for_ground_sample_distance_m(camera, 0.25)
    assert height_m == pytest.approx(940.69, abs=0.01)
    assert 0.3 * camera.width_px * 0.25 == pytest.approx(409.2, abs=0.05)
    assert 0.3 * camera.height_px * 0.25 == pytest.approx(272.4, abs=0.05)


def test_sony_qx1_as_qgroundcontrol_reckons_it() -> None:
    # 25 cm/px is from 940.69 m, beyond the ceiling; a tenth of it scales everything by a tenth.
    imaging = plan_imaging(load_drone("x500"), load_camera("qx1-16"), gsd_cm=2.5, sidelap=0.7, frontlap=0.7)
    assert imaging.height_home_m == pytest.approx(94.069, abs=0.01)
    assert imaging.line_spacing_m == pytest.approx(40.92, abs=0.01)
    assert imaging.trigger_distance_m == pytest.approx(27.24, abs=0.01)


@given(st.floats(1.0, 5_000.0), st.floats(2.0, 200.0), st.floats(0.0, 0.9))
def test_lines_are_close_enough_and_reach_both_borders(width: float, across: float, sidelap: float) -> None:
    offsets = line_offsets(width, Spacing((1.0 - sidelap) * across, 10.0, across, 30.0))
    assert all(b - a <= (1.0 - sidelap) * across + 1e-6 for a, b in pairwise(offsets))
    assert offsets[0] <= across / 2.0
    assert width - offsets[-1] <= across / 2.0


@pytest.mark.parametrize("angle", [0.0, 37.0, 90.0, 151.0])
def test_transects_stay_inside_a_concave_area_with_a_hole(angle: float) -> None:
    region = Polygon(
        [(0, 0), (600, 0), (600, 400), (350, 60), (0, 400)], [[(100, 50), (200, 50), (200, 150), (100, 150)]]
    )
    lines = [LineString([t.start, t.end]) for cell in survey_cells(region, angle, SPACING) for t in cell]
    assert len(lines) > 10
    assert all(region.buffer(10.0 + 15.0).covers(line) for line in lines)
    pictures = []
    for line in lines:
        ahead = np.subtract(line.coords[1], line.coords[0]) / line.length
        for photo in range(photo_count(line.length, 15.0)):
            middle = np.array(line.interpolate(15.0 * photo).coords[0])
            pictures.append(LineString([middle - 13.0 * ahead, middle + 13.0 * ahead]).buffer(14.0, cap_style="flat"))
    assert region.difference(shapely.union_all(pictures)).area < 1e-6 * region.area
    for line in lines:
        (x1, y1), (x2, y2) = line.coords
        assert math.degrees(math.atan2(x2 - x1, y2 - y1)) % 180 == pytest.approx(angle % 180, abs=1e-6)


def test_hole_splits_the_sweep_into_four_cells() -> None:
    region = Polygon(box(0, 0, 400, 300).exterior, [box(150, 100, 250, 200).exterior])
    assert len(survey_cells(region, 0.0, SPACING)) == 4


def test_long_lines_are_cut_through_home() -> None:
    cells = survey_cells(box(0, -500, 40, 1500), 0.0, SPACING, longest_m=1_000.0)
    ends = {round(y, 6) for cell in cells for line in cell for _, y in (line.start, line.end)}
    assert any(abs(end) < 15.0 for end in ends)
    assert max(line.length_m for cell in cells for line in cell) <= 1_000.0 + 15.0


def test_shortest_way_bends_round_an_obstacle() -> None:
    region = box(-10, -10, 110, 110).difference(box(40, -5, 60, 80))
    way = Router(region).way((0.0, 0.0), (100.0, 0.0))
    assert way is not None
    assert LineString(way).length == pytest.approx(2 * math.hypot(40, 5) + 20)
    assert region.buffer(0.05).covers(LineString(way))
    assert Router(MultiPolygon([box(0, 0, 1, 1), box(5, 0, 6, 1)])).way((0.5, 0.5), (5.5, 0.5)) is None


def time_s(points: list[tuple[float, float]]) -> float:
    still = replace(load_drone("x500"), acceleration_m_s2=2.5)
    return way_cost(still, points, [10.0] * (len(points) - 1)).time_s


def test_a_stop_and_a_turn_cost_what_physics_says() -> None:
    # From rest to 10 m/s and back at 2.5 m/s2: 20 m and 4 s each way; 100 m take 4 + 6 + 4 s.
    assert time_s([(0, 0), (0, 100)]) == pytest.approx(14.0)
    assert time_s([(0, 0), (0, 50), (0, 100)]) == pytest.approx(14.0)
    assert time_s([(0, 0), (0, 50), (50, 50)]) == pytest.approx(18.0)


def test_climb_and_landing() -> None:
    drone = load_drone("x500")
    cost = vertical_cost(drone, 60.0)
    assert cost.time_s == pytest.approx(60 / 2.5 + 50 / 1.5 + 10 / 0.5 + 10.0)
    assert cost.battery_s > cost.time_s
    assert usable_battery_s(drone) == pytest.approx(0.8 * 960)


def test_speed_is_lowered_for_a_slow_camera() -> None:
    imaging = plan_imaging(load_drone("x500"), load_camera("qx1-16"), height_m=40.0, frontlap=0.9)
    assert imaging.speed_m_s * 1.0 <= imaging.trigger_distance_m
    assert "keeps up" in imaging.notes[-1]


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"height_m": 200.0}, NotFlyableError, "120 m"),
        ({"height_m": 5.0}, NotFlyableError, "15 and 120 m"),
        ({"gsd_cm": 25.0}, NotFlyableError, "cm per pixel"),
        ({"height_m": -1.0}, InputError, "--height"),
        ({"gsd_cm": math.nan}, InputError, "--gsd"),
        ({"gsd_cm": 5.0, "height_m": 60.0}, InputError, "give one of them"),
        ({"sidelap": 1.0}, InputError, "--sidelap"),
        ({"frontlap": -0.1}, InputError, "--frontlap"),
    ],
)
def test_options_that_mean_nothing(options: dict[str, float], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        plan_imaging(load_drone("x500"), load_camera("boson640-14"), **options)  # type: ignore[arg-type]


def test_strips_are_cut_the_slow_way_where_the_quick_one_stumbles(monkeypatch: pytest.MonkeyPatch) -> None:
    area = Polygon([(0, 0), (300, 20), (280, 200), (150, 90), (10, 180)])
    quick = survey_cells(area, 30.0, SPACING)

    def stumbles(*_: object) -> shapely.Geometry:
        raise shapely.errors.GEOSException("TopologyException: found non-noded intersection")

    monkeypatch.setattr(shapely, "clip_by_rect", stumbles)
    slow = survey_cells(area, 30.0, SPACING)
    ends = [np.array([[line.start, line.end] for cell in cells for line in cell]) for cells in (quick, slow)]
    assert ends[0] == pytest.approx(ends[1], abs=1e-6)
