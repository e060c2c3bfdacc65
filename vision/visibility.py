"""How many pixels a thing has to cover for the shipped detector to find it, by what was measured: recall by size in
`weights/thermal-recall.json`, which `python -m bench.detect_thermal --write-recall` makes. From what height that is so
is left to those who know the camera."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vision.errors import InputError
from vision.evaluation import SizeScore
from vision.files import read_json

RECALL = Path(__file__).resolve().parent / "weights" / "thermal-recall.json"
STEPS_PX = (4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 60)
FROM_ABOVE_M = {"person": 0.6, "vehicle": 2.8}
"""The side of the square that a person on foot and a car cover seen from above: shoulders by the depth of a stride,
4.4 m by 1.8 m."""

_SETTLED = 0.8
_FEWEST = 50


def least_size_px(name: str) -> float:
    """The size (side of the square of the same area) from which the shipped detector finds things of the class `name`
    about as often as it ever does. Raises InputError for a class of which nothing was measured."""
    measured = read_json(RECALL, "the measured recall by size").get("classes", {})
    if name not in measured:
        raise InputError("--see", f"{name!r} is none of {', '.join(measured)}")
    return settled_from([SizeScore(**row) for row in measured[name]])


def settled_from(scores: Sequence[SizeScore]) -> float:
    """The smallest size whose recall reaches four fifths of the best; sizes with too few boxes to tell say nothing."""
    known = [score for score in scores if score.truths >= _FEWEST]
    best = max(score.found / score.truths for score in known)
    return next(score.least_px for score in known if score.found / score.truths >= _SETTLED * best)


def coarsest_gsd_m(name: str) -> float:
    """The ground sample distance in metres per pixel up to which a person or vehicle seen from above covers enough
    pixels. Raises InputError for other classes."""
    if name not in FROM_ABOVE_M:
        raise InputError("--see", f"{name!r} is none of {', '.join(FROM_ABOVE_M)}")
    return FROM_ABOVE_M[name] / least_size_px(name)
