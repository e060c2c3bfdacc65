"""What earlier records say was left changed on a vehicle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from missions.flying.leftovers import Left, left_on_vehicle


def record(folder: Path, identity: str | None, *lines: Any, cut: str = "", **facts: Any) -> None:
    folder.mkdir()
    vehicle = {} if identity is None else {"vehicle": {"identity": identity}}
    (folder / "flight.json").write_text(json.dumps(vehicle | facts))
    (folder / "events.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines) + cut)


def changed(name: str, was: float, value: float) -> dict[str, Any]:
    return {"event": "parameter", "name": name, "was": was, "value": value}


def restored(name: str) -> dict[str, Any]:
    return {"event": "parameter_restored", "name": name}


def test_what_nobody_put_back_is_left_over_several_flights(tmp_path: Path) -> None:
    record(tmp_path / "1", "a/1", changed("RTL_ALT", 1500, 4000), changed("FENCE_TYPE", 7, 5), restored("FENCE_TYPE"))
    record(tmp_path / "2", "a/1", changed("RTL_ALT", 4000, 5000), cut='{"event": "param')
    record(tmp_path / "3", "b/1", changed("RTL_ALT", 1500, 9000))
    record(tmp_path / "4", None, changed("RTL_ALT", 1500, 9000))
    assert left_on_vehicle(tmp_path / "5", "a/1") == {"RTL_ALT": Left(1500, 5000)}
    assert left_on_vehicle(tmp_path / "2", "a/1") == {"RTL_ALT": Left(1500, 4000)}, "a flight's own record is not asked"


def test_nothing_is_left_where_there_is_no_record_or_none_that_can_be_read(tmp_path: Path) -> None:
    assert left_on_vehicle(tmp_path / "1", "a/1") == {}
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "flight.json").write_text("{")
    record(tmp_path / "1", "a/1", 7, "words", {"event": "other"})
    assert left_on_vehicle(tmp_path / "2", "a/1") == {}


def test_what_practice_left_is_no_real_vehicles_and_the_other_way_round(tmp_path: Path) -> None:
    record(tmp_path / "1", "a/1", changed("RTL_ALT", 1500, 4000), simulated=True)
    record(tmp_path / "2", "a/1", changed("FENCE_TYPE", 7, 5), simulated=False)
    record(tmp_path / "3", "a/1", simulated=True)
    assert left_on_vehicle(tmp_path / "4", "a/1") == {"FENCE_TYPE": Left(7, 5)}
    assert left_on_vehicle(tmp_path / "3", "a/1") == {}, "a practice vehicle is new each time"


def test_a_vehicle_without_a_serial_number_may_be_any(tmp_path: Path) -> None:
    record(tmp_path / "1", "", changed("RTL_ALT", 1500, 4000))
    assert left_on_vehicle(tmp_path / "2", "") == {}


def test_what_was_found_changed_is_nobodys_leftover(tmp_path: Path) -> None:
    record(tmp_path / "1", "a/1", changed("RTL_ALT", 1500, 4000), changed("FENCE_TYPE", 7, 5))
    record(tmp_path / "2", "a/1", {"event": "parameter_found_changed", "name": "RTL_ALT", "value": 2000})
    assert left_on_vehicle(tmp_path / "3", "a/1") == {"FENCE_TYPE": Left(7, 5)}
