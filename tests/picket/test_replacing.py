"""A plan made anew while officers judge and a flight is recorded, and one that is killed at any of its steps."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from picket.errors import PicketError
from picket.folder import SETTINGS_FILE, open_mission
from picket.replacing import new_folder
from picket.reviews.record import Review
from picket.reviews.store import open_store
from picket.writing import OF_A_PLAN
from tests.picket.reviews.conftest import judgement

REPLACE = """
import os, signal, sys
from pathlib import Path
from picket.replacing import new_folder

root, steps = Path(sys.argv[1]), {"os.rename", "os.remove", "os.rmdir"}

def replace(folder, last):
    left = last
    def step(event, arguments):
        nonlocal left
        if event in steps:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(step)
    with new_folder(folder, known_by="mission.toml", replace=True, gives_way=sys.argv[3:]) as made:
        for name in ("mission.toml", "area.geojson", "plan/plan.geojson", "plan/sortie-01.plan"):
            (made / name).parent.mkdir(exist_ok=True)
            (made / name).write_text("new")
    os._exit(0)

for number, folder in enumerate(sorted(root.iterdir())):
    child = os.fork()
    if not child:
        replace(folder, number)
    print(os.WTERMSIG(os.waitpid(child, 0)[1]))
"""
OLD = ("mission.toml", "area.geojson", "plan/plan.geojson", "plan/sortie-01.plan", "plan/sortie-02.plan", "camera.toml")
ROUNDS = 60
STAYS = ("flights/one/telemetry.tlog", "sightings.parquet", "picket.db", "notes.txt")


def write(folder: Path, names: tuple[str, ...], text: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def held(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_nothing_is_lost_while_officers_judge(tmp_path: Path) -> None:
    mission = tmp_path / "north"
    write(mission, OLD, "0")
    record = mission / "flights/one/telemetry.tlog"
    record.parent.mkdir(parents=True)
    kept: list[Review] = []
    failed: list[BaseException] = []
    over = threading.Event()

    def officer(name: str) -> None:
        try:
            store = open_store(mission)
            number = 0
            while not over.is_set():
                number += 1
                kept.append(store.add(judgement(sighting_id=f"S-{name}-{number}", officer=name)))
                if number % 5 == 0:
                    store.close()
                    store = open_store(mission)
            store.close()
        except BaseException as error:
            failed.append(error)

    officers = [threading.Thread(target=officer, args=(name,)) for name in ("A. Rahman", "B. Das", "C. Sen")]
    with record.open("a") as recording:
        for one in officers:
            one.start()
        for round_number in range(1, ROUNDS + 1):
            with new_folder(mission, known_by=SETTINGS_FILE, replace=True, gives_way=OF_A_PLAN) as made:
                write(made, OLD[:4], str(round_number))
            recording.write(".")
            recording.flush()
        over.set()
        for one in officers:
            one.join()
    assert failed == []
    store = open_store(mission)
    assert store.verify() is None
    assert {review.key for review in store.after()} == {review.key for review in kept}
    assert len(kept) > 10
    store.close()
    assert record.read_text() == "." * ROUNDS
    assert {name: (mission / name).read_text() for name in OLD[:4]} == dict.fromkeys(OLD[:4], str(ROUNDS))
    assert not any((mission / name).exists() for name in OLD[4:])


def test_a_kill_at_any_step_leaves_the_old_plan_or_the_new_one(tmp_path: Path) -> None:
    root = tmp_path / "missions"
    for number in range(30):
        write(root / f"m{number:02d}", OLD, "old")
        write(root / f"m{number:02d}", STAYS, "stays")
    code = "import sys; sys.path.insert(0, sys.argv[2])\n" + REPLACE
    place = Path(__file__).resolve().parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", code, root, place, *OF_A_PLAN], capture_output=True, text=True, check=True
    )
    killed = [int(word) == 9 for word in ran.stdout.split()]
    assert killed.index(False) >= 8  # renames and removals that it takes
    old, new = dict.fromkeys(OLD, "old"), dict.fromkeys(OLD[:4], "new")
    seen = set()
    for number, ended in enumerate(killed):
        mission = root / f"m{number:02d}"
        for name in STAYS:
            assert (mission / name).read_text() == "stays"
        for name in OLD[:4]:  # readable before anybody completes anything
            assert (mission / name).read_text() in ("old", "new")
        open_mission(mission)
        found = {name: text for name, text in held(mission).items() if name not in STAYS}
        assert found == (old if number == 0 else new)
        assert not (mission / ".replacing").exists()
        seen.add((ended, found == new))
    assert seen == {(True, False), (True, True), (False, True)}


def test_the_next_replacement_completes_the_one_before(tmp_path: Path) -> None:
    mission = tmp_path / "m"
    write(mission, OLD, "old")
    write(mission / ".replacing", ("mission.toml", "plan/plan.geojson"), "newer")
    (mission / ".replacing/.gone").write_text('["plan/sortie-02.plan"]')
    with new_folder(mission, known_by=SETTINGS_FILE, replace=True, gives_way=("area.geojson",)) as made:
        write(made, ("area.geojson",), "newest")
    assert held(mission) == {
        "mission.toml": "newer",
        "area.geojson": "newest",
        "plan/plan.geojson": "newer",
        "plan/sortie-01.plan": "old",
        "camera.toml": "old",
    }


def test_a_folder_gives_way_to_a_file_and_a_link_to_a_folder(tmp_path: Path) -> None:
    elsewhere, mission = tmp_path / "elsewhere", tmp_path / "m"
    write(elsewhere, ("plan.geojson",), "of another")
    write(mission, ("mission.toml", "area.geojson/inner"), "old")
    (mission / "plan").symlink_to(elsewhere)
    (tmp_path / "link").symlink_to(mission)
    with new_folder(tmp_path / "link", known_by=SETTINGS_FILE, replace=True) as made:
        write(made, OLD[:4], "new")
    assert held(mission) == dict.fromkeys(OLD[:4], "new")
    assert held(elsewhere) == {"plan.geojson": "of another"}
    assert (tmp_path / "link").is_symlink()


def test_an_error_leaves_all_as_it_was(tmp_path: Path) -> None:
    mission = tmp_path / "m"
    write(mission, OLD, "old")
    with (
        pytest.raises(ZeroDivisionError),
        new_folder(mission, known_by=SETTINGS_FILE, replace=True, gives_way=OF_A_PLAN) as made,
    ):
        write(made, OLD[:4], str(1 // 0))
    assert held(tmp_path) == {f"m/{name}": "old" for name in OLD}


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_what_cannot_be_completed_is_said(tmp_path: Path) -> None:
    mission = tmp_path / "m"
    write(mission, OLD, "old")
    write(mission / ".replacing", (".gone",), '["area.geojson"]')
    mission.chmod(0o555)
    with pytest.raises(PicketError, match="cannot be put in its place"):
        open_mission(mission)
    mission.chmod(0o755)
