"""What stands after several reviews: the verdict on each sighting as it now is, who disagrees, and which verdicts were
given on something else.

A verdict counts for the version of a sighting it was given on: fused from the same detections, of the same class, and
not moved out of the 95 % ellipse it had. Locating again may change or take away a sighting; what was said of it before
is then shown as said of an earlier version, and never counts for the new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from pyproj import Geod

from mapping.maps.verdicts import Verdict, review_text
from mapping.maps.wording import NOT_REVIEWED, UNSURE, VERDICTS
from picket.reviews.record import MOVED, WITHDRAWN, Review, Version

GEOD = Geod(ellps="WGS84")
SLACK_M = 0.5
"""How far a place without an ellipse may move and be the same."""


@dataclass(frozen=True)
class Standing:
    """What stands for one sighting. `history` is all that was ever said of it, oldest first, `present` what was said of
    this version and not taken back; `verdict` is the last
    verdict on this version that was not taken back, `others` the last verdicts of officers who say otherwise, `move`
    the last new place; `earlier` are verdicts on an earlier version, where none was given on this one."""

    history: tuple[Review, ...] = ()
    present: tuple[Review, ...] = ()
    verdict: Review | None = None
    others: tuple[Review, ...] = ()
    move: Review | None = None
    earlier: tuple[Review, ...] = ()

    @property
    def word(self) -> str:
        """The verdict in one word."""
        return self.verdict.verdict if self.verdict else NOT_REVIEWED

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to look: nobody decided yet, or officers differ."""
        return self.verdict is None or self.word == UNSURE or bool(self.others)

    @property
    def last(self) -> int:
        """The number of the last review of this sighting, 0 where there is none."""
        return self.history[-1].number if self.history else 0

    def to_verdict(self) -> Verdict:
        """The same, as reports and exports take it."""
        given, move = self.verdict, self.move
        said = [f"{one.officer} says {one.verdict}, {review_text(None, one.moment)}." for one in self.others]
        said += [
            f"{one.verdict.capitalize()} {review_text(one.officer, one.moment)}, for an earlier version of it."
            for one in self.earlier
        ]
        if move:
            said.append(f"Moved by hand {review_text(move.officer, move.moment)}.")
        noted = [one for one in self.present if one.note]
        plain = given is not None and {one.officer for one in noted} <= {given.officer}
        notes = [one.note if plain else f"{one.officer}: {one.note}" for one in noted]
        return Verdict(
            word=self.word,
            by=given.officer if given else None,
            time_utc=given.moment if given else None,
            note="; ".join(notes) or None,
            remark=" ".join(said) or None,
            moved_to=(move.lat_deg, move.lon_deg) if move and move.lat_deg is not None else None,  # type: ignore[arg-type]
        )


UNREVIEWED = Standing()


@dataclass(frozen=True)
class Reviewed:
    """The reviews of a mission beside its sightings: what stands by the ids of the table, and the reviews of sightings
    that are no longer there, by id."""

    standings: Mapping[str, Standing]
    vanished: Mapping[str, tuple[Review, ...]]

    def of(self, sighting_id: str) -> Standing:
        """What stands for a sighting of the table."""
        return self.standings.get(sighting_id, UNREVIEWED)

    def verdicts(self) -> dict[str, Verdict]:
        """The same, as reports and exports take it."""
        return {name: standing.to_verdict() for name, standing in self.standings.items()}


def bare_id(sighting_id: str) -> str:
    """A sighting's id without the flight's name that stands before it where flights are shown side by side."""
    return sighting_id.rpartition("/")[2]


def version_of(row: Mapping[str, Any], flights: Sequence[str]) -> Version:
    """A row of a sightings table as a version. `flights` are the names of the flights of the table: where detection
    ids do not begin with one, the table is that of the only one."""
    names = row["detection_ids"] or []
    starts = tuple(f"{flight}/" for flight in flights)
    full = [name if name.startswith(starts) or len(flights) != 1 else starts[0] + name for name in names]
    numbers = {
        name: None if row[name] is None or not np.isfinite(row[name]) else float(row[name])
        for name in ("lat_deg", "lon_deg", "ellipse_major_m", "ellipse_minor_m", "ellipse_bearing_deg")
    }
    return Version(class_name=row["class"], **numbers, detection_ids=tuple(sorted(full)))


def standing_of(history: Sequence[Review], now: Version, flights: Sequence[str]) -> Standing:
    """What stands for one sighting, of which `history` is all that was said, oldest first."""
    versions = _versions(history, flights)
    return _standing([one for one in history if one.number in versions], versions, now)


def reviewed(sightings: pa.Table, flights: Sequence[str], reviews: Sequence[Review]) -> Reviewed:
    """The reviews beside the sightings of these flights. Reviews of other flights of the mission are left aside, and of
    sightings that other flights saw too only these flights' part is compared."""
    by_id: dict[str, list[Review]] = {}
    versions = _versions(reviews, flights)
    for review in reviews:
        if review.number in versions:
            by_id.setdefault(review.sighting_id, []).append(review)
    standings: dict[str, Standing] = {}
    there: set[str] = set()
    seen_in: dict[str, str] = {}
    if by_id:
        columns = [name for name in sightings.column_names if name in NEEDED]
        for row in sightings.select(columns).to_pylist():
            bare = bare_id(row["sighting_id"])
            there.add(bare)
            now = version_of(row, flights)
            seen_in |= dict.fromkeys(now.detection_ids, row["sighting_id"])
            if bare in by_id:
                standings[row["sighting_id"]] = _standing(by_id[bare], versions, now)
    vanished = {name: tuple(given) for name, given in by_id.items() if name not in there}
    for given in vanished.values():
        _tell_heirs(given, versions, seen_in, standings)
    return Reviewed(standings, vanished)


NEEDED = frozenset(
    ("sighting_id", "class", "lat_deg", "lon_deg", "ellipse_major_m", "ellipse_minor_m", "ellipse_bearing_deg")
) | {"detection_ids"}
"""The columns of a table of sightings that this looks at."""


def still_standing(reviews: Sequence[Review]) -> list[Review]:
    """The reviews that were not taken back and take nothing back."""
    gone = {one.withdraws for one in reviews if one.verdict == WITHDRAWN}
    return [one for one in reviews if one.verdict != WITHDRAWN and one.number not in gone]


def same_version(then: Version, now: Version) -> bool:
    """Whether a sighting is still what it was: class and detections alike, its place within the ellipse it had."""
    if (then.class_name, then.detection_ids) != (now.class_name, now.detection_ids):
        return False
    places = (then.lat_deg, then.lon_deg, now.lat_deg, now.lon_deg)
    if any(value is None for value in places):
        return places[:2] == places[2:]
    azimuth, _, distance = GEOD.inv(then.lon_deg, then.lat_deg, now.lon_deg, now.lat_deg)
    if distance <= SLACK_M or not then.ellipse_major_m or not then.ellipse_minor_m:
        return bool(distance <= SLACK_M)
    turned = np.radians(azimuth - (then.ellipse_bearing_deg or 0.0))
    along, across = distance * np.cos(turned), distance * np.sin(turned)
    return bool(np.hypot(along / then.ellipse_major_m, across / then.ellipse_minor_m) <= 1.0)


def _versions(reviews: Iterable[Review], flights: Sequence[str]) -> dict[int, Version]:
    """What these flights saw of the version each review was given on, by number; without those that saw nothing."""
    starts = tuple(f"{flight}/" for flight in flights)
    versions = {one.number: Version.from_text(one.version) for one in reviews}
    parts = {
        number: replace(then, detection_ids=tuple(name for name in then.detection_ids if name.startswith(starts)))
        for number, then in versions.items()
    }
    return {number: part for number, part in parts.items() if part.detection_ids}


def _standing(history: Sequence[Review], versions: Mapping[int, Version], now: Version) -> Standing:
    standing = still_standing(history)
    present = [one for one in standing if same_version(versions[one.number], now)]
    verdicts = [one for one in present if one.verdict in VERDICTS]
    last = verdicts[-1] if verdicts else None
    return Standing(
        history=tuple(history),
        present=tuple(present),
        verdict=last,
        others=tuple(one for one in _last_by_officer(verdicts) if last and one.verdict != last.verdict),
        move=next((one for one in reversed(present) if one.verdict == MOVED), None),
        earlier=() if last else tuple(_last_by_officer([one for one in standing if one.verdict in VERDICTS])),
    )


def _last_by_officer(verdicts: Sequence[Review]) -> list[Review]:
    return list({one.officer: one for one in verdicts}.values())


def _tell_heirs(
    given: Sequence[Review], versions: Mapping[int, Version], seen_in: Mapping[str, str], standings: dict[str, Standing]
) -> None:
    """Put verdicts on a sighting that is gone beside the sightings that its detections are now part of."""
    for one in _last_by_officer([review for review in still_standing(given) if review.verdict in VERDICTS]):
        for heir in {seen_in[name] for name in versions[one.number].detection_ids if name in seen_in}:
            known = standings.get(heir, UNREVIEWED)
            if known.verdict is None:
                standings[heir] = replace(known, earlier=(*known.earlier, one))
