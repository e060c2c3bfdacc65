"""Poses from a CSV file that somebody made with another program: one row a picture. The columns and their datums are in
`docs/formats.md`; other ways to poses are `mapping.ground.frames`' subject."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path

import numpy as np

from mapping.ground.accuracy import Accuracy
from mapping.ground.geoid import amsl_from_hae
from mapping.ground.pose import Poses
from mapping.rows import number, read_rows
from vision.errors import InputError

_NEEDED = ("file", "lat_deg", "lon_deg")
_HEIGHTS = ("alt_home_m", "alt_amsl_m", "alt_hae_m")
_LIMITS = {
    "lat_deg": (-90.0, 90.0),
    "lon_deg": (-180.0, 180.0),
    "alt_home_m": (-1000.0, 10_000.0),
    "alt_amsl_m": (-1000.0, 10_000.0),
    "alt_hae_m": (-1000.0, 10_000.0),
    "yaw_deg": (-360.0, 360.0),
    "pitch_deg": (-180.0, 180.0),
    "roll_deg": (-360.0, 360.0),
    "sigma_position_m": (0.0, 1000.0),
    "sigma_height_m": (0.0, 1000.0),
    "sigma_attitude_deg": (0.0, 180.0),
    "sigma_time_s": (0.0, 1000.0),
}
COLUMNS = (*_NEEDED, "time_utc", *(name for name in _LIMITS if name not in _NEEDED))
"""Every column such a file may have."""


def read_poses(path: str | PathLike[str], images: Sequence[Path]) -> Poses:
    """The poses in the CSV file at `path` of `images`, in their order; NaN for those it does not name, and for values
    left empty. Sigmas not given are those of `mapping.ground.accuracy.Accuracy`.

    Raises InputError naming the line and column at fault: a column missing or unknown, a number that is none or
    impossible, a picture that is not there or named twice, no height at all, angles given in part.
    """
    by_name: dict[str, list[int]] = {}
    for place, image in enumerate(images):
        by_name.setdefault(image.name, []).append(place)
    columns = {name: np.full(len(images), np.nan) for name in ("time_s", *_LIMITS)}
    seen: dict[int, int] = {}
    for line, row in read_rows(path, _NEEDED, "poses", "file,lat_deg,lon_deg,alt_home_m,yaw_deg,pitch_deg,roll_deg"):
        strange = [name for name in row if name not in COLUMNS]
        if strange:
            raise InputError(path, f"{strange[0]!r} is no column of poses; known are {', '.join(COLUMNS)}", "line 1")
        place = _picture(path, line, row["file"], by_name)
        earlier = seen.setdefault(place, line)
        if earlier != line:
            raise InputError(path, f"{row['file']!r} is on line {earlier} already; keep one", f"line {line}, file")
        for name, value in _values(path, line, row).items():
            columns[name][place] = value
    accuracy = Accuracy()
    hae = columns.pop("alt_hae_m")
    amsl = columns["alt_amsl_m"]
    convert = np.isnan(amsl) & np.isfinite(hae)
    amsl[convert] = amsl_from_hae(hae[convert], columns["lat_deg"][convert], columns["lon_deg"][convert])
    placed, turned = np.isfinite(columns["lat_deg"]), np.isfinite(columns["yaw_deg"])
    for name, usual, where in (
        ("sigma_position_m", accuracy.position_m, placed),
        ("sigma_height_m", accuracy.height_m, placed),
        ("sigma_attitude_deg", accuracy.attitude_deg, turned),
        ("sigma_time_s", accuracy.time_s, np.isfinite(columns["time_s"])),
    ):
        columns[name] = np.where(np.isnan(columns[name]) & where, usual, columns[name])
    columns["yaw_deg"] %= 360.0
    return Poses.from_columns(len(images), **columns)


def _picture(path: str | PathLike[str], line: int, name: str, by_name: Mapping[str, list[int]]) -> int:
    found = by_name.get(Path(name.replace("\\", "/")).name, [])
    if len(found) != 1:
        many = f"{name!r} is the name of {len(found)} pictures; give them names of their own"
        raise InputError(
            path, many if found else f"{name!r} is none of the pictures; give the name of one", f"line {line}, file"
        )
    return found[0]


def _values(path: str | PathLike[str], line: int, row: Mapping[str, str]) -> dict[str, float]:
    values = {
        name: number(path, line, name, row[name], *limits) for name, limits in _LIMITS.items() if row.get(name, "")
    }
    if not any(name in values for name in _HEIGHTS):
        raise InputError(path, f"no height; give one of {', '.join(_HEIGHTS)}", f"line {line}")
    angles = [name for name in ("yaw_deg", "pitch_deg", "roll_deg") if name in values]
    if len(angles) in (1, 2):
        raise InputError(path, f"only {' and '.join(angles)}; give all three angles or none", f"line {line}")
    said = row.get("time_utc", "")
    if said:
        try:
            moment = datetime.fromisoformat(said)
        except ValueError:
            raise InputError(
                path, f"{said!r} is no time; write 2026-11-22T18:15:00.5Z", f"line {line}, time_utc"
            ) from None
        values["time_s"] = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if math.isclose(values["lat_deg"], 0.0) and math.isclose(values["lon_deg"], 0.0):
        raise InputError(path, "0, 0 is where there was no fix; leave the line out", f"line {line}, lat_deg")
    return values
