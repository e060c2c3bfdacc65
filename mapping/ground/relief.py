"""What relief makes of errors: over rough ground a ray that is a little off does not land a little off.

First-order errors take the ground for a plane. Here rays off by what the errors are worth are sent out, after a fixed
rule of weighted rays that stands for a normal distribution, and where they land says how errors really move the place:
on the average by a linear map of the first-order shifts (statistical linearisation), and beyond that by a scatter that
no linear map explains. Ridges count too: a ray that passes over one lands far behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mapping.ground.elevation import ElevationModel
from mapping.ground.frame import LocalFrame
from mapping.ground.rays import height_on_ray

Floats = npt.NDArray[np.float64]

_ANGLES = 6
_MOST_LOST = 0.5
_FAR = 2.6  # sigmas, as far as the outer ring of the full rule
_AGREED = 0.3  # of the shift: two ways to land that differ by less are one


def _ring(squared: float, weight: float, turn: float) -> tuple[Floats, Floats]:
    angle = 2.0 * np.pi * (np.arange(_ANGLES) + turn) / _ANGLES
    return np.sqrt(squared) * np.stack([np.cos(angle), np.sin(angle)]), np.full(_ANGLES, weight / _ANGLES)


def _joined(*rings: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    points, weights = zip(*rings, strict=True)
    return np.concatenate(points, axis=1), np.concatenate(weights)


# (2, K) points and weights that stand for the plane's normal distribution (Stroud, Approximate Calculation of Multiple
# Integrals): one ring, exact to the third moments, and two after Gauss and Laguerre, exact to the fifth
_FEW = _joined(_ring(2.0, 1.0, 0.0))
_ROOT = np.sqrt(2.0)
_MANY = _joined(
    _ring(2.0 * (2.0 - _ROOT), (2.0 + _ROOT) / 4.0, 0.0), _ring(2.0 * (2.0 + _ROOT), (2.0 - _ROOT) / 4.0, 0.5)
)


@dataclass(frozen=True, eq=False)
class Bending:
    """What becomes of first-order shifts of (N,) places: `turned` (2, 2, N) maps them to what they are on the average,
    `scatter` (2, 2, N) is the covariance that comes on top, and `lost` (N,) is True where so many of the rays meet no
    ground that the place is none."""

    turned: Floats
    scatter: Floats
    lost: npt.NDArray[np.bool_]


def bend(
    terrain: ElevationModel,
    local: LocalFrame,
    origin: Floats,
    place: Floats,
    normal: Floats,
    covariance: Floats,
    moved: Floats,
) -> Bending:
    """How relief bends the first-order errors of (N,) places. `origin` and `place` (3, N) are cameras and places with
    the terrain's heights, `normal` (3, N) that of the ground, `covariance` (2, 2, N) of the errors of first order,
    `moved` (N,) how much of it comes from where the camera is (the rest from where it looks).

    Where the rays about a place land where the ground near it says, a few are enough and none is followed all the way,
    but for the lowest, which would meet what stands in the way; elsewhere the full rule's are.
    """
    bundle = _Bundle(terrain, local, terrain.seen_from(local, place[:2].T), origin, place, normal, covariance, moved)
    shift = bundle.shifts(*_FEW[0][:, :, None])
    landed, smooth = bundle.land_near(shift)
    smooth &= bundle.open_view()
    found = Bending(*_moments(landed, shift, _FEW[1][:, None]), np.zeros(len(smooth), dtype=np.bool_))
    rough = np.flatnonzero(~smooth)
    if rough.size:
        some = bundle.take(rough)
        shift = some.shifts(*_MANY[0][:, :, None])
        landed = some.land(shift)
        weight = np.where(np.isfinite(landed[0]), _MANY[1][:, None], 0.0)
        kept = weight.sum(axis=0)
        found.lost[rough] = kept < 1.0 - _MOST_LOST
        turned, scatter = _moments(np.nan_to_num(landed), shift, weight / np.maximum(kept, 1e-9))
        found.turned[:, :, rough], found.scatter[:, :, rough] = turned, scatter
    return found


def _moments(landed: Floats, shift: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """The linear map (2, 2, N) that takes shifts (2, K, N) nearest to where they landed, and the covariance of the
    rest, all about the place itself."""

    x, y = weight * shift
    xx, xy, yy = ((x * shift[0]).sum(axis=0), (x * shift[1]).sum(axis=0), (y * shift[1]).sum(axis=0))
    determinant = np.maximum(xx * yy - xy * xy, 1e-30)
    turned, scatter = np.empty((2, 2, shift.shape[2])), np.empty((2, 2, shift.shape[2]))
    mixed = [((x * one).sum(axis=0), (y * one).sum(axis=0)) for one in landed]
    for row, (by_x, by_y) in zip(turned, mixed, strict=True):
        row[0], row[1] = (by_x * yy - by_y * xy) / determinant, (by_y * xx - by_x * xy) / determinant
    for i, j in ((0, 0), (0, 1), (1, 1)):
        both = (weight * landed[i] * landed[j]).sum(axis=0)
        scatter[i, j] = both - turned[i, 0] * mixed[j][0] - turned[i, 1] * mixed[j][1]
    scatter[1, 0] = scatter[0, 1]
    return turned, scatter


@dataclass(frozen=True, eq=False)
class _Bundle:
    """Rays about (N,) places: as for `bend`."""

    terrain: ElevationModel
    local: LocalFrame
    grid: Floats
    origin: Floats
    place: Floats
    normal: Floats
    covariance: Floats
    moved: Floats

    def take(self, index: npt.NDArray[np.intp]) -> _Bundle:
        parts = (self.origin[:, index], self.place[:, index], self.normal[:, index], self.covariance[:, :, index])
        return _Bundle(self.terrain, self.local, self.grid, *parts, self.moved[index])

    @cached_property
    def _root(self) -> tuple[Floats, Floats, Floats]:
        """The Cholesky factor of the covariance."""
        one = np.sqrt(np.maximum(self.covariance[0, 0], 1e-12))
        two = self.covariance[0, 1] / one
        return one, two, np.sqrt(np.maximum(self.covariance[1, 1] - two * two, 1e-12))

    def shifts(self, x: Floats, y: Floats) -> Floats:
        """(2, K, N) shifts on the ground of points (K, 1) or (K, N) of the unit normal distribution."""
        one, two, three = self._root
        return np.stack([one * x, two * x + three * y])

    def _rays(self, shift: Floats) -> tuple[Floats, Floats, Floats]:
        """Cameras and unit rays (3, K, N) through places shifted along the ground's plane, and how far it is to there:
        the camera is moved along by its share of the errors, the rest is the ray's direction."""
        east, north, up = self.normal
        level = np.hypot(self.place[0] - self.origin[0], self.place[1] - self.origin[1])
        # the ray is straight where the place, on the round earth, has been bent up to
        drop = height_on_ray(np.zeros_like(level), np.zeros_like(level), level)
        moved = np.stack([shift[0], shift[1], -(east * shift[0] + north * shift[1]) / up])
        straight = self.place - self.origin
        straight[2] -= drop
        toward = straight[:, None, :] + (1.0 - self.moved) * moved
        distance = np.sqrt((toward * toward).sum(axis=0))
        return self.origin[:, None, :] + self.moved * moved, toward / distance, distance

    def land(self, shift: Floats) -> Floats:
        """(2, K, N) shifts of where rays through the shifted places first meet the ground, NaN where they do not."""
        cameras, rays, _ = self._rays(shift)
        slant, _, _ = self.terrain.reach(self.local, cameras.reshape(3, -1).T, rays.reshape(3, -1).T)
        slant = slant.reshape(rays.shape[1:])
        return np.asarray(cameras[:2] + rays[:2] * slant - self.place[:2, None, :])

    def land_near(self, shift: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """The same by secants begun at the shifted places, blind to what is elsewhere on the ray, and (N,) whether all
        rays of a place came to rest near enough to trust that."""
        cameras, rays, begun = self._rays(shift)
        falling = np.einsum("in,ikn->kn", self.normal / self.normal[2], rays)
        at, step = self.terrain.rest_near(self.grid, cameras, rays, begun, falling)
        with np.errstate(invalid="ignore"):
            size = np.sqrt((shift * shift).sum(axis=0)) + 1e-6
            sound = (np.abs(step) < _AGREED * size) & (np.abs(at - begun) < 2.0 * size) & (falling < 0.0)
        landed = cameras[:2] + rays[:2] * at - self.place[:2, None, :]
        return np.nan_to_num(landed), np.asarray(sound.all(axis=0))

    def open_view(self) -> npt.NDArray[np.bool_]:
        """(N,) whether the farthest rays up and down that count land near the place, and nothing stands in the way of
        the lower."""
        one, two, three = self._root
        look = self.place[:2] - self.origin[:2] + [[1e-9], [0.0]]
        x = look[0] / one
        y = (look[1] - two * x) / three
        size = _FAR / np.hypot(x, y)
        shift = self.shifts(np.stack([x * size, -x * size]), np.stack([y * size, -y * size]))
        near, sound = self.land_near(shift)
        apart = np.hypot(*(self.land(shift[:, 1:]) - near[:, 1:]))[0]
        with np.errstate(invalid="ignore"):
            return sound & (apart < _AGREED * np.hypot(*shift[:, 1]))
