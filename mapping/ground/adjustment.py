"""Robust least squares for the errors a whole flight shares, from things seen in several frames or at known points.

Unknown are the seven of `mapping.ground.errors.FLIGHT_WIDE`, an error of attitude and of position new in every frame
(so that many pixels of one frame do not count as many witnesses of its attitude), and the places of things that are not
known. Each has its prior; the residuals are places on the ground, weighed by what a pixel covers there, and outliers
count less (Huber, then Cauchy). The normal equations are sparse and solved by Gauss and Newton's method (Triggs et al.,
Bundle Adjustment - A Modern Synthesis, 1999). What is made of the answer is `mapping.ground.calibration`'s subject.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import scipy.sparse as sparse
from scipy.sparse.linalg import SuperLU, splu

from mapping.ground.camera import Camera, pixel_rays
from mapping.ground.errors import FLIGHT_WIDE
from mapping.ground.frame import LocalFrame
from mapping.ground.georeference import camera_axes, camera_origins, local_frame
from mapping.ground.motion import Record, corrected
from mapping.ground.pose import Poses
from mapping.ground.rays import Miss
from mapping.ground.terrain import Terrain

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

BIASES = len(FLIGHT_WIDE)
_PER_FRAME = 5  # position east and north, turn about the camera's three axes
_FRAME_TO_BIAS = np.array([0, 1, 4, 5, 6])  # the flight-wide errors that act alike
_STEPS = np.array([0.5, 0.5, 0.5, 0.05, 2e-3, 2e-3, 2e-3])
_OUTLYING, _HUBER_PRIOR = 3.0, 1.5  # sigmas from which a residual counts less
_COARSE_STEPS = 6  # with Huber's weights, which lead to the answer from afar; then Cauchy's, which forget outliers
MIDDLE = 1.1774  # the median length of a plane vector of standard normal numbers
_ITERATIONS = 30
_SETTLED = 1e-3  # of a prior's sigma


@dataclass(frozen=True, eq=False)
class Ties:
    """(N,) pixels that show (M,) things: pixel k, in the frame `frame[k]` and known to `sigma_px[k]`, shows the thing
    `thing[k]`. `known` (M, 3) holds latitude, longitude and height above mean sea level of things that were surveyed,
    NaN where unknown (of a height alone: it lies on the ground); `known_sigma_m` is how well, an axis."""

    pixels: Floats
    frame: Indices
    thing: Indices
    sigma_px: Floats
    known: Floats
    known_sigma_m: float = 0.1

    def take(self, index: npt.ArrayLike) -> Ties:
        """The ties at these indices (or where this mask is True), of the same things."""
        chosen = np.asarray(index)
        return replace(
            self,
            pixels=self.pixels[chosen],
            frame=self.frame[chosen],
            thing=self.thing[chosen],
            sigma_px=self.sigma_px[chosen],
        )

    def joined(self, other: Ties) -> Ties:
        """These and the others, of different things."""
        return replace(
            self,
            pixels=np.concatenate([self.pixels, other.pixels]),
            frame=np.concatenate([self.frame, other.frame]),
            thing=np.concatenate([self.thing, other.thing + len(self.known)]),
            sigma_px=np.concatenate([self.sigma_px, other.sigma_px]),
            known=np.concatenate([self.known, other.known]),
        )


@dataclass(frozen=True, eq=False)
class Priors:
    """One-sigma sizes to expect: `biases` (7,) of the flight-wide errors, `frame` (5,) of each frame's own."""

    biases: Floats
    frame: Floats


@dataclass(frozen=True, eq=False)
class Adjustment:
    """The correction to each of FLIGHT_WIDE (metres, seconds, radians), its covariance (7, 7), and `information`
    (7, 7), the inverse of the covariance the observations alone would give. `before_m` and `after_m` (N,) say how far
    each place used lay from its thing, `length` (N,) is what is left in sigmas of its pixel, each frame's own error
    taken out; `used` (N,) which ties had a place; `variance_factor` what the residuals are to what was expected of them
    (1 or more scales the covariance), `misfit` the same of the middle one of all, which few outliers do not move;
    infinite where the corrections leave half of the ties or more without a place."""

    biases: Floats
    covariance: Floats
    information: Floats
    before_m: Floats
    after_m: Floats
    length: Floats
    used: npt.NDArray[np.bool_]
    variance_factor: float
    misfit: float


@dataclass(frozen=True, eq=False)
class _Problem:
    ties: Ties
    rays: Floats
    poses: Poses
    record: Record | None
    terrain: Terrain
    local: LocalFrame
    home: tuple[float, float] | None

    def places(self, biases: Floats, rays: Floats) -> Floats:
        """(N, 2) east and north of the ties' pixels with these corrections, NaN where they have no place."""
        origin, direction = self.lines(biases, rays)
        posed = np.isfinite(origin).all(axis=1) & np.isfinite(direction).all(axis=1)
        slant = np.full(len(origin), np.nan)
        hits = self.terrain.meet(self.local, origin[posed], direction[posed])
        slant[posed] = np.where(hits.miss == Miss.NONE, hits.slant_m, np.nan)
        if np.isfinite(self.ties.known[self.ties.thing, 2]).any():
            level = self.to_known_height(origin, direction)
            slant = np.where(np.isfinite(level) & (level > 0.0), level, slant)
        return np.asarray((origin + direction * slant[:, None])[:, :2])

    def lines(self, biases: Floats, rays: Floats) -> tuple[Floats, Floats]:
        """(N, 3) each: where the ties' rays begin and where they point with these corrections."""
        poses, index = corrected(self.poses, biases, self.record), self.ties.frame
        origin = camera_origins(poses, self.terrain, self.local, self.home)[index]
        return origin, np.einsum("nij,nj->ni", camera_axes(poses, self.local)[index], rays)

    def to_known_height(self, origin: Floats, direction: Floats) -> Floats:
        """(N,) distances along the rays to the known heights of their things, not above 0 where a ray leads away from
        it, NaN where there is none or the flight's own height is unknown."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((self.ties.known[self.ties.thing, 2] - self.datum - origin[:, 2]) / direction[:, 2])

    @property
    def datum(self) -> Floats:
        """(N,) heights above mean sea level from which the ties' frames count."""
        return self.terrain.datum_amsl_m(self.poses.alt_home_m, self.poses.alt_amsl_m)[self.ties.frame]


def out_of_sight(
    ties: Ties, poses: Poses, camera: Camera, terrain: Terrain, home: tuple[float, float] | None = None
) -> dict[int, float]:
    """The things whose known height no pixel that shows them can have, mostly since it is above the camera: each with
    the highest such camera's height above mean sea level, NaN where the flight does not know its own."""
    problem = _Problem(ties, pixel_rays(camera, ties.pixels), poses, None, terrain, local_frame(poses), home)
    origin, direction = problem.lines(np.zeros(BIASES), problem.rays)
    posed = np.isfinite(origin).all(axis=1) & np.isfinite(direction).all(axis=1)
    reached, camera_m = problem.to_known_height(origin, direction) > 0.0, origin[:, 2] + problem.datum
    found = {}
    for thing in np.flatnonzero(np.isfinite(ties.known[:, 2])).tolist():
        mine = posed & (ties.thing == thing)
        if mine.any() and not reached[mine].any():
            found[thing] = float(camera_m[mine].max())
    return found


def adjust(
    ties: Ties,
    poses: Poses,
    camera: Camera,
    terrain: Terrain,
    priors: Priors,
    *,
    record: Record | None = None,
    home: tuple[float, float] | None = None,
) -> Adjustment:
    """The flight-wide corrections that make the ties agree. Things that are neither known nor seen in two frames, and
    pixels without a place, say nothing and are left out; where nothing is left, the answer is the prior.

    `record` lets the clock be corrected with the camera's turns as well as its way (see
    `mapping.ground.motion.moved_in_time`). Raises numpy's LinAlgError where the sums have no answer.
    """
    problem = _Problem(ties, pixel_rays(camera, ties.pixels), poses, record, terrain, local_frame(poses), home)
    biases = np.zeros(BIASES)
    used = _useful(ties, np.asarray(np.isfinite(problem.places(biases, problem.rays)).all(axis=1)))
    ties = ties.take(used)
    problem = replace(problem, ties=ties, rays=problem.rays[used])
    if not len(ties.thing):
        nothing = np.zeros((BIASES, BIASES))
        none = np.empty(0)
        return Adjustment(biases, np.diag(priors.biases**2), nothing, none, none, none, used, 1.0, 0.0)
    pixel_root = _pixel_roots(problem, camera)
    state = _State(problem, priors, pixel_root)
    for number in range(_ITERATIONS):
        if state.step() < _SETTLED and number > _COARSE_STEPS:
            break
    return state.answer(used)


def _useful(ties: Ties, placed: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    surveyed = np.asarray(np.isfinite(ties.known[:, :2]).all(axis=1))
    pairs = np.unique(np.stack([ties.thing[placed], ties.frame[placed]], axis=1), axis=0)
    frames = np.bincount(pairs[:, 0], minlength=len(ties.known))
    return np.asarray(placed & (surveyed | (frames >= 2))[ties.thing])


def _pixel_roots(problem: _Problem, camera: Camera) -> Floats:
    """(N, 2, 2) inverse square roots of the covariance on the ground that the pixels' errors make; that of a known
    point is part of it."""
    zero, ties = np.zeros(BIASES), problem.ties
    columns = []
    for axis in range(2):
        step = np.zeros(2)
        step[axis] = 0.5
        ahead, behind = (problem.places(zero, pixel_rays(camera, ties.pixels + sign * step)) for sign in (1.0, -1.0))
        columns.append((ahead - behind) * ties.sigma_px[:, None])
    spread = np.nan_to_num(np.stack(columns, axis=2))
    surveyed = np.isfinite(ties.known[ties.thing, 0])
    own = np.where(surveyed, ties.known_sigma_m, 0.01) ** 2
    covariance = spread @ spread.transpose(0, 2, 1) + own[:, None, None] * np.eye(2)
    return np.asarray(np.linalg.inv(np.linalg.cholesky(covariance)))


def _factored(normal: sparse.csc_matrix) -> SuperLU:
    try:
        return splu(normal)
    except RuntimeError as error:  # how SuperLU says it
        raise np.linalg.LinAlgError(str(error)) from error


class _State:
    """Where the iteration stands: flight-wide corrections, each frame's own, the places of things."""

    def __init__(self, problem: _Problem, priors: Priors, pixel_root: Floats) -> None:
        self.problem, self.priors, self.root = problem, priors, pixel_root
        ties = problem.ties
        self.frames, self.frame_row = np.unique(ties.frame, return_inverse=True)
        surveyed = np.asarray(np.isfinite(ties.known[:, :2]).all(axis=1))
        free = np.unique(ties.thing[~surveyed[ties.thing]])
        self.thing_row = np.full(len(ties.known), -1)
        self.thing_row[free] = np.arange(len(free))
        self.biases = np.zeros(BIASES)
        self.own = np.zeros((len(self.frames), _PER_FRAME))
        self.start = problem.places(self.biases, problem.rays)
        self.things = np.full((len(ties.known), 2), np.nan)
        east, north = problem.local.to_local(ties.known[:, 0], ties.known[:, 1])
        self.things[surveyed] = np.stack([east, north], axis=1)[surveyed]
        count = np.bincount(ties.thing, minlength=len(ties.known))
        for axis in range(2):
            total = np.bincount(ties.thing, self.start[:, axis], minlength=len(ties.known))
            self.things[free, axis] = total[free] / count[free]
        self.before = np.linalg.norm(self.start - self.things[ties.thing], axis=1)
        self.normal: sparse.csc_matrix | None = None
        self.steps = 0

    def _slopes(self, places: Floats) -> Floats:
        """(N, 2, 7) how the places move with the corrections; 0 where a neighbouring correction has no place."""
        columns = []
        for axis, size in enumerate(_STEPS):
            step = np.zeros(BIASES)
            step[axis] = size
            ahead, behind = (self.problem.places(self.biases + sign * step, self.problem.rays) for sign in (1.0, -1.0))
            columns.append((ahead - behind) / (2.0 * size))
        return np.nan_to_num(np.stack(columns, axis=2))

    def step(self) -> float:
        """One step of Gauss and Newton; returns how far it went, in sigmas of the priors."""
        ties = self.problem.ties
        places = self.problem.places(self.biases, self.problem.rays)
        slopes = self._slopes(places)
        own_slopes = slopes[:, :, _FRAME_TO_BIAS]
        carried = places + np.einsum("nij,nj->ni", own_slopes, self.own[self.frame_row])
        residual = np.einsum("nij,nj->ni", self.root, np.nan_to_num(carried - self.things[ties.thing]))
        lost = np.isnan(places).any(axis=1)
        length = np.linalg.norm(residual, axis=1)
        huber, cauchy = _OUTLYING / np.maximum(length, _OUTLYING), 1.0 / (1.0 + (length / _OUTLYING) ** 2)
        weight = np.sqrt(np.where(lost, 0.0, huber if self.steps < _COARSE_STEPS else cauchy))
        self.steps += 1
        design = self._design(self.root @ slopes, self.root @ own_slopes, weight)
        expected = np.concatenate([self.priors.biases, np.tile(self.priors.frame, len(self.frames))])
        now = np.concatenate([self.biases, self.own.ravel()])
        share = np.ones(len(expected))
        share[:BIASES] = _HUBER_PRIOR / np.maximum(np.abs(self.biases) / self.priors.biases, _HUBER_PRIOR)
        pull = share / expected**2
        unknowns = design.shape[1]
        diagonal = np.zeros(unknowns)
        diagonal[: len(pull)] = pull
        free = np.flatnonzero(self.thing_row >= 0)
        bare = np.bincount(ties.thing[~lost], minlength=len(self.things))[free] == 0
        diagonal[len(pull) :][np.repeat(bare, 2)] = 1.0  # nothing moves what the corrections leave without a place
        self.prior = pull[:BIASES]
        self.normal = (design.T @ design + sparse.diags(diagonal)).tocsc()
        slope = design.T @ (residual * weight[:, None]).ravel()
        slope[: len(now)] += pull * now
        change = -_factored(self.normal).solve(slope)
        self.biases = self.biases + change[:BIASES]
        own_end = BIASES + self.own.size
        self.own = self.own + change[BIASES:own_end].reshape(self.own.shape)
        self.things[free] += change[own_end:].reshape(-1, 2)[self.thing_row[free]]
        self.after = np.linalg.norm(places - self.things[ties.thing], axis=1)
        freedom = 2 * int((~lost).sum()) - 2 * int((~bare).sum())
        # an outlier counts as much as its influence, not as its square
        fit = float(np.sum((weight[:, None] ** 2 * residual) ** 2) + np.sum(pull * now**2))
        self.length = np.where(lost, np.nan, length)
        self.misfit = float(np.median(np.where(lost, np.inf, length))) / MIDDLE
        self.variance_factor = max(1.0, fit / freedom) if freedom > 0 else 1.0
        return float(np.max(np.abs(change[:BIASES]) / self.priors.biases))

    def _design(self, slopes: Floats, own_slopes: Floats, weight: Floats) -> sparse.csr_matrix:
        """Weighed slopes of the residuals, two rows a tie: flight-wide, then each frame's own, then free things."""
        ties = self.problem.ties
        count, own_end = len(weight), BIASES + self.own.size
        rows = np.arange(2 * count).reshape(count, 2)
        values = [slopes * weight[:, None, None], own_slopes * weight[:, None, None]]
        columns = [
            np.broadcast_to(np.arange(BIASES), (count, 2, BIASES)),
            np.broadcast_to(
                (BIASES + _PER_FRAME * self.frame_row[:, None] + np.arange(_PER_FRAME))[:, None, :],
                (count, 2, _PER_FRAME),
            ),
        ]
        parts = [
            (value.ravel(), np.broadcast_to(rows[:, :, None], value.shape).ravel(), column.ravel())
            for value, column in zip(values, columns, strict=True)
        ]
        free = np.flatnonzero(self.thing_row[ties.thing] >= 0)
        at = own_end + 2 * self.thing_row[ties.thing[free]][:, None, None] + np.arange(2)
        moved = -self.root[free] * weight[free, None, None]
        parts.append(
            (
                moved.ravel(),
                np.broadcast_to(rows[free][:, :, None], moved.shape).ravel(),
                np.broadcast_to(at, moved.shape).ravel(),
            )
        )
        data, row, column = (np.concatenate(one) for one in zip(*parts, strict=True))
        unknowns = own_end + 2 * int((self.thing_row >= 0).sum())
        return sparse.csr_matrix((data, (row, column)), shape=(2 * count, unknowns))

    def answer(self, used: npt.NDArray[np.bool_]) -> Adjustment:
        """What the last step left."""
        assert self.normal is not None
        unit = np.zeros((self.normal.shape[0], BIASES))
        unit[np.arange(BIASES), np.arange(BIASES)] = 1.0
        covariance = _factored(self.normal).solve(unit)[:BIASES]
        covariance = 0.5 * (covariance + covariance.T)
        information = np.linalg.inv(covariance) - np.diag(self.prior)
        information /= self.variance_factor
        covariance = np.linalg.inv(information + np.diag(self.prior))
        return Adjustment(
            biases=self.biases,
            covariance=0.5 * (covariance + covariance.T),
            information=0.5 * (information + information.T),
            before_m=self.before,
            after_m=self.after,
            length=self.length,
            used=used,
            variance_factor=self.variance_factor,
            misfit=self.misfit,
        )
