"""Planning among zones: what is closed becomes no-fly, what that leaves is planned, and where the plan takes longer
than was thought the zones are looked at again. Judging zones is `missions.zones.conflict`; the planning is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from missions.areas.area import Area
from missions.errors import NotFlyableError
from missions.plan import Plan, Position
from missions.planning.local import rings_of
from missions.zones.conflict import Band, Way, findings, keep_out, nearby, said, shown
from missions.zones.schedule import Window
from missions.zones.zone import Zone
from vision.errors import InputError

SWAP_S = 600.0
"""Time on the ground between two sorties of one drone: land, change the battery and the card, check, take off."""

_FIRST_GUESS_S = 1800.0
_ATTEMPTS = 4


@dataclass(frozen=True)
class Airspace:
    """The zones, the time the first sortie takes off (None: not known, so all that may be in force count), and the
    identifiers of zones for which somebody holds the authorisation."""

    zones: tuple[Zone, ...]
    start: datetime | None
    allowed: frozenset[str] = frozenset()


def plan_among_zones(
    airspace: Airspace, area: Area, band: Band, home: Position | None, planned: Callable[[Area], Plan], now: datetime
) -> Plan:
    """The plan that `planned` makes of the area without what is closed to it while it is flown.

    Zones are judged for the time from the start to the end of the last sortie; where a plan turns out longer than the
    time they were judged for, they are judged again. `now` is the time from which on zones count where no start is
    given. Raises NotFlyableError naming the zones and their reasons where they leave nothing to fly, InputError of
    `planned`.
    """
    _check_allowed(airspace)
    duration_s = _FIRST_GUESS_S
    for _ in range(_ATTEMPTS):
        start = airspace.start
        window = None if start is None else Window(start, start + timedelta(seconds=duration_s))
        found = findings(airspace.zones, area, band, window, allowed=airspace.allowed, now=now)
        closed = [one for one in found if one.way is not Way.OPEN]
        try:
            plan = planned(keep_out(area, found, home))
        except NotFlyableError as error:
            if not closed or any(one.zone.title in str(error) for one in closed):
                raise
            raise NotFlyableError(f"{error}; closed here: {'; '.join(said(one) for one in closed)}") from error
        needed_s = flown_by_s(plan)
        if window is None or needed_s <= duration_s:
            drawn = tuple(rings_of(polygon) for polygon in area.no_fly.geoms)
            return replace(plan, no_fly=drawn, zones=tuple(shown(one) for one in nearby(found, area, home)))
        duration_s = 1.2 * needed_s
    raise NotFlyableError("the flight lasts until further zones come into force, and without them longer; fly earlier")


def flown_by_s(plan: Plan) -> float:
    """Seconds from the first take-off to the last landing, with the battery of each drone changed between sorties."""
    of_drone: dict[int, float] = {}
    for sortie in plan.sorties:
        ready_s = of_drone[sortie.drone] + SWAP_S if sortie.drone in of_drone else 0.0
        of_drone[sortie.drone] = max(ready_s, sortie.start_s) + sortie.flight_time_s
    return max(of_drone.values(), default=0.0)


def _check_allowed(airspace: Airspace) -> None:
    known = {zone.identifier for zone in airspace.zones}
    for name in sorted(airspace.allowed - known):
        some = ", ".join(sorted(known)[:8])
        raise InputError("--allow-zone", f"no zone of the files is called {name!r}; they hold {some}")
