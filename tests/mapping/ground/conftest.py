"""Fixtures for what lies on the ground."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
from rasterio import Affine

from mapping.ground.pose import Poses
from tests.mapping.ground.standpoint import LAT, LON


@pytest.fixture(scope="session")
def write_model() -> Callable[..., Path]:
    """Writes heights (rows, columns) as a GeoTIFF centred on 46.5 N 9.8 E; `cell` is in the units of `crs`."""

    def write(
        path: Path, heights: np.ndarray, *, crs: str = "EPSG:32632", cell: float = 20.0, nodata: float | None = None
    ) -> Path:
        x, y = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(LON, LAT)
        rows, columns = heights.shape
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            width=columns,
            height=rows,
            count=1,
            dtype="float32",
            crs=crs,
            nodata=nodata,
            transform=Affine(cell, 0.0, x - columns * cell / 2, 0.0, -cell, y + rows * cell / 2),
        ) as dataset:
            dataset.write(heights.astype(np.float32), 1)
        return path

    return write


@pytest.fixture(scope="session")
def pose() -> Callable[..., Poses]:
    """Makes one pose, 60 m above take-off at 46.5 N 9.8 E unless its columns say otherwise."""

    def one(**columns: float) -> Poses:
        usual = {"time_s": 0.0, "lat_deg": LAT, "lon_deg": LON, "alt_amsl_m": 660.0, "alt_home_m": 60.0}
        return Poses.from_columns(1, **(usual | columns))

    return one
