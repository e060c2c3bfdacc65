"""Keeping reviews: adding one so that it survives whatever happens next, reading them, and proving the chain.

Reviews of one mission are added one after the other, whoever adds them: none is lost, and an officer is told where
somebody judged the same sighting since that officer looked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from picket.errors import PicketError
from picket.reviews.database import REVIEWS, lock_mission, open_file, open_url, problem_of, settle
from picket.reviews.record import (
    FIRST,
    WITHDRAWN,
    Broken,
    JudgedSinceError,
    Judgement,
    MaybeKeptError,
    Review,
    broken_at,
    checked,
    is_as_given,
)
from picket.reviews.record import review_of as _review_of
from vision.errors import InputError


@dataclass(frozen=True)
class ReviewStore:
    """The reviews of one mission. Safe to use from several threads and processes."""

    engine: sa.Engine
    mission: str

    def add(self, asked: Judgement, now: datetime | None = None) -> Review:
        """Keep a judgement; once this returns it is on the disk. The same judgement sent again gives the review it
        became. Raises JudgedSinceError where others judged since, InputError where it cannot be kept as it is,
        PicketError where the database fails and nothing is kept, MaybeKeptError where it may be."""
        asked = checked(asked)
        done = False
        try:
            with self._writing() as connection:
                kept = self._kept(connection, asked) or self._added(connection, asked, now or datetime.now(UTC))
                done = True  # all but the commit
        except SQLAlchemyError as error:
            after_all = self._kept_after_all(asked, error) if done else None
            if after_all is None:
                raise PicketError(f"{_failed(error)}; nothing of this was kept") from error
            return after_all
        return kept

    def _added(self, connection: sa.Connection, asked: Judgement, now: datetime) -> Review:
        """Add what was asked and read it back: what the database would give back otherwise would look like tampering
        for good. Raises PicketError there."""
        self._check_seen(connection, asked)
        number, previous = self._head(connection)
        review = _review_of(asked, self.mission, number + 1, previous, now)
        connection.execute(REVIEWS.insert(), review.__dict__)
        (kept,) = self._rows(connection, REVIEWS.c.number == review.number)
        if kept.digest != review.digest or not is_as_given(kept):
            raise PicketError("the reviews' database does not give back what it was given; nothing of this was kept")
        return kept

    def _kept_after_all(self, asked: Judgement, error: SQLAlchemyError) -> Review | None:
        """The review this judgement became although the database failed, as where the line was cut after a commit.
        Raises MaybeKeptError where that cannot be said either."""
        try:
            with self._writing() as connection:  # waits for whoever still writes in this mission: the cut one, too
                return self._kept(connection, asked)
        except SQLAlchemyError as again:
            raise MaybeKeptError(f"{_failed(error)}; this may be kept or not: send it again") from again

    def history(self, sighting_id: str) -> list[Review]:
        """The reviews of one sighting, oldest first."""
        with self._reading() as connection:
            return self._rows(connection, REVIEWS.c.sighting_id == sighting_id)

    def after(self, number: int = 0) -> list[Review]:
        """All reviews with a higher number, oldest first."""
        with self._reading() as connection:
            return self._rows(connection, REVIEWS.c.number > number)

    def head(self) -> tuple[int, str]:
        """Number and digest of the last review; 0 and `FIRST` where there is none."""
        with self._reading() as connection:
            return self._head(connection)

    def verify(self) -> Broken | None:
        """Where the chain of all reviews is broken; see `picket.reviews.record.broken_at`."""
        return broken_at(self.after(0))

    def settle(self) -> None:
        """Have a copy of SQLite's file alone hold all so far; nothing that was acknowledged depends on it."""
        settle(self.engine)

    def close(self) -> None:
        """Close the database; the last one to do so leaves one whole file behind."""
        self.engine.dispose()

    def _kept(self, connection: sa.Connection, asked: Judgement) -> Review | None:
        """The review this very judgement became before; raises InputError where its key was used for another."""
        before = self._rows(connection, REVIEWS.c.key == asked.key)
        if not before:
            return None
        same = ("sighting_id", "verdict", "officer", "note", "lat_deg", "lon_deg", "withdraws")
        if any(getattr(before[0], name) != getattr(asked, name) for name in same):
            raise InputError("the key", "was used for another review; make up a new one for each")
        return before[0]

    def _check_seen(self, connection: sa.Connection, asked: Judgement) -> None:
        """Raises JudgedSinceError where there are reviews the officer has not seen, InputError where what is to be
        taken back cannot be."""
        history = self._rows(connection, REVIEWS.c.sighting_id == asked.sighting_id)
        last = history[-1].number if history else 0
        if last != asked.expected:
            raise JudgedSinceError([one for one in history if one.number > asked.expected] or history[-1:])
        if asked.verdict == WITHDRAWN:
            taken_back = {one.withdraws for one in history}
            own = [one for one in history if one.number == asked.withdraws and one.officer == asked.officer]
            if not own or own[0].verdict == WITHDRAWN or own[0].number in taken_back:
                raise InputError("the review to take back", "is none of your own that still stands; judge it anew")

    def _head(self, connection: sa.Connection) -> tuple[int, str]:
        query = sa.select(REVIEWS.c.number, REVIEWS.c.digest).where(REVIEWS.c.mission == self.mission)
        row = connection.execute(query.order_by(REVIEWS.c.number.desc()).limit(1)).one_or_none()
        return (row.number, row.digest) if row is not None else (0, FIRST)

    def _rows(self, connection: sa.Connection, wanted: sa.ColumnElement[bool]) -> list[Review]:
        query = sa.select(REVIEWS).where(REVIEWS.c.mission == self.mission, wanted).order_by(REVIEWS.c.number)
        return [Review(**row) for row in connection.execute(query).mappings()]

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with _complaining(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """A transaction in which nobody else adds to this mission; commits at its end."""
        with self.engine.execution_options(writing=True).begin() as connection:
            lock_mission(connection, self.mission)
            yield connection


def open_store(folder: Path, url: str | None = None) -> ReviewStore:
    """The reviews of the mission in `folder`: in the database at `url`, under the folder's name, or in its own
    `picket.db`, which is made where it is not there. Raises InputError where that is something else, PicketError where
    it cannot be opened."""
    if url:
        return ReviewStore(open_url(url), folder.resolve().name)
    return ReviewStore(open_file(folder / "picket.db"), OWN)


OWN = "mission"
"""What a mission's own database calls its one mission, whatever its folder is called by now."""


def reviews_in(folder: Path, url: str | None = None) -> Sequence[Review]:
    """All reviews of the mission in `folder`, oldest first; none, and nothing made, where it has no database. Raises
    like `open_store`."""
    if not url and not (folder / "picket.db").exists():
        return ()
    store = open_store(folder, url)
    try:
        return store.after(0)
    finally:
        store.close()


@contextmanager
def _complaining() -> Iterator[None]:
    """A database's errors as PicketError."""
    try:
        yield
    except SQLAlchemyError as error:
        raise PicketError(_failed(error)) from error


def _failed(error: SQLAlchemyError) -> str:
    return f"the reviews' database failed ({problem_of(error)})"
