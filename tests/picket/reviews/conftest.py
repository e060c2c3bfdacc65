"""A real PostgreSQL of the test's own, where one is installed, and judgements to keep."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from picket.reviews.record import Judgement, Version
from picket.reviews.store import ReviewStore, open_store

SEEN = Version("person", 23.04, 88.895, 4.0, 2.0, 30.0, ("f1/IMG_1-000", "f1/IMG_2-000"))
USER = "postgres"


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an empty cluster on a free port of this machine; skips where PostgreSQL is not installed."""
    programs = {name: shutil.which(name) for name in ("postgres", "initdb")}
    near = Path(os.path.realpath(programs["postgres"])).parent if programs["postgres"] else None
    if near is None or not (near / "initdb").exists():
        pytest.skip("PostgreSQL is not installed (no `postgres` and `initdb`)")
    root = tmp_path_factory.mktemp("postgresql")
    own: dict[str, Any] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        try:
            shutil.chown(root, USER)
        except LookupError:
            pytest.skip(f"PostgreSQL does not run as root, and there is no user {USER}")
        for folder in (root, *root.parents):
            if folder == Path("/tmp") or folder.parent == folder:
                break
            folder.chmod(folder.stat().st_mode | 0o011)
        own = {"user": USER, "group": USER, "extra_groups": ()}
    data = root / "data"
    made = subprocess.run(
        [near / "initdb", "-D", data, "-A", "trust", "-U", USER, "--no-sync", "-E", "UTF8", "--locale=C"],
        capture_output=True, text=True, cwd=root, **own,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (root / "log").open("wb") as log:
        server = subprocess.Popen(
            [near / "postgres", "-D", data, "-p", str(port), "-k", root, "-h", "127.0.0.1"],
            stdout=log, stderr=log, cwd=root, **own,
        )  # fmt: skip
    try:
        for _ in range(200):
            ready = subprocess.run([near / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)])
            if ready.returncode == 0:
                break
            assert server.poll() is None, (root / "log").read_text()
            time.sleep(0.05)
        yield f"postgresql://{USER}@127.0.0.1:{port}/postgres"
    finally:
        server.kill()
        server.wait()


@pytest.fixture(params=["sqlite", "postgresql"])
def open_reviews(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], ReviewStore]]:
    """Opens the reviews of a mission by its name, in each of the databases."""
    url = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    opened = []

    def opener(name: str = "benapole") -> ReviewStore:
        folder = tmp_path / f"{tmp_path.name}-{name}"
        folder.mkdir(exist_ok=True)
        opened.append(open_store(folder, url))
        return opened[-1]

    yield opener
    for store in opened:
        store.close()


def judgement(verdict: str = "confirmed", officer: str = "A. Rahman", expected: int = 0, **others: Any) -> Judgement:
    """A common judgement with what differs; its key is its own."""
    usual = {"sighting_id": "S000001", "version": SEEN, "key": os.urandom(8).hex()}
    return Judgement(**{**usual, **others}, verdict=verdict, officer=officer, expected=expected)
