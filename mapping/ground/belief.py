"""How sure of a sighting one may be: the chance that it is what it is called, from every frame that could show it.

The detector's confidence in a box is about right for a single frame. Several frames of one thing are no independent
witnesses: what looks like a person to the detector once mostly does so in the next frame too. So the evidence of all
frames is summed as log-odds, a frame that had the place in its picture and showed nothing counting against it, and then
divided as n looks of correlation r are worth n / (1 + (n - 1) r) independent ones:

    log-odds = offset + (sum over detections of logit(c) - misses x m) / (1 + (n - 1) r)

(the design effect of correlated samples, Kish 1965; n the frames that found or could have found it). The three figures
were fitted on rendered night scenes; `python -m bench.confidence` shows how often sightings of each confidence are
right on scenes they were not fitted on. No sighting is certain, whoever made it: the most is `MOST`. Only an officer's
review makes a sighting count.

What stays below `LEAST_CONFIDENCE` of its class is no sighting; a person is worth more false alarms than a vehicle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import MappingProxyType

import numpy as np

CORRELATION = 0.5
MISS = 1.0
OFFSET = 0.0
MOST = 0.99
"""The confidence of what a person marked, and the most anything gets."""
LEAST_CONFIDENCE = MappingProxyType({"person": 0.3, "vehicle": 0.5, "bicycle": 0.5})
"""The confidence by class from which an object counts as a sighting; other classes always do."""
_SUREST = 6.0  # the log-odds of a single look are cut here: 0.9975


def sighting_confidence(confidences: Sequence[float], chances: int) -> float:
    """The confidence of an object that was found with these confidences, one a frame, when `chances` frames could have
    shown it (at least as many as found it)."""
    stated = np.clip(np.asarray(confidences, dtype=np.float64), 1e-6, 1.0 - 1e-6)
    odds = np.clip(np.log(stated / (1.0 - stated)), -_SUREST, _SUREST)
    looks = max(chances, len(odds))
    evidence = float(odds.sum()) - MISS * (looks - len(odds))
    total = OFFSET + evidence / (1.0 + (looks - 1) * CORRELATION)
    return min(MOST, 1.0 / (1.0 + math.exp(-total)))
