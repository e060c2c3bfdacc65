"""How far along its route a flying sortie is, for the person who watches. Values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyproj import Geod

from missions import items as commands
from missions.flying.protocol import MissionType
from missions.items import MissionItem
from missions.plan import Position

_WGS84 = Geod(ellps="WGS84")


@dataclass(frozen=True)
class FlightStatus:
    """What is known of a flight at one moment. `progress` runs from 0 to 1 along the route; positions and heights are
    None until heard, `battery_pct` where the vehicle does not measure it. `message` is the vehicle's last word,
    `alerts` the faults that still hold, the latest first. `battery_expected_pct` is what the plan would have left by
    now, `photos_missing` counts the gaps in the numbers of the photos heard of."""

    progress: float
    mode: str
    armed: bool
    position: Position | None
    height_home_m: float | None
    speed_m_s: float | None
    battery_pct: int | None
    photos_taken: int
    photos_expected: int
    flown_s: float
    message: str
    alerts: tuple[str, ...] = ()
    battery_expected_pct: float | None = None
    photos_missing: int = 0
    wind_m_s: float | None = None
    from_home_m: float | None = None


@dataclass(frozen=True)
class Signs:
    """What else tells a fault, at the same moment: seconds are the vehicle's, but for `silence_s`. `gps_fix` and
    `wind_m_s` are None until heard, `breach` (the kind) is while the vehicle is inside its fence. `unphotographed_m` is
    the way flown without a photo where photos are due (None: none are due). What others changed: `changed_lists` (the
    first difference of each, in words), `parameter_changes` (in words), `home_moved_m` from where it was at the
    take-off."""

    vehicle_s: float
    silence_s: float
    line_open: bool
    restarts: int
    breach: int | None
    gps_fix: int | None
    wind_m_s: float | None
    unphotographed_m: float | None
    changed_lists: Mapping[MissionType, str]
    parameter_changes: tuple[str, ...]
    home_moved_m: float
    photos_missing: tuple[int, ...]
    way_home_m: float


def distance_m(a: Position, b: Position) -> float:
    """Length of the geodesic on WGS 84 between two places, in metres."""
    return float(_WGS84.inv(a.lon_deg, a.lat_deg, b.lon_deg, b.lat_deg)[2])


class RouteProgress:
    """Turns the item a vehicle is flying to, and where it is, into the fraction of the way it has behind it."""

    def __init__(self, home: Position, items: Sequence[MissionItem]) -> None:
        """`items` are those of the sortie as stored on the vehicle, item 0 being home."""
        places = {
            sequence: Position(item.lat_deg, item.lon_deg)
            for sequence, item in enumerate(items)
            if sequence and item.command == commands.NAV_WAYPOINT
        }
        self._targets: list[Position] = []
        """For each item, the place the vehicle flies to while that item is the current one."""
        self._left_m: list[float] = []
        """For each item, the way from that place to the end of the route."""
        ahead, left_m = home, 0.0
        for sequence in reversed(range(len(items))):
            place = places.get(sequence)
            if place is not None:
                left_m += distance_m(place, ahead)
                ahead = place
            self._targets.insert(0, ahead)
            self._left_m.insert(0, left_m)
        self._total_m = left_m + distance_m(home, ahead)
        self._reached = 0.0

    def fraction(self, current_item: int, position: Position | None) -> float:
        """From 0 to 1, never going back."""
        if position is not None and self._total_m > 0 and 0 < current_item < len(self._targets):
            left_m = distance_m(position, self._targets[current_item]) + self._left_m[current_item]
            self._reached = max(self._reached, min(1.0, 1.0 - left_m / self._total_m))
        return self._reached
