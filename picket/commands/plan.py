"""`picket plan`: an area becomes a mission folder with flyable sorties."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from mapping.ground.camera import Camera, load_camera
from mapping.ground.elevation import ElevationModel
from mapping.maps.wording import area_text, counted
from missions.areas.read import read_area
from missions.drones import load_drone
from missions.errors import MissionError
from missions.plan import Plan, Position, Sortie
from missions.planning.energy import CALM, Wind
from missions.planning.imaging import CEILING_M
from missions.planning.planner import DEFAULT_FRONTLAP, DEFAULT_SIDELAP
from missions.planning.terrain import DEFAULT_TOLERANCE_M
from picket.folder import Mission
from picket.options import DEFAULT_CAMERA, DEFAULT_DRONE, ForceOption, JsonOption
from picket.output import notes, progress_bar, say, summarise
from picket.tasking import airspace_of, planned_among_zones, rest_of, terrain_of, tilted_camera
from picket.writing import write_mission
from vision.errors import InputError

_STRONGEST_WIND_M_S = 40.0


def plan(
    area: Annotated[
        Path | None,
        typer.Argument(
            metavar="AREA", help="The area to watch: GeoJSON, KML, KMZ, GeoPackage, Shapefile or QGroundControl .plan."
        ),
    ] = None,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MISSION", help="Mission folder to make.")],
    drone: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="Drone of the catalogue, or a TOML file.")
    ] = DEFAULT_DRONE,
    camera: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="Camera of the catalogue, or a file that describes one.")
    ] = DEFAULT_CAMERA,
    gsd: Annotated[
        float | None, typer.Option(metavar="CM", help="Ground sample distance wanted, cm per pixel.")
    ] = None,
    height: Annotated[
        float | None, typer.Option(metavar="M", help="Height above take-off, or above the ground with --terrain.")
    ] = None,
    pitch: Annotated[
        float | None, typer.Option(metavar="DEG", help="Where the camera looks: -90 straight down, -45 down ahead.")
    ] = None,
    see: Annotated[
        str | None, typer.Option(metavar="person|vehicle", help="Fly as high as lets the shipped detector see these.")
    ] = None,
    ceiling: Annotated[float, typer.Option(metavar="M", help="Never higher above the ground.")] = CEILING_M,
    terrain: Annotated[
        Path | None, typer.Option(metavar="DEM", help="GeoTIFF elevation model: heights follow the ground.")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(metavar="M", help="With --terrain: how far the height above ground may vary.")
    ] = DEFAULT_TOLERANCE_M,
    zones: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="UAS zones: ED-269, ED-318 or GeoJSON; repeatable.")
    ] = None,
    when: Annotated[
        str | None, typer.Option(metavar="TIME", help="Take-off, such as 2026-11-22T18:00Z: the hour zones count for.")
    ] = None,
    allow_zone: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="A zone you hold the authorisation for; repeatable.")
    ] = None,
    sidelap: Annotated[float, typer.Option(help="Overlap of neighbouring lines, 0 to 0.95.")] = DEFAULT_SIDELAP,
    frontlap: Annotated[float, typer.Option(help="Overlap of photos along a line, 0 to 0.95.")] = DEFAULT_FRONTLAP,
    angle: Annotated[str, typer.Option(metavar="DEG|auto", help="Direction of the lines from true north.")] = "auto",
    home: Annotated[str | None, typer.Option(metavar="LAT,LON", help="Take-off place, if the area names none.")] = None,
    wind: Annotated[
        str | None, typer.Option(metavar="SPEED,FROM", help="Wind to plan for, m/s and degrees it blows from.")
    ] = None,
    pattern: Annotated[str, typer.Option(metavar="survey|corridor", help="Cover the area, or follow the border.")] = (
        "survey"
    ),
    offset: Annotated[
        list[float] | None, typer.Option(metavar="M", help="A corridor's lane, metres from the border; repeatable.")
    ] = None,
    revisit: Annotated[
        float | None, typer.Option(metavar="MIN", help="Fly over and over; no point stays unseen longer than this.")
    ] = None,
    drones: Annotated[int | None, typer.Option(min=1, max=20, help="Drones that share the work.")] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="FLIGHT", help="Plan what this interrupted flight left, instead of AREA.")
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=ROLE", help="What a layer or feature of AREA is: patrol, border, no_fly, home, rally."
        ),
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Plan the sorties that watch AREA and write them as a mission folder."""
    given = dict(locals())
    started = time.monotonic()
    settings: dict[str, Any] = {
        "drone": drone,
        "camera": camera,
        "gsd_cm": gsd,
        "height_m": height,
        "see": see,
        "pitch_deg": pitch,
        "ceiling_m": ceiling,
        "terrain": None if terrain is None else terrain.name,
        "tolerance_m": tolerance if terrain else None,
        "zones": [path.name for path in zones or []] or None,
        "when": when,
        "allow_zones": allow_zone,
        "angle": angle,
        "home": home,
        "wind": wind,
        "pattern": pattern,
        "offsets_m": offset,
        "revisit_min": revisit,
        "drones": drones,
    }
    ground: ElevationModel | None = None
    tilted: Camera | None = None
    try:
        if resume is not None:
            if area is not None:
                raise InputError("AREA and --resume", "both are given; give the area to plan, or the flight to resume")
            _refuse_others(given)
            area, asked, made, settings = rest_of(resume)
        elif area is None:
            raise InputError("AREA", "missing; give the area to plan, or --resume FLIGHT")
        else:
            if terrain is None and tolerance != DEFAULT_TOLERANCE_M:
                raise InputError(
                    "--tolerance", "says how closely to follow --terrain, and there is none; give --terrain DEM"
                )
            asked = read_area(area, _roles(role or []))
            place = _position(home) if home else None
            ground = None if terrain is None else terrain_of(terrain, asked, place)
            tilted = tilted_camera(load_camera(camera), pitch)
            airspace = airspace_of(zones or [], when, allow_zone or [])
            with progress_bar("planning") as report:
                made = planned_among_zones(
                    asked,
                    airspace,
                    load_drone(drone),
                    tilted,
                    ground,
                    height_m=height,
                    gsd_cm=gsd,
                    see=see,
                    ceiling_m=ceiling,
                    tolerance_m=tolerance,
                    sidelap=sidelap,
                    frontlap=frontlap,
                    angle_deg=_angle(angle),
                    home=place,
                    wind=_wind(wind),
                    drones=drones,
                    lanes_m=_lanes(pattern, offset),
                    revisit_s=_revisit_s(revisit),
                    progress=report,
                )
    except (MissionError, InputError) as error:
        summarise(blocked_summary(str(error), time.monotonic() - started), as_json=as_json)
        raise
    write_mission(
        output, area, asked, made, settings, terrain=ground, camera=tilted if pitch is not None else None, force=force
    )
    notes(made.notes)
    _tell(made, output)
    summarise(summary_of(made, output, time.monotonic() - started), as_json=as_json)


def summary_of(made: Plan, output: Path, seconds: float) -> dict[str, Any]:
    """The JSON summary of a plan."""
    return {
        "mission": str(output),
        "flyable": True,
        "problems": [],
        "notes": list(made.notes),
        "area_m2": round(made.area_m2, 1),
        "coverage": round(made.coverage, 4),
        "gsd_cm": round(made.gsd_cm, 2),
        "height_agl_m": round(made.height_home_m, 1),
        "fence": {
            "vertices": made.fence.vertex_count,
            "min_clearance_m": round(made.fence.min_clearance_m, 2),
            "min_clearance_at": _lat_lon(made.fence.min_clearance_at),
        },
        "drones": made.drones,
        "revisit_min": None if made.revisit_s is None else round(made.revisit_s / 60, 1),
        "sorties": [
            {
                "number": sortie.number,
                "flight_time_s": round(sortie.flight_time_s, 1),
                "distance_m": round(sortie.distance_m, 1),
                "photos": sortie.photos,
                "battery_used_pct": round(sortie.battery_used_pct, 1),
                "drone": sortie.drone,
                "start_s": round(sortie.start_s, 1),
                "point_of_no_return": _no_return(sortie),
                "file": str(output / "plan" / f"sortie-{sortie.number:02d}.plan"),
            }
            for sortie in made.sorties
        ],
        "seconds": round(seconds, 2),
    }


def _lat_lon(place: Position | None) -> list[float] | None:
    return None if place is None else [place.lat_deg, place.lon_deg]


def _no_return(sortie: Sortie) -> dict[str, float] | None:
    point = sortie.point_of_no_return
    if point is None:
        return None
    return {
        "lat_deg": point.lat_deg,
        "lon_deg": point.lon_deg,
        "time_s": round(point.time_s, 1),
        "battery_needed_pct": round(point.battery_needed_pct, 1),
        "spare_s": round(point.spare_s, 1),
    }


def blocked_summary(problem: str, seconds: float) -> dict[str, Any]:
    """The JSON summary of what cannot be flown: the keys of a plan's, with nothing to fly."""
    return {
        "flyable": False,
        "problems": [problem],
        "notes": [],
        "area_m2": None,
        "coverage": 0.0,
        "gsd_cm": None,
        "height_agl_m": None,
        "fence": None,
        "sorties": [],
        "seconds": round(seconds, 2),
    }


def _tell(made: Plan, output: Path) -> None:
    photos = sum(sortie.photos for sortie in made.sorties)
    minutes = sum(sortie.flight_time_s for sortie in made.sorties) / 60
    say(
        f"{area_text(made.area_m2)} in {counted(len(made.sorties), 'sortie')}, {minutes:.0f} min in the air, "
        f"{counted(photos, 'photo')} "
        f"at {made.gsd_cm:.1f} cm/px from {made.height_home_m:.0f} m"
    )
    say(f"nearest to the fence: {made.fence.min_clearance_m:.1f} m")
    say(f"look at it: {Mission(output).plan_page}")


def _refuse_others(given: Mapping[str, Any]) -> None:
    """Raise InputError where an option is given that a flight's rest, planned as the flight was, cannot follow."""
    usual = {name: parameter.default for name, parameter in inspect.signature(plan).parameters.items()}
    heard = {"output", "resume", "force", "as_json"}
    others = [
        name.replace("_", "-") for name, value in given.items() if name not in heard and value and value != usual[name]
    ]
    if others:
        raise InputError(
            f"--{others[0]} and --resume", "the rest is planned as the flight was; leave it out, or plan the area anew"
        )


def _roles(texts: Sequence[str]) -> dict[str, str]:
    roles = {}
    for text in texts:
        name, equals, role = text.rpartition("=")
        if not (equals and name):
            raise InputError("--role", f'{text!r} is not NAME=ROLE such as "our post=home"')
        roles[name] = role.strip()
    return roles


def _angle(text: str) -> float | None:
    if text == "auto":
        return None
    try:
        degrees = float(text)
    except ValueError:
        degrees = math.nan
    if not math.isfinite(degrees):
        raise InputError("--angle", f"{text!r} is neither a number of degrees nor auto")
    return degrees % 180.0


def _wind(text: str | None) -> Wind:
    if text is None:
        return CALM
    try:
        speed_m_s, from_deg = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError("--wind", f"{text!r} is not SPEED,FROM such as 6,270 (6 m/s from the west)") from error
    if not (0.0 <= speed_m_s <= _STRONGEST_WIND_M_S and math.isfinite(from_deg)):
        raise InputError("--wind", f"{text!r}: give 0 to {_STRONGEST_WIND_M_S:.0f} m/s and degrees from true north")
    return Wind(speed_m_s, from_deg % 360.0)


def _lanes(pattern: str, offsets_m: list[float] | None) -> list[float] | None:
    if pattern not in ("survey", "corridor"):
        raise InputError("--pattern", f"{pattern!r} is no pattern; give survey or corridor")
    if pattern == "survey":
        if offsets_m:
            raise InputError("--offset", "is for --pattern corridor; leave it out, or ask for a corridor")
        return None
    return offsets_m or []


def _revisit_s(minutes: float | None) -> float | None:
    if minutes is None:
        return None
    if not (math.isfinite(minutes) and minutes > 0):
        raise InputError("--revisit", f"{minutes:g} is not a number of minutes; give one above 0")
    return 60.0 * minutes


def _position(text: str) -> Position:
    try:
        lat_deg, lon_deg = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError("--home", f"{text!r} is not LAT,LON such as 23.0412,88.8972") from error
    if not (abs(lat_deg) <= 90 and abs(lon_deg) <= 180):
        raise InputError("--home", f"{text!r} is no place on Earth: latitude first, then longitude")
    return Position(lat_deg, lon_deg)
