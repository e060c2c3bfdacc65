"""What is done ray by ray over an elevation model, compiled to machine code (numba): how high the ground is, where rays
first meet it, and where rays come to rest on the ground near a place. Heights are bilinear between cell centres; a ray
is followed from one patch between four centres to the next, and solved for in each, so that no crest is stepped over,
however narrow. What rays mean and which models there are is `mapping.ground.elevation`'s subject.

Columns and rows are fractional and count from the outer corner of the grid; how a local frame lies on it (`grid`) is as
`mapping.ground.gridded` has it. The compiled code is kept beside this file, else in the user's cache (or in
NUMBA_CACHE_DIR); where nothing can be written it is compiled anew in every process.
"""

from __future__ import annotations

from collections.abc import Callable
from math import floor, inf, isnan, nan, sqrt
from typing import Any, TypeVar

import numba
import numpy as np
import numpy.typing as npt

from mapping.ground.rays import EARTH_RADIUS_M, Miss

Floats = npt.NDArray[np.float64]
Heights = npt.NDArray[np.float32]
Function = TypeVar("Function", bound=Callable[..., Any])

BLOCK = 16  # patches on the side of a block with one summit
_NONE, _HORIZON, _TOO_FAR = int(Miss.NONE), int(Miss.HORIZON), int(Miss.TOO_FAR)  # as compiled code reads them fastest
_NO_TERRAIN, _BELOW_GROUND = int(Miss.NO_TERRAIN), int(Miss.BELOW_GROUND)
_BENT = 0.5 / EARTH_RADIUS_M
_CURVED_HERE, _CURVED_AROUND = 0.21, 0.22  # fitted to rough ground known at a third of the cell, seen obliquely
_TURNS = 4
_AT_REST_M = 1e-6


def compiled(function: Function) -> Function:
    """The function as machine code, kept for later runs where there is a place to keep it."""
    try:
        made: Any = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # no place to keep it: everything is read-only
        made = numba.njit(nogil=True, error_model="numpy")(function)
    return made


@compiled
def _height(heights: Heights, column: float, row: float) -> float:
    """The ground at a place, NaN outside the model and where a cell with a share in it is unknown. Within the outer
    half cell the nearest centres count."""
    rows, columns = heights.shape
    x, y = column - 0.5, row - 0.5
    if not (-0.5 <= x <= columns - 0.5 and -0.5 <= y <= rows - 0.5):
        return nan
    i, j = floor(x), floor(y)
    u, v = x - i, y - j
    # a cell without share is not asked, so that its hole does not spread
    left, right = max(i, 0), min(i + (1 if u > 0.0 else 0), columns - 1)
    above, below = max(j, 0), min(j + (1 if v > 0.0 else 0), rows - 1)
    top = heights[above, left] + u * (float(heights[above, right]) - heights[above, left])
    bottom = heights[below, left] + u * (float(heights[below, right]) - heights[below, left])
    return float(top + v * (bottom - top))


@compiled
def ground(heights: Heights, column: Floats, row: Floats) -> Floats:
    """(N,) heights of the ground at (N,) columns and rows."""
    found = np.empty(len(column))
    for n in range(len(column)):
        found[n] = _height(heights, column[n], row[n])
    return found


@compiled
def curving(heights: Heights) -> Floats:
    """(rows / 16, columns / 16) mean square of the second differences from cell to cell, within a block."""
    rows, columns = heights.shape
    found = np.zeros((-(-rows // BLOCK), -(-columns // BLOCK)))
    number = np.zeros(found.shape)
    for j in range(1, rows - 1):
        for i in range(1, columns - 1):
            twice = 2.0 * heights[j, i]
            by_column = heights[j, i - 1] + float(heights[j, i + 1]) - twice
            by_row = heights[j - 1, i] + float(heights[j + 1, i]) - twice
            square = by_column * by_column + by_row * by_row
            if not isnan(square):
                found[j // BLOCK, i // BLOCK] += square
                number[j // BLOCK, i // BLOCK] += 1.0
    return found / np.maximum(number, 1.0)


@compiled
def on_grid(grid: Floats, east: float, north: float) -> tuple[float, float]:
    """Column and row of one place."""
    x, y = (east - grid[0, 0]) / grid[0, 1], (north - grid[1, 0]) / grid[1, 1]
    c, r = grid[0], grid[1]
    column = (
        c[2]
        + x * (c[3] + x * (c[5] + x * c[8]) + y * (c[6] + x * c[9] + y * c[10]))
        + y * (c[4] + y * (c[7] + y * c[11]))
    )
    row = (
        r[2]
        + x * (r[3] + x * (r[5] + x * r[8]) + y * (r[6] + x * r[9] + y * r[10]))
        + y * (r[4] + y * (r[7] + y * r[11]))
    )
    return column, row


@compiled
def _parabola(start: float, middle: float, last: float, length: float) -> tuple[float, float, float]:
    """The parabola of a distance that is `start` at 0, `middle` at half of `length` and `last` at all of it."""
    bend = 2.0 * (start - 2.0 * middle + last) / (length * length)
    return start, (last - start) / length - bend * length, bend


@compiled
def _value(curve: tuple[float, float, float], at: float) -> float:
    return curve[0] + at * (curve[1] + at * curve[2])


@compiled
def _slope(curve: tuple[float, float, float], at: float) -> float:
    return curve[1] + 2.0 * at * curve[2]


@compiled
def _reaching(curve: tuple[float, float, float], at: float, least: float, most: float) -> tuple[float, int]:
    """How much farther than `at` a curve leaves the range in which it lies, and to which side."""
    slope, value = _slope(curve, at), _value(curve, at)
    if slope > 0.0:
        return max((most - value) / slope, 0.0), 1
    if slope < 0.0:
        return max((least - value) / slope, 0.0), -1
    return inf, 0


@compiled
def _leaving(curve: tuple[float, float, float], at: float, least: float, most: float) -> tuple[float, int]:
    """The same over so long a way that the curve bends."""
    step, side = _reaching(curve, at, least, most)
    if side != 0:
        edge = most if side > 0 else least
        for _ in range(2):
            slope = _slope(curve, at + step)
            if slope * side > 0.0:
                step = max(step + (edge - _value(curve, at + step)) / slope, 0.0)
    return step, side


@compiled
def _within(
    heights: Heights, i: int, j: int, u: float, v: float, du: float, dv: float, over: float, sink: float, bent: float
) -> float:
    """The first share of a way over the patch right of and below centre (i, j) at which a ray touches the ground: from
    (u, v) by (du, dv), at a height that is `over`, plus `sink` times the share, plus `bent` times its square. -1 where
    it does not, NaN where the patch is unknown."""
    rows, columns = heights.shape
    # a cell without share is not asked
    left, right = max(i, 0), min(i + (1 if u != 0.0 or du != 0.0 else 0), columns - 1)
    above, below = max(j, 0), min(j + (1 if v != 0.0 or dv != 0.0 else 0), rows - 1)
    corner = float(heights[above, left])
    by_u = heights[above, right] - corner
    by_v = heights[below, left] - corner
    by_both = heights[below, right] - corner - by_u - by_v
    clear = over - (corner + by_u * u + by_v * v + by_both * u * v)
    first = sink - (by_u * du + by_v * dv + by_both * (u * dv + v * du))
    second = bent - by_both * du * dv
    last = clear + first + second
    if isnan(last):
        return nan
    if clear <= 0.0:
        return 0.0
    inner = first * first - 4.0 * second * clear
    if last <= 0.0 or (second > 0.0 and inner >= 0.0 and -2.0 * second < first < 0.0):
        return min(2.0 * clear / (sqrt(max(inner, 0.0)) - first), 1.0)
    return -1.0


@compiled
def _contact(
    heights: Heights,
    summits: Heights,
    column: tuple[float, float, float],
    row: tuple[float, float, float],
    height: tuple[float, float, float],
    length: float,
) -> tuple[float, int]:
    """How far along a ray, whose columns, rows and heights are parabolas of the distance, it first meets the ground,
    and why it does not. `summits` holds the highest ground in blocks of patches, NaN where some is unknown."""
    rows, columns = heights.shape
    over = height[0] - _height(heights, column[0], row[0])
    if not over > 0.0:
        return nan, _NO_TERRAIN if isnan(over) else _BELOW_GROUND
    across, down = (column[0] - 0.5, column[1], column[2]), (row[0] - 0.5, row[1], row[2])  # centre k lies at k
    at = 0.0
    i, j = floor(across[0]), floor(down[0])
    before_x = before_y = -1
    while at < length:
        if i < -1 or i >= columns or j < -1 or j >= rows:
            return nan, _NO_TERRAIN
        block_x, block_y = (i + 1) // BLOCK, (j + 1) // BLOCK
        if block_x != before_x or block_y != before_y:
            before_x, before_y = block_x, block_y
            least_x, least_y = block_x * BLOCK - 1, block_y * BLOCK - 1
            step_x, side_x = _leaving(across, at, max(least_x, -0.5), min(least_x + BLOCK, columns - 0.5))
            step_y, side_y = _leaving(down, at, max(least_y, -0.5), min(least_y + BLOCK, rows - 0.5))
            leave = min(at + min(step_x, step_y), length)
            lowest = min(_value(height, at), _value(height, leave)) - 0.25 * height[2] * (leave - at) ** 2
            if lowest > summits[block_y, block_x]:
                at = leave
                # what rounding leaves this side of the edge is over it
                if step_x <= step_y:
                    i = (least_x + BLOCK if least_x + BLOCK < columns - 0.5 else columns) if side_x > 0 else least_x - 1
                    j = min(max(floor(_value(down, at)), least_y), least_y + BLOCK - 1)
                else:
                    j = (least_y + BLOCK if least_y + BLOCK < rows - 0.5 else rows) if side_y > 0 else least_y - 1
                    i = min(max(floor(_value(across, at)), least_x), least_x + BLOCK - 1)
                continue
        step_x, side_x = _reaching(across, at, max(i, -0.5), min(i + 1, columns - 0.5))
        step_y, side_y = _reaching(down, at, max(j, -0.5), min(j + 1, rows - 0.5))
        end = min(at + min(step_x, step_y), length)
        if end > at:
            way = end - at
            u, v = _value(across, at) - i, _value(down, at) - j
            du, dv = _value(across, end) - i - u, _value(down, end) - j - v
            sink, bent = way * _slope(height, at), way * way * height[2]
            share = _within(heights, i, j, u, v, du, dv, _value(height, at), sink, bent)
            if isnan(share):
                return nan, _NO_TERRAIN
            if share >= 0.0:
                return at + share * way, _NONE
        at = end
        if step_x <= step_y:
            i += side_x
        else:
            j += side_y
    return nan, _TOO_FAR if height[1] < 0.0 else _HORIZON


@compiled
def meet(
    heights: Heights,
    summits: Heights,
    grid: Floats,
    origin: Floats,
    direction: Floats,
    begin: Floats,
    end: Floats,
    miss: npt.NDArray[np.int8],
) -> Floats:
    """(N,) how far rays from `origin` (3, N) along `direction` (3, N) first meet the ground between `begin` and `end`,
    NaN where they do not; `miss` (N,), which says which have missed before, is filled in."""
    slant = np.full(len(begin), nan)
    for n in range(len(begin)):
        if miss[n] != _NONE:
            continue
        start, length = begin[n], end[n] - begin[n]
        east, north, up = origin[0, n], origin[1, n], origin[2, n]
        go_east, go_north, rise = direction[0, n], direction[1, n], direction[2, n]
        middle = start + 0.5 * length
        x0, y0 = on_grid(grid, east + go_east * start, north + go_north * start)
        x1, y1 = on_grid(grid, east + go_east * middle, north + go_north * middle)
        x2, y2 = on_grid(grid, east + go_east * end[n], north + go_north * end[n])
        bent = (1.0 - rise * rise) * _BENT
        height = (up + start * (rise + start * bent), rise + 2.0 * start * bent, bent)
        along, reason = _contact(
            heights, summits, _parabola(x0, x1, x2, length), _parabola(y0, y1, y2, length), height, length
        )
        if reason == _TOO_FAR and rise >= 0.0:
            reason = _HORIZON
        elif reason == _HORIZON and rise < 0.0:
            reason = _TOO_FAR
        slant[n] = start + along
        miss[n] = reason
    return slant


@compiled
def facing(heights: Heights, around: Floats, grid: Floats, east: Floats, north: Floats, normal: Floats) -> Floats:
    """Fill in `normal` (3, N), the unit normals of the ground over one cell round (N,) places, straight up beside the
    unknown; returns (N,) how far the ground between cell centres may be from bilinear: a part of how much it curves
    from cell to cell, there and `around` (of `curving`)."""
    unsure = np.zeros(len(east))
    for n in range(len(east)):
        normal[0, n], normal[1, n], normal[2, n] = 0.0, 0.0, 1.0
        if isnan(east[n]):
            continue
        column, row = on_grid(grid, east[n], north[n])
        by_column = _height(heights, column + 0.5, row) - _height(heights, column - 0.5, row)
        by_row = _height(heights, column, row + 0.5) - _height(heights, column, row - 0.5)
        a = -(by_column * grid[0, 3] + by_row * grid[1, 3]) / grid[0, 1]
        b = -(by_column * grid[0, 4] + by_row * grid[1, 4]) / grid[1, 1]
        size = sqrt(a * a + b * b + 1.0)
        if not isnan(size):
            normal[0, n], normal[1, n], normal[2, n] = a / size, b / size, 1.0 / size
        twice = 2.0 * _height(heights, column, row)
        curve_column = _height(heights, column + 1.0, row) + _height(heights, column - 1.0, row) - twice
        curve_row = _height(heights, column, row + 1.0) + _height(heights, column, row - 1.0) - twice
        block_y = min(max(int(row / BLOCK), 0), around.shape[0] - 1)
        block_x = min(max(int(column / BLOCK), 0), around.shape[1] - 1)
        square = curve_column * curve_column + curve_row * curve_row
        if not isnan(square):
            unsure[n] = sqrt(_CURVED_HERE**2 * square + _CURVED_AROUND**2 * around[block_y, block_x])
    return unsure


@compiled
def rest_near(
    heights: Heights, grid: Floats, camera: Floats, ray: Floats, begun: Floats, falling: Floats
) -> tuple[Floats, Floats]:
    """(N,) how far along rays from `camera` (3, N) along `ray` (3, N) the ground near `begun` (N,) is, by secants that
    are blind to what is elsewhere on the ray, and (N,) the step that would come next: small where they came to rest.
    `falling` (N,) is how fast rays and ground near each other there, a metre."""
    found, step = np.empty(len(begun)), np.empty(len(begun))
    for n in range(len(begun)):
        bent = (1.0 - ray[2, n] * ray[2, n]) * _BENT
        at, next_step, before = begun[n], 0.0, 0.0
        for turn in range(_TURNS + 1):
            at += next_step
            column, row = on_grid(grid, camera[0, n] + ray[0, n] * at, camera[1, n] + ray[1, n] * at)
            clear = camera[2, n] + at * (ray[2, n] + at * bent) - _height(heights, column, row)
            slope = falling[n]
            if turn > 0:
                secant = (clear - before) / (1.0 if next_step == 0.0 else next_step)
                if secant < 0.2 * falling[n]:
                    slope = secant
            before, next_step = clear, -clear / slope
            if abs(next_step) < _AT_REST_M:
                break
        found[n], step[n] = at, next_step
    return found, step
