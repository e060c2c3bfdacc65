"""Links from one thing to another, at most one out of and one into each: the best of all sets of them, and how likely
each is."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching

from mapping.ground.planar import Floats, Ints

_TABLE = 4_000_000  # the numbers that fit a table of all with all; what is larger is reckoned without one
_SURE = 12.0  # more log-odds than this outweigh no more: the sums are exact to this
_ROUNDS, _DAMPED, _AGREED = 60, 0.5, 1e-3


def best_links(before: Ints, after: Ints, gain: Floats, count: int) -> Ints:
    """The indices of the links from one to another of `count` things that gain most in all (each gains something):
    group by group of links that have an end in common. Where the best links out of each are of different ends they are
    it."""
    if not len(before):
        return np.empty(0, dtype=np.intp)
    best = np.full(count, -np.inf)
    np.maximum.at(best, before, gain)
    leading = np.flatnonzero(gain == best[before])
    ends = np.bincount(after[leading], minlength=count)
    starts = np.bincount(before[leading], minlength=count)
    graph = coo_array((np.ones(len(before)), (before, after + count)), shape=(2 * count, 2 * count))
    group = connected_components(graph, directed=False)[1][before]
    clash = np.zeros(int(group.max()) + 1, dtype=np.bool_)
    clash[group[leading[(ends[after[leading]] > 1) | (starts[before[leading]] > 1)]]] = True
    taken = [leading[~clash[group[leading]]]]
    order = np.flatnonzero(clash[group])
    order = order[np.argsort(group[order], kind="stable")]
    if not len(order):
        return taken[0]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(group[order])) + 1, [len(order)]])
    row, column = (_within(group[order], one[order], starts) for one in (before, after))
    for begin, end in itertools.pairwise(starts.tolist()):
        mine = order[begin:end]
        taken.append(mine[_assigned(row[begin:end], column[begin:end], gain[mine])])
    return np.concatenate(taken)


def _within(group: Ints, number: Ints, starts: Ints) -> Ints:
    """The numbers counted anew from 0 in each group; groups lie together from one of `starts` to the next."""
    dense = np.unique(group * (int(number.max()) + 1) + number, return_inverse=True)[1]
    least = np.minimum.reduceat(dense, starts[:-1])
    return np.asarray(dense - np.repeat(least, np.diff(starts)), dtype=np.intp)


def _assigned(row: Ints, column: Ints, gain: Floats) -> Ints:
    """The indices of the links from rows to columns, each counted from 0, that are the assignment of most gain."""
    rows, columns = int(row.max()) + 1, int(column.max()) + 1
    if rows * columns > _TABLE:
        return _assigned_of_many(row, column, gain)
    table = np.zeros((rows, columns))
    table[row, column] = gain
    at = np.full(table.shape, -1, dtype=np.intp)
    at[row, column] = np.arange(len(row))
    chosen = at[linear_sum_assignment(table, maximize=True)]
    return chosen[chosen >= 0]


def _assigned_of_many(row: Ints, column: Ints, gain: Floats) -> Ints:
    """The same without a table of all with all: each row has an end of its own too, which gains nothing."""
    rows, columns = int(row.max()) + 1, int(column.max()) + 1
    most, own = float(gain.max()) + 1.0, np.arange(rows)  # a weight of 0 would be no link
    ends = (np.append(row, own), np.append(column, columns + own))
    weight = csr_array((np.append(most - gain, np.full(rows, most)), ends), shape=(rows, columns + rows))
    one, other = min_weight_full_bipartite_matching(weight)
    keys = row * columns + column
    order = np.argsort(keys)
    wanted = (one * columns + other)[other < columns]
    return order[np.searchsorted(keys[order], wanted)]


def likely_links(links: Ints, score: Floats, one: Ints, other: Ints, further: Floats) -> Floats:
    """(P,) the probability of each of the (P, 2) links, when what speaks for a link depends on the one before it.

    It is found by messages between links and the things they join (belief propagation, as Williams and Lau, IEEE TAES
    2014, use it for one step): right where links do not compete in circles, and near it where they do. `score` (P,) are
    the log-odds of each if it begins a row. Of links that go on another, (T,) `one` and `other` number both, and
    `further` are the log-odds of the other if the one is. What is not listed does not go on.
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
