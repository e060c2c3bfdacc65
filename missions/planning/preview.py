"""A quick look at a plan while somebody still draws: the lines, what they photograph, and about how long it takes.

One layout instead of many, straight ways instead of a fence with its proof: milliseconds instead of seconds, and so
never to be flown. The plan itself is `planner`'s.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from shapely.geometry import MultiLineString, MultiPolygon

from mapping.ground.camera import Camera
from missions.areas.area import Area
from missions.drones import Drone
from missions.errors import NotFlyableError
from missions.plan import Position
from missions.planning.energy import CALM, Wind
from missions.planning.imaging import CEILING_M, DEFAULT_FRONTLAP, DEFAULT_SIDELAP, plan_imaging
from missions.planning.layouts import quick_layout
from missions.planning.local import to_lonlat
from missions.planning.order import lines_of, ordered
from missions.planning.pictures import strips
from missions.planning.routing import Router
from missions.planning.setting import set_out
from missions.planning.solution import HOME
from missions.planning.sorties import Draft, Planner
from missions.planning.survey import photo_count

IS_PREVIEW = (
    "A preview: one direction tried, straight ways, no fence and no proof. The plan itself is usually a little shorter."
)


@dataclass(frozen=True)
class Preview:
    """What a plan would be about, shapes in longitude and latitude: `transects` where photos are taken, `ways` one line
    a sortie from home to home, `strips` the ground in the pictures of each transect (in the order of `transects`).
    `flight_time_s` and `photos` are of all sorties together, each of which takes one of the `batteries`. `problems` say
    in a sentence why it cannot be planned; then there may be less to draw, or nothing."""

    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    home: Position | None = None
    transects: MultiLineString = field(default_factory=MultiLineString)
    ways: MultiLineString = field(default_factory=MultiLineString)
    strips: MultiPolygon = field(default_factory=MultiPolygon)
    angle_deg: float | None = None
    height_m: float | None = None
    gsd_cm: float | None = None
    area_m2: float | None = None
    flight_time_s: float = 0.0
    distance_m: float = 0.0
    photos: int = 0
    batteries: int = 0
    seconds: float = 0.0

    @property
    def flyable(self) -> bool:
        """Whether nothing found so far speaks against it."""
        return not self.problems


def preview(
    area: Area,
    drone: Drone,
    camera: Camera,
    *,
    height_m: float | None = None,
    gsd_cm: float | None = None,
    see: str | None = None,
    ceiling_m: float = CEILING_M,
    sidelap: float = DEFAULT_SIDELAP,
    frontlap: float = DEFAULT_FRONTLAP,
    angle_deg: float | None = None,
    home: Position | None = None,
    wind: Wind = CALM,
    lanes_m: Sequence[float] | None = None,
) -> Preview:
    """A preview of `planner.make_plan` with the same options. What cannot be flown is a preview that says why; options
    that mean nothing raise InputError."""
    started = time.monotonic()
    try:
        imaging = plan_imaging(
            drone,
            camera,
            height_m=height_m,
            gsd_cm=gsd_cm,
            see=see,
            sidelap=sidelap,
            frontlap=frontlap,
            ceiling_m=ceiling_m,
        )
        setting = set_out(area, drone, imaging, home=home, wind=wind, lanes_m=lanes_m)
    except NotFlyableError as error:
        return Preview(problems=(str(error),), seconds=time.monotonic() - started)
    site, region = setting.site, setting.region
    layout = setting.corridor if region is None else quick_layout(site, region, angle_deg)
    bounds = shapely.total_bounds([setting.patrol, HOME])
    free = Router(shapely.box(*(bounds + np.array([-5_000.0, -5_000.0, 5_000.0, 5_000.0]))))
    planner = Planner(drone, imaging, free, (0.0, 0.0), wind)
    lines = [line for cell in layout.cells for line in cell]
    if not layout.in_order:
        lines = lines_of(layout.cells, ordered(layout.cells, free, planner.home, round_trip=False, thorough=False))
    if imaging.ahead_m:
        lines = [line.moved(-imaging.ahead_m, -imaging.ahead_m) for line in lines]
    drafts: list[Draft] = []
    problems: tuple[str, ...] = ()
    try:
        drafts = planner.sorties(planner.tour(lines)) if lines else []
    except NotFlyableError as error:
        problems = (str(error),)
    if not lines:
        problems = ("the patrol area is too small for a single transect; draw it larger",)
    flown = np.array([[d.points[k], d.points[k + 1]] for d in drafts for k in sorted(d.imaging)])
    if not drafts:
        flown = np.array([[line.start, line.end] for line in lines]).reshape(-1, 2, 2)
    ways = MultiLineString([draft.points for draft in drafts])
    shown = strips(flown, imaging.trigger_distance_m, imaging.footprint)
    lengths = np.hypot(*(flown[:, 1] - flown[:, 0]).T)
    return Preview(
        problems=problems,
        notes=(*setting.notes, IS_PREVIEW),
        home=setting.origin,
        transects=to_lonlat(MultiLineString(list(flown)), setting.origin),
        ways=to_lonlat(ways, setting.origin),
        strips=to_lonlat(MultiPolygon(list(shown)), setting.origin),
        angle_deg=layout.angle_deg,
        height_m=imaging.height_home_m,
        gsd_cm=100.0 * imaging.gsd_m,
        area_m2=float(setting.patrol.area),
        flight_time_s=sum(planner.cost(draft).time_s for draft in drafts),
        distance_m=float(ways.length),
        photos=sum(photo_count(float(length), imaging.trigger_distance_m) for length in lengths),
        batteries=len(drafts),
        seconds=time.monotonic() - started,
    )
