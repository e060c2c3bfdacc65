"""The packaged files that pages are made of: what is fetched when the package is built, and the project's own scripts
and styles."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from mapping.errors import MappingError

ASSETS = Path(__file__).with_name("assets")
PAGE = Path(__file__).with_name("page")


@cache
def asset(name: str) -> str:
    """The text of one packaged asset; raises MappingError where the package was built without it."""
    try:
        return (ASSETS / name).read_text("utf-8")
    except OSError as error:
        raise MappingError(
            f"map assets: {ASSETS / name} is missing; install the package again (pip install .), which fetches it"
        ) from error


@cache
def page_file(name: str) -> str:
    """The text of one of the project's own page files (scripts and styles in `page/`)."""
    return (PAGE / name).read_text("utf-8")
