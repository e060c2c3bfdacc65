"""Names that come from a browser, and the folders and files they may stand for: nothing outside the missions folder.

A name is checked as text, then what it stands for is looked at where it really lies, links followed. What is in those
folders is `picket.folder`'s subject.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from fastapi import Path as InPath

from picket.folder import FLIGHT_FILE, SETTINGS_FILE, Flight, Mission
from picket.replacing import settled
from picket.web.settings import Settings
from vision.errors import InputError

LONGEST_NAME = 80
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
Name = Annotated[str, InPath(max_length=LONGEST_NAME)]


class NotFoundError(LookupError):
    """What was asked for is not there; the text says so in one sentence."""


def checked_name(name: str) -> str:
    """A name as a folder may bear it: letters and digits of any script, spaces, dots, dashes and underscores, starting
    with a letter or digit. Raises InputError."""
    name = unicodedata.normalize("NFC", name).strip()
    if not name:
        raise InputError("the name", "is empty; give one such as benapole-2026-11-22")
    if len(name.encode()) > LONGEST_NAME * 2 or len(name) > LONGEST_NAME:
        raise InputError("the name", f"is longer than {LONGEST_NAME} characters; take a shorter one")
    wrong = next((one for one in name if not (unicodedata.category(one)[0] in "LMN" or one in " ._-")), None)
    if wrong is not None or not name[0].isalnum() or name.endswith(".") or ".." in name or _DEVICES.fullmatch(name):
        said = f"{name[:30]!r} is no name for a mission"
        raise InputError("the name", f"{said}; use letters, digits, spaces, dashes, and start with a letter or digit")
    return name


def inside(root: Path, path: Path) -> Path:
    """`path` where it really lies. Raises NotFoundError where that is not in `root`, or nothing is there."""
    try:
        real, real_root = path.resolve(strict=True), root.resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise NotFoundError("there is nothing of that name") from error
    if not real.is_relative_to(real_root):
        raise NotFoundError("there is nothing of that name")
    return real


def mission_named(settings: Settings, name: str) -> Mission:
    """The mission of this name in the missions folder. Raises NotFoundError where there is none."""
    try:
        root = inside(settings.missions, settings.missions / checked_name(name))
    except InputError as error:
        raise NotFoundError("there is no mission of that name") from error
    if not (root / SETTINGS_FILE).is_file():
        raise NotFoundError("there is no mission of that name")
    return Mission(settled(root))


def flight_named(mission: Mission, name: str) -> Flight:
    """The flight of this name in a mission. Raises NotFoundError where there is none."""
    try:
        root = inside(mission.root, mission.root / "flights" / checked_name(name))
    except InputError as error:
        raise NotFoundError("there is no flight of that name") from error
    if not (root / FLIGHT_FILE).is_file():
        raise NotFoundError("there is no flight of that name")
    return Flight(root)


async def settings_of(request: Request) -> Settings:
    """What this app was started with."""
    settings: Settings = request.app.state.settings
    return settings


def _mission(mission: Name, settings: Annotated[Settings, Depends(settings_of)]) -> Mission:
    return mission_named(settings, mission)


def _flight(flight: Name, mission: Annotated[Mission, Depends(_mission)]) -> Flight:
    return flight_named(mission, flight)


AppSettings = Annotated[Settings, Depends(settings_of)]
TheMission = Annotated[Mission, Depends(_mission)]
"""Of a route with `{mission}` in its path."""
TheFlight = Annotated[Flight, Depends(_flight)]
"""Of a route with `{mission}` and `{flight}` in its path."""
