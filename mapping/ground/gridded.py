"""How rays run over a grid of heights: a local frame as the grid sees it, rays as parabolas of columns and rows, and
where they go through the ground. What is on the grid is `mapping.ground.elevation`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mapping.ground.rays import EARTH_RADIUS_M, Miss

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.intp]

_NODES = 7


def applied(affine: Sequence[float], x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
    """The two coordinates that an affine map (its first six numbers, row by row) makes of x and y."""
    a, b, c, d, e, f = tuple(affine)[:6]
    first, second = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    return a * first + b * second + c, d * first + e * second + f


@dataclass(frozen=True, eq=False)
class Path:
    """How (N,) rays run from where they may first touch the ground: `length` of each, and its column, row and height
    as parabolas (3, N) of the distance along it; `rise` a metre at the camera."""

    length: Floats
    column: Floats
    row: Floats
    height: Floats
    rise: Floats

    @property
    def speed(self) -> Floats:
        """(N,) at most so many cells, along columns or rows, a metre of the ray."""
        ends = [
            np.abs(one[1] + 2.0 * part * self.length * one[2]) for one in (self.column, self.row) for part in (0, 1)
        ]
        return np.asarray(np.maximum.reduce(ends))

    def take(self, index: Whole) -> Path:
        """The rays at these ascending indices."""
        if len(index) == len(self.length):
            return self
        return Path(
            self.length[index], self.column[:, index], self.row[:, index], self.height[:, index], self.rise[index]
        )

    def at(self, along: Floats) -> tuple[Floats, Floats, Floats]:
        """Column, row and height at distances (N,) or (N, K) along the rays."""
        column, row, height = (
            curve[:, :, None] if along.ndim > 1 else curve for curve in (self.column, self.row, self.height)
        )
        return (
            column[0] + along * (column[1] + along * column[2]),
            row[0] + along * (row[1] + along * row[2]),
            height[0] + along * (height[1] + along * height[2]),
        )


@dataclass(frozen=True, eq=False)
class Crossing:
    """Where (N,) rays go through the ground: distances `above` and `below` it and the clearances there; NaN where they
    do not. `miss` is what ends a ray without a place."""

    above: Floats
    below: Floats
    over: Floats
    under: Floats
    miss: npt.NDArray[np.int8]

    @staticmethod
    def none(count: int) -> Crossing:
        above, below, over, under = np.full((4, count), np.nan)
        return Crossing(above, below, over, under, np.full(count, Miss.NONE, dtype=np.int8))

    def put(self, index: Whole, other: Crossing) -> None:
        for mine, its in zip(self.columns(), other.columns(), strict=True):
            mine[index] = its

    def columns(self) -> tuple[npt.NDArray[Any], ...]:
        return self.above, self.below, self.over, self.under, self.miss


@dataclass(frozen=True, eq=False)
class Grid:
    """The grid as a local frame sees it: `terms` (2, 10) of two polynomials of the third degree, column and row, in
    east and north counted from `middle` in units of `half`."""

    middle: Floats
    half: Floats
    terms: Floats

    def at(self, east: Floats, north: Floats) -> tuple[Floats, Floats]:
        """Columns and rows, (N,) each."""
        x, y = (east - self.middle[0]) / self.half[0], (north - self.middle[1]) / self.half[1]
        column, row = (
            c[0]
            + x * (c[1] + x * (c[3] + x * c[6]) + y * (c[4] + x * c[7] + y * c[8]))
            + y * (c[2] + y * (c[5] + y * c[9]))
            for c in self.terms
        )
        return column, row

    @property
    def turn(self) -> tuple[Floats, Floats]:
        """(columns, rows) a metre east and (columns, rows) a metre north, in the middle."""
        return self.terms[:, 1] / self.half[0], self.terms[:, 2] / self.half[1]


def _terms(x: Floats, y: Floats) -> Floats:
    """(10, N) terms of a polynomial of the third degree, in the order of `Grid.terms`."""
    one = np.ones_like(x)
    return np.stack([one, x, y, x * x, x * y, y * y, x**3, x * x * y, x * y * y, y**3])


def path_over(grid: Grid, origin: Floats, direction: Floats, begin: Floats, end: Floats) -> Path:
    """How rays run over the grid between `begin` and `end`."""
    (east, north, up), (go_east, go_north, rise) = origin.T, direction.T
    length = end - begin
    at = [grid.at(east + go_east * slant, north + go_north * slant) for slant in (begin, begin + 0.5 * length, end)]
    curves = []
    for start, middle, last in zip(*at, strict=True):
        bend = 2.0 * (start - 2.0 * middle + last) / length**2
        curves.append(np.stack([start, (last - start) / length - bend * length, bend]))
    bent = 0.5 * (1.0 - rise * rise) / EARTH_RADIUS_M
    height = np.stack([up + begin * (rise + begin * bent), rise + 2.0 * begin * bent, bent])
    return Path(length, curves[0], curves[1], height, rise)


def fitted(middle: Floats, half: Floats, on_grid: Callable[[Floats, Floats], Floats]) -> tuple[Grid, float]:
    """The grid over `middle` (2,) and as far as `half` (2,) on either side, from what `on_grid` makes of east and north
    (columns and rows, (2, N)), and the largest difference of the two, in cells."""
    nodes = np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)  # Chebyshev's, where fits are even
    x, y = (one.ravel() for one in np.meshgrid(nodes, nodes))
    exact = on_grid(middle[0] + half[0] * x, middle[1] + half[1] * y)
    terms = _terms(x, y)
    found, *_ = np.linalg.lstsq(terms.T, exact.T, rcond=None)
    off = float(np.abs(terms.T @ found - exact.T).max())
    return Grid(middle, half, np.asarray(found.T, dtype=np.float64)), off
