"""AUTO: the stored mission flown item by item, with ArduPilot's order of things.

A navigation command begins; the commands between it and the one before are then carried out in order (so a camera
command that follows a waypoint acts on reaching that waypoint); when it is done the next begins. Waypoints without a
delay that another waypoint follows are passed without stopping. Gimbal, servo, relay and region-of-interest commands
are stored and skipped: there is nothing to move.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import TYPE_CHECKING

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.vehicle.actions import carry_out
from sim.vehicle.navigation import Point, bearing_rad, descend, hold
from sim.vehicle.returning import Returning
from sim.vehicle.storage import NAV_PARAMS, Item
from sim.vehicle.track import Track

if TYPE_CHECKING:
    from sim.vehicle.autopilot import SimulatedVehicle

NAMES = {
    mavlink.MAV_CMD_NAV_WAYPOINT: "WP",
    mavlink.MAV_CMD_NAV_LOITER_UNLIM: "LoitUnlim",
    mavlink.MAV_CMD_NAV_LOITER_TIME: "LoitTime",
    mavlink.MAV_CMD_NAV_RETURN_TO_LAUNCH: "RTL",
    mavlink.MAV_CMD_NAV_LAND: "Land",
    mavlink.MAV_CMD_NAV_TAKEOFF: "Takeoff",
    mavlink.MAV_CMD_NAV_DELAY: "Delay",
    mavlink.MAV_CMD_DO_JUMP: "Jump",
    mavlink.MAV_CMD_DO_CHANGE_SPEED: "ChangeSpeed",
    mavlink.MAV_CMD_DO_SET_CAM_TRIGG_DIST: "SetCamTrigDst",
    mavlink.MAV_CMD_DO_DIGICAM_CONTROL: "DigiCamCtrl",
    mavlink.MAV_CMD_CONDITION_YAW: "CondYaw",
}
PASSED = frozenset(
    {
        mavlink.MAV_CMD_NAV_WAYPOINT,
        mavlink.MAV_CMD_NAV_LOITER_UNLIM,
        mavlink.MAV_CMD_NAV_LOITER_TIME,
    }
)
"""A waypoint is passed without a stop where one of these follows."""


class State(IntEnum):
    """MISSION_STATE of MISSION_CURRENT."""

    NO_MISSION = 1
    NOT_STARTED = 2
    ACTIVE = 3
    PAUSED = 4
    COMPLETE = 5


class MissionRun:
    """Where the vehicle stands in its mission; survives leaving AUTO and resumes there (MIS_RESTART 0)."""

    def __init__(self, vehicle: SimulatedVehicle) -> None:
        self._vehicle = vehicle
        self.reset()

    def reset(self) -> None:
        """Go back to before the first item."""
        self.index = 0
        self.state = State.NOT_STARTED
        self._jumps: dict[int, int] = {}
        self._pending: list[int] = []
        self._track: Track | None = None
        self._tracking = False
        self._place: Point | None = None
        self._arrived_s: float | None = None
        self._wait_until_s = 0.0
        self._returning: Returning | None = None
        self._began = False
        self._reached: int | None = None

    def tell(self) -> None:
        """Send MISSION_ITEM_REACHED for the last item done, if any since the last call. ArduPilot counts commands on
        the way as items, and several at once are told as one."""
        if self._reached is not None:
            self._vehicle.outbox.append(mavlink.MAVLink_mission_item_reached_message(self._reached))
            self._reached = None

    @property
    def _items(self) -> list[Item]:
        return self._vehicle.store.mission

    def reported_state(self) -> int:
        """MISSION_STATE as it is told to the ground."""
        if len(self._items) <= 1:
            return State.NO_MISSION
        return self.state

    def begin(self) -> None:
        """AUTO was entered: start from the first item, or take up the navigation command that was under way."""
        self._pending.clear()
        self._track = None
        if self.state in (State.NOT_STARTED, State.COMPLETE) or self._vehicle.params["MIS_RESTART"] == 1:
            keep = self.index if self.state == State.NOT_STARTED and self.index > 0 else 1
            self.reset()
            self.state = State.ACTIVE
            self._advance(keep, None)
        else:
            self.state = State.ACTIVE
            self._advance(self.index, None)

    def pause(self) -> None:
        """AUTO was left."""
        if self.state == State.ACTIVE:
            self.state = State.PAUSED

    def set_current(self, sequence: int) -> bool:
        """Make item `sequence` the current one; False where there is none."""
        if not 0 < sequence < len(self._items):
            return False
        if self.state == State.ACTIVE:
            self._pending.clear()
            self._advance(sequence, None)
        else:
            self.index = sequence
            self.state = State.PAUSED if self._vehicle.armed else State.NOT_STARTED
        return True

    def update(self) -> None:
        """One step in AUTO: steer, and go on to the next item when this one is done."""
        if self.state != State.ACTIVE:
            self._vehicle.steering.stay()
            return
        self._run_pending()
        item = self._items[self.index] if self.index < len(self._items) else None
        if item is None:
            self._complete()
            return
        if not self._began:
            self._begin_nav(item)
        if self._fly(item):
            self._reached = self.index
            if item.command == mavlink.MAV_CMD_NAV_WAYPOINT:
                self._vehicle.say(mavlink.MAV_SEVERITY_INFO, f"Reached command #{self.index}")
            self._advance(self.index + 1, self._place)

    def change_speed(self) -> None:
        """The speed limits have changed: go on along the same leg with the new ones."""
        if self._track is not None:
            self._track.change_limits(self._vehicle.limits())

    def _complete(self) -> None:
        self.state = State.COMPLETE
        self._vehicle.steering.stay_here()

    def _resolved(self, index: int, counting: bool) -> int:
        for _ in range(100):
            if index >= len(self._items):
                return index
            item = self._items[index]
            if item.command != mavlink.MAV_CMD_DO_JUMP:
                return index
            done = self._jumps.get(index, 0)
            target = int(item.param1)
            if (item.param2 < 0 or done < int(item.param2)) and 0 < target < len(self._items):
                if counting:
                    self._jumps[index] = done + 1
                index = target
            else:
                index += 1
        return len(self._items)

    def _advance(self, index: int, start: Point | None) -> None:
        """Queue the commands from `index` on and make the next navigation command current."""
        pending: list[int] = []
        for _ in range(2 * len(self._items)):
            index = self._resolved(index, counting=True)
            if index >= len(self._items):
                break
            if self._items[index].command in NAV_PARAMS:
                self._pending.extend(pending)
                self.index, self._began, self._place = index, False, start
                self._vehicle.steering.fixed_yaw_rad = None
                name = NAMES.get(self._items[index].command, str(self._items[index].command))
                self._vehicle.say(mavlink.MAV_SEVERITY_INFO, f"Mission: {index} {name}")
                return
            pending.append(index)
            index += 1
        for each in pending:
            self._do(each)
        self._complete()

    def _after(self, index: int) -> Point | None:
        item = self._items[index]
        if item.command != mavlink.MAV_CMD_NAV_WAYPOINT or item.param1 > 0:
            return None
        follower = index + 1
        for _ in range(len(self._items)):
            follower = self._resolved(follower, counting=False)
            if follower >= len(self._items):
                return None
            if self._items[follower].command in NAV_PARAMS:
                break
            follower += 1
        following = self._items[follower]
        if following.command not in PASSED or (following.x == 0 and following.y == 0):
            return None
        return self._vehicle.point_of(following)

    def _begin_nav(self, item: Item) -> None:
        vehicle = self._vehicle
        self._began, self._arrived_s, self._tracking, self._returning = True, None, False, None
        here = vehicle.position
        if item.command == mavlink.MAV_CMD_NAV_RETURN_TO_LAUNCH:
            self._returning = Returning(vehicle)
            return
        target = vehicle.point_of(item)
        if item.command == mavlink.MAV_CMD_NAV_TAKEOFF:
            target = (here[0], here[1], max(target[2], here[2]))
        elif item.command == mavlink.MAV_CMD_NAV_LAND:
            target = (target[0], target[1], here[2])
        elif item.command == mavlink.MAV_CMD_NAV_DELAY:
            target = self._place or here
        start = self._place or here
        if item.command in PASSED or item.command == mavlink.MAV_CMD_NAV_LAND:
            if self._track is None or self._place is None:
                start = self._place or vehicle.steering.stopping_point()
                self._track = Track(start, vehicle.limits())
            self._track.lead_to(target, self._after(self.index))
            self._tracking = True
        else:
            self._track = None
        self._place = target
        heading = bearing_rad(start if self._tracking else here, target)
        if heading is not None and vehicle.params["WP_YAW_BEHAVIOR"] != 0 and vehicle.steering.fixed_yaw_rad is None:
            vehicle.steering.yaw_target_rad = heading

    def _fly(self, item: Item) -> bool:
        vehicle = self._vehicle
        if self._returning is not None:
            self._returning.update()
            return vehicle.landed
        assert self._place is not None
        if item.command == mavlink.MAV_CMD_NAV_TAKEOFF:
            return vehicle.steering.climb_to(self._place)
        if item.command == mavlink.MAV_CMD_NAV_LAND:
            return self._land()
        if self._track is None or not self._tracking:
            hold(vehicle.position, self._place, vehicle.limits(), vehicle.command)
            arrived = True
        else:
            arrived = self._track.steer(vehicle.position, vehicle.body, vehicle.step_s, vehicle.command)
        if self._arrived_s is None and arrived:
            self._arrived_s = vehicle.time_s
        if self._arrived_s is None or item.command == mavlink.MAV_CMD_NAV_LOITER_UNLIM:
            return False
        return vehicle.elapsed_s(self._arrived_s) >= max(0.0, item.param1)

    def _land(self) -> bool:
        vehicle = self._vehicle
        assert self._place is not None
        here = vehicle.position
        if self._arrived_s is None:
            assert self._track is not None
            if self._track.steer(here, vehicle.body, vehicle.step_s, vehicle.command):
                self._arrived_s = vehicle.time_s
            return False
        descend(here, self._place, vehicle.height_home_m, vehicle.params, vehicle.command)
        vehicle.landing = True
        return vehicle.landed

    def _run_pending(self) -> None:
        while self._pending:
            if self._vehicle.elapsed_s(self._wait_until_s) < 0.0:
                return
            item = self._items[self._pending[0]] if self._pending[0] < len(self._items) else None
            if item is not None and item.command == mavlink.MAV_CMD_CONDITION_DISTANCE and not self._near(item.param1):
                return
            self._do(self._pending.pop(0))

    def _near(self, distance_m: float) -> bool:
        place = self._place
        here = self._vehicle.position
        return place is None or math.hypot(place[0] - here[0], place[1] - here[1]) <= distance_m

    def _do(self, index: int) -> None:
        if index >= len(self._items):
            return
        item = self._items[index]
        if item.command in NAMES:
            self._vehicle.say(mavlink.MAV_SEVERITY_INFO, f"Mission: {index} {NAMES[item.command]}")
        if item.command == mavlink.MAV_CMD_CONDITION_DELAY:
            self._wait_until_s = self._vehicle.time_s + max(0.0, item.param1)
        else:
            carry_out(self._vehicle, item)
        self._reached = index
