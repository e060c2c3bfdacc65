"""The values planning and flying share: positions, waypoints, sorties, the fence and the plan that holds them.

Values only. How a plan is made is in `missions.planning`, how it becomes MAVLink items in `missions.items`, how it is
written to files in `missions.formats`. Every height here is above the take-off point (`_home`), every position WGS 84.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

CameraChange = Literal["on", "off"]


@dataclass(frozen=True)
class Position:
    """A place on the ground, WGS 84, in degrees."""

    lat_deg: float
    lon_deg: float


Ring = tuple[Position, ...]
"""A closed line without the repetition of its first position at the end."""

PolygonRings = tuple[Ring, ...]
"""A polygon: its outer ring first, then its holes."""


@dataclass(frozen=True)
class Footprint:
    """The ground one picture shows, in metres from the place under the drone: from `near_m` to `far_m` ahead (negative:
    behind), so wide at the one and at the other. A camera that looks straight down has a rectangle round the drone."""

    near_m: float
    far_m: float
    near_width_m: float
    far_width_m: float

    @property
    def corners(self) -> tuple[tuple[float, float], ...]:
        """Metres ahead and to the right: near left, far left, far right, near right."""
        near, far = self.near_width_m / 2.0, self.far_width_m / 2.0
        return ((self.near_m, -near), (self.far_m, -far), (self.far_m, far), (self.near_m, near))

    @property
    def is_rectangle(self) -> bool:
        """Whether it is as wide near as far."""
        return abs(self.far_width_m - self.near_width_m) < 1e-6

    @property
    def rectangle_m(self) -> tuple[float, float]:
        """Width and length of the largest rectangle in it that reaches to its far edge."""
        length = self.far_m - self.near_m
        opening = (self.far_width_m - self.near_width_m) / length
        if opening <= 0.0:
            return min(self.near_width_m, self.far_width_m), length
        cut = min(max(0.0, length / 2.0 - self.near_width_m / (2.0 * opening)), length)
        return self.near_width_m + opening * cut, length - cut

    def scaled(self, factor: float) -> Footprint:
        """The footprint from so many times the height."""
        return Footprint(*(factor * value for value in (self.near_m, self.far_m, self.near_width_m, self.far_width_m)))


@dataclass(frozen=True)
class Waypoint:
    """A place to fly to. `camera` is the change made on reaching it: start triggering, stop triggering, or none."""

    lat_deg: float
    lon_deg: float
    alt_home_m: float
    camera: CameraChange | None = None

    @property
    def position(self) -> Position:
        """The place on the ground under this waypoint."""
        return Position(self.lat_deg, self.lon_deg)


@dataclass(frozen=True)
class PointOfNoReturn:
    """The place on a sortie where turning home at once leaves least in the battery.

    `time_s` after take-off it is reached; the way straight home from it and the landing take `return_s`;
    `battery_needed_pct` is what the battery has to hold there to come home with the reserve, `spare_s` how long the
    drone could stay before it has to go.
    """

    lat_deg: float
    lon_deg: float
    time_s: float
    return_s: float
    battery_needed_pct: float
    spare_s: float


@dataclass(frozen=True)
class Sortie:
    """One take-off to one landing on one battery.

    Take-off is at the plan's home, straight up to the height of the first waypoint. The last waypoint is above home
    again; landing is straight down from it. `distance_m` is the way flown at height, `flight_time_s` counts climb,
    turns and descent too. `photos` is the number of camera triggers to expect. `battery_used_pct` is the share of the
    full battery used at landing. `speed_m_s` is flown while the camera triggers and on short links between transects;
    `transit_speed_m_s` on the way out, the way home and long links (None: the same). `drone` is which of the plan's
    drones flies it, `start_s` when it may take off, seconds after the first of all does.
    """

    number: int
    waypoints: tuple[Waypoint, ...]
    speed_m_s: float
    trigger_distance_m: float
    distance_m: float
    flight_time_s: float
    photos: int
    battery_used_pct: float
    transit_speed_m_s: float | None = None
    drone: int = 1
    start_s: float = 0.0
    point_of_no_return: PointOfNoReturn | None = None


@dataclass(frozen=True)
class Fence:
    """What the autopilot itself enforces: stay inside every inclusion, outside every exclusion and below the ceiling.

    Rings do not repeat their first position. `min_clearance_m` is the smallest distance of any flown leg, home or
    rally point from the edge of this fence, as measured by the proof in `missions.planning.proof`, which found it at
    `min_clearance_at`; `clearance_m` is what it had to be at least.
    """

    inclusion: tuple[Ring, ...]
    exclusion: tuple[Ring, ...]
    alt_max_home_m: float
    min_clearance_m: float
    clearance_m: float = 8.0
    min_clearance_at: Position | None = None

    @property
    def vertex_count(self) -> int:
        """Number of vertices of all polygons together: what an autopilot has to store."""
        return sum(len(ring) for ring in (*self.inclusion, *self.exclusion))


ZoneWay = Literal["closed", "beneath", "open"]


@dataclass(frozen=True)
class AirZone:
    """A zone of the airspace near a plan, for people to see: what it is called, its ground, what it asks and its
    heights in words, and what that means for these flights. They keep out of a `closed` one, fly over one that lies
    `beneath` but do not take off or land in it, and fly in an `open` one; `why` in words, empty where that is plain."""

    title: str
    rings: PolygonRings
    asks: str
    heights: str
    way: ZoneWay
    why: str = ""

    @property
    def limits(self) -> str:
        """What it asks and where, and why it is open or closed, as half a sentence."""
        return f"{self.asks} {self.heights}" + (f"; {self.why}" if self.why and self.why != self.asks else "")


@dataclass(frozen=True)
class Plan:
    """The flyable answer to an area: sorties, fence and rally points, with what was asked and what it yields.

    `patrol`, `border` and `no_fly` repeat the area so that a plan can be shown by itself; `zones` are those of the
    airspace near it. `coverage` is the fraction of
    the patrol area inside the footprints of all photos. `angle_deg` is the direction of most transects, clockwise from
    true north, 0 to 180. `wind_from_deg` is where the wind it was planned for blows from. `revisit_s` is the longest
    that a point of the area stays unseen where the plan is flown over and over. `height_home_m` is above take-off, or,
    where the plan follows hills, above the ground below; `return_height_home_m` is then the height above take-off of
    the way home. `return_most_home_m` is the greatest that every way home may have under the ceiling that was asked
    for (None: not known). A camera that looks ahead shows the quadrilateral `footprint` (then `footprint_along_m` and
    `footprint_across_m` are of the rectangle in it that overlaps are reckoned with); `gimbal_pitch_deg` is where a
    gimbal is turned to on the way out. `notes` are sentences for the person who asked: what was mended, dropped or
    lowered.
    """

    name: str
    home: Position
    rally: tuple[Position, ...]
    sorties: tuple[Sortie, ...]
    fence: Fence
    drone: str
    camera: str
    height_home_m: float
    gsd_cm: float
    sidelap: float
    frontlap: float
    angle_deg: float
    line_spacing_m: float
    trigger_distance_m: float
    footprint_across_m: float
    footprint_along_m: float
    speed_m_s: float
    area_m2: float
    coverage: float
    patrol: tuple[PolygonRings, ...]
    border: tuple[tuple[Position, ...], ...] = ()
    no_fly: tuple[PolygonRings, ...] = ()
    notes: tuple[str, ...] = ()
    pattern: Literal["survey", "corridor"] = "survey"
    wind_speed_m_s: float = 0.0
    wind_from_deg: float = 0.0
    drones: int = 1
    revisit_s: float | None = None
    return_height_home_m: float | None = None
    return_most_home_m: float | None = None
    footprint: Footprint | None = None
    gimbal_pitch_deg: float | None = None
    zones: tuple[AirZone, ...] = ()

    @property
    def closed(self) -> tuple[PolygonRings, ...]:
        """The ground that the plan keeps out of: no-fly zones as drawn, and the airspace's zones closed to it."""
        return (*self.no_fly, *(zone.rings for zone in self.zones if zone.way == "closed"))

    @property
    def pictured(self) -> Footprint:
        """The ground one picture shows."""
        along, across = self.footprint_along_m, self.footprint_across_m
        return self.footprint or Footprint(-along / 2.0, along / 2.0, across, across)

    @property
    def way_home_m(self) -> float:
        """The height above take-off that the way home has at least."""
        return self.height_home_m if self.return_height_home_m is None else self.return_height_home_m

    def sortie(self, number: int) -> Sortie:
        """The sortie with this number; KeyError if the plan has none."""
        for sortie in self.sorties:
            if sortie.number == number:
                return sortie
        raise KeyError(f"plan {self.name} has sorties 1 to {len(self.sorties)}, not {number}")


@dataclass(frozen=True)
class Leg:
    """A straight piece of a sortie between two places at height; `imaging` is true where the camera is triggering."""

    start: Position
    end: Position
    imaging: bool


def legs(plan: Plan, sortie: Sortie) -> Iterator[Leg]:
    """The legs of a sortie in the order flown, from above home through every waypoint, without those of no length."""
    here, imaging = plan.home, False
    for waypoint in sortie.waypoints:
        if waypoint.position != here:
            yield Leg(here, waypoint.position, imaging)
        here = waypoint.position
        if waypoint.camera is not None:
            imaging = waypoint.camera == "on"
