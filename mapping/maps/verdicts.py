"""Officers' verdicts as columns of a sightings table: how reports and exports come to know them. Who may judge, how
verdicts are kept and which of them stands is for whoever hands the table on; a table without these columns is one that
nobody has reviewed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from mapping.maps.wording import NOT_REVIEWED, VERDICTS, time_text

REVIEW_COLUMNS = pa.schema(
    [
        ("verdict", pa.string()),
        ("reviewed_by", pa.string()),
        ("reviewed_utc", pa.timestamp("us", tz="UTC")),
        ("review_note", pa.string()),
        ("review_remark", pa.string()),
    ]
)
"""`verdict` is one of `VERDICTS` or `NOT_REVIEWED` and never null; `reviewed_by`, `reviewed_utc` and `review_note` are
who gave it, when, and what that person wrote; `review_remark` are sentences on what else an officer has to know of it
(a verdict on an earlier version, somebody who disagrees, a place moved by hand)."""


@dataclass(frozen=True)
class Verdict:
    """What stands of the reviews of one sighting. `moved_to` is the latitude and longitude an officer gave it."""

    word: str = NOT_REVIEWED
    by: str | None = None
    time_utc: datetime | None = None
    note: str | None = None
    remark: str | None = None
    moved_to: tuple[float, float] | None = None


def reviewed(sightings: pa.Table) -> pa.Table:
    """The table with all of `REVIEW_COLUMNS`; those it lacks say that nobody has reviewed it. Raises ValueError on a
    verdict that is none."""
    for column in REVIEW_COLUMNS:
        if column.name not in sightings.column_names:
            nothing = NOT_REVIEWED if column.name == "verdict" else None
            sightings = sightings.append_column(column, pa.array([nothing] * sightings.num_rows, column.type))
    known = (*VERDICTS, NOT_REVIEWED)
    for sighting_id, word in zip(sightings["sighting_id"].to_pylist(), sightings["verdict"].to_pylist(), strict=True):
        if word not in known:
            raise ValueError(f"review of {sighting_id}: {word!r} is none of {', '.join(VERDICTS)}")
    return sightings


def with_verdicts(sightings: pa.Table, verdicts: Mapping[str, Verdict]) -> pa.Table:
    """The table with these verdicts, by sighting id, as `REVIEW_COLUMNS`. A sighting that an officer moved has the
    place that officer gave, no ellipse, for nobody knows how sure a hand was, and where it was measured in the remark.
    """
    rows = sightings.to_pylist()
    for row in rows:
        verdict = verdicts.get(row["sighting_id"], Verdict())
        remark = verdict.remark
        if verdict.moved_to is not None:
            remark = " ".join(filter(None, [remark, _measured(row)]))
            row |= dict.fromkeys(("ellipse_major_m", "ellipse_minor_m", "ellipse_bearing_deg", "ce90_m"))
            row["lat_deg"], row["lon_deg"] = verdict.moved_to
        row |= {
            "verdict": verdict.word,
            "reviewed_by": verdict.by,
            "reviewed_utc": verdict.time_utc,
            "review_note": verdict.note or None,
            "review_remark": remark or None,
        }
    kept = [column for column in sightings.schema if column.name not in REVIEW_COLUMNS.names]
    return pa.Table.from_pylist(rows, pa.schema([*kept, *REVIEW_COLUMNS]))


def _measured(row: Mapping[str, float | None]) -> str:
    if row["lat_deg"] is None or row["lon_deg"] is None:
        return "It had no measured place."
    within = "" if row["ce90_m"] is None else f" (90 % within {row['ce90_m']:.1f} m)"
    return f"Measured at {row['lat_deg']:.6f}, {row['lon_deg']:.6f}{within}."


def review_text(by: str | None, time_utc: datetime | None) -> str:
    """`by A. Rahman, 2026-11-22 18:16 UTC`; what is not known is left out."""
    return ", ".join(filter(None, [f"by {by}" if by else "", time_text(time_utc) if time_utc else ""]))
