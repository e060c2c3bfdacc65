"""The ground: the same wherever and however it is asked for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.world.ground import Ground
from sim.world.texture import STEP_K, TILE_PX, GroundTexture

metres = st.floats(-3000, 3000)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**40), family=st.integers(0, 1), east=metres, north=metres, offset=st.floats(-3, 3))
def test_a_point_on_a_road_is_measured_to_be_there(
    seed: int, family: int, east: float, north: float, offset: float
) -> None:
    ground = Ground(seed)
    numbers, _, along = ground.road_offset(family, np.array([east]), np.array([north]))
    road = ground.road(family, int(numbers[0]))
    x, y, heading = ground.road_point(road, float(along[0]), offset)
    number, distance, _ = ground.road_offset(family, np.array([x]), np.array([y]))
    assert number[0] == road.number
    assert distance[0] == pytest.approx(offset, abs=0.1)
    ahead = ground.road_offset(family, np.array([x + math.cos(heading)]), np.array([y + math.sin(heading)]))
    assert ahead[1][0] == pytest.approx(distance[0], abs=0.05)


def test_patches_do_not_depend_on_the_window() -> None:
    ground = Ground(7)
    kinds = ("tree", "pond", "stone", "bush", "puddle", "yard")
    wide = set(ground.patches(kinds, (-120.0, -120.0, 120.0, 120.0)))
    narrow = set(ground.patches(kinds, (-20.0, -20.0, 20.0, 20.0)))
    assert narrow <= wide
    inside = {p for p in wide if math.hypot(p.east_m, p.north_m) < 20.0}
    assert inside
    assert inside <= narrow


def test_tiles_join_without_a_seam() -> None:
    texture = GroundTexture(Ground(3))
    picture, west, north, pitch = texture.window(0, (-20.0, -20.0, 20.0, 20.0))
    kelvin = picture.astype(float) * STEP_K
    assert west <= -20.0
    assert north >= 20.0
    assert pitch == 0.0625
    across = np.abs(np.diff(kelvin, axis=1)).mean(axis=0)
    seams = list(range(TILE_PX - 1, kelvin.shape[1] - 1, TILE_PX))
    assert across[seams].max() < 3 * np.median(across)


def test_coarser_tiles_show_the_same_ground() -> None:
    texture = GroundTexture(Ground(3))
    fine, *_ = texture.window(0, (0.5, 0.5, 31.0, 31.0))
    coarse, *_ = texture.window(1, (0.5, 0.5, 31.0, 31.0))
    averaged = fine.reshape(TILE_PX, 2, TILE_PX, 2).mean(axis=(1, 3))
    assert fine.shape == (2 * TILE_PX, 2 * TILE_PX)
    assert np.corrcoef(averaged.ravel(), coarse.ravel())[0, 1] > 0.97


def test_open_ground_is_clear_of_trees_huts_and_water() -> None:
    ground = Ground(12)
    tree = ground.patches(("tree",), (-200.0, -200.0, 200.0, 200.0))[0]
    hut = ground.huts((-300.0, -300.0, 300.0, 300.0))[0]
    assert not ground.open_at(tree.east_m, tree.north_m, 0.5)
    assert not ground.open_at(hut.east_m, hut.north_m, 0.5)
