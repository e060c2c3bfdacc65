"""Every command and every option stands in the docs and in the README, and the docs name none that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from picket.cli import make_app
from picket.commands import COMMANDS

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = ROOT / "docs" / "commands"
PARSER = typer.main.get_command(make_app())


def options_of(name: str) -> set[str]:
    """The long names of a command's options."""
    command = PARSER.commands[name]  # type: ignore[attr-defined]
    return {flag for parameter in command.params for flag in parameter.opts if flag.startswith("--")} - {"--help"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_documented(name: str) -> None:
    listed = set(re.findall(r"^\| `(--[a-z-]+)`", (PAGES / f"{name}.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert listed == options_of(name)


def test_every_page_is_a_command() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_readme_lists_the_command(name: str) -> None:
    assert f"`picket {name}" in (ROOT / "README.md").read_text(encoding="utf-8")
