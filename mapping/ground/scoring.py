"""How well sightings agree with what is known to have been there: recall, precision and position error.

For simulated flights and for exercises with surveyed objects. Matching is one to one and by class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.optimize import linear_sum_assignment
from shapely import Point
from shapely.geometry.base import BaseGeometry

from mapping.ground.frame import LocalFrame

MATCH_RADIUS_M = 5.0


@dataclass(frozen=True)
class KnownObject:
    """Something whose class and place are known."""

    object_id: str
    class_name: str
    lat_deg: float
    lon_deg: float


@dataclass(frozen=True)
class ClassScore:
    """Counts of one class. `truth` are the known objects that were looked at, `found` those of them with a sighting
    of their own, `sighted` all sightings of the class, `right` those that are at a known object, looked at or not."""

    truth: int
    found: int
    sighted: int
    right: int

    @property
    def false(self) -> int:
        """Sightings where nothing of the class was."""
        return self.sighted - self.right

    @property
    def recall(self) -> float | None:
        return self.found / self.truth if self.truth else None

    @property
    def precision(self) -> float | None:
        return self.right / self.sighted if self.sighted else None


@dataclass(frozen=True)
class Score:
    """Scores by class, and the distance in metres from each matched sighting to its object."""

    classes: dict[str, ClassScore]
    errors_m: tuple[float, ...]

    def error_quantile_m(self, quantile: float) -> float | None:
        """The quantile (0-1) of the position errors, in metres; None where nothing matched."""
        return float(np.quantile(self.errors_m, quantile)) if self.errors_m else None


def score_sightings(
    sightings: pa.Table,
    known: Sequence[KnownObject],
    looked_at: BaseGeometry | None,
    *,
    edge_m: float = 0.0,
    match_radius_m: float = MATCH_RADIUS_M,
) -> Score:
    """Match a sightings table with known objects, one to one within a class, nearest pairs over all together
    (assignment of least total distance among pairs closer than `match_radius_m`).

    `looked_at` is the ground that was imaged (lon/lat polygon): objects outside it, or within `edge_m` of its edge and
    so not wholly in a picture, are not counted as missed; None counts all.
    """
    asked = _seen(known, looked_at, edge_m)
    classes: dict[str, ClassScore] = {}
    errors: list[float] = []
    for class_name in sorted({item.class_name for item in known} | set(sightings["class"].to_pylist())):
        objects, seen = [], []
        for item, counts in zip(known, asked, strict=True):
            if item.class_name == class_name:
                objects.append(item)
                seen.append(counts)
        rows = sightings.filter(pa.compute.equal(sightings["class"], class_name))
        pairs = _pairs(rows, objects, match_radius_m)
        classes[class_name] = ClassScore(
            truth=sum(seen),
            found=sum(seen[index] for index, _ in pairs),
            sighted=rows.num_rows,
            right=len(pairs),
        )
        errors += [distance for _, distance in pairs]
    return Score(classes, tuple(errors))


def _seen(known: Sequence[KnownObject], looked_at: BaseGeometry | None, edge_m: float) -> list[bool]:
    """For each object whether it was looked at."""
    if looked_at is None or not known:
        return [True] * len(known)
    frame = LocalFrame(known[0].lat_deg, known[0].lon_deg)
    inner = frame.geometry_to_local(looked_at).buffer(-edge_m)
    return [bool(inner.covers(frame.geometry_to_local(Point(item.lon_deg, item.lat_deg)))) for item in known]


def _pairs(rows: pa.Table, objects: Sequence[KnownObject], match_radius_m: float) -> list[tuple[int, float]]:
    """(object index, distance in m) of each matched pair."""
    if not rows.num_rows or not objects:
        return []
    frame = LocalFrame(objects[0].lat_deg, objects[0].lon_deg)
    object_east, object_north = frame.to_local(
        np.array([item.lat_deg for item in objects]), np.array([item.lon_deg for item in objects])
    )
    east, north = frame.to_local(rows["lat_deg"].to_numpy(), rows["lon_deg"].to_numpy())
    distance = np.hypot(object_east[:, None] - east[None], object_north[:, None] - north[None])
    chosen = linear_sum_assignment(np.where(distance <= match_radius_m, distance, 1e6))
    return [(int(i), float(distance[i, j])) for i, j in zip(*chosen, strict=True) if distance[i, j] <= match_radius_m]
