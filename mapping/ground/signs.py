"""Signs of trouble in what a flight says of itself, put into sentences for the person who relies on it.

Looked for are pictures that were turned after they were taken, missing angles of the camera, heights that cannot be or
that were mixed up, and clocks that disagree. Each sign is a reason to look, never a correction: what is wrong, only the
person can know. Rewriting that shows in a single file's metadata is `mapping.ground.exif`'s subject.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mapping.ground.camera import Camera
from mapping.ground.georeference import local_frame, locate_pixels
from mapping.ground.metadata import ImagePose
from mapping.ground.pose import Poses
from mapping.ground.terrain import Terrain
from mapping.ground.texture import Pair

Floats = npt.NDArray[np.float64]

HIGHEST_M = 500.0
"""No small drone looks for people from higher above its take-off."""
_BELOW_M = -20.0  # below take-off: it may have begun on a hill, but seldom
_CEILING_M = 130.0  # where drones may fly, and some margin: heights above take-off are seldom more
_SAME_M = 1.0
_HOME_DRIFT_M = 20.0  # barometers drift by less over a flight
_SEA_M = -10.0  # few places outside the Dead Sea and the Caspian lie lower
_HALF_TURN_DEG = 45.0  # how far from half a turn a turned picture's content may seem
_LISTED = 8


def height_signs(poses: Poses) -> list[str]:
    """What is wrong with the heights, a sentence each."""
    placed = np.isfinite(poses.lat_deg)
    home, amsl = poses.alt_home_m[placed], poses.alt_amsl_m[placed]
    known = np.isfinite(home)
    found = []
    if known.any():
        heights = home[known]
        if len(heights) > 1 and np.all(np.abs(heights) < 0.05):
            found.append("the height above take-off is 0 in every frame: it was not recorded, or nothing was flown")
        high, low = int((heights > HIGHEST_M).sum()), int((heights < _BELOW_M).sum())
        if high:
            found.append(
                f"{high} of {len(heights)} frames say they are more than {HIGHEST_M:.0f} m above take-off (up to "
                f"{heights.max():.0f} m): is that the height above the sea?"
            )
        if low:
            found.append(f"{low} of {len(heights)} frames say they are below take-off (down to {heights.min():.0f} m)")
    both = known & np.isfinite(amsl)
    if both.any():
        found += _home_signs(home[both], amsl[both])
    return found


def _home_signs(home: Floats, amsl: Floats) -> list[str]:
    """What the height of the take-off point, which both heights imply, gives away."""
    ground = amsl - home
    middle, drift = float(np.median(ground)), float(np.ptp(np.quantile(ground, [0.05, 0.95])))
    if np.all(np.abs(ground) < _SAME_M) and np.median(home) > _CEILING_M:
        return [
            f"the heights above take-off and above the sea are the same ({np.median(home):.0f} m): one was written for "
            "the other, unless take-off was at the sea"
        ]
    found = []
    if drift > _HOME_DRIFT_M:
        found.append(
            f"the height of take-off, by the two heights of each frame, changes by {drift:.0f} m over the flight: one "
            "of them may count from the ground below instead"
        )
    if middle < _SEA_M:
        found.append(
            f"take-off would lie {-middle:.0f} m below the sea: are the heights above the ellipsoid, or is the height "
            "above the sea one above take-off?"
        )
    return found


def attitude_signs(poses: Poses) -> list[str]:
    """What is wrong with the camera's angles, a sentence each."""
    placed = np.isfinite(poses.lat_deg)
    blind = placed & ~np.isfinite(poses.yaw_deg + poses.pitch_deg + poses.roll_deg)
    found = []
    if blind.any():
        found.append(
            f"{int(blind.sum())} of {int(placed.sum())} frames with a position do not say which way the camera looked: "
            "nothing in them can be placed"
        )
    up = placed & (poses.pitch_deg > 0.0)
    if up.any():
        found.append(f"{int(up.sum())} of {int(placed.sum())} frames look up into the sky, by their angles")
    return found


def order_signs(poses: Poses) -> list[str]:
    """A clock that runs backwards in the order of the pictures' names."""
    times = poses.time_s[np.isfinite(poses.time_s)]
    back = sum(later < earlier for earlier, later in pairwise(times.tolist()))
    if not back:
        return []
    return [
        f"the time goes back {back} times in the order of the pictures' names: several flights, or a clock that was set"
    ]


def turned_frames(
    pairs: Sequence[Pair],
    poses: Poses,
    camera: Camera,
    terrain: Terrain,
    home: tuple[float, float] | None = None,
) -> list[int]:
    """Frames whose picture lies upside down against their pose, in ascending order.

    In two pictures that show the same ground, its patches must lie the same way round on the map. Where they are half a
    turn apart, one of the two was turned: the one that more of its neighbours contradict, and of two alone the one
    whose turning back brings the patches together (turned about the wrong centre, they lie apart by the way flown
    between).
    """
    local = local_frame(poses)
    size = np.array([camera.width_px, camera.height_px], dtype=np.float64)

    def ground(pixels: Floats, frame: int) -> Floats:
        points = locate_pixels(pixels, np.full(len(pixels), frame), poses, camera, terrain, home=home, local=local)
        return np.stack([points.east_m, points.north_m], axis=1)

    against: dict[int, list[tuple[int, int]]] = {}
    likelier: dict[tuple[int, int], int] = {}
    seen: Counter[int] = Counter()
    for pair in pairs:
        one, two = ground(pair.first_px, pair.first), ground(pair.second_px, pair.second)
        angle = _turn_deg(one, two)
        if angle is None:
            continue
        seen.update((pair.first, pair.second))
        if abs(angle) < 180.0 - _HALF_TURN_DEG:
            continue
        key = (pair.first, pair.second)
        apart_if_first = _apart(ground(size - pair.first_px, pair.first), two)
        apart_if_second = _apart(one, ground(size - pair.second_px, pair.second))
        likelier[key] = pair.first if apart_if_first <= apart_if_second else pair.second
        for frame in key:
            against.setdefault(frame, []).append(key)
    return _blamed(against, likelier, seen)


def _turn_deg(one: Floats, two: Floats) -> float | None:
    """By how much the second set of places is turned against the first, None where too few are known."""
    known = np.isfinite(one).all(axis=1) & np.isfinite(two).all(axis=1)
    if known.sum() < 3:
        return None
    a, b = (side[known] - np.median(side[known], axis=0) for side in (one, two))
    cosine, sine = np.sum(a * b), np.sum(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
    return float(np.degrees(np.arctan2(sine, cosine)))


def _apart(one: Floats, two: Floats) -> float:
    distance = np.linalg.norm(one - two, axis=1)
    return float(np.nanmedian(distance)) if np.isfinite(distance).any() else np.inf


def _blamed(
    against: Mapping[int, list[tuple[int, int]]], likelier: Mapping[tuple[int, int], int], seen: Mapping[int, int]
) -> list[int]:
    """The fewest frames that explain all contradictions: the most contradicted one first."""
    open_pairs, found = set(likelier), []
    while open_pairs:
        votes = Counter(frame for key in open_pairs for frame in key)
        worst = max(
            votes,
            key=lambda frame: (
                votes[frame] / seen[frame],
                sum(likelier[key] == frame for key in open_pairs if frame in key),
                -frame,
            ),
        )
        found.append(worst)
        open_pairs = {key for key in open_pairs if worst not in key}
    return sorted(found)


def odd_ones(reads: Mapping[str, ImagePose]) -> list[str]:
    """A sentence for each picture (by file name) that another program wrote than the others of its camera: those with a
    JFIF header where the others have none."""
    cameras: dict[tuple[str | None, str | None], list[str]] = {}
    for name, read in reads.items():
        if read.make is not None:
            cameras.setdefault((read.make, read.model), []).append(name)
    return [
        f"{name}: suspicious: another program wrote the file than the others of this camera; if it was turned or "
        "cropped, its attitude does not fit"
        for names in cameras.values()
        for name in names
        if reads[name].jfif
        and not any("suspicious" in note for note in reads[name].notes)
        and not all(reads[other].jfif for other in names)
    ]


def turned_signs(files: Sequence[str], turned: Sequence[int]) -> list[str]:
    """A sentence for each turned frame."""
    return [
        f"{Path(files[frame]).name}: suspicious: what it shows lies half a turn from where its neighbours show it; it "
        "was turned after it was taken, and its attitude does not fit"
        for frame in turned
    ]


def together(said: Sequence[tuple[str, str]], of: int) -> list[str]:
    """(file name, what is to be said of it) in sentences, `of` pictures in all: the same of several is said once."""
    names: dict[str, list[str]] = {}
    for name, text in said:
        names.setdefault(text, []).append(name)
    found = []
    for text, files in names.items():
        if len(files) == of > 1:
            found.append(f"all {of} pictures: {text}")
        else:
            more = f" and {len(files) - _LISTED} more" if len(files) > _LISTED else ""
            found.append(f"{', '.join(files[:_LISTED])}{more}: {text}")
    return found
