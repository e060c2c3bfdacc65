"""A vehicle's boot clock against UTC: one offset for each time it was switched on, from what vehicle or receiver
takes for UTC. What is timed by it is `mapping.ground.telemetry`'s subject."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

EARLIEST_UTC_S, LATEST_UTC_S = 1420070400.0, 4102444800.0  # 2015 and 2100: outside, a clock was never set
_STEADY_CLOCK_S = 1.0  # spread within which SYSTEM_TIME's difference to the boot clock counts as one
_PROMPT_PERCENTILE = 2.0  # the promptest messages show the clock, all others the delay of the link
LATE_S = 5.0  # messages later than this against the median are left out when fitting receive times


def fit_clock(arrivals: Floats, system_times: Floats) -> float:
    """UTC minus boot clock, from (boot, received) and (boot, UTC by the vehicle) pairs."""
    plausible = system_times[(system_times[:, 1] >= EARLIEST_UTC_S) & (system_times[:, 1] <= LATEST_UTC_S)]
    if len(plausible):
        difference = plausible[:, 1] - plausible[:, 0]
        middle = float(np.median(difference))
        if np.mean(np.abs(difference - middle) <= _STEADY_CLOCK_S) > 0.5:
            return middle
    if not len(arrivals):
        return math.nan
    delay = arrivals[:, 1] - arrivals[:, 0]
    near = delay[np.abs(delay - np.median(delay)) <= LATE_S]
    return float(np.percentile(near, _PROMPT_PERCENTILE))
