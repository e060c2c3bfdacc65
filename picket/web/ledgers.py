"""The reviews of all missions, kept open: each mission's database is opened once, its reviews are read on from the last
one known, and their chain is checked as they come. What they mean beside sightings is `picket.reviews.standing`'s
subject.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from picket.folder import Mission
from picket.reviews.database import open_url
from picket.reviews.record import FIRST, Broken, Review, broken_at
from picket.reviews.store import ReviewStore, open_store

Identity = tuple[int, int]


@dataclass
class Ledger:
    """The reviews of one mission as far as they were read; `file` is which file they lie in, None in a shared
    database, `broken` where their chain is. `reviews` only grows."""

    store: ReviewStore
    file: Identity | None
    reviews: list[Review] = field(default_factory=list)
    broken: Broken | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def read_on(self) -> None:
        """Read what came since. Raises PicketError where the database fails."""
        with self.lock:
            last = self.reviews[-1] if self.reviews else None
            new = self.store.after(last.number if last else 0)
            self.broken = self.broken or broken_at(new, last)
            self.reviews.extend(new)

    def check(self) -> None:
        """Check the chain of all reviews as they lie in the database now, those read before too. Raises PicketError
        where the database fails."""
        found = self.store.verify()
        with self.lock:
            self.broken = self.broken or found

    @property
    def head(self) -> tuple[int, str]:
        """Number and digest of the last review read; 0 and `FIRST` where there is none."""
        return (self.reviews[-1].number, self.reviews[-1].digest) if self.reviews else (0, FIRST)


class Ledgers:
    """The ledgers of all missions, in one shared database (`url`) or in each mission's own. Safe to use from several
    threads."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._shared: sa.Engine | None = None
        self._ledgers: dict[Path, Ledger] = {}

    def of(self, mission: Mission) -> Ledger | None:
        """The mission's reviews up to now; None where nobody gave any yet. Nothing is made. Raises InputError where the
        database is none, PicketError where it cannot be read."""
        ledger = self._opened(mission, make=False)
        if ledger is not None:
            ledger.read_on()
        return ledger

    def to_write(self, mission: Mission) -> ReviewStore:
        """Where the mission's reviews are kept, made where it is not there. Raises like `of`."""
        ledger = self._opened(mission, make=True)
        assert ledger is not None
        return ledger.store

    def settle(self) -> None:
        """Have copies of the databases' files alone hold all so far."""
        with self._lock:
            stores = [ledger.store for ledger in self._ledgers.values()]
        for store in stores:
            store.settle()

    def close(self) -> None:
        """Close all databases."""
        with self._lock:
            for ledger in self._ledgers.values():
                ledger.store.close()
            self._ledgers.clear()
            self._shared = None

    def _opened(self, mission: Mission, *, make: bool) -> Ledger | None:
        file = mission.root / "picket.db"
        with self._lock:
            there = None if self._url else _identity(file)
            known = self._ledgers.get(mission.root)
            if known is not None and known.file == there:
                return known
            if known is not None:
                known.store.close()
                del self._ledgers[mission.root]
            if self._url:
                self._shared = self._shared or open_url(self._url)
                found = Ledger(ReviewStore(self._shared, mission.root.name), None)
            elif there is not None or make:
                store = open_store(mission.root)
                found = Ledger(store, _identity(file))
            else:
                return None
            self._ledgers[mission.root] = found
            return found


def _identity(file: Path) -> Identity | None:
    """Which file this is, whatever its name; None where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
