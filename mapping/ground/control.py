"""Points whose places were surveyed: a CSV file that says where things named in the marks really are."""

from __future__ import annotations

from dataclasses import dataclass, field
from os import PathLike

from mapping.rows import number, read_rows
from vision.errors import InputError

_NEEDED = ("object", "lat_deg", "lon_deg")
_COLUMNS = (*_NEEDED, "alt_m")
_HEIGHTS_M = (-500.0, 9_000.0)  # the Dead Sea shore and Everest


@dataclass(frozen=True)
class ControlPoint:
    """A surveyed place on WGS 84; `alt_amsl_m` is its height above mean sea level, None where it lies on the ground;
    `line` is where its file says so."""

    lat_deg: float
    lon_deg: float
    alt_amsl_m: float | None = None
    line: int = field(default=0, compare=False)


def read_control(path: str | PathLike[str]) -> dict[str, ControlPoint]:
    """The points by the name of their object. Columns: object, lat_deg, lon_deg, and optionally alt_m.

    Raises InputError naming the line and column at fault: a column missing or unknown, a number that is none or no such
    place on earth, an object given twice.
    """
    found: dict[str, ControlPoint] = {}
    for line, row in read_rows(path, _NEEDED, "control points", "object,lat_deg,lon_deg"):
        strange = [name for name in row if name not in _COLUMNS]
        if strange:
            known = ", ".join(_COLUMNS)
            raise InputError(path, f"{strange[0]!r} is no column of control points; known are {known}", "line 1")
        if row["object"] in found:
            raise InputError(path, f"{row['object']!r} is given twice; keep one", f"line {line}, object")
        lat = number(path, line, "lat_deg", row["lat_deg"], -90.0, 90.0)
        lon = number(path, line, "lon_deg", row["lon_deg"], -180.0, 180.0)
        height = row.get("alt_m", "")
        alt = number(path, line, "alt_m", height, *_HEIGHTS_M) if height else None
        found[row["object"]] = ControlPoint(lat, lon, alt, line)
    return found
