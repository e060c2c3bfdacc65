"""What camera and overlaps ask of a survey: height, footprint, line spacing, trigger distance and speed.

For a camera with the long side of its picture across the track that looks straight down, or down and ahead. Where the
lines go is `survey`, how fast the aircraft may fly beyond this is the drone's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mapping.ground.camera import Camera, ground_sample_distance_m, pixel_rays
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
_FLATTEST_DEG = 15.0
"""The flattest that the top of a picture may look down: beyond, a metre of relief moves what is seen by four."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Imaging:
    """How the camera is used: lengths in metres on level ground, speed in m/s, `notes` what had to be changed. A camera
    that looks ahead shows the quadrilateral `oblique`; `across_m` and `along_m` are then of the largest rectangle in
    it, so that overlaps hold everywhere, and `gsd_m` is that of its far edge, the coarsest."""

    height_home_m: float
    gsd_m: float
    across_m: float
    along_m: float
    line_spacing_m: float
    trigger_distance_m: float
    speed_m_s: float
    notes: tuple[str, ...] = ()
    oblique: Footprint | None = None

    @property
    def footprint(self) -> Footprint:
        """The ground one picture shows: a quadrilateral ahead where the camera looks ahead."""
        return self.oblique or Footprint(-self.along_m / 2.0, self.along_m / 2.0, self.across_m, self.across_m)

    @property
    def ahead_m(self) -> float:
        """How far ahead of the drone the middle lies of the ground that lines and photos are reckoned with."""
        return 0.0 if self.oblique is None else self.oblique.far_m - self.along_m / 2.0

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
    camera sees the horizon.
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
    view = view_of(camera)
    speed, notes = drone.cruise_speed_m_s, []
    if height_m is None:
        if see:
            height_m = coarsest_gsd_m(see) / view.aside_gsd
        else:
            height_m = (gsd_cm or DEFAULT_GSD_CM[camera.kind]) / 100.0 / view.gsd
        if gsd_cm is None:
            height_m = min(max(float(math.floor(height_m)), LOWEST_M), ceiling_m)
        if see:
            notes.append(_sight_note(see, height_m, FROM_ABOVE_M[see] / (height_m * view.aside_gsd), view))
    if not LOWEST_M <= height_m <= ceiling_m + 1e-6:
        gsds = [100.0 * height * view.gsd for height in (LOWEST_M, ceiling_m)]
        raise NotFlyableError(
            f"{height_m:.0f} m is not between {LOWEST_M:.0f} and {ceiling_m:.0f} m above take-off: with "
            f"{camera.name} ask for {gsds[0]:.1f} to {gsds[1]:.1f} cm per pixel"
        )
    gsd_m = height_m * view.gsd
    oblique = None if view.footprint is None else view.footprint.scaled(height_m)
    if oblique is None:
        # By pixels, which are square: the two sides of a sensor are printed rounded and would disagree.
        across_m, along_m = camera.width_px * gsd_m, camera.height_px * gsd_m
    else:
        across_m, along_m = oblique.rectangle_m
        notes.append(_oblique_note(camera, oblique, gsd_m, height_m * view.near_gsd))
    trigger_m = max(round((1.0 - frontlap) * along_m, 2), 0.1)
    smear_limit = _SMEAR_PIXELS * height_m * view.near_gsd / _SMEAR_TIME_S[camera.kind]
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
    between_m = (1.0 - sidelap) * across_m
    return Imaging(height_m, gsd_m, across_m, along_m, between_m, trigger_m, speed, tuple(notes), oblique)


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
    if lowest.oblique is not None:
        lowest = _certain(lowest, height_m + tolerance_m, sidelap, frontlap)
    return replace(
        lowest,
        height_home_m=height_m,
        gsd_m=(height_m + tolerance_m) * view_of(camera).gsd,
        notes=(*(note for note in level.notes if note not in superseded), *lowest.notes),
    )


@dataclass(frozen=True)
class View:
    """What a camera sees from one metre up: ground sample distances in metres per pixel, at the far edge of its picture
    (`gsd`, along the track, where it is coarsest; `aside_gsd` across it) and at the near one, across; and the
    `footprint` where it looks ahead."""

    gsd: float
    aside_gsd: float
    near_gsd: float
    footprint: Footprint | None


def view_of(camera: Camera) -> View:
    """What a camera sees from one metre up, the vehicle level: the corners' rays on level ground. Raises
    NotFlyableError for one that looks up, back or at the horizon."""
    if abs(camera.mount_pitch_deg + 90.0) <= _LARGEST_TILT_DEG:
        gsd = ground_sample_distance_m(camera, 1.0)
        return View(gsd, gsd, gsd, None)
    right, ahead, down = corner_rays(camera, camera.mount_pitch_deg)
    if not _looks_down(down):
        enough = (pitch for pitch in range(0, -90, -1) if _looks_down(corner_rays(camera, float(pitch))[2]))
        raise NotFlyableError(
            f"{camera.name} at {camera.mount_pitch_deg:g} degrees sees the horizon, where nothing is near enough to "
            f"be found; tilt it to {next(enough, -90)} degrees or further down"
        )
    ahead, right = ahead / down, right / down
    footprint = Footprint(
        near_m=float(max(ahead[0], ahead[3])),
        far_m=float(min(ahead[1], ahead[2])),
        near_width_m=float(2.0 * min(-right[0], right[3])),
        far_width_m=float(2.0 * min(-right[1], right[2])),
    )
    # A pixel covers z / f across, z being how far along the axis it looks, and by its slope as much more along.
    edges = pixel_rays(camera, [(camera.cx_px, 0.0), (camera.cx_px, float(camera.height_px))])
    down = _level_rays(edges / edges[:, 2:], camera.mount_pitch_deg)[2]
    aside, near = 1.0 / (down[0] * camera.fx_px), 1.0 / (down[1] * camera.fx_px)
    return View(float(aside / down[0]), float(aside), float(near), footprint)


def _level_rays(rays: Floats, pitch_deg: float) -> tuple[Floats, Floats, Floats]:
    """How far (N,) rays of a camera at that pitch go to the right, ahead and down."""
    slope = math.radians(-pitch_deg)
    x, y, z = rays.T
    return x, z * math.cos(slope) - y * math.sin(slope), z * math.sin(slope) + y * math.cos(slope)


def corner_rays(camera: Camera, pitch_deg: float) -> tuple[Floats, Floats, Floats]:
    """How far the rays (unit length) of the picture's corners go to the right, ahead and down, (4,) each, the vehicle
    level: bottom left, top left, top right, bottom right."""
    width, height = camera.width_px, camera.height_px
    return _level_rays(pixel_rays(camera, [(0, height), (0, 0), (width, 0), (width, height)]), pitch_deg)


def _looks_down(down: Floats) -> bool:
    """Whether all rays that go so far down look down enough."""
    return bool(np.isfinite(down).all() and (down >= math.sin(math.radians(_FLATTEST_DEG))).all())


def _certain(lowest: Imaging, highest_m: float, sidelap: float, frontlap: float) -> Imaging:
    """Oblique imaging reckoned with what a picture shows from whichever height up to the highest it is taken: it begins
    where that from the highest does and ends where that from the lowest does. Raises InputError where hardly anything
    is left."""
    shown = lowest.footprint
    near_m = shown.near_m * max(1.0, highest_m / lowest.height_home_m) if shown.near_m > 0.0 else shown.near_m
    if near_m > shown.near_m + 0.8 * (shown.far_m - shown.near_m):
        raise InputError(
            "--tolerance", "leaves hardly any ground that this tilted camera shows from all heights; lower it"
        )
    shown = replace(shown, near_m=near_m)
    across_m, along_m = shown.rectangle_m
    trigger_m = max(round((1.0 - frontlap) * along_m, 2), 0.1)
    speed = min(lowest.speed_m_s, lowest.speed_m_s * trigger_m / lowest.trigger_distance_m)
    return replace(
        lowest,
        oblique=shown,
        across_m=across_m,
        along_m=along_m,
        line_spacing_m=(1.0 - sidelap) * across_m,
        trigger_distance_m=trigger_m,
        speed_m_s=speed,
    )


def _oblique_note(camera: Camera, shown: Footprint, far_gsd_m: float, near_gsd_m: float) -> str:
    turned = (
        "the mission turns the gimbal there"
        if camera.stabilised
        else "mount it so; the drone's own pitch adds to it in flight"
    )
    return (
        f"{camera.name} looks down at {-camera.mount_pitch_deg:g} degrees ({turned}): a picture shows the ground from "
        f"{shown.near_m:.0f} to {shown.far_m:.0f} m ahead, {shown.near_width_m:.0f} m wide near and "
        f"{shown.far_width_m:.0f} m far, at {100 * near_gsd_m:.1f} cm per pixel near and {100 * far_gsd_m:.1f} far; "
        "behind trees and houses it sees less than a camera that looks straight down."
    )


def _sight_note(see: str, height_m: float, size_px: float, view: View) -> str:
    least_px = least_size_px(see)
    enough = "enough for" if size_px >= least_px - 0.05 else "too few for"
    where = "seen from above" if view.footprint is None else "at the far edge of the picture"
    return (
        f"At {height_m:.0f} m a {see} {where} covers about {size_px:.0f} by {size_px:.0f} pixels, {enough} the "
        f"shipped detector, which finds as many as it ever does from {least_px:.0f} on."
    )
