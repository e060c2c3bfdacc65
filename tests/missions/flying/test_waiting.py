"""What is said while a vehicle is waited for."""

from __future__ import annotations

import pytest

from missions.flying.waiting import Waiting


def test_a_wait_is_told_after_a_moment_when_it_changes_and_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("missions.flying.waiting.time.monotonic", lambda: clock[-1])
    told: list[str] = []
    waiting = Waiting(told.append)
    for now_s, what in (
        (100.5, "its heartbeat"),
        (102.0, "its parameters, 10 so far"),
        (102.2, "its parameters, 20 so far"),
        (103.0, "its home"),
        (108.0, "its home"),
        (113.5, "its home"),
    ):
        clock.append(now_s)
        waiting(what)
    assert told == [
        "waiting for its parameters, 10 so far (2 s)",
        "waiting for its home (3 s)",
        "waiting for its home (14 s)",
    ]
