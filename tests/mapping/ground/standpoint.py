"""Where the tests of places stand, and what they look with: a camera over the Alps, its lens straight or bent."""

from __future__ import annotations

from dataclasses import replace

from pyproj import Geod

from mapping.ground.camera import load_camera
from mapping.ground.errors import ErrorBudget

GEOD = Geod(ellps="WGS84")
LAT, LON = 46.5, 9.8
BOSON = load_camera("boson640-14")
BENT = replace(BOSON, distortion=(0.166, -0.223, -0.004, 0.002, -0.2))
NO_SIGMAS = dict.fromkeys(("sigma_position_m", "sigma_height_m", "sigma_attitude_deg", "sigma_time_s"), 0.0)
EXACT = ErrorBudget(
    pixel_px=0.0, jitter_s=0.0, wander_m=0.0, level_ground_m=0.0, elevation_model_m=0.0, elevation_shift_m=0.0
)
