"""Where to cut a large frame so that small things stay large enough to be seen: windows in pixels, pure numpy. Looking
into the windows is `detector`'s work, joining what was seen in two of them `merge`'s.
"""

from __future__ import annotations

import math

import numpy as np


def _starts(length_px: int, tile_px: int, count: int) -> list[int]:
    """First pixel of each of `count` tiles along one side: evenly spread, the first at 0, the last ending with the
    frame."""
    if count == 1:
        return [0]
    return [round(k * (length_px - tile_px) / (count - 1)) for k in range(count)]


def _grid(width_px: int, height_px: int, tile: tuple[int, int], count: tuple[int, int]) -> np.ndarray:
    across = [(x, min(x + tile[0], width_px)) for x in _starts(width_px, tile[0], count[0])]
    down = [(y, min(y + tile[1], height_px)) for y in _starts(height_px, tile[1], count[1])]
    return np.array([(x1, y1, x2, y2) for y1, y2 in down for x1, x2 in across], dtype=np.int64)


def tile_windows(width_px: int, height_px: int, tile_px: int, overlap: float) -> np.ndarray:
    """Windows that cover a frame, (N, 4) int: x1, y1, x2, y2, the second corner exclusive, row by row.

    Every window is `tile_px` square, or as wide (high) as the frame where that is smaller, and lies inside the frame;
    neighbours overlap by at least `overlap` (a fraction of the tile, less rounding to a pixel) because the windows
    are spread evenly, so the last of a row is never a sliver. Raises ValueError where a size is not positive
    or `overlap` is not within 0 and 0.9.
    """
    if min(width_px, height_px, tile_px) < 1:
        raise ValueError(f"a frame of {width_px} x {height_px} px cannot be cut into tiles of {tile_px} px")
    if not 0.0 <= overlap <= 0.9:
        raise ValueError(f"overlap {overlap} is not within 0 and 0.9")
    stride = max(1.0, tile_px * (1.0 - overlap))

    def count(length_px: int) -> int:
        return 1 if length_px <= tile_px else math.ceil((length_px - tile_px) / stride) + 1

    return _grid(width_px, height_px, (tile_px, tile_px), (count(width_px), count(height_px)))


def fitted_windows(
    width_px: int, height_px: int, most_px: tuple[int, int], overlap_px: int, *, step_px: int = 1
) -> np.ndarray:
    """Windows that cover a frame, as `tile_windows` has them, but of the shape that fits it: all of one size of at most
    `most_px` (width, height), neighbours overlapping by `overlap_px` (a pixel more or less), and together as few
    pixels as can be when a network rounds sides up to multiples of `step_px`. Raises ValueError where a size is not
    positive or the overlap does not leave half a window.
    """
    if min(width_px, height_px, *most_px, step_px) < 1 or not 0 <= 2 * overlap_px <= min(most_px):
        raise ValueError(f"a frame of {width_px} x {height_px} px cannot be cut into windows of {most_px} px")

    def side(length_px: int, most: int) -> tuple[int, int]:
        """The count of windows along a side and how long each is."""
        fewest = 1 if length_px <= most else math.ceil((length_px - overlap_px) / (most - overlap_px))
        choices = [(n, math.ceil((length_px + (n - 1) * overlap_px) / n)) for n in range(fewest, fewest + 3)]
        return min(choices, key=lambda one: (one[0] * -(-one[1] // step_px), one[0]))

    (across, width), (down, height) = side(width_px, most_px[0]), side(height_px, most_px[1])
    return _grid(width_px, height_px, (width, height), (across, down))
