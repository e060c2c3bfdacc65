"""A realistic report and plan for the tests in a real browser."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import shapely

from mapping.ground.frame import LocalFrame
from mapping.ground.searched import Coverage, CoveragePiece
from mapping.maps import packaged
from mapping.maps.report import HeightLine, PlanContent, ReportContent, SortieRow
from mapping.maps.thumbnails import thumbnail
from mapping.tables import FRAMES, SIGHTINGS, TRACK

START = datetime(2026, 11, 22, 18, 15, tzinfo=UTC)
LAT_DEG, LON_DEG = 23.04, 88.895
FRAME = LocalFrame(LAT_DEG, LON_DEG)
AREA = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"role": role, "name": name},
            "geometry": {"type": kind, "coordinates": coordinates},
        }
        for role, name, kind, coordinates in (
            (
                "patrol",
                "North strip",
                "Polygon",
                [[[88.892, 23.037], [88.8985, 23.037], [88.8990, 23.0435], [88.8925, 23.043], [88.892, 23.037]]],
            ),
            ("border", "border line", "LineString", [[88.8910, 23.0365], [88.8912, 23.040], [88.8918, 23.0440]]),
            (
                "no_fly",
                "terminal",
                "Polygon",
                [[[88.8966, 23.0404], [88.8984, 23.0404], [88.8984, 23.0418], [88.8966, 23.0418], [88.8966, 23.0404]]],
            ),
            ("home", "customs post", "Point", [88.8972, 23.0378]),
            ("rally", "school field", "Point", [88.8940, 23.0426]),
        )
    ],
}


@pytest.fixture(scope="session")
def assets() -> Path:
    """The packaged map assets; skips where the package was put on the path without being built."""
    if not (packaged.ASSETS / "leaflet.js").is_file():
        pytest.skip("the map assets are not built (pip install -e . builds them)")
    return packaged.ASSETS


def example_sightings(generator: np.random.Generator, count: int = 25) -> pa.Table:
    rows = []
    for index in range(count):
        kind = "bicycle" if index == 7 else "vehicle" if index % 4 == 1 else "person"
        cluster = index // 5
        east, north = np.array([-150 + 90 * cluster, -220 + 110 * cluster]) + generator.normal(
            0, (15, 15, 60, 60, 60)[cluster % 5], 2
        )
        lat, lon = FRAME.to_geodetic(east, north)
        seen = START + timedelta(seconds=60 + 17.3 * index)
        major = float(generator.uniform(1.5, 3.0))
        frames = int(generator.integers(1, 6))
        rows.append(
            {
                "sighting_id": f"S-{index + 1:04d}",
                "class": kind,
                "object": None,
                "lat_deg": float(lat),
                "lon_deg": float(lon),
                "alt_amsl_m": 11.0,
                "ellipse_major_m": major,
                "ellipse_minor_m": major * 0.7,
                "ellipse_bearing_deg": float(generator.uniform(0, 180)),
                "ce90_m": major * 0.8,
                "confidence": float(generator.uniform(0.35, 0.95)),
                "first_seen_utc": seen,
                "last_seen_utc": seen + timedelta(seconds=1.4 * frames),
                "n_frames": frames,
                "speed_m_s": 1.3 if index == 2 else None,
                "heading_deg": 45.0 if index == 2 else None,
                "detection_ids": [f"IMG_{index:05d}-{k:03d}" for k in range(frames)],
            }
        )
    return SIGHTINGS.from_rows(rows)


def example_track() -> tuple[pa.Table, shapely.MultiPolygon, list[tuple[float, float]]]:
    """A lawn-mower track, the ground it looked at and where frames were taken."""
    lines = range(-250, 151, 50)
    corners = [(x, y) for k, x in enumerate(lines) for y in ((-280, 280) if k % 2 == 0 else (280, -280))]
    path = shapely.LineString([(225, -240), *corners, (225, -240)])
    points = [path.interpolate(d) for d in np.arange(0, path.length, 8.0)]
    lat, lon = FRAME.to_geodetic([p.x for p in points], [p.y for p in points])
    rows = [
        {
            "time_utc": START + timedelta(seconds=float(k)),
            "lat_deg": float(lat[k]),
            "lon_deg": float(lon[k]),
            "alt_amsl_m": 71.0,
            "alt_home_m": 60.0,
            "yaw_deg": 0.0,
            "pitch_deg": 0.0,
            "roll_deg": 0.0,
        }
        for k in range(len(points))
    ]
    strips = shapely.union_all([shapely.box(x - 16, -293, x + 16, 293) for x in lines])
    strips_deg = shapely.transform(strips, lambda p: np.column_stack(FRAME.to_geodetic(p[:, 0], p[:, 1])[::-1]))
    return TRACK.from_rows(rows), strips_deg, list(zip(lat[::2].tolist(), lon[::2].tolist(), strict=True))


def example_frames(places: list[tuple[float, float]]) -> pa.Table:
    return FRAMES.from_rows(
        {
            "frame_id": f"IMG_{k:05d}",
            "file": f"images/IMG_{k:05d}.jpg",
            "time_utc": START + timedelta(seconds=2.0 * k),
            "lat_deg": lat,
            "lon_deg": lon,
            **dict.fromkeys(("alt_amsl_m", "alt_home_m", "yaw_deg", "pitch_deg", "roll_deg"), 0.0),
            "camera": "boson640-14",
            **dict.fromkeys(("sigma_position_m", "sigma_height_m", "sigma_attitude_deg", "sigma_time_s"), 0.5),
        }
        for k, (lat, lon) in enumerate(places)
    )


@pytest.fixture
def report_content(assets: Path) -> ReportContent:
    """A night patrol as it might have been: 25 sightings, a lawn-mower track, an area."""
    generator = np.random.default_rng(4)
    sightings = example_sightings(generator)
    track, coverage, places = example_track()
    pictures = {}
    for name in sightings.column("sighting_id").to_pylist()[:-3]:
        image = generator.normal(70, 6, (512, 640, 1)).clip(0, 255).astype(np.uint8).repeat(3, axis=2)
        image[250:262, 320:326] = 235
        pictures[name] = thumbnail(image, (319.0, 249.0, 327.0, 263.0))
    return ReportContent(
        title="benapole-2026-11-22, flight 20261122T181500Z-01",
        sightings=sightings,
        frames=example_frames(places),
        tracks={"20261122T181500Z-01": track},
        area=AREA,
        coverage=Coverage((CoveragePiece(coverage, {"role": "searched"}),)),
        thumbnails=pictures,
        facts={
            "Flight": "20261122T181500Z-01, landed",
            "Drone": "Holybro X500 V2",
            "Camera": "FLIR Boson 640, 14 mm",
            "Height": "60 m above take-off",
            "Detector": "thermal.pt, sha-256 3f9a…",
        },
        notes=["The ground was taken as flat at take-off level."],
        made_utc=datetime(2026, 11, 22, 18, 40, tzinfo=UTC),
    )


@pytest.fixture
def plan_content(assets: Path) -> PlanContent:
    """Two sorties over the same area."""
    features = list(AREA["features"])

    def add(role: str, kind: str, points: list[tuple[float, float]], sortie: int | None = None) -> None:
        lat, lon = FRAME.to_geodetic([p[0] for p in points], [p[1] for p in points])
        pairs = [list(pair) for pair in zip(lon.tolist(), lat.tolist(), strict=True)]
        shape = [pairs] if kind == "Polygon" else pairs[0] if kind == "Point" else pairs
        features.append(
            {
                "type": "Feature",
                "properties": {"role": role, "sortie": sortie},
                "geometry": {"type": kind, "coordinates": shape},
            }
        )

    add("fence_inclusion", "Polygon", [(-340, -360), (430, -360), (460, 420), (-300, 380), (-340, -360)])
    previous = (225.0, -240.0)
    for k, x in enumerate(range(-250, 300, 50)):
        ends = [(x, -280.0), (x, 280.0)][:: 1 if k % 2 == 0 else -1]
        sortie = 1 if k < 6 else 2
        add("leg", "LineString", [previous, ends[0]], sortie)
        add("transect", "LineString", ends, sortie)
        previous = ends[1]
    return PlanContent(
        title="benapole-2026-11-22, plan",
        plan={"type": "FeatureCollection", "features": features},
        sorties=[SortieRow(1, 3900.0, 512.0, 174, 61.0), SortieRow(2, 3200.0, 430.0, 145, 52.0)],
        facts={
            "Drone": "Holybro X500 V2",
            "Camera": "FLIR Boson 640, 14 mm",
            "Height": "60 m above take-off",
            "Ground sample distance": "5.1 cm",
        },
        notes=["Heights are above the take-off point; the ground is taken as flat."],
        made_utc=datetime(2026, 11, 22, 17, 40, tzinfo=UTC),
        heights=[
            HeightLine(1, [0.0, 1950.0, 3900.0], [0.0, 20.0, 0.0], [60.0, 75.0, 62.0]),
            HeightLine(2, [0.0, 3200.0], [0.0, 0.0], [60.0, 60.0]),
        ],
        ceiling_m=120.0,
        photographed=shapely.box(*FRAME.to_geodetic(-300, -300)[::-1], *FRAME.to_geodetic(300, 300)[::-1]),
    )
