"""The probabilities of links, against every way to choose them counted out."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from mapping.ground import links as links_module
from mapping.ground.links import best_links, likely_links

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]


def asked(links: list[tuple[int, int]], score: list[float], further: dict[tuple[int, int], float]) -> Floats:
    """The probabilities of links, where `further` tells of those that go on another what speaks for them then."""
    one, other = np.array(list(further) or np.empty((0, 2)), dtype=np.intp).T
    pairs = np.array(links, dtype=np.intp).reshape(-1, 2)
    return likely_links(pairs, np.array(score), one, other, np.array(list(further.values())))


def counted(links: list[tuple[int, int]], score: list[float], further: dict[tuple[int, int], float]) -> Floats:
    """The same from the weights of all sets of links of which each thing has one before and one after it at most."""
    total, each = 0.0, np.zeros(len(links))
    for size in range(len(links) + 1):
        for chosen in itertools.combinations(range(len(links)), size):
            starts, ends = {links[k][0]: k for k in chosen}, {links[k][1]: k for k in chosen}
            if len(starts) < size or len(ends) < size:
                continue
            weight = 0.0
            for k in chosen:
                before = ends.get(links[k][0])
                weight += score[k] if before is None else further.get((before, k), -np.inf)
            total += np.exp(weight)
            each[list(chosen)] += np.exp(weight)
    return each / total


def test_a_single_link_has_the_odds_that_speak_for_it() -> None:
    assert asked([(0, 1)], [0.0], {}) == pytest.approx([0.5], abs=1e-3)
    assert asked([(0, 1)], [2.0], {}) == pytest.approx([1.0 / (1.0 + np.exp(-2.0))], abs=1e-3)


def test_no_links_have_no_probabilities() -> None:
    assert len(asked([], [], {})) == 0


def test_two_that_exclude_each_other_share() -> None:
    likely = asked([(0, 2), (1, 2)], [3.0, 3.0], {})
    assert likely == pytest.approx(2 * [np.exp(3.0) / (1.0 + 2.0 * np.exp(3.0))], abs=1e-3)


def test_what_goes_on_evenly_wins_over_what_merely_begins_there() -> None:
    links, further = [(0, 2), (1, 2), (2, 3)], {(0, 2): 4.0, (1, 2): -4.0}
    likely = asked(links, [1.0, 1.0, 1.0], further)
    assert likely[0] > 0.9 > 0.1 > likely[1]


@given(st.integers(2, 8), st.data())
def test_rows_without_circles_are_counted_exactly(length: int, data: st.DataObject) -> None:
    """One row of things, each of whose links may be left out: all ways are counted."""
    odds = st.floats(-3.0, 3.0)
    links = [(k, k + 1) for k in range(length - 1)]
    score = [data.draw(odds) for _ in links]
    further = {(k, k + 1): data.draw(odds) for k in range(length - 2) if data.draw(st.booleans())}
    assert asked(links, score, further) == pytest.approx(counted(links, score, further), abs=5e-3)


@given(st.integers(0, 2**32 - 1))
def test_where_links_compete_in_circles_the_same_are_the_likely_ones(seed: int) -> None:
    rng = np.random.default_rng(seed)
    links = [(i, 3 + j) for i in range(3) for j in range(3)]
    score = rng.uniform(-3.0, 3.0, 9).tolist()
    found, exact = asked(links, score, {}), counted(links, score, {})
    assert np.abs(found - exact).max() < 0.2
    assert (found.reshape(3, 3).sum(axis=0) <= 1.0 + 1e-2).all()


def test_a_long_row_is_one() -> None:
    links = [(k, k + 1) for k in range(99)]
    likely = asked(links, [1.0] * 99, {(k, k + 1): 2.0 for k in range(98)})
    assert likely.min() > 0.8


@pytest.mark.parametrize("table", [0, 4_000_000], ids=["without a table", "with one"])
def test_the_best_set_of_links_gains_as_much_as_any(table: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links_module, "_TABLE", table)
    rng = np.random.default_rng(0)
    for count in (3, 8, 30):
        for _ in range(30):
            wanted = rng.random((count, count)) < rng.uniform(0.05, 0.6)
            before, after = np.nonzero(wanted)
            gain = rng.uniform(0.01, 9.0, len(before))
            chosen = best_links(before, after, gain, count)
            assert len(np.unique(before[chosen])) == len(chosen) == len(np.unique(after[chosen]))
            every = np.zeros((count, count))
            every[before, after] = gain
            assert gain[chosen].sum() == pytest.approx(every[linear_sum_assignment(every, maximize=True)].sum())
