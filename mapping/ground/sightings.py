"""Fused objects as rows of the sightings table: their ids, what they are called, where they went.

An id is made from the first look at the object, the time noted with its frame and the detection's own id: the same
input gives the same ids, neither frames or flights added later nor a calibration that sets the clock right change any,
and a mission's sighting is called as it was in the flight that saw it first. How sure of a sighting one may be is
`mapping.ground.belief`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mapping.ground.ellipse import ellipses
from mapping.ground.fusion import ANYTHING, FusedObject
from mapping.tables import SIGHTINGS

Floats = npt.NDArray[np.float64]

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: nothing that is misread or misheard
_LENGTH = 6


@dataclass(frozen=True)
class Look:
    """One detection or mark of an object: its id, the id and time of its frame, its class and label, whether a person
    made it, its height above mean sea level, and the time that was noted with the frame, before any calibration."""

    detection_id: str
    frame_id: str
    time_utc: datetime | None
    class_name: str
    label: str
    marked: bool
    alt_amsl_m: float
    noted_utc: datetime | None


def sightings_table(
    objects: Sequence[FusedObject],
    looks: Sequence[Look],
    confidence: Floats,
    places: tuple[Floats, Floats],
) -> tuple[pa.Table, list[str]]:
    """The SIGHTINGS table of fused objects, and the sighting id of each of `objects`.

    `looks` are what `members` count, `confidence` is that of each object, `places` latitude and longitude of each. Rows
    are in the order of the time first seen (unknown times last), then of latitude and longitude.
    """
    spread = ellipses([item.covariance for item in objects])
    rows = []
    for number, item in enumerate(objects):
        own = [looks[member] for member in item.members]
        times = [look.time_utc for look in own if look.time_utc is not None]
        named = next((look for look in own if look.marked), None)
        heights = [look.alt_amsl_m for look in own if np.isfinite(look.alt_amsl_m)]
        rows.append(
            {
                "class": class_of_object(own),
                "object": named.label if named else None,
                "lat_deg": float(places[0][number]),
                "lon_deg": float(places[1][number]),
                "alt_amsl_m": float(np.mean(heights)) if heights else None,
                "ellipse_major_m": float(spread.major_m[number]),
                "ellipse_minor_m": float(spread.minor_m[number]),
                "ellipse_bearing_deg": float(spread.bearing_deg[number]),
                "ce90_m": float(spread.ce90_m[number]),
                "confidence": float(confidence[number]),
                "first_seen_utc": min(times, default=None),
                "last_seen_utc": max(times, default=None),
                "n_frames": len({look.frame_id for look in own}),
                **_motion(item),
                "detection_ids": [look.detection_id for look in own],
            }
        )
    order = sorted(range(len(rows)), key=lambda number: _order(rows[number]))
    ids = [""] * len(rows)
    taken: set[str] = set()
    for number in order:
        ids[number] = _sighting_id([looks[member] for member in objects[number].members], taken)
    return SIGHTINGS.from_rows({"sighting_id": ids[number], **rows[number]} for number in order), ids


def class_of_object(looks: Sequence[Look]) -> str:
    """The class of an object: what a person said it is, else what was detected."""
    said = [look.class_name for look in looks if look.class_name != ANYTHING]
    by_person = [look.class_name for look in looks if look.marked and look.class_name != ANYTHING]
    return (by_person or said or [ANYTHING])[0]


def _motion(item: FusedObject) -> dict[str, float | None]:
    if item.velocity is None:
        return {"speed_m_s": None, "heading_deg": None}
    east, north = item.velocity
    return {
        "speed_m_s": float(np.hypot(east, north)),
        "heading_deg": float(np.degrees(np.arctan2(east, north)) % 360.0),
    }


def _sighting_id(looks: Sequence[Look], taken: set[str]) -> str:
    """An id for these looks that is not in `taken`, to which it is added. A name that a flight's ids have in a mission
    is left out."""
    first = min(looks, key=lambda look: (look.noted_utc is None, look.noted_utc or 0, look.detection_id))
    moment = first.noted_utc.isoformat() if first.noted_utc else ""
    bare = first.detection_id.rpartition("/")[2]
    usual = (f"{moment} {bare}", f"{moment} {first.detection_id}")
    for attempt in chain(usual, (f"{moment} {first.detection_id} {number}" for number in count())):
        number = int.from_bytes(hashlib.sha256(attempt.encode()).digest()[:8], "big")
        name = "S" + "".join(_LETTERS[number >> 5 * place & 31] for place in range(_LENGTH))
        if name not in taken:
            break
    taken.add(name)
    return name


def _order(row: Mapping[str, Any]) -> tuple[bool, object, object, object, object]:
    first_seen = row["first_seen_utc"]
    return first_seen is None, first_seen or 0, row["lat_deg"], row["lon_deg"], row["detection_ids"]
