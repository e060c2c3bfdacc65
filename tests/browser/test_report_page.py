"""The report and the plan's page in a real browser without a network: inert, complete, usable by mouse and keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow as pa
import pytest

from mapping.maps.report import PlanContent, ReportContent, write_plan_page, write_report
from mapping.maps.verdicts import REVIEW_COLUMNS, Verdict, with_verdicts
from mapping.tables import SIGHTINGS
from tests.payloads import FOREIGN, PAYLOADS

OpenPage = Callable[..., tuple[Any, Any]]


def crossed(page: Any, selector: str) -> list[str]:
    """Pairs of visible elements that lie on one another by more than a pixel or two."""
    return page.evaluate(
        """(selector) => {
            const visible = (element) => getComputedStyle(element).visibility !== "hidden";
            const overlap = (a, b) => a.left + 2 < b.right && b.left + 2 < a.right
                && a.top + 2 < b.bottom && b.top + 2 < a.bottom;
            const shown = [...document.querySelectorAll(selector)].filter(visible);
            const boxes = shown.map((e) => [e.className, e.getBoundingClientRect()]);
            return boxes.flatMap(([name, a], i) => boxes.slice(i + 1)
                .filter(([, b]) => overlap(a, b))
                .map(([other]) => `${name} | ${other}`));
        }""",
        selector,
    )


@pytest.fixture
def report(report_content: ReportContent, tmp_path: Path) -> Path:
    write_report(report_content, tmp_path / "report.html")
    return tmp_path / "report.html"


@pytest.fixture
def plan(plan_content: PlanContent, tmp_path: Path) -> Path:
    write_plan_page(plan_content, tmp_path / "plan.html")
    return tmp_path / "plan.html"


@pytest.mark.parametrize("options", [{}, {"color_scheme": "dark"}, {"viewport": {"width": 400, "height": 800}}])
def test_report_opens_without_a_network(report: Path, open_page: OpenPage, options: dict[str, Any]) -> None:
    page, seen = open_page(report, **options)
    page.locator("tbody tr").first.click()
    page.locator(".leaflet-control-zoom-out").click(click_count=4, delay=20)
    page.wait_for_timeout(400)
    assert (seen.requests, seen.errors, seen.dialogs) == ([], [], [])
    assert "18 people, 6 vehicles and 1 bicycle sighted, none confirmed yet" in page.inner_text("#headline")
    assert page.inner_text("#statement") == "Nothing counts as seen until an officer has confirmed it."
    assert "flat at take-off level" in page.inner_text("#notes")
    assert page.locator("#table-holder tbody tr").count() == 25


def test_everything_is_in_view_and_nothing_covers_a_name(report: Path, open_page: OpenPage) -> None:
    page, _ = open_page(report)
    page.wait_for_timeout(200)
    whole = page.locator("#map-side").bounding_box()
    icons = page.locator(".sighting-icon, .cluster-icon, .place").all()
    assert len(icons) >= 5
    for icon in icons:
        box = icon.bounding_box()
        assert whole["x"] <= box["x"]
        assert whole["y"] <= box["y"]
        assert box["x"] + box["width"] <= whole["x"] + whole["width"]
        assert box["y"] + box["height"] <= whole["y"] + whole["height"]
    assert crossed(page, ".place-label, .legend, .locator, .sighting-icon, .cluster-icon, .leaflet-control-zoom") == []


@pytest.mark.parametrize(
    ("width", "height", "name"),
    [
        (1280, 800, None),
        (1280, 800, "barrel-C"),
        (400, 800, None),
        (400, 800, "a-name-without-a-single-space-" * 3),
        (800, 400, "barrel-C"),
    ],
)
def test_nothing_runs_out_of_the_window(
    report_content: ReportContent, open_page: OpenPage, tmp_path: Path, width: int, height: int, name: str | None
) -> None:
    rows = [{**row, "object": name} for row in report_content.sightings.to_pylist()]
    write_report(replace(report_content, sightings=SIGHTINGS.from_rows(rows)), tmp_path / "report.html")
    page, _ = open_page(tmp_path / "report.html", viewport={"width": width, "height": height})
    page.locator("tbody tr").nth(2).click()
    for element in (
        "document.documentElement",
        "document.getElementById('panel')",
        "document.getElementById('details')",
    ):
        wide, room = page.evaluate(f"[{element}.scrollWidth, {element}.clientWidth]")
        assert wide <= room, element


def test_a_row_opens_its_sighting(report: Path, open_page: OpenPage, report_content: ReportContent) -> None:
    page, _ = open_page(report)
    row = report_content.sightings.to_pylist()[3]
    assert page.locator("#details").is_hidden()
    page.locator("tbody tr").nth(3).click()
    text = page.inner_text("#details")
    for part in ("4: person", "not reviewed", f"{round(row['confidence'] * 100)} %", "18:16:51", row["sighting_id"]):
        assert part in text
    assert f"{row['lat_deg']:.6f}° N, {row['lon_deg']:.6f}° E" in text
    assert page.locator("#details img").evaluate("image => image.complete && image.naturalWidth") == 160
    assert page.locator("path.chosen").count() == 1
    centre = page.evaluate("[map_picket.getCenter().lat, map_picket.getCenter().lng]")
    assert centre == pytest.approx([row["lat_deg"], row["lon_deg"]], abs=2e-6)
    assert page.locator("ellipse.ellipse").count() > 1
    page.keyboard.press("Escape")
    assert page.locator("#details").is_hidden()


def test_rows_and_symbols_work_from_the_keyboard(report: Path, open_page: OpenPage) -> None:
    page, _ = open_page(report)
    page.locator("tbody tr").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.inner_text("#details h2").startswith("2: vehicle")
    page.locator(".sighting-icon[title^='3:']").focus()
    page.keyboard.press("Enter")
    assert page.inner_text("#details h2").startswith("3: person")


def test_the_table_sorts_both_ways_and_keeps_unknown_last(
    report_content: ReportContent, open_page: OpenPage, tmp_path: Path
) -> None:
    rows = report_content.sightings.to_pylist()
    rows[5]["confidence"] = None
    write_report(replace(report_content, sightings=SIGHTINGS.from_rows(rows)), tmp_path / "report.html")
    page, _ = open_page(tmp_path / "report.html")
    head = page.locator("th", has_text="Conf.")

    def shown() -> list[str]:
        return page.locator("tbody tr td:nth-child(3)").evaluate_all(
            "cells => cells.slice(0, 25).map(c => c.textContent)"
        )

    known = sorted(round(row["confidence"] * 100) for row in rows if row["confidence"] is not None)
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert shown() == [f"{value} %" for value in reversed(known)] + ["–"]
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert shown() == [f"{value} %" for value in known] + ["–"]


def test_the_legend_hides_a_class(report: Path, open_page: OpenPage) -> None:
    page, _ = open_page(report)
    page.locator("tbody tr").nth(1).click()
    assert page.locator(".sighting-icon.class-vehicle").count() > 0
    page.locator(".legend-line", has_text="Vehicle").locator("input").uncheck()
    assert page.locator(".sighting-icon.class-vehicle").count() == 0
    assert page.locator(".sighting-icon.class-person").count() > 0


def test_verdicts_are_told_apart(report_content: ReportContent, open_page: OpenPage, tmp_path: Path) -> None:
    names = report_content.sightings.column("sighting_id").to_pylist()
    reviews = {names[0]: Verdict("confirmed"), names[1]: Verdict("rejected"), names[2]: Verdict("unsure")}
    judged = with_verdicts(report_content.sightings, reviews)
    write_report(replace(report_content, sightings=judged), tmp_path / "report.html")
    page, _ = open_page(tmp_path / "report.html")
    assert "1 confirmed, 1 unsure, 1 rejected, 22 not reviewed" in page.inner_text("#headline")
    page.locator("tbody tr").first.click()
    for verdict, count in (("confirmed", 1), ("rejected", 1), ("unsure", 1)):
        assert page.locator(f".sighting-icon.state-{verdict}").count() == count
    fills = [
        page.locator(f".sighting-icon.state-{state} svg").first.evaluate("e => getComputedStyle(e).fill")
        for state in ("confirmed", "not-reviewed")
    ]
    assert fills[0] != fills[1]


def test_text_from_outside_stays_text(report_content: ReportContent, open_page: OpenPage, tmp_path: Path) -> None:
    rows = (report_content.sightings.to_pylist() * 2)[: len(PAYLOADS)]
    rows = [{**row, "object": payload, "sighting_id": payload} for row, payload in zip(rows, PAYLOADS, strict=True)]
    names = pa.array(PAYLOADS)
    reviews = {"verdict": pa.array(["unsure"] * len(PAYLOADS)), "reviewed_utc": pa.nulls(len(PAYLOADS))}
    reviews |= dict.fromkeys(("reviewed_by", "review_note", "review_remark"), names)
    sightings = SIGHTINGS.from_rows(rows)
    for column in REVIEW_COLUMNS:
        sightings = sightings.append_column(column, reviews[column.name].cast(column.type))
    area = {
        "type": "FeatureCollection",
        "features": [
            {**feature, "properties": {**feature["properties"], "name": payload}}
            for feature, payload in zip(report_content.area["features"] * 10, PAYLOADS, strict=True)
        ],
    }
    content = replace(
        report_content,
        title=" ".join(PAYLOADS),
        sightings=sightings,
        tracks={payload: next(iter(report_content.tracks.values())) for payload in PAYLOADS[:3]},
        area=area,
        warning=" ".join(PAYLOADS),
        notes=PAYLOADS,
        facts={payload: payload for payload in PAYLOADS},
    )
    write_report(report_content, tmp_path / "plain.html")
    write_report(content, tmp_path / "report.html")
    plain, _ = open_page(tmp_path / "plain.html")
    page, seen = open_page(tmp_path / "report.html")
    assert page.locator("#table-holder tbody td:nth-child(3)").all_text_contents() == list(PAYLOADS)
    for index in range(0, len(PAYLOADS), 7):
        page.locator("tbody tr").nth(index).click()
        said = page.locator("#details dd").all_text_contents()
        assert said.count(PAYLOADS[index]) == 3  # note, remark and identifier
        assert f"by {PAYLOADS[index]}" in page.locator("#details .verdict").text_content()
        page.keyboard.press("Escape")
    page.fill(".find input", PAYLOADS[1])
    page.wait_for_timeout(300)
    assert (seen.requests, seen.errors, seen.dialogs) == ([], [], [])
    title = re.sub("[\x01-\x1f\x7f]", " ", " ".join(PAYLOADS)).replace("\0", "\ufffd")  # as browsers show it
    assert page.title().split() == title.split()
    assert page.locator("#notes li").all_text_contents()[: len(PAYLOADS)] == list(PAYLOADS)
    assert page.locator("#facts th").all_text_contents() == list(PAYLOADS)
    assert page.locator(FOREIGN).count() == plain.locator(FOREIGN).count()


def test_the_policy_is_a_second_wall(report: Path, browser: Any) -> None:
    asked: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: Any) -> None:
            """Nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            with browser.new_context() as context:
                page = context.new_page()
                page.goto(report.as_uri())
                page.evaluate(
                    """(host) => {
                        const made = document.createElement("script");
                        made.textContent = "window.ran = 'script'";
                        document.body.append(made);
                        document.body.insertAdjacentHTML("beforeend",
                            `<img src="data:," onerror="window.ran = 'handler'"><img src="${host}/image">`);
                    }""",
                    f"http://127.0.0.1:{server.server_port}",
                )
                tried = f"fetch('http://127.0.0.1:{server.server_port}/fetch').then(() => 'sent', () => 'refused')"
                assert page.evaluate(tried) == "refused"
                page.wait_for_timeout(300)
                assert page.evaluate("window.ran") is None
        finally:
            server.shutdown()
            thread.join()
    assert asked == []


def test_plan_page(plan: Path, open_page: OpenPage) -> None:
    page, seen = open_page(plan)
    page.wait_for_timeout(200)
    assert page.inner_text("#headline").startswith("2 sorties over 0.46 km²: 7.1 km, 16 min of flight, 319 photos")
    assert page.locator("path.layer-transect").count() == 11 + 1  # and one in the legend
    assert page.inner_text("#heights-title") == "Heights of sortie 1: 55 to 62 m above the ground, ceiling 120 m"
    assert page.get_attribute("svg.heights", "aria-label") == "Sortie 1: 55 to 62 m above the ground"
    page.locator("tbody tr").nth(1).click()
    assert page.inner_text("#heights-title").startswith("Heights of sortie 2: 60 to 60 m above the ground")
    assert page.locator("path.layer-transect.sortie-1.faded").count() == 6
    assert page.locator("path.layer-transect.sortie-2.faded").count() == 0
    page.locator("tbody tr").nth(1).click()
    assert page.locator("path.faded").count() == 0
    assert crossed(page, ".place-label, .legend, .locator, .place") == []
    assert (seen.requests, seen.errors, seen.dialogs) == ([], [], [])


def test_a_crowd_of_sightings_still_opens(report_content: ReportContent, open_page: OpenPage, tmp_path: Path) -> None:
    one = report_content.sightings.to_pylist()[0]
    rows = [
        {**one, "sighting_id": f"S-{k}", "lat_deg": 23.038 + (k % 71) * 5e-5, "lon_deg": 88.893 + (k // 71) * 5e-5}
        for k in range(5000)
    ]
    write_report(replace(report_content, sightings=SIGHTINGS.from_rows(rows)), tmp_path / "report.html")
    page, seen = open_page(tmp_path / "report.html")
    page.wait_for_timeout(300)
    assert page.locator(".sighting-icon, .cluster-icon").count() < 1500
    assert page.locator("tbody tr").count() < 400
    assert page.evaluate("performance.timing.loadEventEnd - performance.timing.navigationStart") < 10_000
    assert seen.errors == []


def test_an_empty_report_says_so(report_content: ReportContent, open_page: OpenPage, tmp_path: Path) -> None:
    content = ReportContent(title="nothing", sightings=SIGHTINGS.from_rows([]))
    write_report(content, tmp_path / "report.html")
    page, seen = open_page(tmp_path / "report.html")
    assert page.inner_text("#headline") == "1 sortie: no person or vehicle sighted"
    assert "does not mean that nobody was there" in page.inner_text("#notes")
    assert seen.errors == []
