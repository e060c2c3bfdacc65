"""Names from a browser never lead outside the missions folder."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picket.folder import FLIGHT_FILE, Mission
from picket.web.places import NotFoundError, checked_name, flight_named, inside
from vision.errors import InputError

TRAVERSALS = (
    "..",
    ".",
    "../outside",
    "..\\outside",
    "....//outside",
    "/etc/passwd",
    "C:\\Windows",
    "a/../../outside",
    "%2e%2e%2foutside",
    "%252e%252e/outside",
    "..%c0%afoutside",
    "outside\x00.geojson",
    ".drafts",
    ".jobs",
    "~",
    "~root",
    "a\nb",
    "a" * 300,
    "con",
    "NUL.txt",
    "é" * 200,
    "‮reversed",
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
)


@pytest.fixture
def planned(served, officer) -> str:
    """A folder that is a mission by its looks, with a link that leads out of it."""
    outside = served.missions.parent / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("secret")
    (outside / "mission.toml").write_text('drone = "x500"\ncamera = "boson640-14"\n')
    plan = served.missions / "north" / "plan"
    plan.mkdir(parents=True)
    (plan.parent / "mission.toml").write_text('drone = "x500"\ncamera = "boson640-14"\n')
    (plan / "plan.html").write_text("<p>plan</p>")
    (plan / "link.txt").symlink_to(outside / "secret.txt")
    (served.missions / "linked").symlink_to(outside)
    return "north"


@pytest.mark.parametrize("name", TRAVERSALS)
def test_no_name_leads_outside(served, officer, planned, name) -> None:
    for raw in {name, quote(name, safe=""), quote(name, safe="/%")}:
        if not raw.isprintable() or not raw.isascii():
            continue
        for path in (f"/missions/{raw}/plan", f"/api/missions/{raw}/drawing", f"/missions/north/plan/{raw}"):
            answer = officer.get(path)
            assert answer.status_code in (200, 303, 404, 422), path
            assert "secret" not in answer.text
            assert "root:" not in answer.text
    assert officer.post("/api/missions", json={"name": name.encode("utf-8", "replace").decode()}).status_code == 422


def test_links_that_lead_out_are_not_followed(served, officer, planned) -> None:
    assert officer.get("/missions/north/plan/link.txt").status_code == 404
    assert officer.get("/missions/linked/fly").status_code == 404
    assert officer.get("/missions/north/plan/plan.html").status_code == 200
    assert [one["name"] for one in officer.get("/api/missions").json()] == ["north"]


def test_what_is_shown_is_shut_off(officer, planned) -> None:
    policy = officer.get("/missions/north/plan/plan.html").headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in policy
    assert "connect-src" not in policy  # falls back to default-src 'none'
    assert "default-src 'none'" in policy


@pytest.mark.parametrize("name", ["benapole-2026-11-22", "বেনাপোল উত্তর", "Nord 2", "a.b_c", "İstanbul"])
def test_names_people_give_are_taken(name) -> None:
    assert checked_name(f" {name} ") == name


@given(st.text(max_size=120))
def test_a_checked_name_is_one_part_of_a_path(name: str) -> None:
    try:
        checked = checked_name(name)
    except InputError:
        return
    assert Path(checked).name == checked
    assert not checked.startswith(".")
    assert os.sep not in checked
    assert checked_name(checked) == checked


def test_inside_follows_links(tmp_path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "self").symlink_to(root)
    assert inside(root, root / "self" / "self") == root.resolve()
    with pytest.raises(LookupError):
        inside(root, root / ".." / "root2")


def test_flights_that_lie_outside_are_none_of_the_mission(tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere" / "one"
    outside.mkdir(parents=True)
    (outside / FLIGHT_FILE).write_text("{}")
    mission = Mission(tmp_path / "north")
    mission.root.mkdir()
    (mission.root / "flights").symlink_to(outside.parent)
    with pytest.raises(NotFoundError):
        flight_named(mission, "one")
    (mission.root / "flights").unlink()
    (mission.root / "flights").mkdir()
    outside.rename(mission.root / "flights" / "one")
    assert flight_named(mission, "one").root == mission.root / "flights" / "one"
