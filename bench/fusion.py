"""Whether one object becomes one sighting: transect surveys over known people and vehicles, standing and moving, many
5 m apart, with missed and false detections and the errors of real flights, fused by Picket and by a plain loop over all
pairs; and how long 100,000 detections take either way. `python -m bench.fusion [--seeds N] [--detections N]`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from mapping.ground.camera import Camera, load_camera, project
from mapping.ground.coverage import footprints
from mapping.ground.frame import LocalFrame
from mapping.ground.fusion import FusedObject, Observation, fuse
from mapping.ground.georeference import FLIGHT_WIDE, GroundPoints, camera_axes, camera_origins, locate_pixels
from mapping.ground.pose import Poses
from mapping.ground.terrain import FlatGround

Floats = npt.NDArray[np.float64]

LOCAL = LocalFrame(23.04, 88.9)
GATE = 13.8
"""The plain loop's: squared Mahalanobis distance, 99.9 % of two."""
FALSE = -1


@dataclass(frozen=True)
class Survey:
    """How a survey is flown and how wrong it is: metres, seconds, degrees, and shares from 0 to 1."""

    pitch_deg: float = -90.0
    height_m: float = 60.0
    speed_m_s: float = 8.0
    frontlap: float = 0.6
    sidelap: float = 0.3
    turn_s: float = 15.0
    attitude_deg: float = 0.5
    position_m: float = 1.5
    wander_m: float = 0.5
    wander_s: float = 300.0
    height_error_m: float = 1.5
    clock_s: float = 0.05
    pixel_px: float = 2.0
    missed: float = 0.1
    false: float = 0.02
    objects: int = 150
    walkers: float = 0.1
    drivers: float = 0.05
    side_m: float = 160.0
    spacing_m: float = 5.0
    sorties: int = 1
    crossing_s: float = 120.0


@dataclass(frozen=True, eq=False)
class Seen:
    """What a survey's detector gave: observations, their places, the ground in each frame, and the number of the object
    behind each place (FALSE where there is none). `moving` tells of each object whether it moves."""

    observations: list[Observation]
    points: GroundPoints
    views: npt.NDArray[np.object_]
    truth: npt.NDArray[np.intp]
    classes: tuple[str, ...]
    moving: npt.NDArray[np.bool_]


def survey(rng: np.random.Generator, how: Survey) -> Seen:
    """A flight (or several) over objects placed at random, at least `spacing_m` apart."""
    camera = load_camera("boson640-14")
    places = _scattered(rng, how)
    count = len(places)
    kind = rng.random(count)
    moving = kind < how.walkers + how.drivers
    driver = (kind >= how.walkers) & moving
    vehicle = driver | (~moving & (rng.random(count) < 0.4))
    classes = tuple("vehicle" if one else "person" for one in vehicle)
    heading, speed = rng.uniform(0.0, 2.0 * np.pi, count), _speeds(rng, driver) * moving
    velocity = speed[:, None] * np.stack([np.sin(heading), np.cos(heading)], axis=1)
    start = rng.uniform(0.0, how.crossing_s, count)  # when a mover is at its place
    parts, truth, observations, views, begin, frame = [], [], [], [], 0.0, 0
    for sortie in range(how.sorties):
        east, north, yaw, lapse = _transects(how, camera)
        true, stated = _poses(rng, how, east, north, yaw, begin + lapse)
        pixels, index, who, times = _detected(rng, how, camera, true, places, velocity, begin + lapse, start)
        points = locate_pixels(pixels, index, stated, camera, FlatGround(), local=LOCAL)
        keep = np.flatnonzero(points.hit)
        parts.append(points.take(keep))
        truth.append(who[keep])
        names = [classes[one] if one != FALSE else rng.choice(["person", "vehicle"]) for one in who[keep]]
        observations += [
            Observation(frame + int(index[one]), name, time_s=float(times[index[one]]), flight=sortie)
            for one, name in zip(keep, names, strict=True)
        ]
        views.append(footprints(stated, camera, FlatGround(), LOCAL))
        frame += len(east)
        begin += lapse[-1] + 900.0
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS}
    joined = GroundPoints(LOCAL, **columns)
    return Seen(observations, joined, np.concatenate(views), np.concatenate(truth), classes, moving)


def _speeds(rng: np.random.Generator, driver: npt.NDArray[np.bool_]) -> Floats:
    """Metres a second of everybody, if they move."""
    return np.where(driver, rng.uniform(5.0, 20.0, len(driver)), rng.uniform(0.5, 2.0, len(driver)))


_COLUMNS = ("east_m", "north_m", "lat_deg", "lon_deg", "alt_amsl_m", "noise", "factors", "miss")


def _scattered(rng: np.random.Generator, how: Survey) -> Floats:
    """(N, 2) places: half at random, half in rows at exactly the spacing, as cars park and people queue."""
    found: list[Floats] = []
    while len(found) < how.objects:
        first, angle = rng.uniform(0.0, how.side_m, 2), rng.uniform(0.0, np.pi)
        length = int(rng.integers(3, 9)) if rng.random() < 0.2 else 1
        for step in range(length):
            place = first + step * how.spacing_m * 1.0001 * np.array([np.sin(angle), np.cos(angle)])
            if (not found or np.linalg.norm(np.array(found) - place, axis=1).min() >= how.spacing_m) and len(
                found
            ) < how.objects:
                found.append(place)
    return np.array(found)


def _transects(how: Survey, camera: Camera) -> tuple[Floats, Floats, Floats, Floats]:
    """East, north, heading in degrees and seconds from the start, of every frame."""
    tilt = np.radians(90.0 + how.pitch_deg)
    across = how.height_m / np.cos(tilt) * camera.width_px / camera.fx_px
    along = how.height_m / np.cos(tilt) ** 2 * camera.height_px / camera.fy_px
    ahead = how.height_m * np.tan(tilt)
    step = along * (1.0 - how.frontlap)
    east, north, yaw, lapse, now = [], [], [], [], 0.0
    for line, x in enumerate(np.arange(0.3 * across, how.side_m, across * (1.0 - how.sidelap))):
        up = line % 2 == 0
        for y in np.arange(0.0, how.side_m, step):
            east.append(x)
            north.append(y - ahead if up else how.side_m - y + ahead)
            yaw.append(0.0 if up else 180.0)
            lapse.append(now)
            now += step / how.speed_m_s
        now += how.turn_s
    return np.array(east), np.array(north), np.array(yaw), np.array(lapse)


def _poses(
    rng: np.random.Generator, how: Survey, east: Floats, north: Floats, yaw: Floats, time_s: Floats
) -> tuple[Poses, Poses]:
    """The poses as they were, and as a log would state them."""
    count = len(east)
    lat, lon = LOCAL.to_geodetic(east, north)
    true = Poses.from_columns(
        count,
        time_s=1.8e9 + time_s,
        lat_deg=lat,
        lon_deg=lon,
        alt_home_m=how.height_m,
        alt_amsl_m=how.height_m,
        yaw_deg=yaw,
        pitch_deg=how.pitch_deg,
        roll_deg=0.0,
    )
    wander = np.zeros((count, 2))
    for k in range(1, count):
        keep = np.exp(-(time_s[k] - time_s[k - 1]) / how.wander_s)
        wander[k] = keep * wander[k - 1] + how.wander_m * np.sqrt(1.0 - keep**2) * rng.normal(size=2)
    off = rng.normal(0.0, how.position_m, 2) + wander
    late = rng.normal(0.0, how.clock_s) * how.speed_m_s
    off[:, 1] += late * np.cos(np.radians(yaw))
    lat, lon = LOCAL.to_geodetic(east + off[:, 0], north + off[:, 1])
    turn = np.sqrt(0.75) * rng.normal(0.0, how.attitude_deg, 3) + 0.5 * rng.normal(0.0, how.attitude_deg, (count, 3))
    stated = Poses.from_columns(
        count,
        time_s=1.8e9 + time_s,
        lat_deg=lat,
        lon_deg=lon,
        alt_home_m=how.height_m + rng.normal(0.0, how.height_error_m),
        alt_amsl_m=how.height_m,
        yaw_deg=yaw + turn[:, 0],
        pitch_deg=how.pitch_deg + turn[:, 1],
        roll_deg=turn[:, 2],
        sigma_position_m=float(np.hypot(how.position_m, how.wander_m)),
        sigma_height_m=how.height_error_m,
        sigma_attitude_deg=how.attitude_deg,
        sigma_time_s=how.clock_s,
    )
    return true, stated


def _detected(
    rng: np.random.Generator,
    how: Survey,
    camera: Camera,
    true: Poses,
    places: Floats,
    velocity: Floats,
    time_s: Floats,
    start: Floats,
) -> tuple[Floats, npt.NDArray[np.intp], npt.NDArray[np.intp], Floats]:
    """Pixels, their frames, their objects, and the frames' times."""
    origins, axes = camera_origins(true, FlatGround(), LOCAL), camera_axes(true, LOCAL)
    pixels, index, who = [], [], []
    for frame in range(len(true)):
        now = places + velocity * (time_s[frame] - start)[:, None]
        seen = np.column_stack([now, np.zeros(len(now))]) - origins[frame]
        shown = project(camera, seen @ axes[frame])
        with np.errstate(invalid="ignore"):
            inside = (shown >= 4.0).all(axis=1) & (shown <= [camera.width_px - 4.0, camera.height_px - 4.0]).all(axis=1)
        found = np.flatnonzero(inside & (rng.random(len(places)) >= how.missed))
        pixels.append(shown[found] + rng.normal(0.0, how.pixel_px, (len(found), 2)))
        wrong = rng.poisson(how.false * max(1, len(found)))
        pixels.append(rng.uniform(0.0, [camera.width_px, camera.height_px], (wrong, 2)))
        index += [frame] * (len(found) + wrong)
        who += [*found.tolist(), *[FALSE] * wrong]
    return np.concatenate(pixels), np.array(index, dtype=np.intp), np.array(who, dtype=np.intp), 1.8e9 + time_s


@dataclass
class Tally:
    """Counts over surveys: objects seen, objects of exactly one sighting (and of those that move), sightings of two."""

    seen: int = 0
    once: int = 0
    moving: int = 0
    moving_once: int = 0
    mixed: int = 0

    def add(self, seen: Seen, groups: Sequence[Sequence[int]]) -> None:
        """Count one survey's result: the members of each sighting."""
        parts: Counter[int] = Counter()
        for members in groups:
            behind = {int(one) for one in seen.truth[list(members)]} - {FALSE}
            parts.update(behind)
            self.mixed += len(behind) > 1
        for one, pieces in parts.items():
            self.seen += 1
            self.once += pieces == 1
            self.moving += bool(seen.moving[one])
            self.moving_once += pieces == 1 and bool(seen.moving[one])

    def line(self) -> str:
        return (
            f"{self.seen:7} {self.once / self.seen:8.2%} {self.mixed / self.seen:8.2%} "
            f"{self.moving:7} {self.moving_once / max(1, self.moving):8.2%}"
        )


def all_pairs(seen: Seen) -> list[list[int]]:
    """The plain way: each detection joins the first earlier group whose mean place agrees, or begins one."""
    groups: list[list[int]] = []
    covariance = seen.points.covariance
    place = np.stack([seen.points.east_m, seen.points.north_m], axis=1)
    for number, one in enumerate(seen.observations):
        for group in groups:
            if seen.observations[group[0]].class_name != one.class_name:
                continue
            apart = place[group].mean(axis=0) - place[number]
            if apart @ np.linalg.solve(covariance[number] + covariance[group[0]], apart) < GATE:
                group.append(number)
                break
        else:
            groups.append([number])
    return groups


def many(rng: np.random.Generator, count: int, walkers: float = 0.0) -> Seen:
    """`count` detections of objects about 6 m apart, four of each in four frames a second apart, ten of them to a
    frame; this share walks."""
    side = 10 * int(np.ceil(np.sqrt(count / 4) / 10))
    grid = 6.0 * np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), axis=2).reshape(-1, 2)
    objects = (grid + rng.uniform(-0.5, 0.5, grid.shape))[: count // 4]
    chosen = np.repeat(np.arange(len(objects)), 4)
    places = objects[chosen] + rng.normal(0.0, 0.3, (len(chosen), 2))
    heading, walks = rng.uniform(0.0, 2.0 * np.pi, len(objects)), rng.random(len(objects)) < walkers
    way = 1.4 * walks[:, None] * np.stack([np.sin(heading), np.cos(heading)], axis=1)
    places += way[chosen] * (np.arange(len(chosen)) % 4)[:, None]
    factors = np.zeros((len(chosen), 2, len(FLIGHT_WIDE)))
    factors[:, 0, 0] = factors[:, 1, 1] = 1.5
    lat, lon = LOCAL.to_geodetic(*places.T)
    points = GroundPoints(
        LOCAL,
        places[:, 0],
        places[:, 1],
        lat,
        lon,
        np.zeros(len(chosen)),
        np.tile(0.09 * np.eye(2), (len(chosen), 1, 1)),
        factors,
        np.zeros(len(chosen), dtype=np.int8),
    )
    frames = [4 * (k // 40) + k % 4 for k in range(len(chosen))]
    observations = [Observation(frame, "person", time_s=float(frame)) for frame in frames]
    classes = ("person",) * len(objects)
    first = grid[np.minimum(10 * (np.arange(max(frames) + 1) // 4), len(objects) - 1)]
    views = shapely.box(first[:, 0] - 2.9, first[:, 1] - 2.9, first[:, 0] + 2.9, first[:, 1] + 56.9)
    return Seen(observations, points, views, chosen, classes, walks)


SURVEYS = {
    "straight down": Survey(),
    "straight down, 1 degree": Survey(attitude_deg=1.0),
    "straight down, 50 % frontlap": Survey(frontlap=0.5, missed=0.15),
    "45 degrees ahead": Survey(pitch_deg=-45.0, attitude_deg=0.3),
    "two sorties": Survey(sorties=2, walkers=0.0, drivers=0.0),
    "a quarter moves": Survey(walkers=0.2, drivers=0.08),
    "a quarter moves, 1 degree": Survey(attitude_deg=1.0, walkers=0.2, drivers=0.08),
    "a quarter moves, 45 degrees": Survey(pitch_deg=-45.0, attitude_deg=0.3, walkers=0.2, drivers=0.08),
    "a quarter moves, 65 % sidelap": Survey(sidelap=0.65, walkers=0.2, drivers=0.08),
    "a quarter moves, 85 % frontlap": Survey(frontlap=0.85, walkers=0.2, drivers=0.08),
    "everything moves": Survey(objects=20, walkers=0.7, drivers=0.3),
    "nothing moves": Survey(walkers=0.0, drivers=0.0),
}


def groups_of(objects: Sequence[FusedObject]) -> list[list[int]]:
    return [list(one.members) for one in objects]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print how many objects became one sighting, and the times."""
    parser = argparse.ArgumentParser(description="One sighting per object.")
    parser.add_argument("--seeds", type=int, default=20, help="surveys of each kind")
    parser.add_argument("--detections", type=int, default=100_000)
    options = parser.parse_args(arguments)
    print(
        f"{options.seeds} surveys of each kind; exactly one sighting, sightings of two objects, and movers among them"
    )
    print(f"{'':30} {'':9} {'objects':>7} {'once':>8} {'mixed':>8} {'movers':>7} {'once':>8}")
    for name, how in SURVEYS.items():
        ours, plain = Tally(), Tally()
        for seed in range(options.seeds):
            seen = survey(np.random.default_rng(seed), how)
            ours.add(seen, groups_of(fuse(seen.observations, seen.points, seen.views)))
            plain.add(seen, all_pairs(seen))
        print(f"{name:30} {'picket':9} {ours.line()}")
        print(f"{'':30} {'all pairs':9} {plain.line()}", flush=True)
    print()
    few, most = options.detections // 50, options.detections
    for count, walkers, known in (
        *((few, 0.0, True), (2 * few, 0.0, True)),
        *((most, 0.0, True), (most, 0.0, False), (most, 0.2, True)),
    ):
        seen = many(np.random.default_rng(1), count, walkers)
        begun = time.process_time()
        found = fuse(seen.observations, seen.points, seen.views if known else None)
        ours_s = time.process_time() - begun
        said = (
            f"{len(seen.observations):7} detections, {walkers:4.0%} walk, frames' ground {'' if known else 'un'}known"
        )
        said += f" -> {len(found):6} objects in {ours_s:6.2f} s"
        if count < options.detections // 20:
            begun = time.process_time()
            all_pairs(seen)
            plain_s = time.process_time() - begun
            said += f", all pairs {plain_s:6.2f} s, {plain_s / ours_s:.0f} times as long"
        print(said, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
