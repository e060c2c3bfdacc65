"""What camera and overlaps ask of a survey: height, footprint, line spacing, trigger distance and speed.

For a camera that looks straight down with the long side of its picture across the track. Where the lines go is
`survey`, how fast the aircraft may fly beyond this is the drone's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from mapping.ground.camera import (
    Camera,
    ground_sample_distance_m,
    height_for_ground_sample_distance_m,
)
from missions.drones import Drone
from missions.errors import NotFlyableError
from missions.planning.pictures import Footprint
from missions.planning.survey import Spacing
from vision.errors import InputError
from vision.visibility import FROM_ABOVE_M, coarsest_gsd_m, least_size_px

CEILING_M = 120.0
"""Highest flight above the ground: the limit of the open category in most countries (EU 2019/947, 14 CFR 107.51)."""

LOWEST_M = 15.0
"""Lowest survey flight: below it trees and wires are the rule."""

DEFAULT_SIDELAP, DEFAULT_FRONTLAP = 0.3, 0.5
DEFAULT_GSD_CM = {"thermal": 5.15, "rgb": 2.0}
_SMEAR_TIME_S = {"thermal": 0.008, "rgb": 0.001}
"""Time one pixel gathers: the thermal time constant of an uncooled microbolometer, a daylight shutter."""
_SMEAR_PIXELS = 1.0
_LARGEST_TILT_DEG = 2.0


@dataclass(frozen=True)
class Imaging:
    """How the camera is used: lengths in metres on level ground, speed in m/s, `notes` what had to be changed."""

    height_home_m: float
    gsd_m: float
    across_m: float
    along_m: float
    line_spacing_m: float
    trigger_distance_m: float
    speed_m_s: float
    notes: tuple[str, ...] = ()

    @property
    def footprint(self) -> Footprint:
        """The ground one picture shows."""
        return Footprint(-self.along_m / 2.0, self.along_m / 2.0, self.across_m, self.across_m)

    @property
    def spacing(self) -> Spacing:
        """How lines are laid for it."""
        return Spacing(self.line_spacing_m, self.trigger_distance_m, self.across_m, self.along_m)


def plan_imaging(
    drone: Drone,
    camera: Camera,
    *,
    height_m: float | None = None,
    gsd_cm: float | None = None,
    see: str | None = None,
    sidelap: float = DEFAULT_SIDELAP,
    frontlap: float = DEFAULT_FRONTLAP,
    ceiling_m: float = CEILING_M,
) -> Imaging:
    """Height, spacing and speed for one camera on one drone. The height is `height_m`, or gives `gsd_cm`, or is the
    highest at which the class `see` covers enough pixels for the shipped detector (`vision.visibility`); without any of
    them it gives about 5 cm per pixel for thermal and 2 cm for colour.

    Spacing is (1 - sidelap) of the footprint across, trigger distance (1 - frontlap) of the footprint along. The
    speed is the drone's, lowered so that no point smears over more than a pixel and the camera keeps up with its
    triggers. Raises InputError for values that mean nothing, NotFlyableError where the height is not allowed or the
    camera does not look down.
    """
    given = [name for name, value in (("--height", height_m), ("--gsd", gsd_cm), ("--see", see)) if value is not None]
    if len(given) > 1:
        raise InputError(" and ".join(given), "each sets the height; give one of them")
    if not (math.isfinite(ceiling_m) and ceiling_m >= LOWEST_M):
        raise InputError("--ceiling", f"{ceiling_m:g} is no ceiling; give at least {LOWEST_M:.0f} m")
    for option, value in (("--height", height_m), ("--gsd", gsd_cm)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise InputError(option, f"{value:g} is not a positive number; give one")
    for option, value in (("--sidelap", sidelap), ("--frontlap", frontlap)):
        if not 0.0 <= value <= 0.95:
            raise InputError(option, f"{value:g} is not an overlap; give a fraction from 0 to 0.95")
    if abs(camera.mount_pitch_deg + 90.0) > _LARGEST_TILT_DEG:
        raise NotFlyableError(
            f"a survey needs a camera that looks straight down, and {camera.name} is mounted at "
            f"{camera.mount_pitch_deg:g} degrees"
        )
    speed, notes = drone.cruise_speed_m_s, []
    if height_m is None:
        wanted_m = coarsest_gsd_m(see) if see else (gsd_cm or DEFAULT_GSD_CM[camera.kind]) / 100.0
        height_m = height_for_ground_sample_distance_m(camera, wanted_m)
        if gsd_cm is None:
            height_m = min(max(float(math.floor(height_m)), LOWEST_M), ceiling_m)
        if see:
            size_px = FROM_ABOVE_M[see] / ground_sample_distance_m(camera, height_m)
            notes.append(_sight_note(see, height_m, size_px))
    if not LOWEST_M <= height_m <= ceiling_m + 1e-6:
        gsds = [100.0 * ground_sample_distance_m(camera, height) for height in (LOWEST_M, ceiling_m)]
        raise NotFlyableError(
            f"{height_m:.0f} m is not between {LOWEST_M:.0f} and {ceiling_m:.0f} m above take-off: with "
            f"{camera.name} ask for {gsds[0]:.1f} to {gsds[1]:.1f} cm per pixel"
        )
    gsd_m = ground_sample_distance_m(camera, height_m)
    # By pixels, which are square: the two sides of a sensor are printed rounded and would disagree.
    across_m, along_m = camera.width_px * gsd_m, camera.height_px * gsd_m
    trigger_m = max(round((1.0 - frontlap) * along_m, 2), 0.1)
    smear_limit = _SMEAR_PIXELS * gsd_m / _SMEAR_TIME_S[camera.kind]
    if smear_limit < speed:
        speed = math.floor(smear_limit * 10.0) / 10.0
        notes.append(f"Surveying at {speed:.1f} m/s so that the picture smears by no more than one pixel.")
    if camera.min_interval_s > 0 and trigger_m / camera.min_interval_s < speed:
        speed = math.floor(10.0 * trigger_m / camera.min_interval_s) / 10.0
        notes.append(
            f"Surveying at {speed:.1f} m/s so that {camera.name} keeps up with a photo every {trigger_m:.1f} m."
        )
    if speed < 1.0:
        raise NotFlyableError(
            f"{camera.name} would have to be flown at {speed:.1f} m/s for this overlap and resolution: less frontlap "
            "or a coarser resolution allows a speed that can be flown"
        )
    return Imaging(height_m, gsd_m, across_m, along_m, (1.0 - sidelap) * across_m, trigger_m, speed, tuple(notes))


def imaging_over_hills(
    level: Imaging,
    drone: Drone,
    camera: Camera,
    tolerance_m: float,
    sidelap: float,
    frontlap: float,
    ceiling_m: float,
) -> Imaging:
    """The imaging where the height above the ground holds only to `tolerance_m`: lower by that much, so that the
    resolution holds where the drone is highest, with spacing, trigger and speed for where it is lowest. Raises
    InputError for a tolerance that leaves no height."""
    height_m = level.height_home_m - tolerance_m
    if not (math.isfinite(tolerance_m) and tolerance_m > 0 and height_m - tolerance_m >= LOWEST_M):
        raise InputError(
            "--tolerance",
            f"{tolerance_m:g} m above and below {height_m:.0f} m is not possible; give 1 to "
            f"{(level.height_home_m - LOWEST_M) / 2.0:.0f} m",
        )
    overlaps: dict[str, Any] = {"sidelap": sidelap, "frontlap": frontlap, "ceiling_m": ceiling_m}
    lowest = plan_imaging(drone, camera, height_m=height_m - tolerance_m, **overlaps)
    # What was said of the speed at the level height is said again for the lowest.
    superseded = plan_imaging(drone, camera, height_m=level.height_home_m, **overlaps).notes
    return replace(
        lowest,
        height_home_m=height_m,
        gsd_m=ground_sample_distance_m(camera, height_m + tolerance_m),
        notes=(*(note for note in level.notes if note not in superseded), *lowest.notes),
    )


def _sight_note(see: str, height_m: float, size_px: float) -> str:
    least_px = least_size_px(see)
    enough = "enough for" if size_px >= least_px - 0.05 else "too few for"
    return (
        f"At {height_m:.0f} m a {see} seen from above covers about {size_px:.0f} by {size_px:.0f} pixels, {enough} the "
        f"shipped detector, which finds as many as it ever does from {least_px:.0f} on."
    )
