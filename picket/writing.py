"""Writes the mission folder of a plan: what was asked, the area, the plan in every format and its page. Making the
plan is `picket.tasking`'s subject, what a mission folder is `picket.folder`'s."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import shapely
import tomli_w

from mapping.ground.camera import Camera, describe_camera
from mapping.ground.camera import catalogue as camera_catalogue
from mapping.ground.terrain import FlatGround, Terrain
from mapping.maps.report import HeightLine, PlanContent, SortieRow, write_plan_page
from missions.areas.area import Area
from missions.areas.read import read_area
from missions.drones import catalogue as drone_catalogue
from missions.formats import area_geojson, keyhole, plan_geojson, qgc, waypoints
from missions.plan import Plan, Position
from missions.planning.coverage import imaged_polygon
from missions.planning.pictures_over_hills import Sight
from missions.planning.terrain import way_over_ground
from picket.folder import SETTINGS_FILE, Mission, write_settings
from picket.replacing import new_folder
from vision.files import read_json, write_whole

OF_A_PLAN = (SETTINGS_FILE, "area.geojson", "plan", "drone.*", "camera.*")
"""What a plan made anew replaces. All else stays where it is: what was flown, found and said of it."""
_CAMERA_FILE = "camera.toml"
_SORTIES_DRAWN = 99
"""Of more sorties the page shows no heights and no footprints: nobody looks at them one by one."""


def write_mission(
    output: Path,
    area_file: Path,
    area: Area,
    made: Plan,
    asked: Mapping[str, Any] = MappingProxyType({}),
    *,
    terrain: Terrain | None = None,
    camera: Camera | None = None,
    force: bool = False,
) -> Mission:
    """Write the mission folder: settings, the area as read, the plan in every format, its page with the heights over
    `terrain`. Nothing remains of it if one part fails; with `force` an earlier plan is replaced, while its flights,
    their results and the reviews stay where they are, in use or not.

    `asked` are the options given; those left out are written with the values the plan has. Files that describe a
    drone or a camera are copied into the folder; `camera` is written there where it is neither the catalogue's nor a
    file's. Raises InputError where `output` already holds something.
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
    replacing = force and Mission(output).settings_file.is_file()
    with new_folder(output, replace=replacing, known_by=SETTINGS_FILE, gives_way=OF_A_PLAN) as folder:
        mission = Mission(folder)
        for option, known in (("drone", drone_catalogue()), ("camera", camera_catalogue())):
            described = Path(settings[option])
            if settings[option] not in known and described.is_file():
                settings[f"{option}_file"] = f"{option}{described.suffix}"
                shutil.copyfile(described, folder / settings[f"{option}_file"])
                settings[option] = described.name  # where it lay is nobody's business
        if camera is not None:
            settings["camera_file"] = _CAMERA_FILE
            write_whole(folder / _CAMERA_FILE, tomli_w.dumps(describe_camera(camera)))
        write_settings(mission.settings_file, settings)
        if _kept_as_drawn(area_file, area):
            shutil.copyfile(area_file, mission.area)
            mission.area.chmod(0o644)
        else:
            write_whole(mission.area, area_geojson.text_of(area))
        mission.plan.parent.mkdir()
        plan_geojson.write_plan(made, mission.plan)
        for sortie in made.sorties:
            stem = mission.plan.parent / f"sortie-{sortie.number:02d}"
            qgc.write_plan(made, sortie, stem.with_suffix(".plan"))
            waypoints.write_waypoints(made, sortie, stem.with_suffix(".waypoints"))
        for suffix in (".kml", ".kmz"):
            keyhole.write_plan(made, mission.plan.parent / f"plan{suffix}")
        _write_page(made, mission, terrain, settings.get("ceiling_m"))
    return Mission(output)


def _kept_as_drawn(area_file: Path, area: Area) -> bool:
    """Whether the file is GeoJSON in degrees that says by itself what was understood, to everybody who reads it, with
    nothing mended: then it is kept with the names people gave."""
    if area_file.suffix.lower() not in (".geojson", ".json") or area.notes:
        return False
    drawn = read_json(area_file, "an area")
    strict = shapely.from_geojson(json.dumps(drawn), on_invalid="ignore")
    return "crs" not in drawn and strict is not None and read_area(area_file) == area


def _write_page(made: Plan, mission: Mission, terrain: Terrain | None, ceiling_m: float | None) -> None:
    """The plan's page, `plan/plan.html`."""
    shown = made.sorties[:_SORTIES_DRAWN]
    ways = [(sortie, way_over_ground(made, sortie, terrain or FlatGround())) for sortie in shown if sortie.waypoints]
    hills = None if terrain is None else Sight(mission.camera(), terrain)
    content = PlanContent(
        title=made.name,
        plan=read_json(mission.plan, "a plan"),
        sorties=[
            SortieRow(
                item.number,
                item.distance_m,
                item.flight_time_s,
                item.photos,
                item.battery_used_pct,
                item.drone if made.drones > 1 else None,
                item.start_s,
            )
            for item in made.sorties
        ],
        area=read_json(mission.area, "an area"),
        facts={
            "Drone": made.drone,
            "Camera": made.camera,
            "Height": f"{made.height_home_m:.0f} m above "
            + ("take-off" if made.return_height_home_m is None else "the ground"),
            "Ground sample distance": f"{made.gsd_cm:.1f} cm/px",
            "Photographed": f"{made.coverage:.1%} of the area",
            "Fence": f"{made.fence.vertex_count} vertices, ceiling {made.fence.alt_max_home_m:.0f} m",
            "Nearest to the fence": f"{made.fence.min_clearance_m:.1f} m" + _at(made.fence.min_clearance_at),
        },
        notes=made.notes,
        photographed=shapely.union_all([imaged_polygon(made, sortie.number, hills) for sortie in shown]),
        heights=[
            HeightLine(sortie.number, way.distance_m.tolist(), way.ground_home_m.tolist(), way.flight_home_m.tolist())
            for sortie, way in ways
        ],
        ceiling_m=ceiling_m,
    )
    write_plan_page(content, mission.plan_page)


def _at(place: Position | None) -> str:
    return "" if place is None else f", at {place.lat_deg:.5f}, {place.lon_deg:.5f}"
