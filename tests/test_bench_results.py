"""Measuring one claim anew leaves what stands of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.__main__ import CLAIMS, keep, main


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
