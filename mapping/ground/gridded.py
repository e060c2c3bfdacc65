"""How a local frame lies on a grid of heights. What is on the grid is `mapping.ground.elevation`'s subject, where rays
run over it `mapping.ground.marching`'s."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_NODES = 7


def applied(affine: Sequence[float], x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
    """The two coordinates that an affine map (its first six numbers, row by row) makes of x and y."""
    a, b, c, d, e, f = tuple(affine)[:6]
    first, second = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    return a * first + b * second + c, d * first + e * second + f


def _terms(x: Floats, y: Floats) -> Floats:
    """(10, N) terms of a polynomial of the third degree, in the order of `fitted`."""
    one = np.ones_like(x)
    return np.stack([one, x, y, x * x, x * y, y * y, x**3, x * x * y, x * y * y, y**3])


def fitted(middle: Floats, half: Floats, on_grid: Callable[[Floats, Floats], Floats]) -> tuple[Floats, float]:
    """(2, 12) the grid over `middle` (2,) and as far as `half` (2,) on either side, from what `on_grid` makes of east
    and north (columns and rows, (2, N)), and the largest difference of the two, in cells.

    The first two numbers are middle and half for east, in the second row those for north; the others are the terms of
    two polynomials of the third degree, of columns and of rows, in east and north counted from the middle in halves.
    """
    nodes = np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)  # Chebyshev's, where fits are even
    x, y = (one.ravel() for one in np.meshgrid(nodes, nodes))
    exact = on_grid(middle[0] + half[0] * x, middle[1] + half[1] * y)
    terms = _terms(x, y)
    found, *_ = np.linalg.lstsq(terms.T, exact.T, rcond=None)
    off = float(np.abs(terms.T @ found - exact.T).max())
    return np.column_stack([middle, half, found.T]), off
