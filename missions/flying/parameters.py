"""The vehicle parameters a plan relies on: what they must be, set and read back, and put back after the flight.

Only what the plan's safety or its photos depend on is touched; how the vehicle flies, its battery failsafes and its
calibration are the pilot's. Units are ArduPilot's (cm, cm/s, km), see ardupilot.org/copter/docs/parameters.html.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from missions.drones import Drone
from missions.errors import VehicleError
from missions.flying.leftovers import Left
from missions.flying.link import Link, same_value
from missions.flying.progress import distance_m
from missions.plan import Plan, Sortie

FENCE_MAX_ALTITUDE = 1
FENCE_POLYGONS = 4
FENCE_RETURN_OR_LAND = 1
ARM_AND_TAKE_OFF_IN_AUTO = 3
NOSE_TO_NEXT_WAYPOINT = 2
RALLY_LIMIT_DEFAULT_KM = 0.3
FENCE_MARGIN_DEFAULT_M = 2.0
CORNER_RADIUS_CM = (5.0, 1000.0)
"""What WPNAV_RADIUS may be."""


@dataclass(frozen=True)
class Setting:
    """A parameter's value for this flight. `needed`: without it the flight is not safe; else its absence is noted."""

    name: str
    value: float
    needed: bool = False


def settings(plan: Plan, sortie: Sortie, drone: Drone) -> tuple[Setting, ...]:
    """What the parameters must be for this sortie. FENCE_ENABLE is not among them: it comes after the fence itself.

    The default FENCE_TYPE holds a 300 m circle nobody drew, so the type is set to the ceiling and the polygons. The
    height of the way home is the plan's: RTL never sinks, so that from higher up it keeps the height it has. Corners
    are rounded as closely as the plan's proof has given them room for (`missions.planning.energy.overshoot_m`).
    """
    margin_m = min(FENCE_MARGIN_DEFAULT_M, max(0.5, plan.fence.min_clearance_m / 2))
    listed = [
        Setting("FENCE_TYPE", FENCE_MAX_ALTITUDE | FENCE_POLYGONS, needed=True),
        Setting("FENCE_ALT_MAX", round(plan.fence.alt_max_home_m, 2), needed=True),
        Setting("FENCE_MARGIN", round(margin_m, 2)),
        Setting("FENCE_ACTION", FENCE_RETURN_OR_LAND, needed=True),
        Setting("RTL_ALT", round(plan.way_home_m * 100)),
        Setting("WPNAV_RADIUS", min(CORNER_RADIUS_CM[1], max(CORNER_RADIUS_CM[0], round(100 * drone.turn_radius_m)))),
        Setting("WPNAV_SPEED", round(100 * max(sortie.speed_m_s, sortie.transit_speed_m_s or 0.0))),
        Setting("WP_YAW_BEHAVIOR", NOSE_TO_NEXT_WAYPOINT),
        Setting("AUTO_OPTIONS", ARM_AND_TAKE_OFF_IN_AUTO),
        Setting("CAM_AUTO_ONLY", 1),
    ]
    if plan.rally:
        reach_km = max(
            (distance_m(waypoint.position, rally) / 1000 for waypoint in sortie.waypoints for rally in plan.rally),
            default=0.0,
        )
        listed += [
            Setting("RALLY_LIMIT_KM", round(max(RALLY_LIMIT_DEFAULT_KM, 1.1 * reach_km), 3)),
            Setting("RALLY_INCL_HOME", 1),
        ]
    return tuple(listed)


class Parameters:
    """Sets parameters and remembers what they were; `put_back` restores every one that was changed."""

    def __init__(self, link: Link, note: Callable[..., None]) -> None:
        """`note(kind, **values)` is told of every change and of every parameter the vehicle does not know."""
        self._link = link
        self._note = note
        self._before: dict[str, float] = {}
        self._wanted: dict[str, float] = {}

    @property
    def before(self) -> Mapping[str, float]:
        """The values of the changed parameters as they were, by name."""
        return dict(self._before)

    @property
    def wanted(self) -> Mapping[str, float]:
        """What every parameter known to the vehicle was to be, by name."""
        return dict(self._wanted)

    def adopt(self, left: Mapping[str, Left], tell: Callable[[str], None]) -> None:
        """Take over what an earlier flight left changed, so that it is put back with the rest. What the vehicle no
        longer has as that flight set it is somebody else's by now and stays; one it does not answer is left to the next
        flight."""
        for name, earlier in left.items():
            present = self._link.parameter(name)
            if present is not None and same_value(present, earlier.value):
                self._before[name] = earlier.was
                self._note("parameter_adopted", name=name, was=earlier.was, value=earlier.value)
                tell(
                    f"an earlier flight left {name} at {earlier.value:g}; it is put back to {earlier.was:g} afterwards"
                )
            elif present is not None:
                self._note("parameter_found_changed", name=name, value=present, left=earlier.value, was=earlier.was)

    def set(self, setting: Setting) -> None:
        """Set one parameter and hear it back. Raises VehicleError where the vehicle keeps another value, or where it
        does not know a parameter that safety needs."""
        present = self._link.parameter(setting.name)
        if present is None:
            if setting.needed:
                raise VehicleError(
                    f"the vehicle knows no parameter {setting.name}, or does not answer: the fence needs it"
                )
            self._note("parameter_unknown", name=setting.name)
            return
        self._wanted[setting.name] = setting.value
        if same_value(present, setting.value):
            return
        self._before.setdefault(setting.name, present)
        self._note("parameter", name=setting.name, was=present, value=setting.value)
        self._link.set_parameter(setting.name, setting.value)

    def changed(self) -> list[str]:
        """What the vehicle says now of every parameter that was set, where that is another value than was set."""
        found = []
        for name, wanted in self._wanted.items():
            present = self._link.parameter(name)
            if present is None:
                found.append(f"{name} is not answered")
            elif not same_value(present, wanted):
                found.append(f"{name} is {present:g} instead of {wanted:g}")
        return found

    def put_back(self, give_up: Callable[[], bool] = lambda: False) -> list[str]:
        """Restore what was changed, last change first, until `give_up` says so; the names of those that could not be
        restored."""
        lost = []
        for name, value in reversed(list(self._before.items())):
            if give_up():
                lost.append(name)
                continue
            try:
                self._link.set_parameter(name, value)
            except VehicleError:
                lost.append(name)
            else:
                del self._before[name]
                self._note("parameter_restored", name=name, value=value)
        return lost
