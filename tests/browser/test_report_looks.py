"""How a report reads: contrast by day and by night, names for screen readers, the keyboard, what is filtered, the 180th
meridian, and what lies under the map."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from mapping.maps.background import Background, read_background
from mapping.maps.report import ReportContent, ground_of, write_report
from mapping.maps.verdicts import Verdict, with_verdicts
from mapping.tables import FRAMES, SIGHTINGS, TRACK

OpenPage = Callable[..., tuple[Any, Any]]
# The contrast of every text with what is behind it, by WCAG 2.2 (1.4.3): 4.5, or 3 for large text.
CONTRAST = """() => {
    const parse = (text) => {
        const found = /^rgba?\\(([^)]+)\\)$/.exec(text);
        return found ? found[1].split(",").map(Number) : null;
    };
    const linear = (v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    const light = ([r, g, b]) => [r, g, b].map(linear)
        .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
    const behind = (element) => {
        for (let one = element; one; one = one.parentElement) {
            const colour = parse(getComputedStyle(one).backgroundColor);
            if (colour && (colour.length < 4 || colour[3] > 0.99)) return colour;
        }
        return [255, 255, 255];
    };
    const found = [];
    for (const element of document.querySelectorAll("body *")) {
        const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
        const box = element.getBoundingClientRect();
        if (!own || box.width < 2) continue;
        if (element.closest("svg, script, noscript, .graticule-label, .crowded")) continue;
        const style = getComputedStyle(element);
        const colour = parse(style.color);
        if (!colour || style.visibility === "hidden") continue;
        const [a, b] = [light(colour), light(behind(element))].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        if (ratio >= (large ? 3 : 4.5)) continue;
        found.push(`${element.tagName} ${element.className} ${element.textContent.slice(0, 30)} ${ratio.toFixed(2)}`);
    }
    return found;
}"""


@pytest.fixture
def judged(report_content: ReportContent) -> ReportContent:
    names = report_content.sightings["sighting_id"].to_pylist()
    words = ("confirmed", "rejected", "unsure", "confirmed")
    verdicts = {name: Verdict(word, "A. Rahman", note="twice") for name, word in zip(names, words, strict=False)}
    return replace(report_content, sightings=with_verdicts(report_content.sightings, verdicts), warning="Old.")


def opened(content: ReportContent, open_page: OpenPage, tmp_path: Path, **options: Any) -> tuple[Any, Any]:
    write_report(content, tmp_path / "report.html")
    return open_page(tmp_path / "report.html", **options)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out(judged: ReportContent, open_page: OpenPage, tmp_path: Path, scheme: str) -> None:
    page, _ = opened(judged, open_page, tmp_path, color_scheme=scheme)
    page.locator("tbody tr").nth(1).click()
    assert page.evaluate(CONTRAST) == []


def test_everything_has_a_name(judged: ReportContent, open_page: OpenPage, tmp_path: Path) -> None:
    page, _ = opened(judged, open_page, tmp_path)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, a[href], input, [tabindex='0']")].filter((one) =>
            !(one.getAttribute("aria-label") || one.title || one.alt || one.textContent.trim()
              || (one.labels && one.labels.length))).map((one) => one.outerHTML.slice(0, 80))"""
    )
    assert nameless == []
    assert page.locator("table.sortable caption").text_content().startswith("Sightings")
    assert page.locator("table.sortable thead th:not([scope=col])").count() == 0
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "panel"


def test_review_and_words_filter_map_and_table(judged: ReportContent, open_page: OpenPage, tmp_path: Path) -> None:
    page, _ = opened(judged, open_page, tmp_path)
    page.locator(".legend-line", has_text="Not reviewed").locator("input").uncheck()
    assert page.locator("#table-holder tbody tr").count() == 4
    assert page.inner_text("#announcement") == "Sightings (4 of 25 shown)"
    shown = "[...document.querySelectorAll('.cluster-icon b')].reduce((sum, b) => sum + Number(b.dataset.count), 0)"
    assert page.evaluate(f"{shown} + document.querySelectorAll('.sighting-icon').length") == 4
    page.fill(".find input", "unsure")
    page.get_by_text("Sightings (1 of 25 shown)").first.wait_for()
    assert page.locator("#table-holder tbody tr").count() == 1
    page.locator("tbody tr").first.click()
    assert "A. Rahman" in page.inner_text("#details .verdict")


def test_of_a_long_table_only_what_is_seen_exists(judged: ReportContent, open_page: OpenPage, tmp_path: Path) -> None:
    rows = [{**judged.sightings.to_pylist()[5], "sighting_id": f"S-{k:05d}"} for k in range(20_000)]
    for number, row in enumerate(rows):
        row["lat_deg"] += (number % 141) * 1e-5
        row["confidence"] = number / 20_000
    sightings = SIGHTINGS.from_rows([{name: row[name] for name in SIGHTINGS.columns.names} for row in rows])
    page, seen = opened(replace(judged, sightings=sightings, thumbnails={}), open_page, tmp_path)
    assert page.locator("#table-holder tbody tr").count() < 400
    assert page.get_attribute("#table-holder table", "aria-rowcount") == "20001"
    assert page.locator(".sighting-icon, .cluster-icon").count() < 600
    page.locator("th", has_text="Conf.").locator("button").click()
    page.locator("#table-holder tbody tr").first.focus()
    assert page.locator("#table-holder tbody tr").first.inner_text().count("100 %") == 1
    page.keyboard.press("End")
    last = page.evaluate("document.activeElement.firstElementChild.textContent")
    assert int(last) < 100
    page.keyboard.press("Enter")
    assert page.inner_text("#details h2").startswith(f"{last}:")
    assert seen.errors == []
    assert (tmp_path / "report.html").stat().st_size < 20_000 * 120 + 700_000


def test_over_the_180th_meridian_it_is_one_place(judged: ReportContent, open_page: OpenPage, tmp_path: Path) -> None:
    turn = 180.0 - 88.8953

    def turned(table: pa.Table, schema: Any) -> pa.Table:
        rows = [{name: row[name] for name in schema.columns.names} for row in table.to_pylist()]
        return schema.from_rows([{**row, "lon_deg": (row["lon_deg"] + turn + 180) % 360 - 180} for row in rows])

    content = replace(
        judged,
        sightings=turned(judged.sightings, SIGHTINGS),
        frames=turned(judged.frames, FRAMES),
        tracks={name: turned(track, TRACK) for name, track in judged.tracks.items()},
        area=None,
        coverage=None,
    )
    longitudes = content.sightings["lon_deg"].to_pylist()
    assert min(longitudes) < 0 < max(longitudes)
    page, seen = opened(content, open_page, tmp_path)
    assert page.evaluate("map_picket.getZoom()") > 14
    assert page.evaluate("document.querySelector('path.layer-track').getBoundingClientRect().width") < 700
    page.locator("tbody tr").nth(longitudes.index(min(longitudes))).click()
    assert "° W" in page.inner_text("#details")
    assert seen.errors == []


def test_an_image_lies_under_the_map(judged: ReportContent, open_page: OpenPage, tmp_path: Path) -> None:
    data = cv2.imencode(".webp", np.full((64, 64, 3), 120, np.uint8))[1].tobytes()
    background = Background("image", data, "image/webp", ground_of(judged), "<b>.tif", "The background is <b>.tif.")
    page, seen = opened(replace(judged, background=background), open_page, tmp_path)
    image = page.locator(".leaflet-background-pane img")
    assert image.evaluate("one => one.complete && one.naturalWidth") == 64
    assert image.bounding_box()["width"] > 300
    page.locator(".legend-line", has_text="Background: <b>.tif").locator("input").uncheck()
    assert image.count() == 0
    assert "The background is <b>.tif." in page.inner_text("#notes")
    assert (seen.requests, seen.errors) == ([], [])


def test_vector_tiles_are_drawn_from_the_page_itself(
    judged: ReportContent, open_page: OpenPage, tmp_path: Path
) -> None:
    with (tmp_path / "map.pmtiles").open("wb") as file:
        writer = Writer(file)
        for zoom in range(5):
            for number in range(4**zoom):
                tile = zxy_to_tileid(zoom, number % 2**zoom, number // 2**zoom)
                writer.write_tile(tile, gzip.compress(b""))
        place = {"min_lon_e7": -1_800_000_000, "min_lat_e7": -850_000_000, "max_lon_e7": 1_800_000_000}
        place |= {"max_lat_e7": 850_000_000, "center_lon_e7": 0, "center_lat_e7": 0, "center_zoom": 0}
        writer.finalize({**place, "tile_type": TileType.MVT, "tile_compression": Compression.GZIP}, {})
    background = read_background(tmp_path / "map.pmtiles", ground_of(judged))
    page, seen = opened(replace(judged, background=background), open_page, tmp_path)
    page.wait_for_selector(".leaflet-background-pane canvas.leaflet-tile-loaded")
    assert (seen.requests, seen.errors) == ([], [])
