"""What the missions of a folder are, in words: drawn, planned, flown, how many sightings wait for a verdict."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import pyarrow.parquet

from mapping.maps.wording import VERDICTS, counted
from missions.errors import MissionError
from picket.errors import PicketError
from picket.folder import SETTINGS_FILE, Flight, Mission
from picket.reviews.standing import bare_id, still_standing
from picket.reviews.store import reviews_in
from picket.web.drawings import Drawings
from picket.web.places import NotFoundError, checked_name, mission_named
from picket.web.settings import Settings
from vision.errors import InputError


@dataclass(frozen=True)
class Listed:
    """A mission in the list. `state` is a sentence, `next_step` the last part of the path of the page to go to, in
    words `next_words`; `changed_s` is when anything of it was last written (seconds since 1970)."""

    name: str
    state: str
    next_step: str
    next_words: str
    changed_s: float
    broken: bool = False

    def as_json(self) -> dict[str, Any]:
        """For the page."""
        return asdict(self)


def listed(settings: Settings) -> list[Listed]:
    """Every mission and every draft, the one changed last first."""
    names = _missions(settings)
    found = [_listed(settings, name) for name in names]
    found += [_draft(Drawings(settings), name) for name in Drawings(settings).names() - names]
    return sorted((one for one in found if one is not None), key=lambda one: (-one.changed_s, one.name))


def known_names(settings: Settings) -> set[str]:
    """The names that missions and drafts have."""
    return _missions(settings) | Drawings(settings).names()


def _missions(settings: Settings) -> set[str]:
    return {path.name for path in settings.missions.glob("*") if (path / SETTINGS_FILE).is_file()}


def _listed(settings: Settings, name: str) -> Listed | None:
    try:
        if checked_name(name) != name:
            return None
        mission = mission_named(settings, name)
    except (InputError, NotFoundError):
        return None
    changed_s = _changed_s(mission)
    try:
        state, step, words = _state(mission, settings.reviews_url)
    except (InputError, MissionError, PicketError, OSError) as error:
        return Listed(name, f"cannot be read: {error}", "plan", "Look at it", changed_s, broken=True)
    return Listed(name, state, step, words, changed_s)


def _draft(drawings: Drawings, name: str) -> Listed | None:
    try:
        changed_s = drawings.changed_s(checked_name(name))
    except (InputError, OSError):
        return None
    return Listed(name, "drawn, not planned yet", "plan", "Go on drawing", changed_s)


def _state(mission: Mission, reviews_url: str | None) -> tuple[str, str, str]:
    """The state in a sentence, the next step, and the words on its button."""
    flights = [flight for flight in mission.flights() if flight.left_the_ground()]
    sorties = len(list(mission.plan.parent.glob("sortie-*.plan")))
    if any(flight.is_being_flown() for flight in flights):
        return "being flown now", "fly", "Watch the flight"
    planned = f"planned, {counted(sorties, 'sortie')}"
    if not flights:
        return planned, "fly", "Fly it"
    flown = f"{planned}, {counted(len(flights), 'flight')} flown"
    sightings = _sightings(mission, flights)
    if sightings is None:
        return f"{flown}, not searched yet", "fly", "Search the pictures"
    if not sightings:
        return f"{flown}, nothing sighted", "report", "Report"
    standing = still_standing(reviews_in(mission.root, reviews_url))
    judged = {review.sighting_id for review in standing if review.verdict in VERDICTS}
    left = sum(bare_id(name) not in judged for name in sightings)
    state = f"{flown}, {counted(len(sightings), 'sighting')}"
    if left:
        return f"{state}, {left} to review", "review", "Review them"
    return f"{state}, all reviewed", "report", "Report"


def _sightings(mission: Mission, flights: list[Flight]) -> list[str] | None:
    """The ids of what was sighted; None where nothing was searched."""
    whole = [mission.sightings] if mission.sightings.exists() else []
    tables = whole or [flight.sightings for flight in flights if flight.sightings.exists()]
    if not tables:
        return None
    try:
        return [
            name
            for path in tables
            for name in pyarrow.parquet.read_table(path, columns=["sighting_id"]).column(0).to_pylist()
        ]
    except (OSError, ValueError, LookupError) as error:
        raise InputError(tables[0], "is no table of sightings; run `picket locate` again") from error


def _changed_s(mission: Mission) -> float:
    places = [mission.settings_file, mission.root / "flights", mission.sightings, mission.root / "picket.db"]
    return max((path.stat().st_mtime for path in places if path.exists()), default=0.0)
