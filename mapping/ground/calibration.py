"""What a flight's own pictures tell of the errors all of them share: clock, boresight, height and, with known points,
position. Found once, kept beside the flight, and taken out of every pose from then on.

Things marked or detected in several frames, patches of ground found in several frames and surveyed points are what it
rests on; `mapping.ground.adjustment` does the sums. An error that the flight's geometry does not show is left as it
was, with its own uncertainty; one that cannot be told from another (a clock that is late from a camera that looks
ahead, where speed and height never change) is refused with both names. What is left unknown stays in the ellipses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mapping.errors import MappingError
from mapping.ground.adjustment import BIASES, MIDDLE, Adjustment, Priors, Ties, adjust
from mapping.ground.camera import Camera
from mapping.ground.errors import FLIGHT_WIDE, ErrorBudget
from mapping.ground.georeference import ground_velocity, local_frame
from mapping.ground.motion import Record, corrected
from mapping.ground.pose import Poses
from mapping.ground.terrain import FlatGround, Terrain
from vision.errors import InputError
from vision.files import read_json, write_whole

Floats = npt.NDArray[np.float64]

WORST_FIT = 4.0  # times the length that residuals should have: beyond it the ties contradict each other
FARTHEST = 5.0  # sigmas of the frames' positions: known points farther off than that, and 5 m, are wrong or swapped
_TRUSTED_CLOCK_S = 1e-3
_LEAST_SIGMAS = np.array([1e-3, 1e-3, 1e-3, 1e-3, 1e-5, 1e-5, 1e-5])  # also of what is stated as without error
_SHOWN = 1.0  # an error counts as shown by the data where they say as much of it as was assumed before
_ALONE = 0.8  # share of an unshown combination from which it is one error and no mixture
_MIXED = 0.2
_CHECK = "check the marks, the known points and the camera"
_UNITS = ("m", "m", "m", "s", "deg", "deg", "deg")
_WORDS = (
    "position east",
    "position north",
    "height",
    "clock",
    "camera's mounting about its right axis",
    "camera's mounting about its down axis",
    "camera's mounting about its line of sight",
)
_KEYS = ("east_m", "north_m", "up_m", "clock_s", "boresight_x_deg", "boresight_y_deg", "boresight_z_deg")


def _unit_scale() -> Floats:
    return np.array([1.0, 1.0, 1.0, 1.0, *np.degrees([1.0, 1.0, 1.0])])


@dataclass(frozen=True, eq=False)
class Calibration:
    """Corrections to each of FLIGHT_WIDE (7,) in metres, seconds and radians, and what is left unknown of them, a
    covariance (7, 7). `found` names those the data showed, `left` those they did not; `used` says what it rests on in
    words and numbers."""

    corrections: Floats
    covariance: Floats
    found: tuple[str, ...]
    left: tuple[str, ...]
    used: Mapping[str, Any]

    @property
    def flight_wide(self) -> Floats:
        """(7, 7) square root of the covariance, for `mapping.ground.georeference.locate_pixels`."""
        return np.asarray(np.linalg.cholesky(self.covariance + 1e-15 * np.eye(BIASES)))

    def apply(self, poses: Poses, record: Record | None) -> Poses:
        """The poses with the corrections made."""
        return corrected(poses, self.corrections, record)

    def sentences(self) -> tuple[str, ...]:
        """What was found, with its one-sigma error, in words of those who look at the map."""
        scale = _unit_scale()
        sigmas = np.sqrt(np.diag(self.covariance)) * scale
        values = self.corrections * scale
        said = dict(zip(FLIGHT_WIDE, _WORDS, strict=True))
        figures = "; ".join(
            f"{said[name]} {value:+.2f} ± {sigma:.2f} {unit}"
            for name, value, sigma, unit in zip(FLIGHT_WIDE, values, sigmas, _UNITS, strict=True)
            if name in self.found
        )
        told = [f"Errors that the whole flight shares were measured and taken out of every place: {figures}."]
        left = ", ".join(said[name] for name in self.left)
        unmeasured = f"The flight does not show how far off these are, so the ellipses allow for them: {left}."
        return (*(told if figures else []), *([unmeasured] if left else []))

    def to_json(self) -> str:
        """As kept in calibration.json (docs/formats.md)."""
        scale = _unit_scale()
        covariance = self.covariance * np.outer(scale, scale)
        content = {
            "corrections": dict(zip(_KEYS, (self.corrections * scale).tolist(), strict=True)),
            "sigmas": dict(zip(_KEYS, np.sqrt(np.diag(covariance)).tolist(), strict=True)),
            "covariance": covariance.tolist(),
            "found": list(self.found),
            "left": list(self.left),
            "used": dict(self.used),
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Keep it at `path`, whole or not at all."""
    write_whole(path, calibration.to_json())


def read_calibration(path: Path) -> Calibration:
    """What `write_calibration` kept; raises InputError where it is none."""
    content = read_json(path, "the calibration of a flight")
    scale = _unit_scale()
    try:
        corrections = np.array([float(content["corrections"][key]) for key in _KEYS]) / scale
        covariance = np.array(content["covariance"], dtype=np.float64) / np.outer(scale, scale)
        np.linalg.cholesky(covariance + 1e-15 * np.eye(BIASES))
        return Calibration(
            corrections, covariance, tuple(content["found"]), tuple(content["left"]), dict(content["used"])
        )
    except (KeyError, TypeError, ValueError, np.linalg.LinAlgError) as error:
        raise InputError(path, "is no calibration of a flight; locate again with --calibrate, or delete it") from error


def priors_of(
    poses: Poses, terrain: Terrain, budget: ErrorBudget | None = None, *, trust_clock: bool = False
) -> Priors:
    """What to expect of a flight's errors before looking: the sizes its frames state (the median), the ground's among
    the height's. Attitude noise is the share of a frame's sigma that is not the flight's."""
    budget = budget or ErrorBudget()
    position = _typical(poses.sigma_position_m, budget.unstated_position_m)
    ground_m = budget.level_ground_m if isinstance(terrain, FlatGround) else budget.elevation_model_m
    height = float(np.hypot(_typical(poses.sigma_height_m, budget.unstated_height_m), ground_m))
    clock = _TRUSTED_CLOCK_S if trust_clock else _typical(poses.sigma_time_s, budget.unstated_time_s)
    attitude = np.radians(_typical(poses.sigma_attitude_deg, budget.unstated_attitude_deg))
    boresight = float(attitude * np.sqrt(budget.attitude_bias_share))
    turn = float(attitude * np.sqrt(1.0 - budget.attitude_bias_share))
    speed = float(np.median(np.linalg.norm(ground_velocity(poses, local_frame(poses)), axis=1))) if len(poses) else 0.0
    shift = float(np.hypot(budget.wander_m, budget.jitter_s * speed))
    return Priors(
        biases=np.maximum([position, position, height, clock, boresight, boresight, boresight], _LEAST_SIGMAS),
        frame=np.maximum([shift, shift, turn, turn, turn], _LEAST_SIGMAS[[0, 1, 4, 5, 6]]),
    )


def _typical(sigmas: Floats, otherwise: float) -> float:
    known = sigmas[np.isfinite(sigmas)]
    return float(np.median(known)) if known.size else otherwise


def calibrate(
    ties: Ties,
    poses: Poses,
    camera: Camera,
    terrain: Terrain,
    *,
    record: Record | None = None,
    home: tuple[float, float] | None = None,
    budget: ErrorBudget | None = None,
    trust_clock: bool = False,
    used: Mapping[str, Any] | None = None,
    names: Sequence[str] = (),
) -> Calibration:
    """The flight's calibration from ties. `record` is where the camera was at any time, `used` what the ties are, to be
    kept with the answer; `trust_clock` takes the frames' times as they are. `names` are those of the first things, for
    what is said of them.

    Raises MappingError where the ties show no error at all, cannot tell one from another, or contradict each other, and
    where known points contradict the marks of their objects or the frames' positions.
    """
    priors = priors_of(poses, terrain, budget, trust_clock=trust_clock)
    try:
        answer = adjust(ties, poses, camera, terrain, priors, record=record, home=home)
    except np.linalg.LinAlgError as error:
        raise MappingError(
            f"cannot calibrate: no corrections make places of one and the same thing agree: {_CHECK}"
        ) from error
    known = np.isfinite(ties.known[:, 0])
    if answer.misfit > WORST_FIT:
        apart = np.where(np.isnan(answer.after_m), answer.before_m, answer.after_m)
        raise MappingError(
            f"cannot calibrate: places of one and the same thing still lie {np.median(apart):.1f} m apart "
            f"afterwards{_worst(apart, ties.thing[answer.used], names)}, far more than pixels and attitude explain: "
            f"{_CHECK}"
        )
    _check_known(answer, ties.take(answer.used), priors, names)
    shown, left = _judged(answer, priors, trust_clock)
    if np.any(known[ties.thing[answer.used]]):
        shown = (FLIGHT_WIDE[0], FLIGHT_WIDE[1], *shown)
    facts = dict(used or {}) | {
        "pixels": int(answer.used.sum()),
        "frames": len(np.unique(ties.frame[answer.used])),
        "median_m_before": round(float(np.median(answer.before_m)), 3),
        "median_m_after": round(float(np.median(answer.after_m)), 3),
        "residuals_to_expected": round(float(np.sqrt(answer.variance_factor)), 2),
    }
    return Calibration(answer.biases, answer.covariance, shown, left, facts)


def _worst(apart: Floats, thing: npt.NDArray[np.intp], names: Sequence[str]) -> str:
    """Which of the named things lies farthest apart, and how far; empty where none has a name."""
    far = {name: float(np.median(apart[thing == row])) for row, name in enumerate(names) if (thing == row).any()}
    worst = max(far, key=far.__getitem__, default=None)
    return f" (farthest {worst!r}, {far[worst]:.1f} m)" if worst is not None else ""


def _check_known(answer: Adjustment, ties: Ties, priors: Priors, names: Sequence[str]) -> None:
    """Raises MappingError for a known point that its marks contradict (an outlier for the sums, which would leave it
    out in silence) and for known points that move the flight farther than its positions may be off."""
    check = "check that each known point has the name of its object (--control) and each mark too"
    for thing in np.flatnonzero(np.isfinite(ties.known[:, 0])).tolist():
        mine = ties.thing == thing
        if mine.any() and float(np.nanmedian(answer.length[mine])) > WORST_FIT * MIDDLE:
            lat, lon = ties.known[thing, :2]
            raise MappingError(
                f"cannot calibrate: the known point{_named(thing, names)} at {lat:.6f}, {lon:.6f} lies "
                f"{np.nanmedian(answer.after_m[mine]):.1f} m from where its marks show it; {check}"
            )
    moved, allowed = float(np.hypot(*answer.biases[:2])), max(5.0, FARTHEST * float(priors.biases[0]))
    if moved > allowed:
        mine = [row for row in np.unique(ties.thing) if np.isfinite(ties.known[row, 0])]
        said = ",".join(_named(row, names) for row in mine)
        raise MappingError(
            f"cannot calibrate: the known points{said} lie {moved:.1f} m from where the flight has them, and its "
            f"positions are stated to {priors.biases[0]:.1f} m (one sigma); {check}"
        )


def _named(thing: int, names: Sequence[str]) -> str:
    return f" {names[thing]!r}" if thing < len(names) else ""


def _judged(answer: Adjustment, priors: Priors, trust_clock: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(names of the errors that the data show, of those they leave open), position aside, which known points alone can
    show. Raises MappingError where there is none, or where two cannot be told apart.

    Combinations of errors, each in sigmas of its prior, of which the data say less than was assumed before are open
    (eigenvectors of the information); an error open all by itself is harmless, a mixture of several is not.
    """
    judged = [index for index in range(2, BIASES) if not (trust_clock and FLIGHT_WIDE[index] == "clock")]
    scaled = answer.information * np.outer(priors.biases, priors.biases)
    strength, combinations = np.linalg.eigh(scaled[np.ix_(judged, judged)])
    open_ones = combinations[:, strength < _SHOWN]
    share = np.sum(open_ones**2, axis=1)
    names = [FLIGHT_WIDE[index] for index in judged]
    shown = tuple(name for name, lost in zip(names, share, strict=True) if lost < 0.5)
    left = tuple(name for name, lost in zip(names, share, strict=True) if lost >= 0.5)
    if not shown:
        raise MappingError(
            "cannot calibrate: nothing shows clock, boresight or height; it takes things that are marked or detected "
            "in several frames from different sides, ground with texture in overlapping pictures, or known points "
            "(--control FILE)"
        )
    mixed = [name for name, lost in zip(names, share, strict=True) if _MIXED < lost < _ALONE]
    if len(mixed) > 1:
        clock = "clock" in mixed
        mend = "it takes frames from flying in different directions, at another speed or height" + (
            ", or --trust-clock if the frames' times are right" if clock else ""
        )
        raise MappingError(f"cannot calibrate: on this flight {_listed(mixed)} cannot be told apart; {mend}")
    return shown, left


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
