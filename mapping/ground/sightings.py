"""Fused objects as rows of the sightings table: their ids, what they are called, and how sure of them one may be.

The confidence of a sighting weighs what was found against the chances there were to find it: with c the confidences of
its detections, one from each of k frames, and m frames in whose pictures its place lay,

    confidence = (1 - product(1 - c)) (k + 1) / (m + 1).

The first factor is the chance that not all detections are wrong, were they independent; frames of one place are not
quite, which makes it generous. The second punishes a thing that was found once and then not again, though it should
have been seen: a single detection of 0.3 in four frames comes to 0.12, of 0.3 in all four to 0.76. What a person
marked has confidence 1. It is a figure to sort by, no probability: only an officer's review makes a sighting count.

What stays below `LEAST_CONFIDENCE` of its class is no sighting; a person is worth more false alarms than a vehicle. The
limits were chosen on rendered night scenes; `bench/RESULTS.md` says what they give on others.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mapping.ground.ellipse import ellipses
from mapping.ground.fusion import FusedObject
from mapping.ground.marks import MARKED
from mapping.tables import SIGHTINGS

Floats = npt.NDArray[np.float64]

LEAST_CONFIDENCE = {"person": 0.3, "vehicle": 0.5, "bicycle": 0.5}
"""The confidence by class from which an object counts as a sighting; other classes always do."""


def sighting_confidence(confidences: Sequence[float], frames_seen: int, chances: int) -> float:
    """The confidence of an object found with these confidences in `frames_seen` of `chances` frames (see above)."""
    found = 1.0 - float(np.prod(1.0 - np.clip(np.asarray(confidences, dtype=np.float64), 0.0, 1.0)))
    return found * (frames_seen + 1) / (max(chances, frames_seen) + 1)


def confidences(
    objects: Sequence[FusedObject],
    detections: pa.Table,
    frame_index: npt.NDArray[np.intp],
    chances: Sequence[npt.NDArray[np.intp]],
) -> Floats:
    """(N,) confidences of fused objects; arguments as for `sightings_table`, `chances` the frames in whose pictures
    each object's place lay."""
    stated, models = detections["confidence"].to_pylist(), detections["model"].to_pylist()
    found = []
    for item, over in zip(objects, chances, strict=True):
        seen = {int(frame_index[member]) for member in item.members}
        own = [stated[member] for member in item.members]
        marked = models[item.members[0]] == MARKED
        found.append(1.0 if marked else sighting_confidence(own, len(seen), len({*seen, *over.tolist()})))
    return np.array(found, dtype=np.float64)


def sightings_table(
    objects: Sequence[FusedObject],
    confidence: Floats,
    detections: pa.Table,
    frame_times: Sequence[datetime | None],
    frame_index: npt.NDArray[np.intp],
    places: tuple[Floats, Floats, Floats],
) -> tuple[pa.Table, list[str]]:
    """The SIGHTINGS table of fused objects, and the sighting id of each of `objects`.

    `confidence` is that of each object, `detections` are the rows that `members` count in, `frame_index` their frames,
    `frame_times` the times of those, `places` latitude, longitude and height of each object. Ids run from S0001 in the
    order of the time first seen (unknown times last), then of latitude and longitude.
    """
    rows = []
    spread = ellipses([item.covariance for item in objects])
    columns = {name: detections[name].to_pylist() for name in ("detection_id", "class", "label", "model")}
    for number, item in enumerate(objects):
        members = list(item.members)
        frames = sorted({int(frame_index[member]) for member in members})
        seen = [time for frame in frames if (time := frame_times[frame]) is not None]
        first = members[0]
        marked = columns["model"][first] == MARKED
        rows.append(
            {
                "class": columns["class"][first],
                "object": columns["label"][first] if marked else None,
                "lat_deg": float(places[0][number]),
                "lon_deg": float(places[1][number]),
                "alt_amsl_m": None if np.isnan(places[2][number]) else float(places[2][number]),
                "ellipse_major_m": float(spread.major_m[number]),
                "ellipse_minor_m": float(spread.minor_m[number]),
                "ellipse_bearing_deg": float(spread.bearing_deg[number]),
                "ce90_m": float(spread.ce90_m[number]),
                "confidence": float(confidence[number]),
                "first_seen_utc": min(seen, default=None),
                "last_seen_utc": max(seen, default=None),
                "n_frames": len(frames),
                "detection_ids": [columns["detection_id"][member] for member in members],
            }
        )
    order = sorted(range(len(rows)), key=lambda number: _order(rows[number]))
    ids = [""] * len(rows)
    for place, number in enumerate(order, start=1):
        ids[number] = f"S{place:04d}"
    table = SIGHTINGS.from_rows({"sighting_id": ids[number], **rows[number]} for number in order)
    return table, ids


def _order(row: dict[str, object]) -> tuple[bool, object, object, object, object]:
    first_seen = row["first_seen_utc"]
    return first_seen is None, first_seen or 0, row["lat_deg"], row["lon_deg"], row["detection_ids"]
