"""Measuring one claim anew leaves what stands of the others, and every claim's script fits the code as it is."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import bench.__main__
from bench.__main__ import CLAIMS, keep, main

SCRIPTS = Path(bench.__main__.__file__).parent


def test_one_section_is_replaced_and_the_others_kept(tmp_path: Path) -> None:
    first, second, third = list(CLAIMS)[:3]
    results = tmp_path / "RESULTS.md"
    keep(results, third, "three")
    keep(results, first, "one\n\n```\n## not a head\n```")
    keep(results, second, "two")
    before = results.read_text()
    keep(results, second, "again")
    assert results.read_text() == before.replace("two", "again")
    assert [line for line in before.splitlines() if line in ("two", "three", "## not a head")] == [
        "## not a head",
        "two",
        "three",
    ]
    for name in (first, second, third):
        assert f"## {CLAIMS[name]}\n\n`python -m bench.{name}`\n\n" in before


def test_an_unknown_claim_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["speed_of_light"])
    assert stopped.value.code == 2
    assert "no claim speed_of_light" in capsys.readouterr().err


@pytest.mark.parametrize("name", CLAIMS)
def test_every_claim_has_a_script_that_says_how_it_is_run(name: str) -> None:
    """What it imports is there (`make check` holds the rest of it to the code)."""
    script = importlib.import_module(f"bench.{name}")
    assert callable(script.main)
    assert f"python -m bench.{name}" in " ".join((script.__doc__ or "").split())


def test_every_script_is_a_claim_or_imported_or_started_by_one() -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in SCRIPTS.glob("*.py") if path.stem != "__main__"}
    for name in texts.keys() - CLAIMS.keys():
        users = [other for other, text in texts.items() if other != name and name in text]
        assert users, f"bench/{name}.py is no claim, and no claim uses it"
