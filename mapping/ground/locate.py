"""Detections become places and sightings: the functions that the rest of Picket calls, for one flight or for all
flights of a mission together.

Each flight's detections are placed by themselves (`mapping.ground.placing`), what is left is fused over all flights,
and what was found too weakly is left out. With it comes the ground that was searched (`mapping.ground.searched`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import accumulate, pairwise
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from shapely.geometry.base import BaseGeometry

from mapping.ground.belief import LEAST_CONFIDENCE, MOST, sighting_confidence
from mapping.ground.camera import Camera
from mapping.ground.contact import cut_by_edge
from mapping.ground.coverage import frames_over
from mapping.ground.errors import ErrorBudget
from mapping.ground.fusion import FusedObject, Observation, fuse
from mapping.ground.georeference import GroundPoints
from mapping.ground.marks import MARKED
from mapping.ground.placing import FlightData, Placed, place, places_table, reasons
from mapping.ground.searched import Coverage, searched_ground
from mapping.ground.sightings import Look, class_of_object, sightings_table
from mapping.ground.terrain import FlatGround, Terrain

Floats = npt.NDArray[np.float64]
Progress = Callable[[int, int, str], None]

_EDGE_PX = 1.0  # a box that ends this near to the picture's edge is cut by it, and believed less


@dataclass(frozen=True, eq=False)
class Located:
    """What locating found: `sightings` (mapping.tables.SIGHTINGS), `places` of every detection (PLACES), one table a
    flight, the `coverage`, how many detections have no place by reason (`unlocated`), and `notes` on what was
    assumed."""

    sightings: pa.Table
    places_of: tuple[pa.Table, ...]
    coverage: Coverage
    unlocated: dict[str, int]
    notes: tuple[str, ...]

    @property
    def places(self) -> pa.Table:
        """The places of all flights, one after the other."""
        return pa.concat_tables(self.places_of)


def locate(
    frames: pa.Table,
    detections: pa.Table,
    camera: Camera,
    terrain: Terrain | None = None,
    *,
    home: tuple[float, float] | None = None,
    budget: ErrorBudget | None = None,
    flight_wide: Floats | None = None,
    least_confidence: Mapping[str, float] = LEAST_CONFIDENCE,
) -> Located:
    """Places and sightings of one flight's FRAMES and DETECTIONS tables: `locate_flights` of it alone."""
    data = FlightData(frames, detections, camera, home, flight_wide)
    return locate_flights([data], terrain, budget=budget, least_confidence=least_confidence)


def locate_flights(
    flights: Sequence[FlightData],
    terrain: Terrain | None = None,
    *,
    budget: ErrorBudget | None = None,
    least_confidence: Mapping[str, float] = LEAST_CONFIDENCE,
    area: BaseGeometry | None = None,
    progress: Progress | None = None,
) -> Located:
    """Places and sightings of flights over the same ground.

    Without `terrain` the ground counts as level at the height of take-off. `least_confidence` by class is what an
    object needs to become a sighting (`mapping.ground.belief`); an empty mapping keeps all. `area` (lon/lat) is what
    was to be searched: gaps are looked for in it. `progress` hears how many steps are done, of how many, and what is
    next. Raises InputError for a detection whose frame is not in its flight.
    """
    ground = terrain or FlatGround()
    steps = len(flights) + 2
    tell = progress or (lambda done, total, detail: None)
    placed: list[Placed] = []
    for number, data in enumerate(flights):
        tell(number, steps, f"placing {data.name}".strip())
        placed.append(place(data, ground, budget, placed[0].points.local if placed else None))
    tell(len(flights), steps, "fusing")
    points = _points_together(placed)
    begin = np.array([0, *accumulate(len(one.points) for one in placed)], dtype=np.intp)
    looks = [look for one in placed for look in _looks(one)]
    objects = _fused(placed, points, begin)
    lat, lon = points.local.to_geodetic([one.east_m for one in objects], [one.north_m for one in objects])
    confidence = _confidences(objects, placed, looks, begin, (lat, lon), ground)
    asked = [least_confidence.get(class_of_object([looks[one] for one in item.members]), 0.0) for item in objects]
    kept = np.flatnonzero(confidence >= np.array(asked))
    sure = [objects[number] for number in kept]
    sightings, ids = sightings_table(sure, looks, confidence[kept], (lat[kept], lon[kept]))
    sighting_of = {member: name for item, name in zip(sure, ids, strict=True) for member in item.members}
    weak = np.zeros(len(looks), dtype=np.bool_)
    for number in np.flatnonzero(confidence < np.array(asked)).tolist():
        weak[list(objects[number].members)] = True
    tell(len(flights) + 1, steps, "reckoning what was searched")
    flat = isinstance(ground, FlatGround)
    bounds = list(pairwise(begin.tolist()))
    why = [reasons(one, weak[a:b], flat) for one, (a, b) in zip(placed, bounds, strict=True)]
    names = [[sighting_of.get(row) for row in range(a, b)] for a, b in bounds]
    coverage = searched_ground(placed, ground, area)
    torn = _contradictions(sure, looks, placed, points)
    tell(steps, steps, "")
    return Located(
        sightings=sightings,
        places_of=tuple(places_table(*one) for one in zip(placed, names, why, strict=True)),
        coverage=coverage,
        unlocated=_unlocated(placed, why),
        notes=(*_notes(placed, terrain, len(objects) - len(sure)), *torn, *coverage.notes),
    )


def _points_together(placed: Sequence[Placed]) -> GroundPoints:
    """The places of all flights. Calibrated flights state their biases in other columns, and in others numbers of them:
    the missing ones are zero; the last is the height of the ground always."""
    if len(placed) == 1:
        return placed[0].points
    wide = max(one.points.factors.shape[2] for one in placed)
    parts = []
    for one in placed:
        factors = np.zeros((len(one.points), 2, wide))
        own = one.points.factors.shape[2] - 1
        factors[:, :, :own], factors[:, :, -1] = one.points.factors[:, :, :own], one.points.factors[:, :, -1]
        parts.append(replace(one.points, factors=factors))
    names = [item.name for item in fields(GroundPoints) if item.name != "local"]
    columns = {name: np.concatenate([getattr(one, name) for one in parts]) for name in names}
    return GroundPoints(parts[0].local, **columns)


def _looks(placed: Placed) -> list[Look]:
    data, before = placed.data, f"{placed.data.name}/" if placed.data.name else ""
    times = data.frames["time_utc"].to_pylist()
    noted = times if data.noted_utc is None else data.noted_utc.to_pylist()
    columns = (data.detections[name].to_pylist() for name in ("detection_id", "frame_id", "class", "label", "model"))
    return [
        Look(
            *(before + detection_id, before + frame_id, times[frame], class_name, label),
            *(model == MARKED, alt, noted[frame]),
        )
        for detection_id, frame_id, class_name, label, model, frame, alt in zip(
            *columns, placed.frame.tolist(), placed.points.alt_amsl_m.tolist(), strict=True
        )
    ]


def _fused(placed: Sequence[Placed], points: GroundPoints, begin: npt.NDArray[np.intp]) -> list[FusedObject]:
    """Objects of what is placed and not spoken for, their members counted over all flights. Frames go in the order of
    time, those without one after the others."""
    first_frame = np.cumsum([0, *(len(one.poses) for one in placed)])
    time_s = np.concatenate([one.poses.time_s for one in placed])
    rank = np.empty(len(time_s), dtype=np.intp)
    rank[np.argsort(time_s, kind="stable")] = np.arange(len(time_s))
    shown = np.full(len(time_s), None, dtype=np.object_)
    shown[rank] = np.concatenate([one.shown for one in placed])
    shown[rank[~np.concatenate([one.searched for one in placed])]] = None
    observations, used, spoken_by = [], [], dict[int, list[int]]()
    for flight, one in enumerate(placed):
        names = (one.data.detections[name].to_pylist() for name in ("class", "label", "model"))
        frame = (one.frame + first_frame[flight]).tolist()
        rows = zip(*names, one.points.hit.tolist(), one.lost.tolist(), one.mark.tolist(), strict=True)
        boxed = np.flatnonzero(one.mark >= 0)
        class_of_mark = {int(one.mark[row]): one.data.detections["class"][int(row)].as_py() for row in boxed}
        for row, (class_name, label, model, hit, lost, mark) in enumerate(rows):
            if mark >= 0 and one.points.hit[mark]:
                spoken_by.setdefault(int(begin[flight]) + mark, []).append(int(begin[flight]) + row)
            elif hit and not lost:
                used.append(int(begin[flight]) + row)
                known, moment = class_of_mark.get(row, class_name), float(time_s[frame[row]])
                named = label if model == MARKED else None
                observations.append(Observation(int(rank[frame[row]]), known, named, moment, flight))
    index = np.array(used, dtype=np.intp)
    return [
        replace(item, members=tuple(sorted(_with_spoken([used[one] for one in item.members], spoken_by))))
        for item in fuse(observations, points.take(index), shown)
    ]


def _with_spoken(members: list[int], spoken_by: Mapping[int, list[int]]) -> list[int]:
    return [*members, *(other for one in members for other in spoken_by.get(one, ()))]


def _confidences(
    objects: Sequence[FusedObject],
    placed: Sequence[Placed],
    looks: Sequence[Look],
    begin: npt.NDArray[np.intp],
    places: tuple[Floats, Floats],
    ground: Terrain,
) -> Floats:
    """(S,) confidences: every searched frame in whose picture an object's place lay was a chance to find it, if it did
    not move; of one that did, only the frames that show it are known."""
    sizes = np.concatenate([np.ptp(one.boxes.reshape(-1, 2, 2), axis=1).max(axis=1, initial=0.0) for one in placed])
    margin = np.array([0.5 * sizes[list(item.members)].max() for item in objects])
    over = [
        frames_over(
            *(*places, margin, one.poses, one.data.camera, ground),
            home=one.data.home,
            among=one.searched,
            shown=one.shown,
            local=one.points.local,
        )
        for one in placed
    ]
    stated = np.concatenate([one.data.detections["confidence"].to_numpy() for one in placed]).astype(np.float64)
    cut = np.concatenate([cut_by_edge(one.boxes, one.data.camera, _EDGE_PX) for one in placed])
    found = []
    for number, item in enumerate(objects):
        best: dict[str, int] = {}
        for member in item.members:
            other = best.setdefault(looks[member].frame_id, member)
            if stated[member] > stated[other]:
                best[looks[member].frame_id] = member
        if any(looks[member].marked for member in item.members):
            found.append(MOST)
            continue
        chances = len(best)
        if item.velocity is None:
            flight_of = np.searchsorted(begin, item.members, side="right") - 1
            seen = {(int(f), int(placed[f].frame[m - begin[f]])) for f, m in zip(flight_of, item.members, strict=True)}
            chances = len(seen | {(f, int(frame)) for f, one in enumerate(over) for frame in one[number]})
        strongest = list(best.values())
        found.append(sighting_confidence(stated[strongest], chances, cut[strongest]))
    return np.array(found, dtype=np.float64)


def _unlocated(placed: Sequence[Placed], why: Sequence[Sequence[str | None]]) -> dict[str, int]:
    pairs = [pair for one, texts in zip(placed, why, strict=True) for pair in zip(texts, one.points.hit, strict=True)]
    return dict(Counter(text for text, hit in pairs if text and not hit))


def _notes(placed: Sequence[Placed], terrain: Terrain | None, weak: int) -> tuple[str, ...]:
    notes = []
    if terrain is None or isinstance(terrain, FlatGround):
        notes.append("The ground counts as level at the height of take-off; on hills give an elevation model.")
    elif any(one.data.home is None for one in placed):
        notes.append("No take-off point is known: heights above mean sea level are used, with all their error.")
    if weak:
        found = "1 possible object was" if weak == 1 else f"{weak} possible objects were"
        notes.append(f"{found} found too weakly to count; places.parquet has what it rests on, with the reason.")
    spoken_for = sum(int((one.lost & one.points.hit).sum()) for one in placed)
    if spoken_for:
        gave_way = "1 detection" if spoken_for == 1 else f"{spoken_for} detections"
        notes.append(f"{gave_way} gave way to a more confident one of the same thing in the same frame.")
    return tuple(notes)


def _contradictions(
    objects: Sequence[FusedObject], looks: Sequence[Look], placed: Sequence[Placed], points: GroundPoints
) -> list[str]:
    """What is to be said of objects whose marks contradict each other: which, how far apart, and in what pictures."""
    pictures: dict[str, str] = {}
    for one in placed:
        before = f"{one.data.name}/" if one.data.name else ""
        for name, file in zip(*(one.data.frames[name].to_pylist() for name in ("frame_id", "file")), strict=True):
            pictures[before + name] = before + (PurePosixPath(file).name if file else name)
    said = []
    for item in objects:
        if not item.contradicts:
            continue
        seen = np.array([one for one in item.members if points.hit[one]])
        east, north = points.east_m[seen], points.north_m[seen]
        first = int(np.argmax(np.hypot(east - item.east_m, north - item.north_m)))
        apart = np.hypot(east - east[first], north - north[first])
        second = int(np.argmax(apart))
        pair = " and ".join(pictures[looks[one].frame_id] for one in sorted(seen[[first, second]].tolist()))
        name = next(looks[one].label for one in item.members if looks[one].marked)
        put = f"put it {apart[second]:.0f} m apart, farther" if item.velocity is None else "fit no one course, by more"
        said.append(
            f"Marks of {name!r} contradict each other: {pair} {put} than their errors explain; its ellipse is as wide "
            "as they scatter. Mend the marks, give two things two names and what moves its class; otherwise one of the "
            "pictures has a wrong position or attitude."
        )
    return said
