"""Level ground and elevation models: heights, rays, and what a file must be to count as terrain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
from rasterio import Affine
from rasterio.windows import Window

from mapping.ground.elevation import ElevationModel
from mapping.ground.frame import LocalFrame
from mapping.ground.geoid import undulation_m
from mapping.ground.marching import compiled, on_grid
from mapping.ground.rays import MAX_RANGE_M, Miss, height_on_ray
from mapping.ground.terrain import FlatGround, read_terrain
from vision.errors import InputError

LAT, LON = 46.5, 9.8
LOCAL = LocalFrame(LAT, LON)
WriteModel = Callable[..., Path]


def centred(shape: tuple[int, int], cell: float, height: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """Heights at the cell centres as a function of metres east and north of the middle."""
    rows, columns = shape
    x = (np.arange(columns) + 0.5 - columns / 2) * cell
    y = (rows / 2 - np.arange(rows) - 0.5) * cell
    return height(*np.meshgrid(x, y))


def down(degrees: float, bearing_deg: float = 0.0) -> np.ndarray:
    """A unit ray (east, north, up) at that depression."""
    depression, bearing = np.radians([degrees, bearing_deg])
    level = np.cos(depression)
    return np.array([level * np.sin(bearing), level * np.cos(bearing), -np.sin(depression)])


def test_flat_ground_meets_rays_by_trigonometry() -> None:
    rays = np.array([down(90.0), down(30.0, 90.0), down(3.0)])
    hits = FlatGround().meet(LOCAL, np.array([[0.0, 0.0, 60.0]] * 3), rays)
    assert hits.slant_m[:2] == pytest.approx([60.0, 120.0], abs=0.002)
    # 1.15 km away the earth has fallen 10 cm, which a ray so flat takes 2 m to follow
    assert hits.slant_m[2] == pytest.approx(60.0 / np.sin(np.radians(3.0)) + 0.1030 / np.sin(np.radians(3.0)), abs=0.02)
    assert height_on_ray(np.array(60.0), rays[2, 2], hits.slant_m[2]) == pytest.approx(0.0, abs=1e-9)
    assert (hits.miss == Miss.NONE).all()
    assert hits.normal.tolist() == [[0.0, 0.0, 1.0]] * 3


def test_flat_ground_says_why_rays_have_no_place() -> None:
    rays = np.array([down(0.0), down(-20.0), down(0.1), down(0.36), down(90.0), down(90.0)])
    origin = np.zeros((6, 3))
    origin[:, 2] = [60.0, 60.0, 60.0, 60.0, 0.0, -3.0]
    hits = FlatGround().meet(LOCAL, origin, rays)
    assert hits.miss.tolist() == [
        Miss.HORIZON,
        Miss.HORIZON,
        Miss.HORIZON,  # below the level, but over the edge of the earth
        Miss.TOO_FAR,
        Miss.BELOW_GROUND,
        Miss.BELOW_GROUND,
    ]
    assert np.isnan(hits.slant_m).all()
    assert 60.0 / np.sin(np.radians(0.36)) < MAX_RANGE_M  # were the earth flat


@pytest.mark.parametrize(("crs", "cell"), [("EPSG:32632", 20.0), ("EPSG:4326", 0.0002), ("EPSG:2056", 25.0)])
def test_heights_are_bilinear_in_any_reference_system(
    tmp_path: Path, write_model: WriteModel, crs: str, cell: float
) -> None:
    heights = centred((40, 60), 1.0, lambda x, y: 1500.0 + 3.0 * x - 2.0 * y)
    model = read_terrain(write_model(tmp_path / "dem.tif", heights, crs=crs, cell=cell))
    to_model = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    x0, y0 = to_model.transform(LON, LAT)
    x = x0 + cell * np.array([0.0, 7.3, -12.9, 20.0])
    y = y0 + cell * np.array([0.0, -3.3, 11.1, 5.5])
    lon, lat = to_model.transform(x, y, direction="INVERSE")
    assert model.height_amsl_m(lat, lon) == pytest.approx(1500.0 + 3.0 * (x - x0) / cell - 2.0 * (y - y0) / cell)
    assert model.height_amsl_m(LAT, LON) == pytest.approx(1500.0)


def test_nothing_is_known_outside_and_in_holes(tmp_path: Path, write_model: WriteModel) -> None:
    heights = np.full((40, 40), 700.0)
    heights[10:13, 10:13] = -9999.0
    heights[30, 30] = -32768.0  # not declared as nodata, and no height on this planet
    model = read_terrain(write_model(tmp_path / "dem.tif", heights, nodata=-9999.0))
    x0, y0 = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32632", always_xy=True).transform(LON, LAT)
    to_geodetic = pyproj.Transformer.from_crs("EPSG:32632", "EPSG:4326", always_xy=True)

    def at(column: float, row: float) -> float:
        lon, lat = to_geodetic.transform(x0 + (column - 20.0) * 20.0, y0 - (row - 20.0) * 20.0)
        return float(model.height_amsl_m(lat, lon))

    assert np.isnan(at(11.5, 11.5))
    assert np.isnan(at(30.5, 30.5))
    assert at(8.9, 11.5) == 700.0
    assert np.isnan(at(9.7, 11.5))  # half its share is the hole's
    assert at(0.01, 39.99) == 700.0  # within the outer half cell the nearest centre counts
    assert np.isnan(at(-0.01, 20.0))
    assert np.isnan(at(20.0, 40.01))


def test_rays_meet_a_slope_where_geometry_says(tmp_path: Path, write_model: WriteModel) -> None:
    slope = 0.4
    model = read_terrain(write_model(tmp_path / "dem.tif", centred((120, 120), 20.0, lambda x, y: 1000.0 + slope * x)))
    angles = [(90.0, 0.0), (45.0, 90.0), (45.0, 270.0), (60.0, 10.0), (-5.0, 90.0)]
    rays = np.array([down(*angle) for angle in angles])
    origin = np.tile([0.0, 0.0, 1100.0], (len(rays), 1))
    hits = model.meet(LOCAL, origin, rays)
    assert hits.miss.tolist() == [Miss.NONE] * len(rays)
    found = origin + rays * hits.slant_m[:, None]
    # the grid's x is UTM zone 32's, turned and scaled a little against the local frame: compare heights, not formulas
    expected = model.height_amsl_m(*LOCAL.to_geodetic(found[:, 0], found[:, 1]))
    assert height_on_ray(origin[:, 2], rays[:, 2], hits.slant_m) == pytest.approx(expected, abs=1e-3)
    assert hits.slant_m[0] == pytest.approx(100.0, abs=0.01)
    assert hits.slant_m[1] == pytest.approx(100.0 / (np.sin(np.pi / 4) * (1.0 + slope)), rel=0.005)
    assert hits.slant_m[2] == pytest.approx(100.0 / (np.sin(np.pi / 4) * (1.0 - slope)), rel=0.005)
    assert hits.normal[0] == pytest.approx(np.array([-slope, 0.0, 1.0]) / np.hypot(1.0, slope), abs=0.01)


def test_the_first_ridge_is_met_not_what_lies_behind(tmp_path: Path, write_model: WriteModel) -> None:
    heights = centred((200, 200), 20.0, lambda x, y: 500.0 + 150.0 * (np.abs(y - 600.0) <= 20.0))
    model = read_terrain(write_model(tmp_path / "dem.tif", heights))
    hits = model.meet(LOCAL, np.array([[0.0, 0.0, 620.0]]), down(5.0)[None])
    assert hits.miss.tolist() == [Miss.NONE]
    assert 550.0 < hits.slant_m[0] < 620.0


def test_an_elevation_model_says_why_rays_have_no_place(tmp_path: Path, write_model: WriteModel) -> None:
    heights = centred((60, 60), 20.0, lambda x, y: 500.0 + 0.0 * x)
    heights[20:25, 20:40] = np.nan
    model = read_terrain(write_model(tmp_path / "dem.tif", heights))
    rays = np.array([down(0.0), down(90.0), down(1.0), down(26.0)])
    origin = np.tile([0.0, 0.0, 560.0], (4, 1))
    origin[1, 2] = 480.0
    hits = model.meet(LOCAL, origin, rays)
    assert hits.miss.tolist() == [Miss.HORIZON, Miss.BELOW_GROUND, Miss.NO_TERRAIN, Miss.NO_TERRAIN]
    inside = model.meet(LOCAL, np.array([[0.0, 0.0, 499.5]]), down(90.0)[None])
    assert inside.miss.tolist() == [Miss.BELOW_GROUND]


def test_camera_height_cancels_the_bias_of_the_model(tmp_path: Path, write_model: WriteModel) -> None:
    model = read_terrain(write_model(tmp_path / "dem.tif", np.full((40, 40), 530.0)))
    above_home, amsl = np.array([60.0, np.nan]), np.array([575.0, 575.0])
    assert model.camera_height_m(above_home, amsl, (LAT, LON)).tolist() == [590.0, 575.0]
    assert model.camera_height_m(above_home, amsl, None).tolist() == [575.0, 575.0]
    with pytest.raises(InputError, match="no height at the take-off point"):
        model.camera_height_m(above_home, amsl, (LAT + 1.0, LON))


def test_what_is_no_elevation_model_is_refused_in_one_line(tmp_path: Path, write_model: WriteModel) -> None:
    text = tmp_path / "notes.tif"
    text.write_text("not a raster\n" * 50)
    picture = tmp_path / "picture.tif"
    transform = Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0)
    size = {"driver": "GTiff", "width": 20, "height": 20}
    with rasterio.open(picture, "w", **size, count=3, dtype="uint8", crs="EPSG:32632", transform=transform) as dataset:
        dataset.write(np.zeros((3, 20, 20), dtype=np.uint8))
    nowhere = tmp_path / "nowhere.tif"
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
        dataset = rasterio.open(nowhere, "w", **size, count=1, dtype="float32")
    with dataset:
        dataset.write(np.zeros((1, 20, 20), dtype=np.float32))
    feet = tmp_path / "feet.tif"
    with rasterio.open(feet, "w", **size, count=1, dtype="float32", crs="EPSG:32632", transform=transform) as dataset:
        dataset.write(np.zeros((1, 20, 20), dtype=np.float32))
        dataset.units = ("ft",)
    empty = write_model(tmp_path / "empty.tif", np.full((20, 20), -9999.0), nodata=-9999.0)
    truncated = tmp_path / "truncated.tif"
    whole = write_model(tmp_path / "whole.tif", np.random.default_rng(1).normal(500.0, 9.0, (200, 200))).read_bytes()
    truncated.write_bytes(whole[: len(whole) // 2])
    for path, words in [
        (tmp_path / "absent.tif", "no such file"),
        (tmp_path, "no such file"),
        (text, "not a raster"),
        (picture, "3 bands"),
        (nowhere, "no place on earth"),
        (feet, "heights are in ft"),
        (empty, "no heights"),
        (truncated, "not a raster that can be read"),
    ]:
        with pytest.raises(InputError, match=words) as caught:
            read_terrain(path)
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)


def test_only_what_lies_round_the_flight_is_read(tmp_path: Path, write_model: WriteModel) -> None:
    heights = centred((300, 500), 1.0, lambda x, y: 500.0 + x + 2.0 * y)
    path = write_model(tmp_path / "dem.tif", heights, cell=200.0)
    whole = read_terrain(path)
    near = read_terrain(path, around=([LAT, np.nan, LAT + 0.01], [LON, LON, LON - 0.02]))
    assert near.heights_m.size < 0.1 * whole.heights_m.size
    lat, lon = np.meshgrid(np.linspace(LAT - 0.08, LAT + 0.09, 9), np.linspace(LON - 0.14, LON + 0.12, 9))
    assert np.isfinite(near.height_amsl_m(lat, lon)).all()
    assert near.height_amsl_m(lat, lon) == pytest.approx(whole.height_amsl_m(lat, lon), abs=1e-3)
    with pytest.raises(InputError, match="nowhere near the flight"):
        read_terrain(path, around=([LAT + 3.0], [LON]))


def test_a_model_beyond_memory_is_read_by_its_part(tmp_path: Path, write_model: WriteModel) -> None:
    path = tmp_path / "huge.tif"
    size = {"driver": "GTiff", "width": 40_000, "height": 40_000, "count": 1, "dtype": "float32", "tiled": True}
    corner = Affine(0.0001, 0.0, LON - 2.0, 0.0, -0.0001, LAT + 2.0)
    with rasterio.open(
        path, "w", **size, crs="EPSG:4326", transform=corner, compress="deflate", sparse_ok=True
    ) as made:
        made.write(np.full((2400, 3000), 700.0, dtype=np.float32), 1, window=Window(18_500, 18_800, 3000, 2400))
    with pytest.raises(InputError, match="too many"):
        read_terrain(path)
    model = read_terrain(path, around=([LAT], [LON]))
    assert float(model.height_amsl_m(LAT, LON)) == 700.0


def test_heights_over_the_ellipsoid_become_heights_above_the_sea(tmp_path: Path, write_model: WriteModel) -> None:
    undulation = float(undulation_m(LAT, LON))
    assert undulation > 45.0
    plain = write_model(tmp_path / "plain.tif", np.full((30, 30), 600.0))
    assert float(read_terrain(plain).height_amsl_m(LAT, LON)) == 600.0
    assert float(read_terrain(plain, datum="hae").height_amsl_m(LAT, LON)) == pytest.approx(
        600.0 - undulation, abs=0.01
    )
    stated = write_model(tmp_path / "stated.tif", np.full((30, 30), 600.0), crs="EPSG:4979", cell=0.0002)
    assert float(read_terrain(stated).height_amsl_m(LAT, LON)) == pytest.approx(600.0 - undulation, abs=0.01)
    assert float(read_terrain(stated, datum="amsl").height_amsl_m(LAT, LON)) == 600.0
    compound = write_model(tmp_path / "compound.tif", np.full((30, 30), 600.0), crs="EPSG:4326+5773", cell=0.0002)
    assert float(read_terrain(compound).height_amsl_m(LAT, LON)) == 600.0


@pytest.mark.parametrize(("crs", "cell"), [("EPSG:32632", 5.0), ("EPSG:4326", 0.0003), ("EPSG:3857", 10.0)])
def test_the_grid_seen_from_afar_is_true_to_a_thousandth_of_a_cell(
    tmp_path: Path, write_model: WriteModel, crs: str, cell: float
) -> None:
    model = read_terrain(write_model(tmp_path / "dem.tif", np.zeros((9, 9)), crs=crs, cell=cell))
    rng = np.random.default_rng(4)
    places = rng.uniform(-6000.0, 6000.0, (500, 2))
    grid = model.seen_from(LOCAL, places)
    seen = np.transpose([on_grid(grid, *place) for place in places])
    exact = model.on_grid(*LOCAL.to_geodetic(*places.T))
    assert np.abs(seen - np.array(exact)).max() < 1e-3


def first_contact(model: ElevationModel, origin: np.ndarray, ray: np.ndarray, step_m: float) -> tuple[float, Miss]:
    """What meeting the ground means, by the book: the first of small steps from the model's highest level on that is
    not over known ground, then bisection."""
    heights = model.heights_m

    def clearance(slant: np.ndarray) -> np.ndarray:
        at = origin + slant[:, None] * ray
        return height_on_ray(origin[2], ray[2], slant) - model.height_amsl_m(*LOCAL.to_geodetic(at[:, 0], at[:, 1]))

    slant = np.arange(0.0, 3000.0, step_m)
    level = height_on_ray(origin[2], ray[2], slant)
    slant = slant[(level <= np.nanmax(heights) + 1.0) & (level >= np.nanmin(heights) - 1.0)]
    event = ~(clearance(slant) > 0.0)
    if not event.any():
        return np.nan, Miss.TOO_FAR if ray[2] < 0.0 else Miss.HORIZON
    least, most = slant[event.argmax() - 1], slant[event.argmax()]
    if np.isnan(clearance(np.array([most])))[0]:
        return np.nan, Miss.NO_TERRAIN
    for _ in range(20):
        middle = 0.5 * (least + most)
        least, most = (middle, most) if clearance(np.array([middle]))[0] > 0.0 else (least, middle)
    return most, Miss.NONE


@pytest.mark.parametrize(
    ("crs", "cell", "rough_m", "holes"),
    [("EPSG:32632", 10.0, 2.0, 0), ("EPSG:32632", 10.0, 8.0, 12), ("EPSG:4326", 0.0001, 3.0, 3)],
)
def test_a_ray_lands_where_small_steps_find_the_ground(
    tmp_path: Path, write_model: WriteModel, crs: str, cell: float, rough_m: float, holes: int
) -> None:
    """Within a centimetre of steps of a fiftieth of a cell, or before, on a crest that those have stepped over."""
    rng = np.random.default_rng(6)
    heights = 800.0 + np.cumsum(rng.normal(0.0, rough_m, (160, 160)), axis=1) + rng.normal(0.0, rough_m, (160, 160))
    heights[rng.integers(0, 160, holes), rng.integers(0, 160, holes)] = np.nan
    heights[80:82, 80:82] = 800.0
    model = read_terrain(write_model(tmp_path / "dem.tif", heights, crs=crs, cell=cell))
    count = 200
    depression = rng.uniform(-4.0, 70.0, count)
    rays = np.array([down(*one) for one in zip(depression, rng.uniform(0, 360, count), strict=True)])
    origin = np.zeros((count, 3))
    origin[:, :2] = rng.uniform(-3.0, 3.0, (count, 2))
    origin[:, 2] = 860.0
    hits = model.meet(LOCAL, origin, rays)
    expected = [first_contact(model, *one, model.cell_m / 50.0) for one in zip(origin, rays, strict=True)]
    slant, miss = np.array([one for one, _ in expected]), np.array([one for _, one in expected])
    assert (hits.miss == miss).mean() >= 0.98
    both = (hits.miss == Miss.NONE) & (miss == Miss.NONE)
    assert 60 < both.sum() < count
    assert (hits.slant_m[both] < slant[both] + 0.01).all()
    assert (hits.slant_m[both] > slant[both] - 0.01).mean() >= 0.98
    at = (origin + rays * hits.slant_m[:, None])[both]
    ground = model.height_amsl_m(*LOCAL.to_geodetic(at[:, 0], at[:, 1]))
    level = height_on_ray(origin[both, 2], rays[both, 2], hits.slant_m[both])
    assert level == pytest.approx(ground, abs=0.02)


def test_a_ray_straight_down_lands_on_every_kind_of_place(tmp_path: Path, write_model: WriteModel) -> None:
    heights = centred((40, 40), 20.0, lambda x, y: 700.0 + 0.1 * x - 0.2 * y)
    model = read_terrain(write_model(tmp_path / "dem.tif", heights))
    rng = np.random.default_rng(1)
    origin = np.column_stack([rng.uniform(-420.0, 420.0, (300, 2)), np.full(300, 1000.0)])
    hits = model.meet(LOCAL, origin, np.tile([0.0, 0.0, -1.0], (300, 1)))
    ground = model.height_amsl_m(*LOCAL.to_geodetic(*origin[:, :2].T))
    assert 0 < np.isnan(ground).sum() < 60
    np.testing.assert_array_equal(hits.miss == Miss.NO_TERRAIN, np.isnan(ground))
    met = hits.miss == Miss.NONE
    assert 1000.0 - hits.slant_m[met] == pytest.approx(ground[met], abs=1e-3)


def test_a_crest_thinner_than_any_step_is_met(tmp_path: Path, write_model: WriteModel) -> None:
    """A ray half a metre under the top of a wall one cell thick, among blocks that it clears."""
    heights = centred((400, 400), 20.0, lambda x, y: 500.0 + 100.0 * (np.abs(y - 3210.0) < 10.0))
    model = read_terrain(write_model(tmp_path / "dem.tif", heights))
    origin = np.column_stack([np.linspace(-300.0, 300.0, 61), np.zeros(61), np.full(61, 599.0)])
    ray = down(np.degrees(0.3 / 3200.0))  # the earth falls away by 0.8 m on the way
    hits = model.meet(LOCAL, origin, np.tile(ray, (61, 1)))
    assert (hits.miss == Miss.NONE).all()
    assert (np.abs(hits.slant_m - 3210.0) < 50.0).all()


def test_code_is_compiled_where_nothing_can_be_kept() -> None:
    space: dict[str, Callable[[float], float]] = {}
    exec("def twice(x):\n    return 2.0 * x", space)  # of no file: there is no place beside it
    assert compiled(space["twice"])(21.0) == 42.0
