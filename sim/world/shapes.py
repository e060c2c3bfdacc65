"""What people and vehicles look like to a thermal camera: solid parts with a temperature each, in metres. Drawing them
into a picture is `renderer`'s subject, where they stand `scene`'s.

Kelvin are above the mean of the fields, as in `texture`. On a clear night skin and clothes are far warmer than the
ground; a parked car's roof and bonnet face the sky and are colder than anything, its flanks and glass less so; an
engine that ran lately makes the bonnet glow. Dimensions are those of common makes; the look was set against HIT-UAV.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

PERSON_KINDS = ("standing", "walking", "crouching", "carrying")
VEHICLE_KINDS = ("car", "pickup", "van", "truck")
SIZES_M: dict[str, tuple[float, float, float]] = {
    "standing": (0.40, 0.60, 1.70),
    "walking": (0.80, 0.60, 1.70),
    "crouching": (0.75, 0.60, 1.05),
    "carrying": (0.80, 0.75, 1.70),
    "car": (4.40, 1.80, 1.48),
    "pickup": (5.20, 1.85, 1.75),
    "van": (5.00, 1.95, 2.05),
    "truck": (5.40, 2.00, 2.50),
}
"""Usual length, width and height of every kind; the truck is a light one, of some three tonnes."""


@dataclass(frozen=True)
class Part:
    """One solid part: the convex hull of balls (points (N, 3) forward, left, up in metres, radii (N,)) at one
    temperature. `glow_m` > 0 makes it a soft addition to what lies under it instead."""

    points_m: Floats
    radii_m: Floats
    kelvin: float
    glow_m: float = 0.0


def _balls(*balls: tuple[float, float, float, float], kelvin: float, scale: float = 1.0) -> Part:
    table = np.array(balls, float) * scale
    return Part(table[:, :3], table[:, 3], kelvin)


def person_parts(kind: str, height_m: float, draw: np.random.Generator) -> list[Part]:
    """The parts of a person of that kind, from the feet up. `draw` varies build, stride, warmth and swinging arm."""
    skin = draw.uniform(8.5, 10.5)
    top = draw.uniform(7.0, 10.0)
    legs = top - draw.uniform(0.8, 2.2)
    side = float(draw.choice([-1.0, 1.0]))
    stride = {"walking": draw.uniform(0.24, 0.38), "carrying": draw.uniform(0.18, 0.3)}.get(
        kind, draw.uniform(0.0, 0.08)
    )
    swing = stride * draw.uniform(0.6, 1.0)
    wide = draw.uniform(0.95, 1.12)
    if kind == "crouching":
        scale = height_m / 1.05
        parts = [
            _balls((0.18, s * 0.13, 0.06, 0.06), (0.33, s * 0.15, 0.46, 0.08), kelvin=legs - 0.8, scale=scale)
            for s in (-1, 1)
        ]
        parts += [
            _balls((0.33, s * 0.15, 0.46, 0.08), (-0.08, s * 0.12, 0.32, 0.12), kelvin=legs, scale=scale)
            for s in (-1, 1)
        ]
        parts.append(
            _balls(
                (-0.08, -0.1, 0.34, 0.13),
                (-0.08, 0.1, 0.34, 0.13),
                (0.1, -0.16, 0.74, 0.09),
                (0.1, 0.16, 0.74, 0.09),
                kelvin=top,
                scale=scale,
            )
        )
        parts += [
            _balls((0.12, s * 0.22, 0.7, 0.06), (0.4, s * 0.2, 0.5, 0.05), kelvin=top, scale=scale) for s in (-1, 1)
        ]
        parts.append(_balls((0.17, 0.0, 0.94, 0.11), kelvin=skin, scale=scale))
        return parts
    scale = height_m / 1.70
    parts = []
    for s in (-1.0, 1.0):
        reach = s * side * stride
        foot, toe = (reach - 0.05, s * 0.09, 0.07, 0.06), (reach + 0.15, s * 0.11, 0.05, 0.05)
        knee = (reach * 0.55 + 0.06, s * 0.09, 0.48, 0.085)
        parts.append(_balls(foot, toe, kelvin=legs - 2.0, scale=scale))
        parts.append(_balls(foot, knee, kelvin=legs - 0.6, scale=scale))
        parts.append(_balls(knee, (0.0, s * 0.08, 0.86, 0.115), kelvin=legs, scale=scale))
    lean = 0.07 if stride > 0.1 else 0.02
    for s in (-1.0, 1.0):
        reach = -s * side * swing
        shoulder, elbow = (
            (lean, s * 0.20 * wide, 1.36, 0.075),
            (lean + reach * 0.3 - 0.03, s * 0.25 * wide, 1.10, 0.065),
        )
        hand = (lean + reach * 0.8 + 0.10, s * 0.22 * wide, 0.95, 0.05)
        parts.append(_balls(elbow, hand, kelvin=top - 1.5, scale=scale))
        parts.append(_balls(shoulder, elbow, kelvin=top - 0.6, scale=scale))
        parts.append(_balls(hand, kelvin=skin, scale=scale))
    hips = ((-0.01, -0.09, 0.92, 0.14), (-0.01, 0.09, 0.92, 0.14))
    chest = ((lean, -0.13 * wide, 1.32, 0.135), (lean, 0.13 * wide, 1.32, 0.135))
    parts.append(_balls(*hips, *chest, kelvin=top, scale=scale))
    for _ in range(5):
        # Clothes lie close in one place and stand off in another.
        fold = (draw.uniform(-0.1, 0.15), draw.uniform(-0.2, 0.2), draw.uniform(1.0, 1.42), draw.uniform(0.04, 0.08))
        parts.append(_balls(fold, kelvin=top + draw.normal(0.0, 1.5), scale=scale))
    if kind == "carrying":
        load = ((-0.22, -0.12, 1.0, 0.1), (-0.22, 0.12, 1.0, 0.1), (-0.2, 0.0, 1.38, 0.1))
        parts.append(_balls(*load, kelvin=top - 3.5, scale=scale))
    # From above one sees hair, cooler than the face below it.
    parts.append(_balls((lean + 0.08, 0.0, 1.55, 0.09), kelvin=skin, scale=scale))
    parts.append(_balls((lean + 0.04, 0.0, 1.60, 0.105), kelvin=skin - 2.0, scale=scale))
    return parts


def _loop(rear: float, front: float, half_width: float, up: float, corner: float) -> Floats:
    """A level rectangle with rounded corners, (12, 3)."""
    corner = min(corner, half_width * 0.95, (front - rear) * 0.45)
    points = []
    for x, y, start in (
        (front, half_width, 0),
        (rear, half_width, 90),
        (rear, -half_width, 180),
        (front, -half_width, 270),
    ):
        for angle in (0, 45, 90):
            turn = math.radians(start + angle)
            cx = x - corner if x == front else x + corner
            cy = y - corner if y > 0 else y + corner
            points.append((cx + corner * math.cos(turn), cy + corner * math.sin(turn), up))
    return np.array(points)


def _moved(loop: Floats, left_m: float) -> Floats:
    return loop + np.array([0.0, left_m, 0.0])


def _solid(kelvin: float, *loops: Floats, glow_m: float = 0.0) -> Part:
    points = np.vstack(loops)
    return Part(points, np.zeros(len(points)), kelvin, glow_m)


def vehicle_parts(
    kind: str, size_m: tuple[float, float, float], warmth: float, draw: np.random.Generator
) -> list[Part]:
    """The parts of a vehicle from the ground up, nose forward. `warmth` 0..1 is how warm its engine still is; `draw`
    varies paint and glass."""
    length, width, height = size_m
    half, side = length / 2, width / 2
    rim = draw.uniform(-2.2, -0.8) + 1.2 * warmth
    cold = draw.uniform(-5.6, -4.2)
    roof = draw.uniform(-7.0, -5.6)
    glass = draw.uniform(-3.0, -1.8) + 1.0 * warmth
    bonnet = cold if warmth < 0.15 else -1.0 + 11.0 * warmth
    nose = rim if warmth < 0.15 else 0.5 + 7.0 * warmth
    parts = [_solid(0.9, _loop(-half, half, side, 0.0, 0.3), glow_m=0.35)]
    if warmth > 0.15:
        parts.append(_solid(2.0 * warmth, _loop(half * 0.5, half * 1.02, side, 0.0, 0.3), glow_m=0.3))
    belt = {"car": 0.60, "pickup": 0.58, "van": 0.48, "truck": 0.42}[kind] * height
    parts.append(
        _solid(rim, _loop(-half, half, side * 0.97, 0.25, 0.35), _loop(-half + 0.04, half - 0.08, side, belt, 0.4))
    )
    for s in (-1.0, 1.0):
        for axle in (-0.29 * length, 0.31 * length):
            parts.append(
                _solid(rim + 0.8 + 2.5 * warmth, _moved(_loop(axle - 0.32, axle + 0.32, 0.1, 0.3, 0.1), s * side))
            )
    if kind == "truck":
        return parts + _truck_top(length, side, height, belt, rim, roof, glass, bonnet, draw)
    screen = {"car": 0.21, "pickup": 0.24, "van": 0.36}[kind] * length
    tail = {"car": -0.40 if draw.random() < 0.5 else -0.47, "pickup": -0.08, "van": -0.485}[kind] * length
    if warmth >= 0.15:
        parts.append(_solid(nose, _loop(screen - 0.1, half - 0.08, side * 0.96, belt, 0.4)))
    parts.append(_solid(bonnet, _loop(screen, half - 0.22, side - 0.16, belt + 0.05, 0.3)))
    if warmth >= 0.15:
        for x in (half - 0.34, half - 0.62):
            parts.append(_solid(bonnet - 4.0, _loop(x - 0.04, x + 0.04, side - 0.4, belt + 0.06, 0.03)))
    if tail > -half + 0.35:
        bed = kind == "pickup"
        parts.append(
            _solid(roof + 0.8 if bed else cold, _loop(-half + 0.14, tail - 0.03, side - 0.14, belt + 0.03, 0.15))
        )
        if bed:
            for x in np.linspace(-half + 0.5, tail - 0.4, 4):
                parts.append(_solid(roof + 1.5, _loop(x - 0.03, x + 0.03, side - 0.2, belt + 0.03, 0.02)))
    slope_front = {"car": 0.15, "pickup": 0.10, "van": 0.09}[kind] * length
    slope_rear = {"car": 0.09, "pickup": 0.03, "van": 0.02}[kind] * length
    top_side = side * (0.76 if kind != "van" else 0.88)
    upper = _loop(tail + slope_rear, screen - slope_front, top_side, height, 0.25)
    # Flanks first, then the two screens: they are tilted to the sky and look colder than the flanks.
    parts.append(_solid(glass + 0.5, _loop(tail, screen, side * 0.93, belt + 0.02, 0.3), upper))
    parts.append(
        _quad(
            glass - 0.5,
            screen - 0.08,
            side * 0.78,
            belt + 0.08,
            screen - slope_front + 0.1,
            top_side * 0.9,
            height - 0.03,
        )
    )
    if slope_rear > 0.2:
        parts.append(
            _quad(
                glass - 1.2,
                tail + 0.08,
                side * 0.72,
                belt + 0.08,
                tail + slope_rear - 0.08,
                top_side * 0.85,
                height - 0.03,
            )
        )
    parts.append(_solid(glass - 0.8, upper))
    parts.append(
        _solid(roof, _loop(tail + slope_rear + 0.12, screen - slope_front - 0.1, top_side - 0.12, height + 0.01, 0.2))
    )
    if kind == "car" and draw.random() < 0.4:
        middle = (tail + slope_rear + screen - slope_front) / 2 + 0.25
        parts.append(_solid(roof + 1.2, _loop(middle - 0.25, middle + 0.3, top_side - 0.3, height + 0.02, 0.08)))
    if kind == "van":
        for x in np.linspace(tail + 0.7, screen - slope_front - 0.7, 3):
            parts.append(_solid(roof + 1.0, _loop(x - 0.04, x + 0.04, top_side - 0.2, height + 0.02, 0.03)))
    for s in (-1.0, 1.0):
        parts.append(
            _solid(rim, _moved(_loop(screen - 0.35, screen - 0.18, 0.1, belt + 0.12, 0.05), s * (side + 0.09)))
        )
    return parts


def _quad(kelvin: float, x1: float, half1: float, up1: float, x2: float, half2: float, up2: float) -> Part:
    return _solid(kelvin, np.array([[x1, -half1, up1], [x1, half1, up1], [x2, half2, up2], [x2, -half2, up2]]))


def _truck_top(
    length: float,
    side: float,
    height: float,
    belt: float,
    rim: float,
    roof: float,
    glass: float,
    bonnet: float,
    draw: np.random.Generator,
) -> list[Part]:
    """Cab and load of a truck: a cab-over cab whose engine warms its roof, and a box or a tarpaulin."""
    half = length / 2
    cab_rear = half - 1.9
    cab_up = height * 0.85
    upper = _loop(cab_rear, half - 0.35, side * 0.9, cab_up, 0.2)
    load = draw.uniform(-5.6, -3.8)
    parts = [
        _solid(glass, _loop(cab_rear, half - 0.05, side * 0.96, belt, 0.25), upper),
        _quad(glass - 0.6, half - 0.08, side * 0.85, belt + 0.3, half - 0.36, side * 0.8, cab_up - 0.05),
        _solid(glass - 0.8 + 0.15 * max(bonnet, 0.0), upper),
        _solid(roof + 1.0 + 0.3 * max(bonnet, 0.0), _loop(cab_rear + 0.2, half - 0.6, side * 0.75, cab_up + 0.01, 0.2)),
        _solid(
            rim - 0.3,
            _loop(-half, cab_rear - 0.25, side, belt, 0.08),
            _loop(-half, cab_rear - 0.25, side, height, 0.08),
        ),
        _solid(load, _loop(-half + 0.12, cab_rear - 0.37, side - 0.12, height + 0.01, 0.06)),
    ]
    for x in np.linspace(-half + 0.7, cab_rear - 0.9, 5):
        parts.append(_solid(load + 0.7, _loop(x - 0.04, x + 0.04, side - 0.14, height + 0.02, 0.03)))
    return parts
