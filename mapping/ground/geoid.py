"""The geoid EGM96: how far mean sea level lies above the ellipsoid WGS 84, and heights from one to the other.

N is the geoid's height over the ellipsoid: a height above the ellipsoid is the height above mean sea level plus N
(HAE = AMSL + N). N is negative over India and positive over Europe. The grid is the publishing agency's own, every
15 minutes of arc, and lies beside this file in `assets/` (fetched when the package is built), so that
nothing is asked of a network. Which height a source gives is said in `docs/formats.md`.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from mapping.errors import MappingError

Floats = npt.NDArray[np.float64]

_GRID = "assets/egm96-15min.dac"
_ROWS, _COLUMNS, _PER_DEGREE = 721, 1440, 4
_MARGIN = 16  # rows and columns repeated round the grid, so that the spline goes on over poles and date line


def undulation_m(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> Floats:
    """N in metres at geodetic positions (any turn of longitude), in the shape they broadcast to; NaN where a position
    is NaN or no latitude. A cubic spline through the grid: within a centimetre of the agency's own program; the model
    itself is good to about a metre. Raises MappingError where the package was installed without its grid."""
    given = np.broadcast(lat_deg, lon_deg).shape
    lat, lon = (np.broadcast_to(np.asarray(one, dtype=np.float64), given).ravel() for one in (lat_deg, lon_deg))
    with np.errstate(invalid="ignore"):
        known = (np.abs(lat) <= 90.0) & np.isfinite(lon)
        row = (90.0 - np.where(known, lat, 0.0)) * _PER_DEGREE + _MARGIN
        column = np.mod(np.where(known, lon, 0.0), 360.0) * _PER_DEGREE + _MARGIN
    found = ndimage.map_coordinates(_spline(), np.stack([row, column]), order=3, prefilter=False)
    return np.where(known, found, np.nan).reshape(given)


def hae_from_amsl(alt_amsl_m: npt.ArrayLike, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> Floats:
    """Heights above the ellipsoid WGS 84 of heights above mean sea level (EGM96), in metres; NaN in, NaN out."""
    return np.asarray(alt_amsl_m, dtype=np.float64) + undulation_m(lat_deg, lon_deg)


def amsl_from_hae(alt_hae_m: npt.ArrayLike, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> Floats:
    """Heights above mean sea level (EGM96) of heights above the ellipsoid WGS 84, in metres; NaN in, NaN out."""
    return np.asarray(alt_hae_m, dtype=np.float64) - undulation_m(lat_deg, lon_deg)


@lru_cache(maxsize=1)
def _spline() -> npt.NDArray[np.float32]:
    """Coefficients of the cubic spline through the grid with its margins: beyond a pole lies the other side of the
    earth, beyond the last column the first."""
    try:
        content = resources.files("mapping.ground").joinpath(_GRID).read_bytes()
    except OSError as error:
        raise MappingError(f"geoid: {_GRID} is missing; install the package again (pip install .)") from error
    grid = np.frombuffer(content, dtype=">i2").reshape(_ROWS, _COLUMNS).astype(np.float64) / 100.0
    beyond = np.roll(grid, _COLUMNS // 2, axis=1)
    whole = np.vstack([beyond[_MARGIN:0:-1], grid, beyond[-2 : -_MARGIN - 2 : -1]])
    whole = np.hstack([whole[:, -_MARGIN:], whole, whole[:, : _MARGIN + 1]])
    return np.asarray(ndimage.spline_filter(whole, order=3), dtype=np.float32)
