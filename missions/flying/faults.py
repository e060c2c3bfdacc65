"""What can go wrong with a flying vehicle, how each fault is known, and which of them call it home. Pure: states in,
findings out.

`docs/faults.md` is the table for people. Most faults are the autopilot's own to answer (fence, battery, position: it is
nearer and does not need the link); Picket answers those it alone can see, which need what the plan says. What is done
with a finding is `missions.flying.following`'s subject.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from missions.drones import Drone
from missions.flying.progress import FlightStatus, Signs
from missions.flying.protocol import MissionType
from missions.plan import Sortie

SILENT_S = 30.0
"""Silence that is noted. The vehicle has its own failsafe for it and needs this side not: it is still listened for."""

FIX_3D = 3
BREACH_PATIENCE_S = 5.0
"""On the vehicle's clock: so long its own answer to a breach may take before it is called home."""

WIND_PATIENCE_S = 10.0
"""Gusts pass."""

CAMERA_SPACINGS, CAMERA_EXTRA_M = 2.5, 10.0
"""So many photo distances and this much more without a photo make a camera silent."""

BATTERY_BEHIND_PCT = 10.0
HOME_MOVED_M = 10.0
"""Home does not move by itself once the vehicle is armed."""

REST_NOT_WORTH_PCT = 5.0
"""A rest of the plan that takes no more than this beyond the way home is flown to its end."""

FLYING_THE_PLAN = ("AUTO", "GUIDED")
COMING_DOWN = ("RTL", "SMART_RTL", "AUTO_RTL", "LAND")


@dataclass(frozen=True)
class Finding:
    """A fault that has begun, or is over. `kind` names its event, `text` is for the pilot, `call_home` gives the reason
    where the vehicle is to be called home for it (empty: not)."""

    kind: str
    text: str
    over: bool = False
    call_home: str = ""
    values: dict[str, Any] | None = None


@dataclass(frozen=True)
class _Sight:
    """One fault as it stands now."""

    kind: str
    holds: bool
    text: str
    call_home: str = ""
    values: dict[str, Any] | None = None


class Faults:
    """Looks at a flight again and again; says of every fault when it begins and when it is over."""

    def __init__(self, sortie: Sortie, drone: Drone) -> None:
        self._sortie = sortie
        self._reserve_pct = 100.0 * drone.reserve
        self._wind_limit_m_s = wind_limit_m_s(drone, sortie)
        self._holding: dict[str, str] = {}
        self._since_s: dict[str, float] = {}
        self._restarts = 0
        self._missing: set[int] = set()

    @property
    def alerts(self) -> tuple[str, ...]:
        """The faults that still hold, as they stand now in words, the latest first."""
        return tuple(reversed(self._holding.values()))

    def look(self, status: FlightStatus, signs: Signs) -> list[Finding]:
        """What has begun or ended since the last look."""
        found: list[Finding] = []
        for sight in self._sights(status, signs):
            began = sight.kind in self._holding
            if sight.holds:
                self._holding[sight.kind] = sight.text
            if sight.holds and not began:
                found.append(Finding(sight.kind, sight.text, False, sight.call_home, sight.values))
            elif not sight.holds and began:
                found.append(Finding(f"{sight.kind}_over", f"over: {self._holding.pop(sight.kind)}", over=True))
        return found + list(self._moments(signs))

    def _sights(self, status: FlightStatus, signs: Signs) -> Iterator[_Sight]:
        heard = signs.silence_s <= SILENT_S
        flying = status.armed and heard
        on_plan = flying and status.mode in FLYING_THE_PLAN
        yield _Sight(
            "silent",
            not heard,
            f"nothing heard for {max(SILENT_S, signs.silence_s):.0f} s: the vehicle goes on by its own rules, this "
            "side goes on listening",
            values={"silence_s": round(signs.silence_s, 1)},
        )
        if not heard:
            return  # all else is known from before
        outside = signs.breach is not None
        yield from self._battery(status, signs, on_plan)
        yield _Sight(
            "fence_breached",
            flying and outside,
            f"outside its fence, in {status.mode}: "
            + ("it returns by its own rule" if status.mode in COMING_DOWN else "be ready to take over"),
            values={"kind_of_breach": signs.breach},
        )
        yield _Sight(
            "breach_not_answered",
            self._lasts("breach", on_plan and outside, signs.vehicle_s, BREACH_PATIENCE_S),
            "outside its fence and still flying the mission",
            call_home="called home: outside its fence",
        )
        yield _Sight(
            "gps_lost",
            flying and signs.gps_fix is not None and signs.gps_fix < FIX_3D,
            f"no satellite position, in {status.mode}: "
            + ("it comes" if status.mode in COMING_DOWN else "where its estimator fails it comes")
            + " down by its own rule; be ready to take over",
            values={"fix": signs.gps_fix},
        )
        wind = signs.wind_m_s or 0.0
        yield _Sight(
            "wind_over_limit",
            self._lasts("wind", on_plan and wind > self._wind_limit_m_s, signs.vehicle_s, WIND_PATIENCE_S),
            f"wind {wind:.0f} m/s, over the {self._wind_limit_m_s:.0f} m/s this drone and plan allow",
            call_home=f"called home: wind {wind:.0f} m/s",
            values={"wind_m_s": round(wind, 1), "limit_m_s": round(self._wind_limit_m_s, 1)},
        )
        limit_m = CAMERA_SPACINGS * self._sortie.trigger_distance_m + CAMERA_EXTRA_M
        yield _Sight(
            "camera_silent",
            on_plan and (signs.unphotographed_m or 0.0) > limit_m,
            f"no photo for {limit_m:.0f} m where one is due every {self._sortie.trigger_distance_m:.0f} m: the flight "
            "goes on; Ctrl-C brings it home",
            values={"unphotographed_m": round(signs.unphotographed_m or 0.0)},
        )
        yield _Sight(
            "parameters_changed",
            flying and bool(signs.parameter_changes),
            "somebody else changed what the plan relies on: " + "; ".join(signs.parameter_changes),
            call_home="called home: somebody changed " + "; ".join(signs.parameter_changes) if on_plan else "",
            values={"changes": list(signs.parameter_changes)},
        )
        for kind in MissionType:
            yield _list_changed(kind, signs.changed_lists.get(kind, ""), flying, on_plan)
        yield _Sight(
            "home_moved",
            flying and signs.home_moved_m > HOME_MOVED_M,
            f"somebody else moved home by {signs.home_moved_m:.0f} m: RTL leads there now, heights count from there",
            values={"moved_m": round(signs.home_moved_m)},
        )

    def _battery(self, status: FlightStatus, signs: Signs, on_plan: bool) -> Iterator[_Sight]:
        level, expected = status.battery_pct, status.battery_expected_pct
        if level is None:
            return
        per_m = self._sortie.battery_used_pct / max(1.0, self._sortie.distance_m)
        home_pct = per_m * signs.way_home_m
        rest_pct = self._sortie.battery_used_pct * (1.0 - status.progress)
        low = level <= self._reserve_pct + home_pct and rest_pct > home_pct + REST_NOT_WORTH_PCT
        yield _Sight(
            "battery_low",
            (status.armed and "battery_low" in self._holding) or (on_plan and low),  # no battery fills up in the air
            f"battery at {level} %: the way home and the reserve take {home_pct + self._reserve_pct:.0f} %",
            call_home=f"called home: battery at {level} %",
            values={"level_pct": level, "reserve_pct": self._reserve_pct, "way_home_pct": round(home_pct, 1)},
        )
        if expected is not None:
            slack_pct = 0.0 if "battery_behind" in self._holding else BATTERY_BEHIND_PCT
            yield _Sight(
                "battery_behind",
                status.armed and level < expected - slack_pct,
                f"battery at {level} %, by the plan it would be at {expected:.0f} %",
                values={"level_pct": level, "expected_pct": round(expected)},
            )

    def _lasts(self, name: str, holds: bool, now_s: float, patience_s: float) -> bool:
        """Whether something has held for that long."""
        if not holds:
            self._since_s.pop(name, None)
            return False
        return now_s - self._since_s.setdefault(name, now_s) >= patience_s

    def _moments(self, signs: Signs) -> Iterator[Finding]:
        """What happens in a moment and is not over later."""
        if signs.restarts > self._restarts:
            self._restarts = signs.restarts
            yield Finding("vehicle_restarted", "the vehicle was restarted in flight: whether it flies is uncertain")
        missing = set(signs.photos_missing)
        if missing - self._missing:
            text = f"{len(missing)} photos were taken that the link did not tell of; the vehicle's log has them"
            yield Finding("photos_unheard", text, values={"indices": sorted(missing - self._missing)})
        if self._missing - missing:
            yield Finding(
                "photos_heard_late",
                "photos missed before were heard of after all",
                over=True,
                values={"indices": sorted(self._missing - missing)},
            )
        self._missing = missing


def _list_changed(kind: MissionType, difference: str, flying: bool, on_plan: bool) -> _Sight:
    """One of the vehicle's lists is another by now. What the mission or the fence is worth nobody has proven; with
    other rally points it is the way home that nobody has, so that calling it home would be no answer."""
    means = {
        MissionType.MISSION: "nobody has proven where it would fly now",
        MissionType.FENCE: "nobody has proven that the plan stays inside it",
        MissionType.RALLY: "RTL may lead to another place now, on a way nobody has proven; be ready to take over",
    }[kind]
    called = on_plan and kind is not MissionType.RALLY
    return _Sight(
        f"{kind.name.lower()}_changed",
        flying and bool(difference),
        f"somebody else changed the {kind.words} ({difference}): {means}",
        call_home=f"called home: somebody else changed the {kind.words}" if called else "",
        values={"difference": difference},
    )


def wind_limit_m_s(drone: Drone, sortie: Sortie) -> float:
    """The wind against which the drone, at its greatest airspeed, still makes half the sortie's speed."""
    return max(1.0, drone.max_airspeed_m_s - sortie.speed_m_s / 2)
