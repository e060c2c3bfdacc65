"""`picket plan`: an area becomes a mission folder with flyable sorties."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from mapping.ground.camera import catalogue as camera_catalogue
from mapping.ground.camera import load_camera
from mapping.maps.report import PlanContent, SortieRow, write_plan_page
from mapping.maps.wording import area_text, counted
from missions.areas.area import Area
from missions.areas.read import read_area
from missions.drones import catalogue as drone_catalogue
from missions.drones import load_drone
from missions.formats import area_geojson, plan_geojson, qgc, waypoints
from missions.plan import Plan, Position
from missions.planning.planner import DEFAULT_FRONTLAP, DEFAULT_SIDELAP, make_plan
from picket.folder import SETTINGS_FILE, Mission, new_folder, write_settings
from picket.options import ForceOption, JsonOption
from picket.output import notes, say, summarise
from vision.errors import InputError
from vision.files import read_json, write_whole

DEFAULT_DRONE = "x500"
DEFAULT_CAMERA = "boson640-14"


def plan(
    area: Annotated[
        Path,
        typer.Argument(
            metavar="AREA", help="The area to watch: GeoJSON, KML, KMZ, GeoPackage, Shapefile or QGroundControl .plan."
        ),
    ],
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
    height: Annotated[float | None, typer.Option(metavar="M", help="Height above take-off, instead of --gsd.")] = None,
    sidelap: Annotated[float, typer.Option(help="Overlap of neighbouring lines, 0 to 0.95.")] = DEFAULT_SIDELAP,
    frontlap: Annotated[float, typer.Option(help="Overlap of photos along a line, 0 to 0.95.")] = DEFAULT_FRONTLAP,
    angle: Annotated[str, typer.Option(metavar="DEG|auto", help="Direction of the lines from true north.")] = "auto",
    home: Annotated[str | None, typer.Option(metavar="LAT,LON", help="Take-off place, if the area names none.")] = None,
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
    started = time.monotonic()
    asked = read_area(area, _roles(role or []))
    made = make_plan(
        asked,
        load_drone(drone),
        load_camera(camera),
        height_m=height,
        gsd_cm=gsd,
        sidelap=sidelap,
        frontlap=frontlap,
        angle_deg=_angle(angle),
        home=_position(home) if home else None,
    )
    settings = {"gsd_cm": gsd, "height_m": height, "angle": angle, "home": home}
    write_mission(output, area, asked, made, {"drone": drone, "camera": camera, **settings}, force=force)
    notes(made.notes)
    _tell(made, output)
    summarise(summary_of(made, output, time.monotonic() - started), as_json=as_json)


def write_mission(
    output: Path,
    area_file: Path,
    area: Area,
    made: Plan,
    asked: Mapping[str, Any] = MappingProxyType({}),
    *,
    force: bool = False,
) -> Mission:
    """Write the mission folder: settings, the area as read, the plan in every format. Nothing remains of it if one
    part fails; with `force` an earlier plan is replaced and its flights are kept.

    `asked` are the options given; those left out are written with the values the plan has. Files that describe a
    drone or a camera are copied into the folder. Raises InputError where `output` already holds something.
    """
    settings = {
        "area": area_file.name,
        "drone": made.drone,
        "camera": made.camera,
        "sidelap": made.sidelap,
        "frontlap": made.frontlap,
        "angle": "auto",
        "height_home_m": round(made.height_home_m, 2),
        "picket": version("picket"),
        **asked,
    }
    replace = force and Mission(output).settings_file.is_file()
    with new_folder(output, replace=replace, keep=("flights", "picket.db"), known_by=SETTINGS_FILE) as folder:
        mission = Mission(folder)
        for option, known in (("drone", drone_catalogue()), ("camera", camera_catalogue())):
            described = Path(settings[option])
            if settings[option] not in known and described.is_file():
                settings[f"{option}_file"] = f"{option}{described.suffix}"
                shutil.copyfile(described, folder / settings[f"{option}_file"])
        write_settings(mission.settings_file, settings)
        write_whole(mission.area, area_geojson.text_of(area))
        mission.plan.parent.mkdir()
        plan_geojson.write_plan(made, mission.plan)
        for sortie in made.sorties:
            stem = mission.plan.parent / f"sortie-{sortie.number:02d}"
            qgc.write_plan(made, sortie, stem.with_suffix(".plan"))
            waypoints.write_waypoints(made, sortie, stem.with_suffix(".waypoints"))
        _write_page(made, mission)
    return Mission(output)


def _write_page(made: Plan, mission: Mission) -> None:
    """The plan's page, `plan/plan.html`."""
    content = PlanContent(
        title=made.name,
        plan=read_json(mission.plan, "a plan"),
        sorties=[
            SortieRow(item.number, item.distance_m, item.flight_time_s, item.photos, item.battery_used_pct)
            for item in made.sorties
        ],
        area=read_json(mission.area, "an area"),
        facts={
            "Drone": made.drone,
            "Camera": made.camera,
            "Height": f"{made.height_home_m:.0f} m above take-off",
            "Ground sample distance": f"{made.gsd_cm:.1f} cm/px",
            "Photographed": f"{made.coverage:.1%} of the area",
            "Fence": f"{made.fence.vertex_count} vertices, ceiling {made.fence.alt_max_home_m:.0f} m",
            "Nearest to the fence": f"{made.fence.min_clearance_m:.1f} m",
        },
        notes=made.notes,
    )
    write_plan_page(content, mission.plan_page)


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
        },
        "sorties": [
            {
                "number": sortie.number,
                "flight_time_s": round(sortie.flight_time_s, 1),
                "distance_m": round(sortie.distance_m, 1),
                "photos": sortie.photos,
                "battery_used_pct": round(sortie.battery_used_pct, 1),
                "file": str(output / "plan" / f"sortie-{sortie.number:02d}.plan"),
            }
            for sortie in made.sorties
        ],
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
        return float(text) % 180.0
    except ValueError as error:
        raise InputError("--angle", f"{text!r} is neither a number of degrees nor auto") from error


def _position(text: str) -> Position:
    try:
        lat_deg, lon_deg = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError("--home", f"{text!r} is not LAT,LON such as 23.0412,88.8972") from error
    if not (abs(lat_deg) <= 90 and abs(lon_deg) <= 180):
        raise InputError("--home", f"{text!r} is no place on Earth: latitude first, then longitude")
    return Position(lat_deg, lon_deg)
