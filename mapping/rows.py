"""CSV files that people write: rows by column name, complaints with the line. What the columns mean is the reader's."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path

from vision.errors import InputError


def read_rows(
    path: str | PathLike[str], needed: Sequence[str], what: str, header: str
) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, {column: text}) of each row of the CSV file at `path`; every column of the header is in each, those
    `needed` are never empty. `what` says in complaints what the file holds, `header` how it begins.

    Raises InputError where the file cannot be read, is no CSV, lacks a column or holds no rows.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror}); give a CSV file of {what}") from error
    except UnicodeDecodeError as error:
        raise InputError(path, f"is not UTF-8 text; give a CSV file of {what}") from error
    reader = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True)
    rows = 0
    try:
        absent = [name for name in needed if name not in (reader.fieldnames or ())]
        if absent:
            other = _other_separator(reader.fieldnames or (), needed)
            if other:
                raise InputError(path, f"separates columns by {other}; separate them by commas: {header}", "line 1")
            raise InputError(path, f"lacks the column {', '.join(absent)}; begin the file with {header}", "line 1")
        for row in reader:
            rows += 1
            yield reader.line_num, _filled(path, reader.line_num, row, needed)
    except csv.Error as error:
        raise InputError(path, f"is not CSV ({error}); mend this line", f"line {reader.reader.line_num}") from error
    if not rows:
        raise InputError(path, f"holds no {what}; give one a line as {header}")


def _other_separator(header: Sequence[str], needed: Sequence[str]) -> str:
    """What separates the needed columns in a header that has no commas between them, as spreadsheets write it where a
    comma is the decimal sign; empty where the columns are not there either way."""
    line = ",".join(header)
    for sign, words in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if set(needed) <= {name.strip().strip('"') for name in line.split(sign)}:
            return words
    return ""


def _filled(
    path: str | PathLike[str], line: int, row: dict[str | None, str | None], needed: Sequence[str]
) -> dict[str, str]:
    if None in row:
        raise InputError(path, "more values than columns; quote names that hold a comma", f"line {line}")
    values = {name: (value or "").strip() for name, value in row.items() if name is not None}
    for name in needed:
        if not values[name]:
            raise InputError(path, "is empty; fill it in or take the line out", f"line {line}, {name}")
    return values


def number(
    path: str | PathLike[str], line: int, name: str, text: str, least: float = -math.inf, most: float = math.inf
) -> float:
    """The number in `text`, from `least` to `most`; raises InputError naming line and column where it is none."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and least <= value <= most):
        limits = f" from {least:g} to {most:g}" if math.isfinite(least) and math.isfinite(most) else ""
        raise InputError(path, f"{text!r} is no number{limits}; mend it", f"line {line}, {name}")
    return value
