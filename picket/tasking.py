"""What `picket plan` plans: an area among the zones in force and over its hills, or what a flight left of its mission.
The options' words are the command's subject, the planning itself that of `missions`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mapping.ground.camera import Camera
from mapping.ground.elevation import ElevationModel
from mapping.ground.terrain import read_terrain
from mapping.maps.wording import counted
from missions.areas.area import Area
from missions.areas.read import read_area
from missions.drones import Drone
from missions.errors import NotFlyableError
from missions.flying.campaign import to_fly
from missions.formats import plan_geojson
from missions.plan import Plan, Position
from missions.planning.fence import CEILING_MARGIN_M
from missions.planning.imaging import plan_imaging
from missions.planning.planner import make_plan
from missions.planning.rest import plan_of_rest
from missions.planning.terrain import Relief, ground_amsl_m
from missions.zones.avoid import Airspace, plan_among_zones
from missions.zones.conflict import Band
from missions.zones.read import read_zones
from picket.flights import plan_sha256
from picket.folder import described, open_flight
from picket.output import notes
from vision.errors import InputError

HEIGHT_ERROR_M = 5.0
"""How far a barometer may let a drone sink below the height it was asked for."""


def planned_among_zones(
    area: Area,
    airspace: Airspace,
    drone: Drone,
    camera: Camera,
    terrain: ElevationModel | None,
    *,
    height_m: float | None,
    gsd_cm: float | None,
    see: str | None,
    ceiling_m: float,
    tolerance_m: float,
    home: Position | None,
    **wanted: Any,
) -> Plan:
    """The plan of an area among the zones in force, over the ground of the elevation model if there is one."""
    heights: dict[str, Any] = {"height_m": height_m, "gsd_cm": gsd_cm, "see": see, "ceiling_m": ceiling_m}
    relief = None if terrain is None else Relief(terrain, tolerance_m, ceiling_m)

    def planned(open_area: Area) -> Plan:
        return make_plan(open_area, drone, camera, home=home, relief=relief, **heights, **wanted)

    if not airspace.zones:
        return planned(area)
    height = plan_imaging(drone, camera, **heights).height_home_m
    lowest_m = height - 2.0 * tolerance_m if relief else height - HEIGHT_ERROR_M
    band = Band(lowest_m, height + CEILING_MARGIN_M, ground_amsl_m(area, relief.terrain) if relief else None)
    return plan_among_zones(airspace, area, band, home, planned, datetime.now(UTC))


def tilted_camera(camera: Camera, pitch_deg: float | None) -> Camera:
    """The camera looking where `pitch_deg` says, or as it is mounted. Raises InputError for what is no such angle."""
    if pitch_deg is None:
        return camera
    if not -90.0 <= pitch_deg <= 0.0:
        raise InputError("--pitch", f"{pitch_deg:g} is no angle below the horizon; give -90 (straight down) to 0")
    return replace(camera, mount_pitch_deg=pitch_deg)


def terrain_of(path: Path, area: Area, home: Position | None) -> ElevationModel:
    """The elevation model round an area and its home. Raises InputError where the file is none."""
    west, south, east, north = area.patrol.bounds
    places = [(south, west), (north, east), *((p.lat_deg, p.lon_deg) for p in (home, area.home) if p is not None)]
    return read_terrain(path, around=([lat for lat, _ in places], [lon for _, lon in places]))


def airspace_of(files: Sequence[Path], when: str | None, allowed: Sequence[str]) -> Airspace:
    """The zones of `files`, the take-off time that `when` says, and the zones allowed. Raises InputError for a time
    that is none or names no offset, and where there are no zones to say it of."""
    start = None
    if when is not None:
        try:
            start = datetime.fromisoformat(when)
        except ValueError as error:
            raise InputError("--when", f"{when!r} is not a time such as 2026-11-22T18:00Z") from error
        if start.tzinfo is None:
            raise InputError("--when", f"{when!r} names no offset from UTC; write {when}Z, or {when}+01:00 for example")
    if not files and (when is not None or allowed):
        raise InputError("--when and --allow-zone", "say something of zones, and there are none; give --zones FILE")
    read = [read_zones(path) for path in files]
    notes([note for one in read for note in one.notes])
    return Airspace(tuple(zone for one in read for zone in one.zones), start, frozenset(allowed))


def rest_of(folder: Path) -> tuple[Path, Area, Plan, dict[str, Any]]:
    """The area, the plan and the settings of a flight's mission, with only those sorties left that are not done."""
    flight = open_flight(folder)
    mission = flight.mission
    if mission is None:
        raise InputError(folder, "was recorded elsewhere and belongs to no mission; plan its area anew")
    made = plan_geojson.read_plan(mission.plan)
    records = [flown.facts() for flown in mission.flights() if flown.left_the_ground()]
    if flight.facts().get("plan_sha256") != plan_sha256(mission):
        raise InputError(folder, f"was flown by an earlier plan than the one in {mission.plan}; plan the area anew")
    left = to_fly(made, plan_sha256(mission), records)
    if not left:
        raise NotFlyableError("nothing is left to fly: every sortie of this mission was flown to its end")
    sorties = tuple(replace(task.sortie, number=number) for number, task in enumerate(left, 1))
    resumed = sum(bool(task.resumes) for task in left)
    note = f"Of {counted(len(made.sorties), 'sortie')} {len(left)} {'is' if len(left) == 1 else 'are'} left."
    if resumed:
        note += f" {resumed} cut short in flight go on a photo before the last one taken."
    rest = plan_of_rest(replace(made, notes=(*made.notes, note)), sorties)
    settings = {**mission.settings(), "resumes": flight.root.name}
    for what in ("drone", "camera"):
        settings[what] = described(mission.root, settings, what)
        settings.pop(f"{what}_file", None)
    return mission.area, read_area(mission.area, {}), rest, settings
