"""Sequence numbers: new, late, doubled, lost."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from missions.flying.ordering import Ordering

SENDER = (1, 1)


def orders(ordering: Ordering, numbers: list[int]) -> list[str]:
    return [ordering.take(SENDER, number % 256, number, 0.0) for number in numbers]


def test_numbers_in_order_are_new_over_the_end_of_the_byte() -> None:
    ordering = Ordering()
    assert set(orders(ordering, list(range(600)))) == {"new"}
    assert (ordering.lost, ordering.late, ordering.doubled) == (0, 0, 0)


def test_a_gap_is_lost_until_it_comes_late() -> None:
    ordering = Ordering()
    assert orders(ordering, [250, 251, 255, 256, 253]) == ["new", "new", "new", "new", "late"]
    assert (ordering.lost, ordering.late) == (2, 1)


def test_a_double_is_known_also_when_it_comes_late() -> None:
    assert orders(Ordering(), [1, 2, 2, 3, 1]) == ["new", "new", "doubled", "new", "doubled"]


def test_one_number_with_another_content_is_no_double() -> None:
    ordering = Ordering()
    ordering.take(SENDER, 1, 77, 0.0)
    assert ordering.take(SENDER, 1, 78, 0.0) == "late"


def test_a_sender_that_begins_anew_is_believed_again() -> None:
    """A restart, or a loss of more than half the numbers."""
    ordering = Ordering()
    found = orders(ordering, [*range(200, 220), *range(1130, 1138)])
    assert found[20:] == ["late"] * 3 + ["new"] * 5


def test_after_a_silence_everything_is_new() -> None:
    ordering = Ordering()
    ordering.take(SENDER, 100, 1, 0.0)
    assert ordering.take(SENDER, 40, 2, 5.0) == "new"


def test_senders_are_kept_apart() -> None:
    ordering = Ordering()
    for number in range(50):
        assert ordering.take((1, 1), number, number, 0.0) == "new"
        assert ordering.take((1, 154), 255 - number, number, 0.0) != "doubled"
    assert ordering.doubled == 0


@given(seed=st.integers(0, 2**32), loss=st.floats(0, 0.2), double=st.floats(0, 0.2))
def test_every_message_heard_is_told_once_and_losses_are_counted(seed: int, loss: float, double: float) -> None:
    chance, ordering = random.Random(seed), Ordering()
    sent = [number for number in range(400) if number in (0, 399) or chance.random() >= loss]
    arriving = [number for number in sent for _ in range(2 if chance.random() < double else 1)]
    found = orders(ordering, arriving)
    assert len(found) - found.count("doubled") == len(sent)
    assert ordering.lost == 400 - len(sent)
    assert "late" not in found
