"""Where to cut a large frame so that small things stay large enough to be seen: windows in pixels, pure numpy. Looking
into the windows is `detector`'s work, joining what was seen in two of them `merge`'s.
"""

from __future__ import annotations

import math

import numpy as np


def _starts(length_px: int, tile_px: int, overlap: float) -> list[int]:
    """First pixel of each tile along one side: evenly spread, the first at 0, the last ending with the frame."""
    if length_px <= tile_px:
        return [0]
    stride = max(1.0, tile_px * (1.0 - overlap))
    count = math.ceil((length_px - tile_px) / stride) + 1
    return [round(k * (length_px - tile_px) / (count - 1)) for k in range(count)]


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
    across = [(x, min(x + tile_px, width_px)) for x in _starts(width_px, tile_px, overlap)]
    down = [(y, min(y + tile_px, height_px)) for y in _starts(height_px, tile_px, overlap)]
    return np.array([(x1, y1, x2, y2) for y1, y2 in down for x1, x2 in across], dtype=np.int64)
