"""Places in the coordinates people read to one another: MGRS and UTM (near the poles UPS).

The zones, with their exceptions round Norway and Svalbard, are the MGRS library's; metres are pyproj's. Neither is a
frame to measure in: that is `mapping.ground.frame`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import mgrs
from pyproj import Transformer

UPS = {"Y": 5041, "Z": 5041, "A": 5042, "B": 5042}
"""EPSG codes of the polar grids (easting first) by the first letter of an MGRS reference there."""


@dataclass(frozen=True)
class GridPlace:
    """One place on the grids: `mgrs` to the metre, `utm_zone` as `45 north` (or `UPS south`), metres in that zone. All
    are None where the place is unknown."""

    mgrs: str | None = None
    utm_zone: str | None = None
    easting_m: float | None = None
    northing_m: float | None = None


def grid_places(lat_deg: Sequence[float | None], lon_deg: Sequence[float | None]) -> list[GridPlace]:
    """The places on the grids, in the order given; metres are rounded to centimetres, MGRS is cut to the metre below,
    as its rules say. What is None, not finite or no place on Earth gives an empty GridPlace."""
    converter = mgrs.MGRS()
    return [
        GridPlace() if not _is_place(lat, lon) else _grid_place(converter, float(lat), float(lon))  # type: ignore[arg-type]
        for lat, lon in zip(lat_deg, lon_deg, strict=True)
    ]


def spaced_mgrs(reference: str) -> str:
    """`45QXF9416949204` as people write it: `45Q XF 94169 49204` (at a pole `Z BC 51948 82524`)."""
    letters, digits = reference.rstrip("0123456789"), reference[len(reference.rstrip("0123456789")) :]
    square, half = letters[-2:], len(digits) // 2
    return f"{letters[:-2]} {square} {digits[:half]} {digits[half:]}".strip()


def _grid_place(converter: mgrs.MGRS, lat: float, lon: float) -> GridPlace:
    reference = converter.toMGRS(lat, (lon + 180.0) % 360.0 - 180.0)
    number = reference[: len(reference) - len(reference.lstrip("0123456789"))]
    half = "north" if lat >= 0 else "south"
    code = (32600 if lat >= 0 else 32700) + int(number) if number else UPS[reference[0]]
    easting, northing = _transformer(code).transform(lon, lat)
    return GridPlace(
        reference, f"{int(number)} {half}" if number else f"UPS {half}", round(easting, 2), round(northing, 2)
    )


@lru_cache(maxsize=130)
def _transformer(code: int) -> Transformer:
    return Transformer.from_crs(4326, code, always_xy=True)


def _is_place(lat: float | None, lon: float | None) -> bool:
    return lat is not None and lon is not None and math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= 90.0
