"""How sure of a sighting one may be: the chance that it is what it is called, from every frame that could show it.

Every frame that found the object speaks for it by the log-odds of the detector's confidence c, stretched, because the
detector is less sure than it should be of what it sees well and surer than it should be of what it hardly sees; every
frame that had its place in the picture and found nothing speaks against it. But frames of one
thing are no independent witnesses: what the detector takes for a person once it mostly takes for one in the next frame
too. So the sum is divided as n looks of correlation r are worth n / (1 + (n - 1) r) independent ones:

    log-odds = PRIOR + (sum over detections of (STRETCH logit(c) + FOUND) - MISS x misses) / (1 + (n-1) CORRELATION)

(the design effect of correlated samples, Kish 1965; n counts the frames that found or could have found it). Where the
picture's edge cuts the object it is FOUND_CUT instead of FOUND: a part of a bush looks like a vehicle more often than a
whole one, and a neighbouring frame mostly shows it whole. FOUND_CUT was chosen by hand, the other figures were fitted
by likelihood, on rendered night scenes. `python -m bench.confidence` shows how often sightings of each
confidence are right on scenes they were not fitted on. No sighting is certain, whoever made it: the most is `MOST`.
Only an officer's review makes a sighting count.

What stays below `LEAST_CONFIDENCE` of its class is no sighting; a person is worth more false alarms than a vehicle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import MappingProxyType

import numpy as np

PRIOR = -2.6
"""Log-odds that a place where the detector found anything at all holds what it says, before anything else is known."""
STRETCH = 2.5
FOUND = 4.5
FOUND_CUT = 2.5
MISS = 0.6
CORRELATION = 0.4
MOST = 0.99
"""The confidence of what a person marked, and the most anything gets."""
LEAST_CONFIDENCE = MappingProxyType({"person": 0.33, "vehicle": 0.5, "bicycle": 0.5})
"""The confidence by class from which an object counts as a sighting; other classes always do."""
_SUREST = 4.0  # the log-odds that a detector states for a single look are cut here: 0.98


def sighting_confidence(
    confidences: Sequence[float] | np.ndarray, chances: int, cut: Sequence[bool] | np.ndarray = ()
) -> float:
    """The confidence of an object that was found with these confidences, one a frame, when `chances` frames could have
    shown it (at least as many as found it); `cut` says in which of those that found it the picture's edge cuts it (by
    default in none)."""
    stated = np.clip(np.asarray(confidences, dtype=np.float64), 1e-6, 1.0 - 1e-6)
    odds = np.clip(np.log(stated / (1.0 - stated)), -_SUREST, _SUREST)
    looks = max(chances, len(odds))
    found = np.where(cut, FOUND_CUT, FOUND) if len(cut) else FOUND
    evidence = float((STRETCH * odds + found).sum()) - MISS * (looks - len(odds))
    total = PRIOR + evidence / (1.0 + (looks - 1) * CORRELATION)
    return min(MOST, 1.0 / (1.0 + math.exp(-total)))
