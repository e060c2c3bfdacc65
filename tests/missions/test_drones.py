"""The drone catalogue and a user's own drone file."""

from __future__ import annotations

from pathlib import Path

import pytest

from missions.drones import catalogue, load_drone
from vision.errors import InputError

OWN = 'title = "ours"\nendurance_s = 1200\ncruise_speed_m_s = 12\nsource = "measured"\n'


def test_catalogue_begins_with_the_example_drone() -> None:
    drones = catalogue()
    assert next(iter(drones)) == "x500"
    assert len(drones) >= 8
    assert all(drone.source and drone.name == name for name, drone in drones.items())


def test_own_file(tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    path.write_text(OWN)
    drone = load_drone(path)
    assert (drone.name, drone.endurance_s, drone.reserve) == ("ours", 1200.0, 0.2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (OWN.replace("1200", '"long"'), "ours.endurance_s"),
        (OWN.replace("1200", "-5"), "ours.endurance_s"),
        (OWN.replace("1200", "nan"), "ours.endurance_s"),
        (OWN + "wings = 2\n", "ours.wings"),
        (OWN.replace("source", "sauce"), "ours."),
        ("title = ", "not a drone file"),
    ],
)
def test_bad_file_names_the_value(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "ours.toml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_drone(path)
    assert str(caught.value).startswith(str(path))
    assert expected in str(caught.value)


def test_unknown_name_lists_the_known() -> None:
    with pytest.raises(InputError, match=r"no such drone or drone file; known drones: x500, "):
        load_drone("mavic")
