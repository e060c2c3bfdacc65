"""What the pages show beside sightings: the flight played again, ground and gaps, grid coordinates, pictures alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import shapely

from mapping.ground.searched import Coverage, CoveragePiece
from mapping.maps.pdf import write_pdf
from mapping.maps.report import PicturesContent, ReportContent, write_pictures_page, write_report
from vision.table import DETECTIONS

OpenPage = Callable[..., tuple[Any, Any]]


@pytest.fixture
def report(report_content: ReportContent, tmp_path: Path) -> Path:
    write_report(report_content, tmp_path / "report.html")
    return tmp_path / "report.html"


def slide(page: Any, value: int) -> None:
    page.evaluate(
        """(value) => {
            const slider = document.querySelector(".replay input");
            slider.value = value;
            slider.dispatchEvent(new Event("input"));
        }""",
        value,
    )


def shown(page: Any) -> int:
    """How many sightings the map shows, in clusters or apart."""
    return page.evaluate(
        """() => [...document.querySelectorAll(".cluster-icon b")].reduce((sum, b) => sum + Number(b.textContent), 0)
            + document.querySelectorAll(".sighting-icon").length"""
    )


def test_the_flight_is_played_again(report: Path, open_page: OpenPage) -> None:
    page, seen = open_page(report)
    assert shown(page) == 25
    slide(page, 200)
    assert page.locator("path.drone").count() == 1
    assert page.inner_text(".replay output").endswith("UTC")
    early = shown(page)
    assert 0 < early < 25
    slide(page, 400)
    assert early < shown(page) <= 25
    slide(page, 0)
    assert shown(page) == 25
    assert page.locator("path.drone").count() == 0
    page.click(".replay button")
    page.wait_for_selector("path.drone")
    page.click(".replay button")
    assert seen.errors == []


def test_a_hidden_class_stays_hidden_while_it_plays(report: Path, open_page: OpenPage) -> None:
    page, _ = open_page(report)
    page.locator(".legend-line", has_text="Person").locator("input").uncheck()
    slide(page, 10_000)
    assert shown(page) == 7


def test_grid_coordinates_and_movement_stand_in_the_details(report: Path, open_page: OpenPage) -> None:
    page, _ = open_page(report)
    assert "MGRS 45Q XF" in page.inner_text("#table-holder thead")
    page.locator("tbody tr").nth(2).click()
    details = page.inner_text("#details")
    assert "45Q XF" in details
    assert "45 north" in details
    assert "1.3 m/s toward 45°" in details


def test_ground_too_coarse_and_gaps_have_their_own_layers(
    report_content: ReportContent, open_page: OpenPage, tmp_path: Path
) -> None:
    said = [{"role": "searched", "fine_enough_for": "vehicle"}, {"role": "gap", "where": "in the <b>east</b>"}]
    west, _, east, _ = bounds = shapely.union_all([p.geometry for p in report_content.coverage.pieces]).bounds
    middle = (west + east) / 2
    halves = [shapely.box(west, bounds[1], middle, bounds[3]), shapely.box(middle, bounds[1], east, bounds[3])]
    coverage = Coverage(tuple(CoveragePiece(half, known) for half, known in zip(halves, said, strict=True)))
    write_report(replace(report_content, coverage=coverage), tmp_path / "page.html")
    page, seen = open_page(tmp_path / "page.html")
    assert "1 gap)" in page.inner_text("#headline")
    legend = page.inner_text(".legend")
    assert "Too coarse for people" in legend
    assert "Gaps: not looked at" in legend
    assert page.locator("path.layer-gap").count() == 1
    assert seen.errors == []


def test_a_warning_stands_in_the_head(report_content: ReportContent, open_page: OpenPage, tmp_path: Path) -> None:
    write_report(replace(report_content, warning="older <b>than"), tmp_path / "page.html")
    page, _ = open_page(tmp_path / "page.html")
    assert page.inner_text("header #warning") == "older <b>than"


def test_no_warning_where_all_is_well(report: Path, open_page: OpenPage) -> None:
    page, _ = open_page(report)
    assert not page.locator("#warning").is_visible()


@pytest.mark.parametrize(("width", "height", "is_open"), [(1280, 800, True), (900, 500, False), (400, 800, False)])
def test_the_legend_leaves_the_map_free(
    report: Path, open_page: OpenPage, width: int, height: int, is_open: bool
) -> None:
    page, _ = open_page(report, viewport={"width": width, "height": height})
    assert page.evaluate("document.querySelector('.legend').open") == is_open
    share = page.evaluate(
        """() => { const area = (e) => { const b = e.getBoundingClientRect(); return b.width * b.height; };
            return area(document.querySelector(".legend")) / area(document.querySelector("#map-side")); }"""
    )
    assert share < 0.15


def test_frames_without_a_position_are_a_page_of_pictures(
    report_content: ReportContent, open_page: OpenPage, tmp_path: Path
) -> None:
    picture = next(iter(report_content.thumbnails.values()))
    box = {"class": "person", "label": "person", "x1_px": 1.0, "y1_px": 1.0, "x2_px": 9.0, "y2_px": 9.0, "model": "ab"}
    boxes = DETECTIONS.from_rows(
        {"detection_id": f"{frame}-000", "frame_id": frame, "confidence": confidence, **box}
        for frame, confidence in (("IMG_00000", 0.4), ("IMG_00001", 0.9))
    )
    content = PicturesContent("<b>", boxes, report_content.frames, {"IMG_00001-000": picture})
    write_pictures_page(content, tmp_path / "page.html")
    page, seen = open_page(tmp_path / "page.html")
    rows = page.locator("tbody tr", has_text="not reviewed")
    assert rows.count() == 2
    assert "images/IMG_00001.jpg" in rows.first.inner_text()
    assert rows.first.locator("img").count() == 1
    assert "no picture" in rows.last.inner_text()
    assert not page.locator("#map-side").is_visible()
    assert (seen.requests, seen.errors) == ([], [])


@pytest.mark.usefixtures("browser")
def test_a_report_prints(report: Path, tmp_path: Path) -> None:
    write_pdf(report, tmp_path / "report.pdf")
    printed = (tmp_path / "report.pdf").read_bytes()
    assert printed.startswith(b"%PDF")
    assert printed.count(b"/Type /Page\n") >= 2
