"""How well a pose is known when nobody says so: a small catalogue by receiver and by how the camera hangs.

Its numbers go into the sigma columns of frames; `docs/formats.md` says what those mean, `mapping.ground.errors` what
they do to places.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mapping.ground.camera import Camera

ANTENNA_M = 0.1
"""Camera and antenna are seldom nearer together, and no log says how they lie."""

_POSITION_BY_FIX_M = {2: 5.0, 3: 1.5, 4: 1.0, 5: 0.4, 6: 0.03, 7: 0.03}
"""By MAVLink's GPS_FIX_TYPE. Single-frequency receivers under open sky: 1.5 m an axis, over a flight mostly one and the
same error; with corrections from satellites 1 m; carrier phases with floating ambiguities some decimetres, with fixed
ones centimetres; a fix without height is hardly worth the name."""

_DOUBLED_BY_LINK = 2.0  # an attitude halfway between two messages may be out by as much as the mount


@dataclass(frozen=True)
class Accuracy:
    """One-sigma errors put beside poses where the log does not say better.

    Defaults: single-frequency GNSS 1.5 m a horizontal axis; barometer and EKF height 2 m over a sortie; attitude 2
    degrees, EKF and the squareness of a mount together; time 0.1 s, a link's smallest delay and a clock set over it.
    """

    position_m: float = 1.5
    height_m: float = 2.0
    attitude_deg: float = 2.0
    time_s: float = 0.1


AT_TRIGGER = Accuracy(attitude_deg=1.0, time_s=0.05)
"""Errors of poses that the autopilot itself noted when it triggered: no interpolation, no link, only shutter lag."""


def accuracy_of(
    camera: Camera | None = None,
    *,
    fix_type: int | None = None,
    horizontal_m: float | None = None,
    at_trigger: bool = False,
) -> Accuracy:
    """What to expect of poses from a log: `fix_type` is MAVLink's GPS_FIX_TYPE, `horizontal_m` the horizontal accuracy
    that the receiver claims (goes first), None where unknown; `at_trigger` where the autopilot noted the pose itself.

    Height stays that of a barometer whatever the receiver, because autopilots hold on to it. A camera strapped down is
    out by its mount and the EKF, about a degree; a gimbal levels itself to half of that in roll and pitch but follows
    the same compass in yaw. Between messages the error of a strapped-down camera is twice that, a gimbal's is not.
    """
    usual = AT_TRIGGER if at_trigger else Accuracy()
    position = _POSITION_BY_FIX_M.get(fix_type or 0, usual.position_m)
    if horizontal_m is not None and horizontal_m > 0.0:
        position = horizontal_m
    attitude = AT_TRIGGER.attitude_deg
    if not at_trigger and not (camera is not None and camera.stabilised):
        attitude *= _DOUBLED_BY_LINK
    return Accuracy(round(math.hypot(position, ANTENNA_M), 3), usual.height_m, attitude, usual.time_s)
