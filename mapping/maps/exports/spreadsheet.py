"""Sightings as CSV, with care for what spreadsheets do to text."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from pathlib import Path
from typing import Any

from mapping.maps.exports.content import ExportContent, sighting_rows, sightings_table, utc_text
from vision.files import write_whole

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_csv(content: ExportContent, path: Path) -> None:
    """Write the sightings as CSV in UTF-8 (RFC 4180, lines end in a line feed): one row each, units in the names of the
    columns; detection ids are separated by spaces, unknown values are empty. A text that a spreadsheet would run as a
    formula gets an apostrophe in front. Raises VisionError where the file cannot be written."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, sightings_table(content).schema.names, lineterminator="\n")
    writer.writeheader()
    for row in sighting_rows(content):
        writer.writerow({name: cell(value) for name, value in row.items()})
    write_whole(path, stream.getvalue())


def cell(value: Any) -> Any:
    """A value as it may stand in a CSV file that a spreadsheet opens."""
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, list):
        value = " ".join(value)
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA_STARTS):
        return "'" + value
    return value
