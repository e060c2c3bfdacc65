"""What the missions of a folder are, in words: drawn, planned, flown, how many sightings wait for a verdict."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from mapping.maps.wording import counted
from missions.errors import MissionError
from picket.errors import PicketError
from picket.folder import SETTINGS_FILE, Flight, Mission
from picket.reviews.standing import NEEDED, reviewed
from picket.web.drawings import Drawings
from picket.web.ledgers import Ledgers
from picket.web.places import NotFoundError, checked_name, mission_named
from picket.web.settings import Settings
from vision.errors import InputError


@dataclass(frozen=True)
class Listed:
    """A mission in the list. `state` is a sentence, `next_step` the last part of the path of the page to go to, in
    words `next_words`, both empty where the app has no page for it; `changed_s` is when anything of it was last written
    (seconds since 1970)."""

    name: str
    state: str
    next_step: str
    next_words: str
    changed_s: float
    broken: bool = False

    def as_json(self) -> dict[str, Any]:
        """For the page."""
        return asdict(self)


def listed(settings: Settings, ledgers: Ledgers) -> list[Listed]:
    """Every mission and every draft, the one changed last first; `ledgers` holds what officers said."""
    names = _missions(settings)
    found = [_listed(settings, ledgers, name) for name in names]
    found += [_draft(Drawings(settings), name) for name in Drawings(settings).names() - names]
    return sorted((one for one in found if one is not None), key=lambda one: (-one.changed_s, one.name))


def known_names(settings: Settings) -> set[str]:
    """The names that missions and drafts have."""
    return _missions(settings) | Drawings(settings).names()


def _missions(settings: Settings) -> set[str]:
    """Every folder that is one; what begins with a dot is being made, or of the app itself."""
    found = settings.missions.glob("[!.]*")
    return {path.name for path in found if (path / SETTINGS_FILE).is_file()}


def _listed(settings: Settings, ledgers: Ledgers, name: str) -> Listed | None:
    try:
        if checked_name(name) != name:
            return _unnameable(settings, name)
        mission = mission_named(settings, name)
    except InputError:
        return _unnameable(settings, name)
    except NotFoundError:
        return None
    changed_s = _changed_s(mission)
    try:
        state, step, words = _state(mission, ledgers)
    except (InputError, MissionError, PicketError, OSError) as error:
        return Listed(name, f"cannot be read: {error}", "plan", "Look at it", changed_s, broken=True)
    return Listed(name, state, step, words, changed_s)


def _unnameable(settings: Settings, name: str) -> Listed:
    """A mission that another command made under a name that no address of this app may hold."""
    state = "cannot be opened here by this name; rename its folder: letters, digits, spaces and dashes"
    return Listed(name, state, "", "", _changed_s(Mission(settings.missions / name)), broken=True)


def _draft(drawings: Drawings, name: str) -> Listed | None:
    try:
        changed_s = drawings.changed_s(checked_name(name))
    except (InputError, OSError):
        return None
    return Listed(name, "drawn, not planned yet", "plan", "Go on drawing", changed_s)


def _state(mission: Mission, ledgers: Ledgers) -> tuple[str, str, str]:
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
    number = sum(table.num_rows for _, table in sightings)
    if not number:
        return f"{flown}, nothing sighted", "report", "Report"
    ledger = ledgers.of(mission)
    reviews = ledger.reviews if ledger else []
    state = f"{flown}, {counted(number, 'sighting')}"
    if ledger and ledger.broken:
        return f"{state}. {ledger.broken}", "review", "Look at them"
    left = 0
    for names, table in sightings:
        found = reviewed(table, names, reviews)
        left += sum(found.of(name).is_open for name in table["sighting_id"].to_pylist())
    if left:
        return f"{state}, {left} to review", "review", "Review them"
    return f"{state}, all reviewed", "report", "Report"


def _sightings(mission: Mission, flights: list[Flight]) -> list[tuple[list[str], pa.Table]] | None:
    """The tables of what was sighted, each with the names of the flights it is of; None where nothing was searched."""
    if mission.sightings.exists():
        tables = [([flight.root.name for flight in flights], mission.sightings)]
    else:
        tables = [([flight.root.name], flight.sightings) for flight in flights if flight.sightings.exists()]
    if not tables:
        return None
    try:
        return [(names, pyarrow.parquet.read_table(path, columns=sorted(NEEDED))) for names, path in tables]
    except (OSError, ValueError, LookupError) as error:
        raise InputError(tables[0][1], "is no table of sightings; run `picket locate` again") from error


def _changed_s(mission: Mission) -> float:
    places = [mission.settings_file, mission.root / "flights", mission.sightings, mission.root / "picket.db"]
    return max((path.stat().st_mtime for path in places if path.exists()), default=0.0)
