"""How likely things in a row follow each other, when each follows at most one and is followed by at most one.

What speaks for a link depends on the link before it. The probabilities are found by messages between links and the
things they join (belief propagation, as Williams and Lau, IEEE TAES 2014, use it for one step): right where links do
not compete in circles, and near it where they do.
"""

from __future__ import annotations

import numpy as np

from mapping.ground.planar import Floats, Ints

_SURE = 12.0  # more log-odds than this outweigh no more: the sums are exact to this
_ROUNDS, _DAMPED, _AGREED = 60, 0.5, 1e-3


def likely_links(links: Ints, score: Floats, one: Ints, other: Ints, further: Floats) -> Floats:
    """(P,) the probability of each of the (P, 2) links from one thing to another.

    `score` (P,) are the log-odds of each if it begins a row. Of links that go on another, (T,) `one` and `other`
    number both, and `further` are the log-odds of the other if the one is. What is not listed does not go on.
    """
    count = int(links.max(initial=-1)) + 1
    start, end = links.T
    begins, goes_on = np.exp(np.minimum(score, _SURE)), np.exp(np.minimum(further, _SURE))
    before, after = np.zeros(len(links)), np.zeros(len(links))  # in logarithms, what either end says of each link
    for _ in range(_ROUNDS):
        come, go = np.exp(before), np.exp(after)
        out = begins + np.bincount(other, come[one] * goes_on, minlength=len(links))
        on = 1.0 + np.bincount(one, go[other] * goes_on, minlength=len(links))
        left = 1.0 + np.bincount(end, come, minlength=count) + np.bincount(start, go * out, minlength=count)
        came = 1.0 + np.bincount(start, go * begins, minlength=count) + np.bincount(end, come * on, minlength=count)
        now = np.log(out) - np.log(np.maximum(left[start] - go * out, 1.0))
        then = np.log(on) - np.log(np.maximum(came[end] - come * on, 1.0))
        change = max(np.abs(now - before).max(initial=0.0), np.abs(then - after).max(initial=0.0))
        before, after = (_DAMPED * a + (1.0 - _DAMPED) * b for a, b in ((before, now), (after, then)))
        if change < _AGREED:
            break
    return np.asarray(1.0 / (1.0 + np.exp(-before - after)))
