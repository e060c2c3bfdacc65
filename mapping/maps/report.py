"""The two pages Picket makes: a flight's report for the officer and a plan's page for officer and pilot.

Each is one HTML file that opens without internet. This module gathers what a page says; what lies on its map is
`layers.py`'s subject, its words are `wording.py`'s, how it becomes one safe file is `page.py`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import folium
import numpy as np
import pyarrow as pa
import shapely
from shapely.geometry.base import BaseGeometry

from mapping.ground.frame import longitudes_near
from mapping.ground.searched import Coverage
from mapping.maps import layers, wording
from mapping.maps.background import Background
from mapping.maps.page import render_page
from mapping.maps.sightings import PagedSightings, floats, paged_sightings
from mapping.maps.tracks import height_scale, replay, scale_json, track_features
from vision.files import write_whole

OUTLINE_NOTE = (
    "The country outlines (Natural Earth, 1 : 110 million) only show where in the world this is; they are kilometres "
    "off and say nothing about where a border runs."
)
ELLIPSE_NOTE = (
    "Each ellipse holds the true place 95 times in 100, as far as the stated errors of position and attitude are right."
)
NO_MAP_NOTE = (
    "Not one frame has a position, so there is no map: bring the images in again with the flight's telemetry, or with "
    "images that carry GPS. One person may be in several of these pictures."
)
FLOWN = ("searched", "searched_vehicle", "searched_none", "imaged", "track", "frames")
"""The roles that show where the drone has been."""
HEIGHT_SAMPLES = 300
EMPTY_NOTE = "Nothing sighted does not mean that nobody was there: cover, distance and warm ground hide people."


@dataclass(frozen=True)
class ReportContent:
    """What a report shows. Tables have the schemas of `mapping.tables`; `area` and `plan` are GeoJSON collections whose
    features carry a `role`; `coverage` is what was looked at and the gaps, `tracks` stand by the flight's name;
    `thumbnails` are JPEGs by sighting id; `facts` are shown as a small table, `notes` as sentences, `warning` where
    nobody can miss it; `background` lies under everything. Sightings may have the columns of `verdicts.py`. `basis`
    names what all this was read from; `basis.basis_of_page` reads it again."""

    title: str
    sightings: pa.Table
    frames: pa.Table | None = None
    tracks: Mapping[str, pa.Table] = field(default_factory=dict)
    area: Mapping[str, Any] | None = None
    plan: Mapping[str, Any] | None = None
    coverage: Coverage | None = None
    thumbnails: Mapping[str, bytes] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    warning: str = ""
    background: Background | None = None
    sorties: int = 1
    made_utc: datetime | None = None
    basis: str = ""


@dataclass(frozen=True)
class PicturesContent:
    """What there is to show of frames without a position: boxes (vision.table.DETECTIONS) with their pictures, no map;
    `thumbnails` are JPEGs by detection id."""

    title: str
    boxes: pa.Table
    frames: pa.Table
    thumbnails: Mapping[str, bytes] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    made_utc: datetime | None = None
    basis: str = ""


@dataclass(frozen=True)
class SortieRow:
    """One sortie as a plan page lists it; `battery_used_pct` is the share of the whole battery. Where several drones
    share the work, `drone` says which flies it and `start_s` when, after the first take-off of all."""

    number: int
    distance_m: float
    flight_time_s: float
    photos: int
    battery_used_pct: float
    drone: int | None = None
    start_s: float = 0.0


@dataclass(frozen=True)
class HeightLine:
    """The heights of one sortie along its way, in metres: distance from home, the ground and the flight above take-off,
    each the same number of samples."""

    number: int
    distance_m: Sequence[float]
    ground_m: Sequence[float]
    flight_m: Sequence[float]


@dataclass(frozen=True)
class PlanContent:
    """What a plan page shows; `plan` is a GeoJSON collection with roles (`area` adds what the plan leaves out).
    `photographed` is the ground in the footprints of all photos (longitude, latitude), `heights` a line for each
    sortie, `ceiling_m` the most above the ground."""

    title: str
    plan: Mapping[str, Any]
    sorties: Sequence[SortieRow]
    area: Mapping[str, Any] | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    made_utc: datetime | None = None
    photographed: BaseGeometry | None = None
    heights: Sequence[HeightLine] = ()
    ceiling_m: float | None = None


def write_report(content: ReportContent, path: Path) -> None:
    """Write the report as one HTML file, whole or not at all. Raises MappingError where the packaged map assets are
    missing, VisionError where the file cannot be written, ValueError on a verdict that is none."""
    features, left_out = layers.plan_and_area(content.area, content.plan)
    around = _around_lon(content, features)
    features = layers.features_near(features, around)
    coverage = content.coverage and content.coverage.near(around)
    if coverage is not None:
        features |= layers.ground_features(coverage)
    scale = height_scale(content.tracks)
    features["track"] = [line for track in content.tracks.values() for line in track_features(track, scale, around)]
    features["frames"] = layers.frame_features(content.frames, around)
    shown = paged_sightings(content.sightings, content.thumbnails, around)
    flown = [item.geometry for role in FLOWN for item in features.get(role, [])]
    places = list(zip(shown.lon_deg.tolist(), shown.lat_deg.tolist(), strict=True))
    data = {
        "kind": "report",
        "headline": wording.report_headline(
            content.sorties,
            _looked_at(coverage, layers.patrol_area(features)),
            len(features.get("gap", [])),
            shown.classes,
            shown.verdicts,
        ),
        "statement": wording.REPORT_STATEMENT,
        "warning": content.warning,
        "replay": replay(content.tracks, around),
        "heights": scale_json(scale),
        "sightings": shown.table,
        "background": content.background and content.background.to_json(around),
        "notes": [*content.notes, *_own_notes(content, shown, left_out)],
    }
    _write(
        data,
        content.title,
        content.facts,
        features,
        (flown, places),
        content.made_utc,
        path,
        pictures=shown.pictures,
        basis=content.basis,
    )


def ground_of(content: ReportContent) -> layers.Bounds:
    """(west, south, east, north) in degrees of all a report shows; west and east are in one piece over the 180th
    meridian."""
    features, _ = layers.plan_and_area(content.area, content.plan)
    around = _around_lon(content, features)
    tables = [content.sightings, *content.tracks.values(), *([content.frames] if content.frames is not None else [])]
    places = [
        place
        for table in tables
        for place in zip(
            longitudes_near(floats(table, "lon_deg"), around).tolist(), floats(table, "lat_deg").tolist(), strict=True
        )
    ]
    near = layers.features_near(features, around)
    geometries = [item.geometry for role, items in near.items() if role not in layers.ZONE_ROLES for item in items]
    return layers.extent(geometries, places) or layers.WORLD


def _around_lon(content: ReportContent, features: layers.Features) -> float:
    """The longitude about which everything of a report lies."""
    tables = [content.sightings, *content.tracks.values(), *([content.frames] if content.frames is not None else [])]
    geometries = [item.geometry for items in features.values() for item in items]
    return layers.around_lon(
        [*(floats(table, "lon_deg") for table in tables), *(shapely.get_coordinates(one)[:, 0] for one in geometries)]
    )


def write_pictures_page(content: PicturesContent, path: Path) -> None:
    """Write a page of what was found in frames that have no position, as one HTML file. Raises MappingError where the
    packaged map assets are missing, VisionError where the file cannot be written."""
    rows = layers.box_rows(content.boxes, content.frames, content.thumbnails)
    data = {
        "kind": "pictures",
        "headline": wording.pictures_headline(content.frames.num_rows, [row[1] for row in rows]),
        "statement": wording.REPORT_STATEMENT,
        "boxes": {"columns": layers.BOX_COLUMNS, "rows": rows},
        "notes": [*content.notes, NO_MAP_NOTE],
    }
    _write(data, content.title, content.facts, {}, ([], []), content.made_utc, path, basis=content.basis)


def write_plan_page(content: PlanContent, path: Path) -> None:
    """Write the plan's page as one HTML file, whole or not at all. Raises MappingError where the packaged map assets
    are missing, VisionError where the file cannot be written."""
    features, left_out = layers.plan_and_area(content.area, content.plan)
    if content.photographed is not None:
        features["photographed"] = [layers.Feature(content.photographed)]
    patrol = layers.patrol_area(features)
    data = {
        "kind": "plan",
        "headline": wording.plan_headline(
            len(content.sorties),
            layers.area_m2(patrol) if patrol is not None else None,
            sum(row.distance_m for row in content.sorties),
            sum(row.flight_time_s for row in content.sorties),
            sum(row.photos for row in content.sorties),
            max((row.battery_used_pct for row in content.sorties), default=0.0),
        ),
        "statement": wording.PLAN_STATEMENT,
        "sorties": [
            {
                "number": row.number,
                "drone": None if row.drone is None else [row.drone, str(row.drone)],
                "start": [row.start_s, f"+{row.start_s / 60:.0f} min"],
                "distance": [row.distance_m, wording.distance_text(row.distance_m)],
                "time": [row.flight_time_s, wording.duration_text(row.flight_time_s)],
                "photos": [row.photos, f"{row.photos:,}"],
                "battery": [row.battery_used_pct, f"{row.battery_used_pct:.0f} %"],
            }
            for row in content.sorties
        ],
        "heights": [_height_line(line) for line in content.heights],
        "ceiling": content.ceiling_m,
        "notes": [*content.notes, *_left_out_note(left_out)],
    }
    _write(data, content.title, content.facts, features, ([], []), content.made_utc, path)


def _height_line(line: HeightLine) -> dict[str, Any]:
    """A height line thinned to what a picture of a few hundred pixels can show, its extremes kept."""
    above = np.asarray(line.flight_m) - np.asarray(line.ground_m)
    every = np.unique(np.linspace(0, len(above) - 1, min(len(above), HEIGHT_SAMPLES)).round().astype(int))
    kept = np.unique([*every, int(above.argmin()), int(above.argmax())])
    columns = {"distance": line.distance_m, "ground": line.ground_m, "flight": line.flight_m}
    return {
        "number": line.number,
        "above": f"{above.min():.0f} to {above.max():.0f} m above the ground",
        **{name: [round(float(values[k]), 1) for k in kept] for name, values in columns.items()},
    }


def _write(
    data: dict[str, Any],
    title: str,
    facts: Mapping[str, str],
    features: layers.Features,
    fit: tuple[Sequence[BaseGeometry], Sequence[tuple[float, float]]],
    made_utc: datetime | None,
    path: Path,
    pictures: Sequence[str | None] = (),
    basis: str = "",
) -> None:
    """Put together what both pages share and write the page. `fit` is what the map has to show first of all."""
    everything = [item.geometry for role, items in features.items() if role not in layers.ZONE_ROLES for item in items]
    west, south, east, north = layers.view(layers.extent(*fit), layers.extent(everything, fit[1]))
    made = made_utc or datetime.now(UTC)
    page = {
        **data,
        "title": title,
        "bounds": [[south, west], [north, east]],
        "layers": layers.layers_json(features, plan_page=data["kind"] == "plan"),
        "facts": [[str(key), str(value)] for key, value in facts.items()],
        "notes": data["notes"] if data["kind"] == "pictures" else [*data["notes"], OUTLINE_NOTE],
        "made": f"Made {made:%Y-%m-%d %H:%M} UTC by Picket {_version()} (folium {folium.__version__}, Leaflet ",
    }
    write_whole(path, render_page(title, ((south + north) / 2, (west + east) / 2), page, pictures, basis))


def _looked_at(coverage: Coverage | None, patrol: BaseGeometry | None) -> wording.LookedAt | None:
    """How much ground was looked at, and what of it lies in the area; None where that is not known."""
    if coverage is None:
        return None
    sound = shapely.make_valid(coverage.searched)
    if patrol is None:
        return wording.LookedAt(layers.area_m2(sound))
    inside_m2 = layers.area_m2(_polygons(shapely.intersection(sound, patrol)))
    return wording.LookedAt(layers.area_m2(sound), inside_m2, layers.area_m2(patrol))


def _polygons(geometry: BaseGeometry) -> BaseGeometry:
    """The polygons of a geometry, without the lines and points an intersection may leave."""
    parts = shapely.get_parts(geometry)
    return shapely.union_all([part for part in parts if part.geom_type in ("Polygon", "MultiPolygon")])


def _own_notes(content: ReportContent, shown: PagedSightings, left_out: int) -> list[str]:
    """What the page itself has to admit."""
    notes = [ELLIPSE_NOTE] if len(shown) else [EMPTY_NOTE]
    without_place = content.sightings.num_rows - len(shown)
    if without_place:
        notes.append(
            f"{wording.counted(without_place, 'sighting')} could not be placed and cannot be shown on the map."
        )
    without_picture = sum(picture is None for picture in shown.pictures)
    if without_picture:
        verb = "has" if without_picture == 1 else "have"
        notes.append(
            f"{without_picture:,} of {wording.counted(len(shown), 'sighting')} {verb} no picture here: their frame "
            "could not be read, or the page's share for pictures was used up (the most confident come first)."
        )
    if content.background is not None:
        notes.append(content.background.note)
    if content.frames is not None:
        unknown = content.frames.column("lat_deg").null_count
        if unknown:
            notes.append(
                f"{unknown} of {wording.counted(content.frames.num_rows, 'frame')} have no known position; what they "
                "show is not on this map."
            )
    return [*notes, *_left_out_note(left_out)]


def _left_out_note(left_out: int) -> list[str]:
    return (
        [f"{wording.counted(left_out, 'feature')} of the area or plan have no role this page draws."]
        if left_out
        else []
    )


def _version() -> str:
    try:
        return metadata.version("picket")
    except metadata.PackageNotFoundError:
        return "(version unknown)"
