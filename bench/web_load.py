"""The web app while it is worked with hard: clients that watch a flight's events, officers who judge without a pause,
and, with `--kills`, SIGKILLs of the server at random moments meanwhile.

`python -m bench.web_load [--seconds S] [--watchers N] [--reviewers N] [--kills N] [--seed N]`. The server is
`picket serve` in a process of its own over a mission of 2,000 sightings; the flight's events are messages of a position
and a battery four times a second, as a flight's job tells them, put into the running app's hub. What counts: every
verdict that was answered with 201 is in the database afterwards, whatever happened; how long answers and events took;
and how much memory the server had at the start and at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import httpx
import numpy as np
import psutil

from picket.reviews.store import open_store
from tests.picket.web.judged import make_mission

ROOT = Path(__file__).resolve().parents[1]
MISSION = "benapole"
API = f"/api/missions/{MISSION}"
SIGHTINGS = 2000
EVENTS_EVERY_S = 0.25
START_S = 90.0
SERVER = """
import sys, threading, time
from picket.cli import main
from picket.web import app as web
made = web.create_app
def create_app(*given):
    app = made(*given)
    def fly():
        while True:
            time.sleep(%(every)s)
            said = {"sent": time.time(), "lat_deg": 23.04, "lon_deg": 88.895, "battery_pct": 61}
            app.state.hub.publish("flight:%(mission)s", said)
    threading.Thread(target=fly, daemon=True).start()
    return app
import picket.commands.serve as serve
serve.create_app = create_app
sys.exit(main(["serve", sys.argv[1], "--port", "0"]))
"""
"""`picket serve`, with a flight's messages in it."""


@dataclass
class Server:
    """A running `picket serve`: its process, its address and a token that logs an officer in."""

    process: subprocess.Popen[str]
    url: str
    token: str

    def kill(self) -> None:
        """End it with SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def memory_mb(self) -> float:
        """The memory it has to itself."""
        return psutil.Process(self.process.pid).memory_full_info().uss / 1e6


def start_server(missions: Path) -> Server:
    """`picket serve` over a folder of missions, once it answers."""
    program = SERVER % {"every": EVENTS_EVERY_S, "mission": MISSION}
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(missions)], cwd=ROOT, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stderr is not None
    for line in process.stderr:
        found = re.search(r"(http://\S+)/login#(\S+)", line)
        if found:
            threading.Thread(target=_drain, args=(process.stderr,), daemon=True).start()
            return Server(process, found[1], found[2])
    raise RuntimeError(f"the server ended with {process.wait()} before it listened")


def _drain(stream: IO[str]) -> None:
    with stream:
        stream.read()


def log_in(server: Server, token: str, name: str) -> httpx.Client:
    """Somebody who is logged in, as a page of the app is."""
    client = httpx.Client(base_url=server.url, timeout=30.0, trust_env=False, headers={"Origin": server.url})
    deadline = time.monotonic() + START_S
    while True:
        try:
            client.post("/login", json={"name": name, "token": token}).raise_for_status()
            break
        except httpx.ConnectError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    page = client.get("/missions", headers={"Accept": "text/html"}).text
    csrf = re.search(r'name="picket-csrf" content="([^"]+)"', page)
    assert csrf is not None
    client.headers["X-Picket-Csrf"] = csrf[1]
    return client


def log_in_all(server: Server, names: Sequence[str]) -> list[httpx.Client]:
    """Officers by name; the first invites the others."""
    first = log_in(server, server.token, names[0])
    others = []
    for name in names[1:]:
        link = first.post("/api/invitations", json={"role": "officer"}).raise_for_status().json()["link"]
        others.append(log_in(server, urlsplit(link).fragment, name))
    return [first, *others]


@dataclass
class Reviewer:
    """An officer who judges one sighting after the other until told to stop or the server is gone."""

    client: httpx.Client
    seed: int
    pause_s: float = 0.0
    acknowledged: dict[str, int] = field(default_factory=dict)
    took_s: list[float] = field(default_factory=list)
    told: int = 0
    unanswered: tuple[str, dict[str, object]] | None = None

    def work(self, stop: threading.Event) -> None:
        """Judge; `acknowledged` holds the numbers of verdicts answered with 201 by their keys."""
        chance = random.Random(self.seed)
        while not stop.wait(self.pause_s):
            sighting = f"S{chance.randrange(SIGHTINGS):06d}"
            try:
                seen = self._timed("GET", f"{API}/sighting?id={sighting}").json()
                key = f"{self.seed}-{len(self.took_s)}-{time.time_ns()}"
                body = {"sighting": sighting, "verdict": chance.choice(["confirmed", "rejected", "unsure"])}
                shown = {"expected": seen["expected"], "version": seen["version"]}
                asked = {**body, **shown, "key": key, "note": "seen by a busy officer"}
                self.unanswered = (key, asked)
                answer = self._timed("POST", f"{API}/reviews", asked)
            except httpx.TransportError:
                return
            self.unanswered = None
            if answer.status_code == 201:
                self.acknowledged[key] = answer.json()["review"]["number"]
            else:
                assert answer.status_code == 409, answer.text
                self.told += 1

    def _timed(self, method: str, path: str, body: object = None) -> httpx.Response:
        started = time.perf_counter()
        answer = self.client.request(method, path, json=body) if body else self.client.request(method, path)
        self.took_s.append(time.perf_counter() - started)
        return answer


@dataclass
class Watcher:
    """Somebody who watches a flight and the verdicts."""

    client: httpx.Client
    positions: int = 0
    verdicts: int = 0
    late_s: list[float] = field(default_factory=list)

    def work(self, stop: threading.Event) -> None:
        """Listen until told to stop."""
        topics = f"/events?topic=flight:{MISSION}&topic=reviews:{MISSION}&topic=jobs"
        try:
            with self.client.stream("GET", topics, timeout=60.0) as stream:
                for line in stream.iter_lines():
                    if line.startswith("data: "):
                        message = json.loads(line[6:])
                        if "sent" in message:
                            self.positions += 1
                            self.late_s.append(time.time() - message["sent"])
                        elif "number" in message:
                            self.verdicts += 1
                    if stop.is_set():
                        return
        except httpx.TransportError:
            return


def lost(mission: Path, reviewers: Sequence[Reviewer]) -> list[str]:
    """The keys of acknowledged verdicts that the database does not hold under their number. Raises AssertionError where
    the chain is broken."""
    store = open_store(mission)
    kept = {one.key: one.number for one in store.after()}
    broken = store.verify()
    store.close()
    assert broken is None, broken
    return [key for one in reviewers for key, number in one.acknowledged.items() if kept.get(key) != number]


def run_load(folder: Path, seconds: float, watchers: int, reviewers: int, seed: int) -> int:
    """Watch and judge for a while; prints the figures and returns how many verdicts were lost."""
    server = start_server(folder)
    clients = log_in_all(server, [f"Officer {number}" for number in range(watchers + reviewers)])
    watching = [Watcher(client) for client in clients[:watchers]]
    judging = [Reviewer(client, seed * 100 + k, 0.5) for k, client in enumerate(clients[watchers:])]
    stop = threading.Event()
    everybody: list[Watcher | Reviewer] = [*watching, *judging]
    threads = [threading.Thread(target=one.work, args=(stop,)) for one in everybody]
    for thread in threads:
        thread.start()
    memory = []
    for _ in range(10):
        time.sleep(seconds / 10)
        memory.append(server.memory_mb())
    stop.set()
    for thread in threads:
        thread.join(60)
    gone = lost(folder / MISSION, judging)
    took = np.array([value for one in judging for value in one.took_s]) * 1000
    late = np.array([value for one in watching for value in one.late_s]) * 1000
    acknowledged = sum(len(one.acknowledged) for one in judging)
    print(f"{watchers} watching and {reviewers} judging for {seconds:.0f} s:")
    print(f"  verdicts acknowledged {acknowledged}, lost {len(gone)}, refused as judged meanwhile "
          f"{sum(one.told for one in judging)}")  # fmt: skip
    print(f"  answers: median {np.median(took):.0f} ms, p95 {np.quantile(took, 0.95):.0f} ms of {len(took)}")
    print(f"  events: median {np.median(late):.0f} ms late, p95 {np.quantile(late, 0.95):.0f} ms of {len(late)}")
    fewest = min(one.verdicts for one in watching)
    print(f"  verdicts heard by the watcher who heard fewest: {fewest} of {acknowledged}")
    print(f"  memory of the server: {memory[0]:.0f} MB after a tenth of the time, {memory[-1]:.0f} MB at the end")
    for client in clients:
        client.close()
    server.process.send_signal(signal.SIGINT)
    server.process.wait(30)
    return len(gone)


def run_kills(folder: Path, kills: int, reviewers: int, seed: int) -> tuple[int, int]:
    """SIGKILL the server at random moments while officers judge; each time the next start goes on, and what was not
    answered is sent again. Returns how many verdicts were acknowledged and how many of them were lost."""
    chance = random.Random(seed)
    everybody: list[Reviewer] = []
    unanswered: list[tuple[str, dict[str, object]]] = []
    for kill in range(kills):
        server = start_server(folder)
        clients = log_in_all(server, [f"Officer {number}" for number in range(reviewers)])
        for key, asked in unanswered:
            again = clients[int(key.split("-")[0]) % reviewers].post(f"{API}/reviews", json=asked)
            assert again.status_code in (201, 409), again.text
        judging = [Reviewer(client, kill * reviewers + k + 1000 * reviewers) for k, client in enumerate(clients)]
        stop = threading.Event()
        threads = [threading.Thread(target=one.work, args=(stop,)) for one in judging]
        for thread in threads:
            thread.start()
        until_s = time.monotonic() + START_S
        while not any(one.acknowledged for one in judging) and time.monotonic() < until_s:
            time.sleep(0.01)
        time.sleep(chance.uniform(0.0, 1.5))
        server.kill()
        stop.set()
        for thread in threads:
            thread.join(30)
        for client in clients:
            client.close()
        everybody += judging
        unanswered = [one.unanswered for one in judging if one.unanswered]
        missing = lost(folder / MISSION, everybody)
        if missing:
            print(f"kill {kill + 1}: lost {missing}")
    return sum(len(one.acknowledged) for one in everybody), len(lost(folder / MISSION, everybody))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; 1 where a verdict was lost."""
    parser = argparse.ArgumentParser(description="The web app under load, and killed.")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--watchers", type=int, default=20)
    parser.add_argument("--reviewers", type=int, default=4)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    gone = 0
    with tempfile.TemporaryDirectory() as folder:
        make_mission(Path(folder) / MISSION, SIGHTINGS)
        if options.seconds:
            gone += run_load(Path(folder), options.seconds, options.watchers, options.reviewers, options.seed)
        if options.kills:
            acknowledged, missing = run_kills(Path(folder), options.kills, options.reviewers, options.seed)
            gone += missing
            print(f"{options.kills} SIGKILLs while judging: verdicts acknowledged {acknowledged}, lost {missing}")
    return int(gone > 0)


if __name__ == "__main__":
    sys.exit(main())
