"""The database reviews are kept in: its one table, the triggers that let rows be added and nothing else, and opening
it, SQLite or PostgreSQL. What the rows mean is `record.py`'s subject.

The triggers hold against mistakes and against programs that are not Picket's. Whoever owns the database can remove
them; the chain of digests then tells.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from picket.errors import PicketError
from picket.reviews.record import FIRST, WORDS
from vision.errors import InputError

URL_VARIABLE = "PICKET_REVIEWS_URL"
"""The environment variable that names the database several posts share."""
WAIT_S = 15
"""How long a writer waits for another."""
POSTGRESQL = "postgresql+psycopg"

METADATA = sa.MetaData()
REVIEWS = sa.Table(
    "reviews",
    METADATA,
    sa.Column("mission", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("sighting_id", sa.Text, nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("officer", sa.Text, nullable=False),
    sa.Column("time_utc", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("lat_deg", sa.Double),
    sa.Column("lon_deg", sa.Double),
    sa.Column("withdraws", sa.BigInteger),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.UniqueConstraint("mission", "key", name="reviews_once"),
    sa.CheckConstraint(f"verdict IN ({', '.join(repr(word) for word in WORDS)})", name="reviews_words"),
    sa.Index("reviews_by_sighting", "mission", "sighting_id", "number"),
    # Without row numbers of SQLite's own nothing can take a row's place but by the keys the triggers look at.
    sqlite_with_rowid=False,
)

_NEXT = "(SELECT coalesce(max(number), 0) + 1 FROM reviews WHERE mission = NEW.mission)"
_LAST = f"coalesce((SELECT digest FROM reviews WHERE mission = NEW.mission ORDER BY number DESC LIMIT 1), '{FIRST}')"
_ONLY_ADDED = "reviews are only added to"
_NOT_NEXT = "a review follows the last one"
_SQLITE = (
    f"CREATE TRIGGER IF NOT EXISTS reviews_no_update BEFORE UPDATE ON reviews "
    f"BEGIN SELECT RAISE(ABORT, '{_ONLY_ADDED}'); END",
    f"CREATE TRIGGER IF NOT EXISTS reviews_no_delete BEFORE DELETE ON reviews "
    f"BEGIN SELECT RAISE(ABORT, '{_ONLY_ADDED}'); END",
    f"CREATE TRIGGER IF NOT EXISTS reviews_in_order BEFORE INSERT ON reviews "
    f"WHEN NEW.number <> {_NEXT} OR NEW.previous <> {_LAST} "
    f"OR EXISTS (SELECT 1 FROM reviews WHERE mission = NEW.mission AND key = NEW.key) "
    f"BEGIN SELECT RAISE(ABORT, '{_NOT_NEXT}'); END",
)
_POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION picket_only_added() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_ONLY_ADDED}'; END $$",
    "CREATE OR REPLACE FUNCTION picket_in_order() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN IF NEW.number <> {_NEXT} OR NEW.previous <> {_LAST} "
    f"THEN RAISE EXCEPTION '{_NOT_NEXT}'; END IF; RETURN NEW; END $$",
    "CREATE OR REPLACE TRIGGER reviews_no_change BEFORE UPDATE OR DELETE ON reviews "
    "FOR EACH ROW EXECUTE FUNCTION picket_only_added()",
    "CREATE OR REPLACE TRIGGER reviews_no_truncate BEFORE TRUNCATE ON reviews "
    "FOR EACH STATEMENT EXECUTE FUNCTION picket_only_added()",
    "CREATE OR REPLACE TRIGGER reviews_in_order BEFORE INSERT ON reviews "
    "FOR EACH ROW EXECUTE FUNCTION picket_in_order()",
)
TRIGGERS = 3
"""How many of them belong to the table, in each of the databases."""
_SET_UP_LOCK = 7125803
"""PostgreSQL's advisory lock under which the table is made."""


def url_from_environment() -> str | None:
    """The database several posts share, where the environment names one."""
    return os.environ.get(URL_VARIABLE) or None


def open_file(path: Path) -> sa.Engine:
    """The SQLite database at `path`, made where it is not there. What it has acknowledged is on the disk. Raises
    InputError where the file is something else, PicketError where it cannot be opened."""
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        connect_args={"timeout": WAIT_S, "check_same_thread": False},
        pool_size=8,
        max_overflow=24,
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return _ready(engine, str(path))


def open_url(url: str) -> sa.Engine:
    """The PostgreSQL database at `url`. Raises InputError where it is none, PicketError where it cannot be reached or
    has no table yet and this role may not make it."""
    try:
        parsed = sa.make_url(url)
    except ArgumentError as error:
        raise InputError("the reviews' database", f"no address of one; give {POSTGRESQL}://USER@HOST/NAME") from error
    if parsed.get_backend_name() != "postgresql":
        said = f"{parsed.drivername!r} is not supported; give postgresql://USER@HOST/NAME, or none for SQLite"
        raise InputError("the reviews' database", said)
    engine = sa.create_engine(
        parsed.set(drivername=POSTGRESQL),
        connect_args={"connect_timeout": WAIT_S, "options": f"-c lock_timeout={WAIT_S}s -c synchronous_commit=on"},
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=24,
    )
    return _ready(engine, parsed.render_as_string(hide_password=True))


def problem_of(error: SQLAlchemyError) -> str:
    """What a database complained of, on one line."""
    first = str(error.orig if isinstance(error, DBAPIError) else error).strip().splitlines()
    return first[0] if first else type(error).__name__


def lock_mission(connection: sa.Connection, mission: str) -> None:
    """Let nobody else add to this mission until the transaction ends. SQLite has one writer at a time anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(
            sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:mission, 7125))"), {"mission": mission}
        )


def _ready(engine: sa.Engine, name: str) -> sa.Engine:
    """The engine, once table and triggers are there. Where they are, nothing is written or locked: a role that may
    only read and add is enough."""
    try:
        with engine.begin() as connection:
            there = sa.inspect(connection).has_table(REVIEWS.name) and _triggers(connection) >= TRIGGERS
        if not there:
            _set_up(engine)
        with engine.begin() as connection:
            found = {column["name"] for column in sa.inspect(connection).get_columns(REVIEWS.name)}
    except SQLAlchemyError as error:
        engine.dispose()
        raise _not_opened(name, error) from error
    if found != set(REVIEWS.columns.keys()):
        engine.dispose()
        raise InputError(name, "holds a table of reviews that is not Picket's; give another database")
    return engine


def _triggers(connection: sa.Connection) -> int:
    """How many of the triggers there are."""
    postgresql = connection.dialect.name == "postgresql"
    listed = "pg_trigger WHERE tgrelid = to_regclass('reviews') AND tgenabled <> 'D' AND tgname"
    if not postgresql:
        listed = "sqlite_master WHERE type = 'trigger' AND tbl_name = 'reviews' AND name"
    return int(connection.execute(sa.text(f"SELECT count(*) FROM {listed} LIKE 'reviews%'")).scalar_one())


def _set_up(engine: sa.Engine) -> None:
    with engine.execution_options(writing=True).begin() as connection:
        postgresql = connection.dialect.name == "postgresql"
        if postgresql:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_SET_UP_LOCK})")
        METADATA.create_all(connection)
        for statement in _POSTGRESQL if postgresql else _SQLITE:
            connection.exec_driver_sql(statement)


def _not_opened(name: str, error: SQLAlchemyError) -> Exception:
    problem = problem_of(error)
    if "not a database" in problem or "malformed" in problem:
        return InputError(name, f"is damaged or no database ({problem}); put back a copy of it")
    return PicketError(f"{name}: the reviews cannot be opened ({problem})")


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # SQLAlchemy begins transactions by `_begin_sqlite`
    for setting in ("journal_mode = WAL", "synchronous = FULL", "fullfsync = ON", "recursive_triggers = ON"):
        connection.execute(f"PRAGMA {setting}")


def _begin_sqlite(connection: sa.Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def settle(engine: sa.Engine) -> None:
    """Bring what SQLite keeps beside its file into the file, as far as nobody is reading: a copy of `picket.db` alone
    then holds all of it. Never fails: what is beside the file is as safe."""
    if engine.dialect.name != "sqlite":
        return
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
    except sqlite3.Error:
        pass
    finally:
        connection.close()
