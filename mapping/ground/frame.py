"""One local metric frame: east and north in metres round an origin, on WGS 84. Metric work is done here and never in
degrees; the projection itself is pyproj's. Heights stay outside: they are carried beside and never projected."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

Floats = npt.NDArray[np.float64]
Geometry = TypeVar("Geometry", bound=BaseGeometry)


def longitudes_near(lon_deg: npt.ArrayLike, around_deg: float) -> Floats:
    """Longitudes as the turns of themselves within 180 degrees of `around_deg`, so that a flight over the 180th
    meridian can be averaged and interpolated; around 0 they are in the usual range again. NaN in, NaN out."""
    lon = np.asarray(lon_deg, dtype=np.float64)
    return np.asarray(lon - 360.0 * np.round((lon - around_deg) / 360.0))


def geometry_near(geometry: Geometry, around_deg: float) -> Geometry:
    """A geometry in longitude and latitude with every longitude within 180 degrees of `around_deg`, in one piece over
    the 180th meridian."""
    return shapely.transform(geometry, lambda xy: np.column_stack([longitudes_near(xy[:, 0], around_deg), xy[:, 1]]))


@lru_cache(maxsize=64)
def _transformer(lat0_deg: float, lon0_deg: float) -> Transformer:
    """The pipeline that PROJ makes of EPSG:4326 and the local frame; told outright, it takes a hundredth of the time,
    which shows where every drag of a corner makes a frame of its own."""
    local = f"+proj=tmerc +lat_0={lat0_deg!r} +lon_0={lon0_deg!r} +k_0=1 +x_0=0 +y_0=0 +ellps=WGS84 +units=m"
    return Transformer.from_pipeline(f"+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step {local}")


@dataclass(frozen=True)
class LocalFrame:
    """East and north in metres from (`lat0_deg`, `lon0_deg`): a transverse Mercator of scale 1 at the origin, true in
    angle everywhere and in length to 1 part in 10,000 within 90 km east or west. North is the meridian of the origin:
    2 km aside at 60 degrees latitude it differs from true north by 0.03 degrees."""

    lat0_deg: float
    lon0_deg: float

    def to_local(self, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> tuple[Floats, Floats]:
        """(east, north) in metres of geodetic positions, in the shape given; NaN in, NaN out."""
        return self._transform(lon_deg, lat_deg, "FORWARD")

    def to_geodetic(self, east_m: npt.ArrayLike, north_m: npt.ArrayLike) -> tuple[Floats, Floats]:
        """(latitude, longitude) in degrees of local positions, in the shape given; NaN in, NaN out."""
        lon, lat = self._transform(east_m, north_m, "INVERSE")
        return lat, lon

    def geometry_to_local(self, geometry: Geometry) -> Geometry:
        """A shapely geometry in longitude and latitude as east and north in metres."""
        return shapely.transform(geometry, lambda xy: np.column_stack(self.to_local(xy[:, 1], xy[:, 0])))

    def geometry_to_lonlat(self, geometry: Geometry) -> Geometry:
        """A shapely geometry in east and north metres as longitude and latitude, in one piece: longitudes lie within
        180 degrees of the origin's and go on beyond 180 where the geometry does."""

        def turned(xy: Floats) -> Floats:
            lat, lon = self.to_geodetic(xy[:, 0], xy[:, 1])
            return np.column_stack([longitudes_near(lon, self.lon0_deg), lat])

        return shapely.transform(geometry, turned)

    def _transform(self, x: npt.ArrayLike, y: npt.ArrayLike, direction: str) -> tuple[Floats, Floats]:
        first, second = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
        transformer = _transformer(self.lat0_deg, self.lon0_deg)
        one, two = transformer.transform(first.copy(), second.copy(), direction=direction)
        one, two = np.asarray(one, dtype=np.float64), np.asarray(two, dtype=np.float64)
        nowhere = ~(np.isfinite(one) & np.isfinite(two))
        return np.where(nowhere, np.nan, one), np.where(nowhere, np.nan, two)
