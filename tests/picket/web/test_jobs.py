"""Work begun in the browser: it says how far it is, survives a reload, and is cancelled cleanly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from missions.flying.preflight import Check
from picket.folder import Flight, Mission
from picket.output import PROGRESS_VARIABLE, notes, say
from picket.pilot import show_checks
from picket.web.events import Hub
from picket.web.flying import Flying, check_nothing_flies
from picket.web.jobs import Job, JobRefusedError, Jobs
from picket.web.processes import message_of
from tests.drawing import drawn, polygon

AREA = drawn(
    polygon("patrol", [(88.8950, 23.0350), (88.8975, 23.0350), (88.8975, 23.0372), (88.8950, 23.0372)], name="north")
)


COMMAND = """
import json, os, signal, sys, time
def say(**message): print(json.dumps(message), file=sys.stderr, flush=True)
verb = sys.argv[1]
if verb == "stubborn":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
assert os.environ["PICKET_PROGRESS"] == "json" and sys.argv[-1] == "--json"
say(picket="progress", title="searching", done=3, total=12, detail="x")
say(picket="flight", lat_deg=23.0)
say(picket=3)
print("a line for people", file=sys.stderr)
if verb == "fail":
    print("picket: it cannot be done", file=sys.stderr)
    sys.exit(1)
if verb == "where":
    print(f"picket: {sys.argv[2]}: cannot be read", file=sys.stderr)
    sys.exit(1)
if verb == "ask":
    print(json.dumps({"said": sys.stdin.readline().strip()}))
    sys.exit(0)
if verb == "odd":
    say(picket="progress")
    say(picket="progress", title="x", done="many", total=1)
    say(picket="progress", title="x", done=float("nan"), total=1e999)
    print('{"picket":' * 5000, '{"picket":"progress","done":1e999,"total":1}', sep="\\n", file=sys.stderr)
if verb == "home":
    pressed = []
    signal.signal(signal.SIGINT, lambda *_: pressed.append(1))
    print("flying", file=sys.stderr, flush=True)
    end = time.monotonic() + 60
    while not pressed and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.5)
    print(json.dumps({"pressed": len(pressed)}))
    sys.exit(0)
try:
    time.sleep(60 if verb in ("stay", "stubborn") else 0.3)
except KeyboardInterrupt:
    sys.exit(130)
print(json.dumps({"verb": verb}))
"""
"""What behaves towards the app as our commands do, and starts in no time."""


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    script = tmp_path / "command.py"
    script.write_text(COMMAND)
    made = Jobs(tmp_path / "jobs", Told(), program=(sys.executable, str(script)))
    yield made
    made.close()


class Told(Hub):
    """Keeps what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[tuple[str, Any]] = []

    def publish(self, topic: str, message: Mapping[str, Any]) -> None:
        self.messages.append((topic, message))
        super().publish(topic, message)


def until(look: Callable[[], Any], seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come about")


def ended(jobs: Jobs, job: Job) -> Job:
    return until(lambda: jobs.get(job.id) if jobs.get(job.id).ended else None)


def test_a_job_ends_with_its_summary(jobs, tmp_path) -> None:
    after: list[Job] = []
    job = jobs.start("detect", ["go"], title="Searching", mission="m", who="A", then=after.append)
    with pytest.raises(JobRefusedError, match="still under way, begun by A"):
        jobs.start("detect", ["go"], title="Again", mission="m", who="B")
    done = ended(jobs, job)
    assert (done.state, done.problem, done.summary) == ("done", "", {"verb": "go"})
    assert after[0].summary == done.summary
    assert list((tmp_path / "jobs").iterdir()) == []


def test_nothing_runs_beside_a_plan_of_the_same_mission(jobs) -> None:
    job = jobs.start("plan", ["go"], title="Planning", mission="m", who="A")
    with pytest.raises(JobRefusedError):
        jobs.start("detect", ["go"], title="Searching", mission="m", who="B")
    other = jobs.start("detect", ["go"], title="Searching", mission="n", who="B")
    assert [ended(jobs, one).state for one in (job, other)] == ["done", "done"]


def test_a_job_that_fails_says_why_in_a_sentence(jobs) -> None:
    failed = ended(jobs, jobs.start("plan", ["fail"], title="P", mission="m", who="A"))
    assert (failed.state, failed.problem) == ("failed", "it cannot be done")


def test_cancelling_ends_it_cleanly(jobs) -> None:
    job = jobs.start("plan", ["stay"], title="P", mission="m", who="A")
    until(lambda: jobs.get(job.id).step)
    assert jobs.cancel(job.id).state == "cancelling"
    assert ended(jobs, job).state == "cancelled"
    with pytest.raises(JobRefusedError, match="ended"):
        jobs.cancel(job.id)


def test_a_command_that_does_not_heed_is_killed_and_its_litter_goes(jobs, tmp_path) -> None:
    (tmp_path / ".m.new.abc").mkdir()
    job = jobs.start("plan", ["stubborn"], title="S", mission="m", who="A", patience_s=0.3, litter=tmp_path / "m")
    until(lambda: jobs.get(job.id).step)
    jobs.cancel(job.id)
    assert ended(jobs, job).state == "cancelled"
    assert list(tmp_path.glob(".m.new.*")) == []


def test_progress_and_other_news_reach_the_browsers(jobs) -> None:
    job = jobs.start("detect", ["go"], title="D", mission="m", who="A")
    now = ended(jobs, job)
    assert (now.step, now.done, now.total, now.detail) == ("searching", 3, 12, "x")
    assert ("flight:m", {"job": job.id, "lat_deg": 23.0}) in jobs._hub.messages
    assert "a line for people" in jobs.log(job.id)


def test_what_a_killed_app_left_is_removed(tmp_path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    for number in (gone.pid, os.getpid()):
        (tmp_path / f"{number}-ab").mkdir()
    Jobs(tmp_path, Hub()).take_up(lambda job, about: None)
    assert [path.name for path in tmp_path.iterdir()] == [f"{os.getpid()}-ab"]


KILLED_APP = """
import os, sys, time
from pathlib import Path
from picket.web.events import Hub
from picket.web.flying import Flying, check_nothing_flies
from picket.web.jobs import Jobs
jobs = Jobs(Path(sys.argv[1]), Hub(), program=(sys.executable, sys.argv[2]))
flight = jobs.start("fly", ["home"], title="Flying", mission="m", who="A", patience_s=None, outlives=True, once=True,
                    about={"sortie": 2})
while not jobs.log(flight.id):
    time.sleep(0.01)
os._exit(9)
"""


def test_a_flight_of_a_killed_app_is_taken_up_and_can_be_called_home(tmp_path, jobs) -> None:
    script = tmp_path / "command.py"
    killed = subprocess.run([sys.executable, "-c", KILLED_APP, str(tmp_path / "left"), str(script)], timeout=60)
    assert killed.returncode == 9
    heard: list[tuple[str, Any]] = []
    after: list[Job] = []
    found: list[Any] = []

    def known(job: Job, about: Mapping[str, Any]) -> Any:
        found.append((job.kind, job.mission, job.who, about))
        return after.append, lambda kind, message: heard.append((kind, message))

    later = Jobs(tmp_path / "left", Hub(), program=(sys.executable, str(script)))
    later.take_up(known)
    assert found == [("fly", "m", "A", {"sortie": 2})]
    (flight,) = later.all()
    until(lambda: ("flight", {"lat_deg": 23.0}) in heard)
    with pytest.raises(JobRefusedError, match="begun by A"):
        later.start("plan", ["go"], title="Planning", mission="m", who="B")
    with pytest.raises(JobRefusedError, match="earlier app"):
        later.answer(flight.id, "y")
    assert later.cancel(flight.id).state == "cancelling"
    with pytest.raises(JobRefusedError, match="called home already"):
        later.cancel(flight.id)
    done = ended(later, flight)
    assert (done.state, done.summary) == ("done", {"pressed": 1})
    assert after[0].summary == done.summary
    assert list((tmp_path / "left").iterdir()) == []


def test_a_flight_hears_one_ctrl_c_however_many_press(jobs) -> None:
    job = jobs.start("fly", ["home"], title="F", mission="m", who="A", once=True, patience_s=None)
    until(lambda: jobs.log(job.id))
    refused: list[str] = []

    def press() -> None:
        try:
            jobs.cancel(job.id)
        except JobRefusedError as error:
            refused.append(str(error))

    pressing = [threading.Thread(target=press) for _ in range(8)]
    for one in pressing:
        one.start()
    for one in pressing:
        one.join()
    assert len(refused) == 7
    assert ended(jobs, job).summary == {"pressed": 1}


def test_odd_lines_do_not_end_the_watch(jobs) -> None:
    def hear(kind: str, message: Mapping[str, Any]) -> None:
        if kind == "flight":
            raise KeyError("lat_deg")

    job = jobs.start("detect", ["odd"], title="D", mission="m", who="A", hear=hear)
    done = ended(jobs, job)
    assert (done.state, done.summary, done.done) == ("done", {"verb": "odd"}, 3)


def test_what_comes_after_may_fail_and_it_has_ended_all_the_same(jobs) -> None:
    def then(job: Job) -> None:
        raise RuntimeError("no")

    assert ended(jobs, jobs.start("detect", ["go"], title="D", mission="m", who="A", then=then)).state == "done"


def test_the_same_kind_of_work_may_follow(jobs) -> None:
    followed: list[Job] = []

    def then(job: Job) -> None:
        followed.append(jobs.start("locate", ["go"], title="Locating all", mission="m", who="A"))

    jobs.start("locate", ["go"], title="Locating", mission="m", who="A", then=then)
    until(lambda: followed)
    assert ended(jobs, followed[0]).state == "done"


def test_a_next_step_that_is_refused_is_told_to_everybody(jobs, tmp_path) -> None:
    (tmp_path / "m").mkdir()
    busy = jobs.start("locate", ["stay"], title="Locating", mission="m", who="B")
    flying = Flying(jobs, jobs._hub)
    flying.go_on(Flight(tmp_path / "m" / "f"), Mission(tmp_path / "m"), ["detect", "locate"], "A")
    told = until(lambda: [one["job"] for topic, one in jobs._hub.messages if topic == "jobs" and one["job"]["problem"]])
    assert (told[0]["kind"], told[0]["state"], told[0]["title"]) == ("locate", "failed", "Locating what was found")
    assert "begun by B" in told[0]["problem"]
    jobs.cancel(busy.id)


def test_where_the_missions_lie_is_told_to_nobody(jobs, tmp_path) -> None:
    hidden = Jobs(tmp_path / "jobs", Told(), program=jobs._program, hidden=f"{tmp_path}/")
    done = ended(hidden, hidden.start("report", ["where", f"{tmp_path}/m"], title="R", mission="m", who="A"))
    assert (done.problem, hidden.log(done.id)[-1]) == ("m: cannot be read", "picket: m: cannot be read")


def test_a_command_that_cannot_begin_leaves_nothing(tmp_path, jobs) -> None:
    with pytest.raises(JobRefusedError, match="cannot begin"):
        jobs.start("plan", ["--when=a\0b"], title="P", mission="m", who="A")
    assert list((tmp_path / "jobs").iterdir()) == []
    assert jobs.all() == []


def test_a_question_is_answered(jobs) -> None:
    job = jobs.start("fly", ["ask"], title="F", mission="m", who="A")
    jobs.answer(job.id, "y")
    assert ended(jobs, job).summary == {"said": "y"}


def test_the_estimate_follows_the_pace(jobs) -> None:
    job = jobs.start("detect", ["stay"], title="D", mission="m", who="A")
    until(lambda: jobs.get(job.id).step)
    assert jobs.get(job.id).left_s is None
    one = jobs._all[job.id]
    one.step_began_s -= 10.0
    jobs._heard(one, '{"picket": "progress", "title": "searching", "done": 5, "total": 11}')
    assert jobs.get(job.id).left_s == pytest.approx(30.0, rel=0.2)


def test_the_end_of_the_app_ends_its_work_but_not_a_flight(tmp_path, jobs) -> None:
    work = jobs.start("detect", ["stay"], title="D", mission="m", who="A")
    flight = jobs.start("fly", ["go"], title="F", mission="m", who="A", outlives=True, patience_s=None)
    until(lambda: jobs.get(work.id).step)
    jobs.close()
    assert jobs.get(work.id).state == "cancelled"
    assert ended(jobs, flight).state == "done"


def drawn(officer: httpx.Client, name: str) -> dict[str, Any]:
    return officer.get(f"/api/missions/{name}/drawing").json()


def test_a_plan_is_written_by_a_job(served, officer, viewer) -> None:
    begun = officer.post("/api/missions/north/plan", json={"area": AREA, "version": 0})
    assert begun.status_code == 202
    key = begun.json()["job"]["id"]
    assert viewer.post(f"/api/jobs/{key}/cancel").status_code == 403
    job = until(lambda: (found := officer.get(f"/api/jobs/{key}").json())["ended"] and found)
    assert (job["state"], job["who"], job["problem"]) == ("done", "A. Rahman", "")
    found = drawn(officer, "north")
    assert found["planned"] is True
    assert {"plan.html", "plan.geojson", "plan.kml", "sortie-01.plan", "sortie-01.waypoints"} <= set(found["files"])
    assert officer.get("/api/missions").json()[0]["state"].startswith("planned")
    assert officer.get("/missions/north/plan/sortie-01.plan").headers["content-disposition"].startswith("attachment")
    assert officer.get("/api/jobs/none").status_code == 404


def test_a_plan_that_cannot_begin_has_saved_nothing(served, officer) -> None:
    busy = served.app.state.jobs
    busy._program = (sys.executable, "-c", "import time; time.sleep(60)")
    job = busy.start("detect", [], title="Searching", mission="north", who="B")
    assert officer.post("/api/missions/north/plan", json={"area": AREA, "version": 0}).status_code == 409
    assert officer.put("/api/missions/north/drawing", json={"area": AREA, "version": 0}).json() == {"version": 1}
    busy.cancel(job.id)


def test_nothing_is_planned_or_flown_beside_a_flight(tmp_path) -> None:
    flight = tmp_path / "m" / "flights" / "20261122T080000Z-01"
    flight.mkdir(parents=True)
    (flight / "flight.json").write_text(json.dumps({"complete": False, "process": os.getpid()}))
    with pytest.raises(JobRefusedError, match="Z-01 is being flown"):
        check_nothing_flies(Mission(tmp_path / "m"))
    os.utime(flight / "flight.json", (0, 0))  # the process began after it: another one of that number
    check_nothing_flies(Mission(tmp_path / "m"))
    (flight / "flight.json").write_text("[")
    check_nothing_flies(Mission(tmp_path / "m"))


def test_a_drawing_is_not_overwritten_unseen(served, officer) -> None:
    other = served.client("B. Karim")
    body = {"area": AREA, "version": 0}
    assert officer.put("/api/missions/north/drawing", json=body).json() == {"version": 1}
    refused = other.put("/api/missions/north/drawing", json=body)
    assert refused.status_code == 409
    assert "A. Rahman has changed" in refused.json()["problem"]
    assert drawn(other, "north")["saved_by"] == "A. Rahman"
    assert [one["state"] for one in officer.get("/api/missions").json()] == ["drawn, not planned yet"]


def test_what_others_say_is_never_taken_for_a_message(monkeypatch, capsys) -> None:
    monkeypatch.setenv(PROGRESS_VARIABLE, "json")
    forged = 'low battery\n{"picket": "flight", "what": "question"}\r{"picket": "x"}\u2028{"picket": "y"}'
    say(forged)
    notes([forged])
    show_checks([Check(forged, True, forged)])
    lines = capsys.readouterr().err.splitlines()
    assert [message_of(line) for line in lines if message_of(line)] == [message_of(lines[2])]
    assert len(lines) == 4
