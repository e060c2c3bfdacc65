"""Judging over HTTP: what is kept, who is told, what is refused, and pictures of the flight's own frames only."""

from __future__ import annotations

import io
import os
import shutil
import threading
import time
from typing import Any

import httpx
import pytest
from PIL import Image

from mapping.tables import SIGHTINGS
from picket.reviews.store import open_store, reviews_in
from tests.picket.web.conftest import Served
from tests.picket.web.judged import FLIGHT, make_mission

API = "/api/missions/benapole"


@pytest.fixture
def mission(served: Served) -> None:
    make_mission(served.missions / "benapole", labels=["<img src=x onerror=alert(1)>"])


def judged(sighting: str = "S000001", verdict: str = "confirmed", expected: int = 0, **others: Any) -> dict[str, Any]:
    return {"sighting": sighting, "verdict": verdict, "expected": expected, "key": os.urandom(8).hex(), **others}


def give(client: httpx.Client, sighting: str = "S000001", *given: Any, **others: Any) -> httpx.Response:
    """Judge a sighting as it is shown now."""
    return client.post(f"{API}/reviews", json=as_shown(client, judged(sighting, *given, **others)))


def as_shown(client: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    """A verdict on the version that is shown now."""
    shown = client.get(f"{API}/sighting", params={"id": body.get("sighting", "S000001")}).json()
    return {"version": shown.get("version", "0" * 64), **body}


def rows(client: httpx.Client) -> dict[str, dict[str, Any]]:
    queue = client.get(f"{API}/queue").json()
    return {row[0]: dict(zip(queue["columns"], row, strict=True)) for row in queue["rows"]}


@pytest.mark.usefixtures("mission")
def test_a_verdict_is_kept_with_who_and_what(served: Served, officer: httpx.Client) -> None:
    assert not (served.missions / "benapole/picket.db").exists()
    assert {row["state"] for row in rows(officer).values()} == {"not reviewed"}
    assert not (served.missions / "benapole/picket.db").exists(), "looking makes nothing"
    answer = give(officer, note="two men <b>")
    assert answer.status_code == 201, answer.text
    assert rows(officer)["S000001"]["state"] == "confirmed"
    (kept,) = reviews_in(served.missions / "benapole")
    assert (kept.officer, kept.verdict, kept.note) == ("A. Rahman", "confirmed", "two men <b>")
    assert f"{FLIGHT}/IMG_00002-000" in kept.version
    full = officer.get(f"{API}/sighting", params={"id": "S000001"}).json()
    assert (full["state"], full["expected"], len(full["looks"])) == ("confirmed", 1, 2)
    assert full["history"][0]["officer"] == "A. Rahman"
    assert full["mgrs"].startswith("45Q")


@pytest.mark.usefixtures("mission")
def test_who_judged_meanwhile_is_told(served: Served, officer: httpx.Client) -> None:
    other = served.client("B. Das")
    assert give(other, verdict="rejected").status_code == 201
    refused = give(officer)
    assert refused.status_code == 409
    told = refused.json()
    assert [(one["officer"], one["verdict"]) for one in told["reviews"]] == [("B. Das", "rejected")]
    again = give(officer, expected=told["sighting"]["expected"])
    assert again.status_code == 201
    assert again.json()["sighting"]["remark"].startswith("B. Das says rejected")
    assert rows(officer)["S000001"]["flag"] == "disputed"


@pytest.mark.usefixtures("mission")
def test_sent_again_after_a_lost_answer_counts_once(officer: httpx.Client) -> None:
    asked = as_shown(officer, judged())
    first, second = (officer.post(f"{API}/reviews", json=asked) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["review"] == second.json()["review"]
    assert officer.get(f"{API}/queue").json()["last"] == 1


@pytest.mark.usefixtures("mission")
def test_a_viewer_sees_and_cannot_judge(served: Served, officer: httpx.Client, viewer: httpx.Client) -> None:
    give(officer)
    assert rows(viewer)["S000001"]["state"] == "confirmed"
    for route, body in (("reviews", judged("S000002")), ("marks", {}), (f"locate-again?flight={FLIGHT}", {})):
        assert viewer.post(f"{API}/{route}", json=body).status_code == 403
    assert len(reviews_in(served.missions / "benapole")) == 1
    assert served.stranger().get(f"{API}/queue").status_code == 401


@pytest.mark.usefixtures("mission")
def test_the_name_is_the_sessions_own(officer: httpx.Client) -> None:
    answer = give(officer, officer="C. Sen")
    assert answer.json()["review"]["officer"] == "A. Rahman"


@pytest.mark.usefixtures("mission")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (judged("S999999"), 404),
        (judged(verdict="maybe"), 422),
        (judged(verdict="moved"), 422),
        (judged(verdict="moved", lat_deg=95.0, lon_deg=0.0), 422),
        (judged(note="x" * 3000), 422),
        (judged(note="a\0b"), 422),
        (judged(verdict="withdrawn", withdraws=1), 422),
        (judged() | {"key": "short"}, 422),
        ({}, 422),
    ],
)
def test_what_is_refused(served: Served, officer: httpx.Client, body: dict[str, Any], status: int) -> None:
    answer = officer.post(f"{API}/reviews", json=as_shown(officer, body) if body else body)
    assert answer.status_code == status
    assert answer.json()["problem"]
    assert not reviews_in(served.missions / "benapole")


@pytest.mark.usefixtures("mission")
def test_moving_and_taking_back(officer: httpx.Client) -> None:
    moved = give(officer, verdict="moved", lat_deg=23.05, lon_deg=88.9).json()
    assert (moved["sighting"]["lat"], moved["sighting"]["moved"]) == (23.05, True)
    back = give(officer, verdict="withdrawn", expected=1, withdraws=1).json()
    assert back["sighting"]["moved"] is False
    assert [one["counts"] for one in back["sighting"]["history"]] == [False, False]


@pytest.mark.usefixtures("mission")
def test_a_sighting_located_anew_is_judged_anew(served: Served, officer: httpx.Client) -> None:
    give(officer, "S000001")
    give(officer, "S000002")
    path = served.missions / "benapole/flights" / FLIGHT / "sightings.parquet"
    listed = SIGHTINGS.read(path).to_pylist()
    listed[1]["lat_deg"] += 0.001
    SIGHTINGS.write(SIGHTINGS.from_rows([one for one in listed if one["sighting_id"] != "S000002"]), path)
    found = rows(officer)["S000001"]
    assert (found["state"], found["flag"]) == ("not reviewed", "changed")
    assert [one["id"] for one in officer.get(f"{API}/queue").json()["vanished"]] == ["S000002"]
    full = officer.get(f"{API}/sighting", params={"id": "S000001"}).json()
    assert "for an earlier version" in full["remark"]


def move_first(served: Served, north_deg: float = 0.001) -> None:
    """Write the sightings anew, the first at another place."""
    path = served.missions / "benapole/flights" / FLIGHT / "sightings.parquet"
    listed = SIGHTINGS.read(path).to_pylist()
    listed[1]["lat_deg"] += north_deg
    SIGHTINGS.write(SIGHTINGS.from_rows(listed), path)


@pytest.mark.usefixtures("mission")
def test_only_what_was_shown_is_judged(served: Served, officer: httpx.Client) -> None:
    """Locating again between the look and the verdict: nothing is kept, and the sighting comes as it is now."""
    seen = as_shown(officer, judged())
    move_first(served)
    refused = officer.post(f"{API}/reviews", json=seen)
    assert (refused.status_code, refused.json()["changed"]) == (409, True)
    assert not reviews_in(served.missions / "benapole")
    now = refused.json()["sighting"]["version"]
    assert now != seen["version"]
    assert officer.post(f"{API}/reviews", json=seen | {"version": now}).status_code == 201
    move_first(served)
    again = officer.post(f"{API}/reviews", json=seen | {"version": now})
    assert (again.status_code, again.json()["review"]["number"]) == (201, 1), "sent again: it was kept, and is told so"


@pytest.mark.usefixtures("mission")
def test_what_other_programs_add_is_seen(served: Served, officer: httpx.Client) -> None:
    """Another post with the same database, or a mission folder put in the place of another."""
    from tests.picket.reviews.conftest import judgement

    give(officer, "S000001")
    folder = served.missions / "benapole"
    store = open_store(folder)
    store.add(judgement("unsure", "D. Roy", sighting_id="S000003"))
    store.close()
    since = officer.get(f"{API}/reviews", params={"after": 1}).json()
    assert ([row[0] for row in since["rows"]], since["last"]) == (["S000003"], 2)
    shutil.rmtree(folder)
    make_mission(folder)
    assert {row["state"] for row in rows(officer).values()} == {"not reviewed"}
    assert give(officer, "S000001").json()["review"]["number"] == 1


@pytest.mark.usefixtures("mission")
def test_pictures(served: Served, officer: httpx.Client) -> None:
    whole = officer.get(f"{API}/frame", params={"id": "IMG_00002"})
    assert (whole.headers["x-frame-width"], whole.headers["x-frame-height"]) == ("640", "512")
    for small, side in ((False, 480), (True, 96)):
        answer = officer.get(f"{API}/crop", params={"detection": "IMG_00002-000", "small": small})
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["cache-control"] == "no-store"
        assert Image.open(io.BytesIO(answer.content)).size == (side, side)
    for route, name in (("frame", "id"), ("crop", "detection")):
        for wrong in ("../../etc/passwd", "images/IMG_0.jpg", "IMG_99999", "%2e%2e", "a\0b"):
            assert officer.get(f"{API}/{route}", params={name: wrong}).status_code in (404, 422)


@pytest.mark.usefixtures("mission")
def test_a_frame_that_lies_elsewhere_is_not_served(served: Served, officer: httpx.Client) -> None:
    """A mission from a stranger may name any file, or link to it."""
    secret = served.missions.parent / "secret.jpg"
    Image.new("L", (640, 512), 9).save(secret)
    picture = served.missions / "benapole/flights" / FLIGHT / "images/IMG_0.jpg"
    picture.unlink()
    picture.symlink_to(secret)
    assert officer.get(f"{API}/frame", params={"id": "IMG_00000"}).status_code == 404
    picture.unlink()
    assert officer.get(f"{API}/frame", params={"id": "IMG_00000"}).status_code == 404
    picture.write_bytes(b"no picture")
    assert officer.get(f"{API}/frame", params={"id": "IMG_00000"}).status_code == 422


def test_marks_are_written_as_locating_takes_them(served: Served, officer: httpx.Client) -> None:
    flight = make_mission(served.missions / "benapole", 3, pictures=6) / "flights" / FLIGHT
    mark = {"frame": "IMG_00001", "x_px": 100.26, "y_px": 50, "object": 'barrel, "blue"', "class_name": ""}
    assert officer.post(f"{API}/marks", json=mark).status_code == 201
    with_class = mark | {"frame": "IMG_00002", "class_name": "person", "object": "=cmd()"}
    assert officer.post(f"{API}/marks", json=with_class).json()["marks"] == 2
    assert (flight / "marks.csv").read_text() == (
        "file,x_px,y_px,object,class\n"
        'images/IMG_1.jpg,100.3,50.0,"barrel, ""blue""",\n'
        "images/IMG_2.jpg,100.3,50.0,=cmd(),person\n"
    )
    before = (flight / "marks.csv").read_text()
    for wrong in (
        {"x_px": 641},
        {"x_px": -1},
        {"object": " "},
        {"object": "a\ab"},
        {"class_name": "spy"},
        {"frame": "x"},
    ):
        assert officer.post(f"{API}/marks", json=mark | wrong).status_code in (404, 422), wrong
    assert (flight / "marks.csv").read_text() == before
    assert not list(flight.glob(".marks*"))


@pytest.mark.usefixtures("mission")
def test_many_officers_at_once_lose_nothing(served: Served) -> None:
    counts = {201: 0, 409: 0}
    lock = threading.Lock()

    def officer(number: int) -> None:
        client = served.client(f"Officer {number}")
        for turn in range(10):
            name = f"S{(number + turn) % 6:06d}"
            seen = client.get(f"{API}/sighting", params={"id": name}).json()
            said = judged(name, "rejected" if number % 2 else "confirmed", seen["expected"], version=seen["version"])
            answer = client.post(f"{API}/reviews", json=said)
            with lock:
                counts[answer.status_code] += 1

    threads = [threading.Thread(target=officer, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = open_store(served.missions / "benapole")
    assert len(store.after()) == counts[201]
    assert sum(counts.values()) == 40
    assert store.verify() is None
    store.close()


def test_ten_thousand_sightings(served: Served, officer: httpx.Client) -> None:
    make_mission(served.missions / "benapole", 10_000, pictures=1)
    assert len(rows(officer)) == 10_000
    answer = give(officer, "S009999")
    assert answer.status_code == 201
    assert len(answer.content) < 20_000


def test_a_mission_without_sightings(served: Served, officer: httpx.Client) -> None:
    root = make_mission(served.missions / "benapole", 1)
    sightings = root / "flights" / FLIGHT / "sightings.parquet"
    SIGHTINGS.write(SIGHTINGS.columns.empty_table(), sightings)
    assert officer.get(f"{API}/queue").json()["rows"] == []
    sightings.unlink()
    assert officer.get(f"{API}/queue").json()["located"] is False


def test_what_was_marked_becomes_a_sighting(served: Served, officer: httpx.Client) -> None:
    """Mark in two frames, locate again as a job, and judge what came of it."""
    folder = make_mission(served.missions / "benapole", 3, pictures=6)
    for frame in ("IMG_00001", "IMG_00002"):
        mark = {"frame": frame, "x_px": 100, "y_px": 50, "object": "raft", "class_name": ""}
        assert officer.post(f"{API}/marks", json=mark).status_code == 201
    started = officer.post(f"{API}/locate-again", params={"flight": FLIGHT})
    assert started.status_code == 202
    until_s = time.monotonic() + 120
    while (job := officer.get(f"/api/jobs/{started.json()['job']}").json())["state"] == "running":
        assert time.monotonic() < until_s
        time.sleep(0.2)
    assert job["state"] == "done", job
    (raft,) = [row for row in rows(officer).values() if row["object"] == "raft"]
    assert give(officer, raft["id"]).status_code == 201
    located = folder / "flights" / FLIGHT / "located.json"
    located.write_text(located.read_text().replace('{"notes"', '{"terrain": "/absent/dem.tif", "notes"'))
    gone = officer.post(f"{API}/locate-again", params={"flight": FLIGHT})
    assert (gone.status_code, "elevation model" in gone.json()["problem"]) == (409, True)
