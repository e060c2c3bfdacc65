"""A plan as GeoJSON: features that any map shows, and the exact plan beside them, to be read back.

Features carry a `role` (patrol, border, no_fly, home, rally, fence_inclusion, fence_exclusion, transect, leg, and
zone_closed, zone_beneath or zone_open of the airspace with their `name` and `limits`) and, where they are flown, their
`sortie`. The plan itself is the foreign member `picket` (RFC 7946, 6.1); editing a feature
on a map does not change it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from shapely.geometry import LineString, Polygon, mapping
from shapely.geometry.polygon import orient

from missions.formats.plan_check import check_plan
from missions.plan import Plan, PolygonRings, Position, legs
from vision.errors import InputError
from vision.files import read_json, write_whole

VERSION = 1
_WHAT = "the plan.geojson that `picket plan` wrote"
_PLAN = TypeAdapter(Plan)


def text_of(plan: Plan) -> str:
    """The plan as the text of a GeoJSON file; the same plan gives the same text."""
    content = {
        "type": "FeatureCollection",
        "name": plan.name,
        "features": list(_features(plan)),
        "picket": {"version": VERSION, "plan": _PLAN.dump_python(plan, mode="json")},
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_plan(plan: Plan, path: str | Path) -> None:
    """Write the plan as GeoJSON, whole or not at all."""
    write_whole(path, text_of(plan))


def read_plan(path: str | Path) -> Plan:
    """The plan exactly as it was written. Raises InputError for a file that holds none, or one that no plan can be,
    naming the value at fault."""
    path = Path(path)
    member = read_json(path, _WHAT).get("picket")
    if not isinstance(member, dict) or "plan" not in member:
        raise InputError(path, f"GeoJSON without a plan in it; give {_WHAT}")
    if member.get("version") != VERSION:
        raise InputError(path, f"version {member.get('version')!r} is not {VERSION}; plan again", "picket")
    try:
        plan = _PLAN.validate_json(json.dumps(member["plan"]), strict=True)  # "NaN" in quotes is no number
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(["picket", "plan", *(str(part) for part in first["loc"])])
        raise InputError(path, f"{first['msg']}; plan again", place) from error
    check_plan(plan, path)
    return plan


def _features(plan: Plan) -> Iterator[dict[str, Any]]:
    for rings in plan.patrol:
        yield _feature(_polygon(rings), role="patrol")
    for line in plan.border:
        yield _feature(_line(line), role="border")
    for rings in plan.no_fly:
        yield _feature(_polygon(rings), role="no_fly")
    for zone in plan.zones:
        yield _feature(_polygon(zone.rings), role=f"zone_{zone.way}", name=zone.title, limits=zone.limits)
    for ring in plan.fence.inclusion:
        yield _feature(_polygon((ring,)), role="fence_inclusion", alt_max_home_m=plan.fence.alt_max_home_m)
    for ring in plan.fence.exclusion:
        yield _feature(_polygon((ring,)), role="fence_exclusion")
    for sortie in plan.sorties:
        for imaging, run in groupby(legs(plan, sortie), key=lambda leg: leg.imaging):
            pieces = list(run)
            role = "transect" if imaging else "leg"
            # Transects that meet end to end stay one feature each; legs between them are drawn as one line.
            lines = [[leg.start, leg.end] for leg in pieces]
            if not imaging:
                lines = [[pieces[0].start, *(leg.end for leg in pieces)]]
            for places in lines:
                yield _feature(_line(places), role=role, sortie=sortie.number)
    yield _feature(_point(plan.home), role="home")
    for place in plan.rally:
        yield _feature(_point(place), role="rally")


def _feature(geometry: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def _point(place: Position) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [place.lon_deg, place.lat_deg]}


def _line(places: Sequence[Position]) -> dict[str, Any]:
    return _geometry(LineString(_lon_lat(places)))


def _polygon(rings: PolygonRings) -> dict[str, Any]:
    shell, *holes = [_lon_lat(ring) for ring in rings]
    return _geometry(orient(Polygon(shell, holes)))


def _geometry(geometry: LineString | Polygon) -> dict[str, Any]:
    described: dict[str, Any] = mapping(geometry)
    return described


def _lon_lat(places: Iterable[Position]) -> list[tuple[float, float]]:
    return [(place.lon_deg, place.lat_deg) for place in places]
