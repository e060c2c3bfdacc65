"""Random officers judge, move, note, take back and send again, in any order: the store agrees with a list."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from mapping.maps.wording import VERDICTS
from picket.reviews.record import JudgedSinceError, Judgement, Review
from picket.reviews.standing import still_standing
from picket.reviews.store import ReviewStore
from tests.picket.reviews.conftest import judgement
from vision.errors import InputError

OFFICERS = st.sampled_from(["A. Rahman", "B. Das", "C. Sen"])
SIGHTINGS = st.sampled_from(["S000001", "S000002"])
NOTES = st.text(st.characters(exclude_categories=("C",)), max_size=30)


class Officers(RuleBasedStateMachine):
    """What the officers do, the list of what was acknowledged, and what each of them has seen of each sighting."""

    open: Callable[..., ReviewStore]
    opened = 0

    @initialize()
    def begin(self) -> None:
        Officers.opened += 1
        self.store = self.open(f"m{Officers.opened}")
        self.kept: list[Review] = []
        self.sent: list[Judgement] = []
        self.seen: dict[tuple[str, str], int] = {}

    def last(self, sighting: str) -> int:
        return max((one.number for one in self.kept if one.sighting_id == sighting), default=0)

    def hand_in(self, asked: Judgement) -> None:
        if asked.expected != self.last(asked.sighting_id):
            with pytest.raises(JudgedSinceError) as told:
                self.store.add(asked)
            own = [one for one in self.kept if one.sighting_id == asked.sighting_id]
            assert list(told.value.reviews) == [one for one in own if one.number > asked.expected]
            return
        review = self.store.add(asked)
        assert review.number == len(self.kept) + 1
        self.kept.append(review)
        self.sent.append(asked)

    @rule(officer=OFFICERS, sighting=SIGHTINGS)
    def look(self, officer: str, sighting: str) -> None:
        self.seen[officer, sighting] = self.last(sighting)

    @rule(officer=OFFICERS, sighting=SIGHTINGS, verdict=st.sampled_from(VERDICTS), note=NOTES)
    def judge(self, officer: str, sighting: str, verdict: str, note: str) -> None:
        expected = self.seen.get((officer, sighting), 0)
        self.hand_in(judgement(verdict, officer, expected, sighting_id=sighting, note=note))

    @rule(officer=OFFICERS, sighting=SIGHTINGS, lat=st.floats(-90, 90), lon=st.floats(-180, 180))
    def move(self, officer: str, sighting: str, lat: float, lon: float) -> None:
        expected = self.seen.get((officer, sighting), 0)
        self.hand_in(judgement("moved", officer, expected, sighting_id=sighting, lat_deg=lat, lon_deg=lon))

    @rule(officer=OFFICERS, sighting=SIGHTINGS, number=st.integers(1, 12))
    def take_back(self, officer: str, sighting: str, number: int) -> None:
        asked = judgement("withdrawn", officer, self.last(sighting), sighting_id=sighting, withdraws=number)
        own = [one for one in self.kept if one.sighting_id == sighting]
        if any(one.number == number and one.officer == officer for one in still_standing(own)):
            self.hand_in(asked)
            return
        with pytest.raises(InputError, match="none of your own"):
            self.store.add(asked)

    @rule(which=st.integers(0, 30))
    def send_again(self, which: int) -> None:
        """The answer was lost, so the client sends the same again, however much happened since."""
        if self.sent:
            number = which % len(self.sent)
            assert self.store.add(self.sent[number]) == self.kept[number]

    @invariant()
    def agrees(self) -> None:
        if hasattr(self, "kept"):
            assert self.store.after() == self.kept
            assert self.store.verify() is None


def test_officers_at_once(open_reviews: Callable[..., ReviewStore]) -> None:
    machine = type("OfficersOfThisTest", (Officers,), {"open": staticmethod(open_reviews)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        ),
    )
