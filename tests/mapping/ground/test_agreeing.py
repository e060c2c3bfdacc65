from __future__ import annotations

import numpy as np
import pytest

from mapping.ground.camera import load_camera, project
from mapping.ground.frame import LocalFrame
from mapping.ground.fusion import Observation, fuse
from mapping.ground.georeference import camera_axes, camera_origins, locate_pixels
from mapping.ground.pose import Poses
from mapping.ground.terrain import FlatGround

LOCAL = LocalFrame(23.04, 88.9)
DOWN_DEG, ABOVE_M, SIDE_M = 35.0, 90.0, 120.0


@pytest.mark.parametrize(("pitch_off_deg", "height_off_m"), [(0.0, 0.0), (1.6, 4.0), (-1.8, 2.0)])
def test_one_sighting_an_object_where_two_lines_see_it_farther_apart_than_objects_stand(
    pitch_off_deg: float, height_off_m: float
) -> None:
    """Two opposite lines at a slant: a camera that looks too high and a height that is off part the two looks at every
    object by up to 40 m, and others stand 20 m away."""
    rng = np.random.default_rng(3)
    camera = load_camera("boson640-14")
    objects = np.stack(np.meshgrid(*[np.arange(4) * 20.0 - 30.0] * 2), axis=2).reshape(-1, 2)
    objects = objects + rng.uniform(-3.0, 3.0, objects.shape)
    along = np.arange(-SIDE_M, SIDE_M, 12.0)
    back = ABOVE_M / np.tan(np.radians(DOWN_DEG))
    north = np.concatenate([along - back, back - along])
    count = len(north)
    lat, lon = LOCAL.to_geodetic(np.repeat([-10.0, 10.0], len(along)), north)
    time_s = np.arange(count) * 1.2 + np.repeat([0.0, 20.0], len(along))
    told = {
        "time_s": 1.8e9 + time_s,
        "lat_deg": lat,
        "lon_deg": lon,
        "yaw_deg": np.repeat([0.0, 180.0], len(along)),
        "roll_deg": 0.0,
    }
    true = Poses.from_columns(count, **told, alt_home_m=ABOVE_M, pitch_deg=-DOWN_DEG)
    pitch = -DOWN_DEG + pitch_off_deg + rng.normal(0.0, 0.2, count)
    stated = Poses.from_columns(
        count,
        **told,
        alt_home_m=ABOVE_M + height_off_m,
        pitch_deg=pitch,
        sigma_position_m=1.5,
        sigma_height_m=2.0,
        sigma_attitude_deg=1.0,
        sigma_time_s=0.05,
    )
    origins, axes = camera_origins(true, FlatGround(), LOCAL), camera_axes(true, LOCAL)
    frame, thing = (one.ravel() for one in np.meshgrid(np.arange(count), np.arange(len(objects)), indexing="ij"))
    toward = np.column_stack([objects[thing], np.zeros(len(thing))]) - origins[frame]
    pixels = project(camera, np.einsum("nij,ni->nj", axes[frame], toward))
    inside = (np.nan_to_num(pixels, nan=-1.0) > 0.0).all(axis=1)
    inside &= (pixels < [camera.width_px, camera.height_px]).all(axis=1)
    frame, thing, pixels = frame[inside], thing[inside], pixels[inside]
    noisy = pixels + rng.normal(0.0, 1.0, pixels.shape)
    points = locate_pixels(noisy, frame, stated, camera, FlatGround(), local=LOCAL)
    seen = [Observation(int(one), "person", time_s=1.8e9 + float(time_s[one])) for one in frame]
    behind = [{int(thing[one]) for one in item.members} for item in fuse(seen, points)]
    assert sorted(map(sorted, behind)) == [[one] for one in sorted(set(thing.tolist()))]
    assert len(behind) == len(objects)
