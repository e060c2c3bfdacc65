"""One review as it is kept, what an officer hands in to have it kept, and the chain that ties each to the one before.

A review's digest is the SHA-256 of everything it says and of the digest before it: whoever changes, takes out or puts
in a row leaves a chain that no longer fits. What stands after several reviews is `standing.py`'s subject.
"""

from __future__ import annotations

import hashlib
import json
import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from mapping.maps.wording import VERDICTS
from picket.errors import PicketError
from vision.errors import InputError

MOVED, NOTED, WITHDRAWN = "moved", "noted", "withdrawn"
WORDS = (*VERDICTS, MOVED, NOTED, WITHDRAWN)
"""What a review may say: a verdict, another place, only a note, or that an earlier one of the same officer is taken
back."""
FIRST = "0" * 64
"""What stands for the digest before the first."""
LONGEST_NOTE = 2000
LONGEST_NAME = 200


@dataclass(frozen=True)
class Version:
    """A sighting as it was when it was judged: its class, place, 95 % ellipse, and what it was fused from. Detection
    ids begin with their flight's name and a slash, in order."""

    class_name: str | None
    lat_deg: float | None
    lon_deg: float | None
    ellipse_major_m: float | None
    ellipse_minor_m: float | None
    ellipse_bearing_deg: float | None
    detection_ids: tuple[str, ...]

    def to_text(self) -> str:
        """As one line of JSON; the same version gives the same text."""
        return _canonical({one.name: getattr(self, one.name) for one in fields(self)})

    def digest(self) -> str:
        """Hexadecimal SHA-256 of `to_text`: names the version to whoever was shown it."""
        return hashlib.sha256(self.to_text().encode()).hexdigest()

    @staticmethod
    def from_text(text: str) -> Version:
        """What `to_text` wrote. Raises PicketError where it is something else."""
        try:
            values = json.loads(text)
            return Version(**{**values, "detection_ids": tuple(values["detection_ids"])})
        except (ValueError, TypeError, LookupError) as error:
            raise PicketError("a review does not say which sighting it was given on; see `picket review`") from error


@dataclass(frozen=True)
class Judgement:
    """What an officer hands in. `expected` is the number of the last review of this sighting the officer has seen (0
    for none), `key` is made up by the client, the same when it sends the same again; `withdraws` is the number of the
    review that is taken back."""

    sighting_id: str
    verdict: str
    officer: str
    key: str
    expected: int
    version: Version
    note: str = ""
    lat_deg: float | None = None
    lon_deg: float | None = None
    withdraws: int | None = None


@dataclass(frozen=True)
class Review:
    """A review as it is kept. `number` counts from 1 in each mission, `time_utc` is ISO 8601 with microseconds,
    `version` is a `Version` as text, `previous` the digest of the review before."""

    mission: str
    number: int
    sighting_id: str
    verdict: str
    officer: str
    time_utc: str
    note: str
    lat_deg: float | None
    lon_deg: float | None
    withdraws: int | None
    version: str
    key: str
    previous: str
    digest: str

    @property
    def moment(self) -> datetime:
        """When it was given."""
        return datetime.fromisoformat(self.time_utc)


class JudgedSinceError(PicketError):
    """Somebody judged the sighting after the officer last looked; `reviews` are what the officer has not seen."""

    def __init__(self, reviews: Sequence[Review]) -> None:
        self.reviews = tuple(reviews)
        who = ", ".join(dict.fromkeys(one.officer for one in reviews)) or "nobody"
        super().__init__(f"judged meanwhile by {who}; look at it and judge again")


class MaybeKeptError(PicketError):
    """The database failed at a moment that leaves open whether the review is kept: to send the same again, under the
    same key, tells."""


def digest_of(values: Mapping[str, Any]) -> str:
    """The digest of a review with these values: hexadecimal SHA-256 of all but the digest itself as canonical JSON."""
    return hashlib.sha256(_canonical({name: values[name] for name in SIGNED}).encode()).hexdigest()


SIGNED = tuple(one.name for one in fields(Review) if one.name != "digest")
"""What a digest covers."""


@dataclass(frozen=True)
class Broken:
    """The first review at which the chain no longer fits, and what is wrong with it."""

    number: int
    problem: str

    def __str__(self) -> str:
        return f"The chain of reviews is broken: review {self.number} {self.problem}; what follows it proves nothing."


def broken_at(reviews: Sequence[Review], after: Review | None = None) -> Broken | None:
    """None where each of these reviews is as it was given and follows the one before it, the first of them `after`, the
    first of all where that is None; else the first that does not. That the last ones are still there only shows who
    noted the head elsewhere."""
    known, previous = (after.number, after.digest) if after else (0, FIRST)
    for count, review in enumerate(reviews, known + 1):
        if review.number != count:
            return Broken(count, f"is missing: the next one there is number {review.number}")
        if review.previous != previous:
            return Broken(count, "does not follow the review before it")
        if not is_as_given(review):
            return Broken(count, "was changed after it was given")
        previous = review.digest
    return None


def is_as_given(review: Review) -> bool:
    """Whether a review still has the digest it was given."""
    try:
        return digest_of({name: getattr(review, name) for name in SIGNED}) == review.digest
    except (TypeError, ValueError):
        return False


def review_of(asked: Judgement, mission: str, number: int, previous: str, now: datetime) -> Review:
    """The review that keeps what was asked."""
    values = {
        "mission": mission,
        "number": number,
        "sighting_id": asked.sighting_id,
        "verdict": asked.verdict,
        "officer": asked.officer,
        "time_utc": now.astimezone(UTC).isoformat(timespec="microseconds"),
        "note": asked.note,
        "lat_deg": asked.lat_deg,
        "lon_deg": asked.lon_deg,
        "withdraws": asked.withdraws,
        "version": asked.version.to_text(),
        "key": asked.key,
        "previous": previous,
    }
    return Review(**values, digest=digest_of(values))  # type: ignore[arg-type]


def checked(asked: Judgement) -> Judgement:
    """What was asked, its note trimmed. Raises InputError where it is nothing that can be kept."""
    for what, text, most in (
        ("the officer's name", asked.officer, LONGEST_NAME),
        ("the key", asked.key, LONGEST_NAME),
        ("the sighting", asked.sighting_id, LONGEST_NAME),
    ):
        if not text.strip() or len(text) > most or not _is_line(text):
            raise InputError(what, f"must be one line of at most {most} characters")
    note = asked.note.replace("\r\n", "\n").strip()
    if len(note) > LONGEST_NOTE or not all(_is_line(line) for line in note.replace("\t", " ").split("\n")):
        raise InputError("the note", f"must be text of at most {LONGEST_NOTE} characters; shorten it")
    if asked.verdict not in WORDS:
        raise InputError("the verdict", f"{asked.verdict!r:.40} is none of {', '.join(WORDS)}")
    _check_extras(asked, note)
    return replace(asked, note=note, lat_deg=_plain_zero(asked.lat_deg), lon_deg=_plain_zero(asked.lon_deg))


def _plain_zero(value: float | None) -> float | None:
    """0.0 for -0.0, which SQLite gives back without its sign."""
    return None if value is None else value + 0.0


def _check_extras(asked: Judgement, note: str) -> None:
    """What some verdicts need, and others must not have."""
    place = (asked.lat_deg, asked.lon_deg)
    if asked.verdict == MOVED:
        within = all(
            value is not None and math.isfinite(value) and abs(value) <= most
            for value, most in zip(place, (90.0, 180.0), strict=True)
        )
        if not within:
            raise InputError("the new place", "must be a latitude and a longitude in degrees")
    elif place != (None, None):
        raise InputError("the new place", f"belongs to {MOVED!r} alone")
    if (asked.withdraws is not None) != (asked.verdict == WITHDRAWN):
        raise InputError("the review to take back", f"belongs to {WITHDRAWN!r}, and to that alone")
    if asked.verdict == NOTED and not note:
        raise InputError("the note", "is empty; write one")


def _is_line(text: str) -> bool:
    """Whether text can be kept and shown: no control characters, no halves of characters, no change of direction."""
    hidden = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    return not any(unicodedata.category(letter) in ("Cc", "Cs") or letter in hidden for letter in text)


def _canonical(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
