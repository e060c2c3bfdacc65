"""Reviews are only added to, whoever tries what, and the chain names what was tampered with."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from picket.errors import PicketError
from picket.reviews.database import REVIEWS
from picket.reviews.record import FIRST, Broken, JudgedSinceError, Version
from picket.reviews.store import ReviewStore, open_store, reviews_in
from tests.picket.reviews.conftest import SEEN, judgement
from vision.errors import InputError

Open = Callable[..., ReviewStore]


def test_a_review_is_kept_as_given(open_reviews: Open) -> None:
    store = open_reviews()
    assert (store.head(), store.verify(), store.after()) == ((0, FIRST), None, [])
    given = store.add(
        judgement("moved", note=" a <b>note</b>\r\n'); DROP TABLE reviews; -- রহমান ", lat_deg=23.1, lon_deg=-0.1)
    )
    again = open_reviews()
    assert again.after() == [given]
    assert (given.number, given.previous, given.note) == (1, FIRST, "a <b>note</b>\n'); DROP TABLE reviews; -- রহমান")
    assert (given.lat_deg, given.lon_deg, Version.from_text(given.version)) == (23.1, -0.1, SEEN)
    assert given.moment.utcoffset() is not None
    assert again.head() == (1, given.digest)
    assert again.verify() is None


def test_opening_again_locks_nothing(open_reviews: Open) -> None:
    """Somebody writes, and has the table's set-up to himself: looking does not wait."""
    store = open_reviews()
    store.add(judgement())
    with store._writing():
        assert len(open_reviews().after()) == 1


def test_a_role_that_may_read_and_add_is_enough(postgresql: str, tmp_path: Path) -> None:
    owner = open_store(tmp_path, postgresql)
    with owner.engine.begin() as connection:
        connection.exec_driver_sql("CREATE ROLE post LOGIN")
        connection.exec_driver_sql("GRANT SELECT, INSERT ON reviews TO post")
    store = open_store(tmp_path, postgresql.replace("postgres@", "post@"))
    store.add(judgement())
    assert store.verify() is None
    with pytest.raises(DBAPIError, match="owner"), store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER reviews_no_change ON reviews")
    store.close()
    owner.close()


def test_missions_do_not_mix(open_reviews: Open) -> None:
    first, second = open_reviews("north"), open_reviews("south")
    first.add(judgement())
    assert second.after() == []
    assert second.add(judgement("rejected")).number == 1
    assert [one.verdict for one in first.history("S000001")] == ["confirmed"]


def test_minus_zero_is_zero(open_reviews: Open) -> None:
    """A place at the equator or the meridian, which SQLite gives back without its sign."""
    store = open_reviews()
    store.add(judgement("moved", lat_deg=-0.0, lon_deg=-0.0))
    assert store.verify() is None


def test_what_does_not_come_back_as_given_is_not_kept(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.add(judgement())
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER reviews_no_update")
        connection.exec_driver_sql(
            "CREATE TRIGGER rounds AFTER INSERT ON reviews BEGIN UPDATE reviews SET lat_deg = round(NEW.lat_deg, 1) "
            "WHERE number = NEW.number; END"
        )
    with pytest.raises(PicketError, match="does not give back"):
        store.add(judgement("moved", expected=1, lat_deg=23.04, lon_deg=88.9))
    assert (len(store.after()), store.verify()) == (1, None)
    store.close()


@pytest.mark.parametrize("committed", [True, False])
def test_a_line_cut_at_the_commit(open_reviews: Open, committed: bool) -> None:
    """Whether it was kept is looked up, not guessed."""
    store, cuts = open_reviews(), []

    def cut(connection: sa.Connection) -> None:
        if cuts and cuts.pop():
            if committed:
                connection.connection.dbapi_connection.commit()  # type: ignore[union-attr]
            raise OperationalError("COMMIT", {}, Exception("the line was cut"))

    sa.event.listen(store.engine, "commit", cut)
    cuts.append(True)
    if committed:
        assert store.add(judgement()).number == 1
    else:
        with pytest.raises(PicketError, match="nothing of this was kept"):
            store.add(judgement())
    assert (len(store.after()), store.verify()) == (int(committed), None)


def test_the_same_sent_again_counts_once(open_reviews: Open) -> None:
    store = open_reviews()
    asked = judgement(key="once")
    kept = store.add(asked)
    store.add(judgement("rejected", "B. Das", expected=1))
    assert store.add(asked) == kept
    assert len(store.after()) == 2
    with pytest.raises(InputError, match="used for another review"):
        store.add(replace(asked, verdict="rejected"))


def test_an_officer_is_told_of_others(open_reviews: Open) -> None:
    store = open_reviews()
    store.add(judgement())
    with pytest.raises(JudgedSinceError, match=r"A\. Rahman") as told:
        store.add(judgement("rejected", "B. Das"))
    assert [one.verdict for one in told.value.reviews] == ["confirmed"]
    assert store.add(judgement("rejected", "B. Das", expected=1)).number == 2
    with pytest.raises(JudgedSinceError):
        store.add(judgement("unsure", "C. Sen", expected=7))
    assert len(store.after()) == 2


def test_taking_back(open_reviews: Open) -> None:
    store = open_reviews()
    first = store.add(judgement())
    with pytest.raises(InputError, match="none of your own"):
        store.add(judgement("withdrawn", "B. Das", expected=1, withdraws=first.number))
    store.add(judgement("withdrawn", expected=1, withdraws=first.number))
    for number in (1, 2, 9):
        with pytest.raises(InputError, match="none of your own"):
            store.add(judgement("withdrawn", expected=2, withdraws=number))
    assert store.verify() is None


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"verdict": "maybe"}, "none of confirmed"),
        ({"verdict": "moved"}, "latitude and a longitude"),
        ({"verdict": "moved", "lat_deg": float("nan"), "lon_deg": 1.0}, "latitude and a longitude"),
        ({"verdict": "moved", "lat_deg": 91.0, "lon_deg": 1.0}, "latitude and a longitude"),
        ({"lat_deg": 1.0, "lon_deg": 1.0}, "belongs to 'moved'"),
        ({"withdraws": 1}, "belongs to 'withdrawn'"),
        ({"verdict": "withdrawn"}, "belongs to 'withdrawn'"),
        ({"verdict": "noted", "note": " \n "}, "is empty"),
        ({"note": "x" * 2001}, "at most 2000"),
        ({"note": "a\0b"}, "the note"),
        ({"note": "\ud800"}, "the note"),
        ({"note": "abc\u202egpj.exe"}, "the note"),
        ({"officer": " "}, "the officer's name"),
        ({"officer": "A\nB"}, "the officer's name"),
        ({"key": ""}, "the key"),
    ],
)
def test_what_cannot_be_kept(tmp_path: Path, others: dict[str, Any], said: str) -> None:
    store = open_store(tmp_path)
    with pytest.raises(InputError, match=said):
        store.add(judgement(**others))
    assert store.after() == []
    store.close()


ATTEMPTS = (
    "UPDATE reviews SET verdict = 'rejected' WHERE number = 1",
    "DELETE FROM reviews",
    "INSERT INTO reviews SELECT * FROM reviews WHERE number = 1",
)
ONLY_SQLITE = (
    "INSERT OR REPLACE INTO reviews SELECT * FROM reviews WHERE number = 1",
    "REPLACE INTO reviews SELECT mission, 3, sighting_id, 'rejected', officer, time_utc, note, lat_deg, lon_deg, "
    "withdraws, version, 'one', digest, digest FROM reviews WHERE number = 2",
    "UPDATE OR REPLACE reviews SET number = 2 WHERE number = 1",
)
ONLY_POSTGRESQL = (
    "TRUNCATE reviews",
    "INSERT INTO reviews SELECT * FROM reviews WHERE number = 1 ON CONFLICT (mission, number) DO UPDATE SET note = 'x'",
    "INSERT INTO reviews SELECT mission, 9, sighting_id, verdict, officer, time_utc, note, lat_deg, lon_deg, "
    "withdraws, version, 'two', digest, digest FROM reviews WHERE number = 2",
)


def test_the_database_itself_refuses_to_forget(open_reviews: Open) -> None:
    store = open_reviews()
    kept = [store.add(judgement(key="one")), store.add(judgement("rejected", expected=1))]
    own = ONLY_SQLITE if store.engine.dialect.name == "sqlite" else ONLY_POSTGRESQL
    for statement in (*ATTEMPTS, *own):
        with pytest.raises(DBAPIError), store.engine.begin() as connection:  # noqa: PT012
            connection.exec_driver_sql(statement)
            pytest.fail(f"went through: {statement}")
    assert store.after() == kept


def strip_triggers(store: ReviewStore, statement: str) -> None:
    """What an owner of the database can do."""
    with store.engine.begin() as connection:
        if store.engine.dialect.name == "sqlite":
            for name in ("no_update", "no_delete", "in_order"):
                connection.exec_driver_sql(f"DROP TRIGGER reviews_{name}")
        else:
            connection.exec_driver_sql("ALTER TABLE reviews DISABLE TRIGGER USER")
        connection.exec_driver_sql(statement)
        if store.engine.dialect.name == "postgresql":
            connection.exec_driver_sql("ALTER TABLE reviews ENABLE TRIGGER USER")


@pytest.mark.parametrize(
    ("statement", "number", "problem"),
    [
        ("UPDATE reviews SET verdict = 'rejected' WHERE number = 2 AND mission = '{m}'", 2, "changed"),
        ("UPDATE reviews SET officer = 'X' WHERE number = 3 AND mission = '{m}'", 3, "changed"),
        ("UPDATE reviews SET lat_deg = 23.1 WHERE number = 1 AND mission = '{m}'", 1, "changed"),
        ("DELETE FROM reviews WHERE number = 1 AND mission = '{m}'", 1, "missing"),
        ("DELETE FROM reviews WHERE number = 2 AND mission = '{m}'", 2, "missing"),
        ("UPDATE reviews SET previous = '{z}' WHERE number = 3 AND mission = '{m}'", 3, "does not follow"),
        ("UPDATE reviews SET mission = 'x-{m}' WHERE number = 1 AND mission = '{m}'", 1, "missing"),
    ],
)
def test_the_chain_names_what_was_tampered_with(open_reviews: Open, statement: str, number: int, problem: str) -> None:
    store = open_reviews()
    for count in range(3):
        store.add(judgement(expected=count))
    assert store.verify() is None
    strip_triggers(store, statement.format(m=store.mission, z=FIRST))
    found = store.verify()
    assert isinstance(found, Broken)
    assert found.number == number
    assert problem in found.problem


def test_many_at_once_lose_nothing(open_reviews: Open) -> None:
    store, told = open_reviews(), []

    def officer(name: str) -> None:
        own = open_reviews() if store.engine.dialect.name == "postgresql" else store
        for count in range(12):
            seen = own.history("S000001")
            try:
                own.add(judgement(officer=name, expected=seen[-1].number if seen else 0))
            except JudgedSinceError:
                told.append((name, count))

    threads = [threading.Thread(target=officer, args=(name,)) for name in ("A", "B", "C")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.after()) + len(told) == 36
    assert store.verify() is None


def test_a_copy_of_the_file_alone_holds_all(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    kept = [store.add(judgement(expected=count)) for count in range(5)]
    store.settle()
    other = tmp_path / "other"
    other.mkdir()
    (other / "picket.db").write_bytes((tmp_path / "picket.db").read_bytes())
    assert list(reviews_in(other)) == kept
    store.close()


def test_sqlite_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    store.close()


def test_nothing_is_made_by_reading(tmp_path: Path) -> None:
    assert reviews_in(tmp_path) == ()
    assert not list(tmp_path.iterdir())


def test_databases_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "picket.db").write_bytes(b"not a database, " * 100)
    with pytest.raises(InputError, match="no database"):
        open_store(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    with sqlite3.connect(other / "picket.db") as strange:
        strange.execute("CREATE TABLE reviews (number, mission, sighting_id, key, previous, digest, stars)")
    strange.close()
    with pytest.raises((InputError, PicketError)):
        open_store(other)
    for url in ("mysql://localhost/x", "nonsense"):
        with pytest.raises(InputError, match="database"):
            open_store(tmp_path, url)
    with pytest.raises(PicketError, match="cannot be opened"):
        open_store(tmp_path, "postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(PicketError):
        open_store(tmp_path / "absent")


def test_a_database_that_fails_says_so(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with store.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE reviews RENAME TO gone"))
    with pytest.raises(PicketError, match="nothing of this was kept"):
        store.add(judgement())
    assert REVIEWS.name == "reviews"
    store.close()
