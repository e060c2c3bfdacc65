"""The same patches of ground found in overlapping frames: ties between frames that nobody had to mark.

Features (SIFT, Lowe 2004) are matched between frames whose views of the ground overlap, and kept where one homography
joins both pictures, as it does for ground that is close to a plane. Each pair of frames also says whether the two
pictures lie the way their poses say: one that was turned by half after it was taken does not. What ties are good for is
`mapping.ground.calibration`'s subject, what a turned picture is called `mapping.ground.signs`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.spatial import cKDTree

from mapping.ground.adjustment import Ties
from mapping.ground.camera import Camera, outline_pixels
from mapping.ground.georeference import locate_pixels
from mapping.ground.pose import Poses
from mapping.ground.terrain import Terrain
from vision.errors import InputError

Floats = npt.NDArray[np.float64]
Progress = Callable[[int, int], None]

_LONG_SIDE_PX = 1000  # pictures are searched at this size
_FEATURES = 1500
_RATIO = 0.8  # Lowe's: the second best match must be this much worse
_PLANE_PX = 3.0
_LEAST_MATCHES = 14
_CELLS = 4  # ties are spread over a grid of this many cells a side, one to a cell
_NEIGHBOURS = 4
_TIE_SIGMA_PX = 2.0  # at the size searched: matching, and relief that no homography follows
_REACH = 1.5  # of the distance between two views' centres to the length of their diagonal, from which they do not meet
_ALIKE = 0.35  # half of the full scale: cosine of a turn about which nothing is said


@dataclass(frozen=True, eq=False)
class Pair:
    """Two frames that show the same ground: (K, 2) pixels of the same patches in each."""

    first: int
    second: int
    first_px: Floats
    second_px: Floats


@dataclass(frozen=True, eq=False)
class _Features:
    pixels: Floats
    descriptors: npt.NDArray[np.float32]


def read_small(path: Path) -> tuple[npt.NDArray[np.uint8], float]:
    """(grey picture of at most 1000 pixels a side, how many of its pixels make one there); never turned. Raises
    InputError where it cannot be read."""
    try:
        with Image.open(path) as image:
            width = image.width
            image.draft("L", (_LONG_SIDE_PX, _LONG_SIDE_PX))
            grey = np.asarray(image.convert("L"))
    except Exception as error:  # Pillow's readers raise whatever a broken file makes them stumble over
        raise InputError(path, "not a picture that can be read; take it out") from error
    scale = max(1.0, max(grey.shape) / _LONG_SIDE_PX)
    size = (round(grey.shape[1] / scale), round(grey.shape[0] / scale))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA) if scale > 1.0 else grey
    return np.asarray(small, dtype=np.uint8), width / small.shape[1]


def overlapping(
    poses: Poses, camera: Camera, terrain: Terrain, home: tuple[float, float] | None
) -> list[tuple[int, int]]:
    """Pairs of frames whose views of the ground meet, each frame with its nearest few."""
    count = len(poses)
    spots = np.vstack([[camera.cx_px, camera.cy_px], outline_pixels(camera, per_side=1)])
    points = locate_pixels(
        np.tile(spots, (count, 1)), np.repeat(np.arange(count), len(spots)), poses, camera, terrain, home=home
    )
    ground = np.stack([points.east_m, points.north_m], axis=1).reshape(count, len(spots), 2)
    centre = ground[:, 0]
    size = np.nan_to_num(np.nanmax(np.linalg.norm(ground - centre[:, None], axis=2), axis=1, initial=0.0))
    seen = np.flatnonzero(np.isfinite(centre).all(axis=1) & (size > 0.0))
    if len(seen) < 2:
        return []
    wanted = min(_NEIGHBOURS + 1, len(seen))
    distance, near = cKDTree(centre[seen]).query(centre[seen], k=wanted)
    pairs = {
        tuple(sorted((int(seen[row]), int(seen[other]))))
        for row in range(len(seen))
        for away, other in zip(distance[row], near[row], strict=True)
        if other != row and away < _REACH * min(size[seen[row]], size[seen[other]])
    }
    return sorted((one, two) for one, two in pairs)


def matched_pairs(
    files: Sequence[Path], pairs: Sequence[tuple[int, int]], progress: Progress | None = None
) -> list[Pair]:
    """What the pictures `files` (a path for each frame) have in common, for those of `pairs` that have enough. The same
    pictures give the same answer."""
    features: dict[int, _Features] = {}
    last_use = {frame: number for number, pair in enumerate(pairs) for frame in pair}
    found = []
    for number, (first, second) in enumerate(pairs):
        for frame in (first, second):
            if frame not in features:
                features[frame] = _features(files[frame])
        pair = _matched(first, second, features[first], features[second])
        if pair is not None:
            found.append(pair)
        for frame in (first, second):
            if last_use[frame] == number:
                features[frame] = _Features(np.empty((0, 2)), np.empty((0, 128), np.float32))
        if progress is not None:
            progress(number + 1, len(pairs))
    return found


def _features(path: Path) -> _Features:
    grey, scale = read_small(path)
    spread = cv2.createCLAHE(clipLimit=3.0, tileGridSize=(8, 8)).apply(grey)
    points, descriptors = cv2.SIFT.create(nfeatures=_FEATURES).detectAndCompute(spread, None)
    if descriptors is None:
        return _Features(np.empty((0, 2)), np.empty((0, 128), np.float32))
    # SIFT counts from the middle of the first pixel, Picket from its corner
    pixels = (np.array([point.pt for point in points], dtype=np.float64).reshape(-1, 2) + 0.5) * scale
    return _Features(pixels, np.asarray(descriptors, dtype=np.float32))


def _matched(first: int, second: int, one: _Features, two: _Features) -> Pair | None:
    if len(one.pixels) < _LEAST_MATCHES or len(two.pixels) < _LEAST_MATCHES:
        return None
    there, back = (
        cv2.BFMatcher(cv2.NORM_L2).knnMatch(a.descriptors, b.descriptors, k=2) for a, b in ((one, two), (two, one))
    )
    mutual = {best.queryIdx: best.trainIdx for best, other in back if best.distance < _RATIO * other.distance}
    matches = [
        (best.queryIdx, best.trainIdx)
        for best, other in there
        if best.distance < _RATIO * other.distance and mutual.get(best.trainIdx) == best.queryIdx
    ]
    if len(matches) < _LEAST_MATCHES:
        return None
    here, yonder = np.array(matches).T
    cv2.setRNGSeed(1)
    scale = max(np.ptp(one.pixels), np.ptp(two.pixels)) / _LONG_SIDE_PX
    plane, inlying = cv2.findHomography(
        one.pixels[here], two.pixels[yonder], cv2.RANSAC, _PLANE_PX * max(scale, 1.0), maxIters=2000, confidence=0.999
    )
    if plane is None or int(inlying.sum()) < _LEAST_MATCHES:
        return None
    kept = inlying.ravel().astype(bool)
    return Pair(first, second, one.pixels[here[kept]], two.pixels[yonder[kept]])


def ties_of(pairs: Sequence[Pair], camera: Camera) -> Ties:
    """A few ties of each pair, spread over the first picture."""
    pixels, frames = [], []
    size = np.array([camera.width_px, camera.height_px]) / _CELLS
    for pair in pairs:
        cells = np.floor(pair.first_px / size).astype(np.intp)
        middle = np.linalg.norm(pair.first_px - (cells + 0.5) * size, axis=1)
        order = np.argsort(middle, kind="stable")
        _, first = np.unique(cells[order] @ [1, _CELLS], return_index=True)
        for chosen in order[np.sort(first)]:
            pixels += [pair.first_px[chosen], pair.second_px[chosen]]
            frames += [pair.first, pair.second]
    count = len(frames) // 2
    scale = max(camera.width_px, camera.height_px) / _LONG_SIDE_PX
    return Ties(
        pixels=np.array(pixels, dtype=np.float64).reshape(-1, 2),
        frame=np.array(frames, dtype=np.intp),
        thing=np.repeat(np.arange(count), 2),
        sigma_px=np.full(2 * count, _TIE_SIGMA_PX * max(scale, 1.0)),
        known=np.full((count, 3), np.nan),
    )
