"""A flight's detections become places and sightings: the one function that the rest of Picket calls.

It chooses the pixel where each object stands, places it, leaves out what a more confident box of its frame speaks for
(`mapping.ground.rivals`), fuses the rest and says of everything without a place what is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from shapely.geometry.base import BaseGeometry

from mapping.ground.camera import Camera
from mapping.ground.contact import contact_points, contact_sigmas
from mapping.ground.coverage import frames_over, imaged_ground
from mapping.ground.ellipse import ellipses
from mapping.ground.errors import ErrorBudget
from mapping.ground.fusion import FusedObject, Observation, fuse
from mapping.ground.georeference import GroundPoints, locate_pixels
from mapping.ground.marks import MARKED
from mapping.ground.pose import Poses
from mapping.ground.rays import Miss
from mapping.ground.rivals import outvoted
from mapping.ground.sightings import LEAST_CONFIDENCE, confidences, sightings_table
from mapping.ground.terrain import FlatGround, Terrain
from mapping.tables import PLACES
from vision.errors import InputError

Floats = npt.NDArray[np.float64]

_NO_POSITION = "its frame has no position: ingest the flight with its telemetry (--tlog) or pictures that carry GPS"
_NO_HEIGHT = "its frame has no height above take-off: ingest the flight with its telemetry (--tlog), or give --terrain"
_NO_AMSL = "its frame has no height: ingest the flight with its telemetry (--tlog)"
_NO_ATTITUDE = "its frame has no camera attitude: ingest the flight with its telemetry (--tlog) and the right --camera"
_REASONS = {
    Miss.HORIZON: "it lies at or above the horizon",
    Miss.TOO_FAR: "it lies too far away, or the camera looks too flat over the ground there, to be placed",
    Miss.NO_TERRAIN: "the elevation model has no heights there: give a larger one (--terrain)",
    Miss.BELOW_GROUND: "its frame was taken on or below the ground",
    Miss.NO_RAY: "it lies outside the part of the picture that the camera's calibration reaches",
}
_OUTVOTED = "a more confident box of its frame speaks for what it shows"
_WEAK = "what it shows was found too weakly, or in too few of the frames that had it in view, to count"


@dataclass(frozen=True, eq=False)
class Located:
    """What `locate` found: `sightings` (mapping.tables.SIGHTINGS), `places` of every detection (PLACES), the lon/lat
    `coverage` of all frames, how many detections have no place by reason (`unlocated`), and `notes` on what was
    assumed."""

    sightings: pa.Table
    places: pa.Table
    coverage: BaseGeometry
    unlocated: dict[str, int]
    notes: tuple[str, ...]


def locate(
    frames: pa.Table,
    detections: pa.Table,
    camera: Camera,
    terrain: Terrain | None = None,
    *,
    home: tuple[float, float] | None = None,
    budget: ErrorBudget | None = None,
    flight_wide: Floats | None = None,
    least_confidence: Mapping[str, float] = MappingProxyType(LEAST_CONFIDENCE),
) -> Located:
    """Places and sightings of a flight's FRAMES and DETECTIONS tables (marks are detections with model `marked`).

    Without `terrain` the ground counts as level at the height of take-off. `home` is the take-off point (latitude,
    longitude), used with an elevation model. `flight_wide` is what a calibration left unknown of the flight's biases
    (as for `mapping.ground.georeference.locate_pixels`). `least_confidence` by class is what an object needs to become
    a sighting (`mapping.ground.sightings`); an empty mapping keeps all. Raises InputError for a detection whose frame
    is not in `frames`.
    """
    ground = terrain or FlatGround()
    poses = Poses.from_frames(frames)
    frame_ids = frames["frame_id"].to_pylist()
    index = _frame_index(detections, frame_ids)
    boxes = np.stack([detections[name].to_numpy() for name in ("x1_px", "y1_px", "x2_px", "y2_px")], axis=1)
    boxes = boxes.astype(np.float64)
    classes = detections["class"].to_pylist()
    pixels = contact_points(boxes, index, poses, camera, classes)
    sigmas = contact_sigmas(boxes, camera, budget)
    points = locate_pixels(
        pixels, index, poses, camera, ground, home=home, budget=budget, pixel_sigma_px=sigmas, flight_wide=flight_wide
    )
    places_m = np.stack([points.east_m, points.north_m], axis=1)
    lost = outvoted(detections, index, boxes, places_m, _diagonals_m(boxes, index, poses, camera, ground, home))
    objects = _fused(detections, index, points, poses, np.flatnonzero(points.hit & ~lost))
    lat, lon = points.local.to_geodetic([one.east_m for one in objects], [one.north_m for one in objects])
    alt = np.array([points.alt_amsl_m[list(one.members)].mean() for one in objects])
    margin = np.array([0.5 * np.ptp(boxes[list(one.members)].reshape(-1, 2, 2), axis=1).max() for one in objects])
    chances = frames_over(lat, lon, margin, poses, camera, ground, home=home)
    confidence = confidences(objects, detections, index, chances)
    asked = [least_confidence.get(classes[one.members[0]], 0.0) for one in objects]
    kept = np.flatnonzero(confidence >= np.array(asked))
    sure, places = [objects[number] for number in kept], (lat[kept], lon[kept], alt[kept])
    times = frames["time_utc"].to_pylist()
    sightings, ids = sightings_table(sure, confidence[kept], detections, times, index, places)
    weak = np.zeros(len(points), dtype=np.bool_)
    for number in np.flatnonzero(confidence < np.array(asked)):
        weak[list(objects[number].members)] = True
    reasons = _reasons(points, index, poses, lost, weak, isinstance(ground, FlatGround))
    imaged = imaged_ground(poses, camera, ground, home=home)
    return Located(
        sightings=sightings,
        places=_places(detections, points, sure, ids, reasons),
        coverage=imaged.covered,
        unlocated=dict(Counter(text for text, hit in zip(reasons, points.hit, strict=True) if text and not hit)),
        notes=_notes(terrain, home, imaged.footprints, int((lost & points.hit).sum()), len(objects) - len(sure)),
    )


def _frame_index(detections: pa.Table, frame_ids: Sequence[str]) -> npt.NDArray[np.intp]:
    row = {frame_id: number for number, frame_id in enumerate(frame_ids)}
    for detection_id, frame_id in zip(
        *(detections[name].to_pylist() for name in ("detection_id", "frame_id")), strict=True
    ):
        if frame_id not in row:
            raise InputError(
                "detections", f"its frame {frame_id} is not in this flight; run detect again", detection_id
            )
    return np.array([row[frame_id] for frame_id in detections["frame_id"].to_pylist()], dtype=np.intp)


def _diagonals_m(
    boxes: Floats,
    index: npt.NDArray[np.intp],
    poses: Poses,
    camera: Camera,
    ground: Terrain,
    home: tuple[float, float] | None,
) -> Floats:
    """(N,) lengths on the ground between the corners of boxes, NaN where a corner has no place."""
    first, second = (
        locate_pixels(corner, index, poses, camera, ground, home=home) for corner in (boxes[:, :2], boxes[:, 2:])
    )
    return np.hypot(first.east_m - second.east_m, first.north_m - second.north_m)


def _fused(
    detections: pa.Table, index: npt.NDArray[np.intp], points: GroundPoints, poses: Poses, used: npt.NDArray[np.intp]
) -> list[FusedObject]:
    """Objects of the detections `used`, their members counted in the whole table. Frames go in the order of time,
    those without one after the others."""
    rank = np.empty(len(poses), dtype=np.intp)
    rank[np.argsort(poses.time_s, kind="stable")] = np.arange(len(poses))
    labels, models = detections["label"].to_pylist(), detections["model"].to_pylist()
    classes = detections["class"].to_pylist()
    observations = [
        Observation(int(rank[index[one]]), classes[one], labels[one] if models[one] == MARKED else None)
        for one in used.tolist()
    ]
    return [
        FusedObject(tuple(int(used[member]) for member in one.members), one.east_m, one.north_m, one.covariance)
        for one in fuse(observations, points.take(used))
    ]


def _reasons(
    points: GroundPoints,
    index: npt.NDArray[np.intp],
    poses: Poses,
    lost: npt.NDArray[np.bool_],
    weak: npt.NDArray[np.bool_],
    flat: bool,
) -> list[str | None]:
    """For each detection why it has no place, or is no sighting; None where all is well."""
    found: list[str | None] = []
    for miss, frame, spoken_for, faint in zip(
        points.miss.tolist(), index.tolist(), lost.tolist(), weak.tolist(), strict=True
    ):
        if miss == Miss.NONE:
            found.append(_OUTVOTED if spoken_for else _WEAK if faint else None)
        elif miss != Miss.NO_POSE:
            found.append(_REASONS[Miss(miss)])
        elif np.isnan(poses.lat_deg[frame] + poses.lon_deg[frame]):
            found.append(_NO_POSITION)
        elif np.isnan(poses.yaw_deg[frame] + poses.pitch_deg[frame] + poses.roll_deg[frame]):
            found.append(_NO_ATTITUDE)
        else:
            found.append(_NO_HEIGHT if flat else _NO_AMSL)
    return found


def _places(
    detections: pa.Table,
    points: GroundPoints,
    objects: Sequence[FusedObject],
    ids: Sequence[str],
    reasons: Sequence[str | None],
) -> pa.Table:
    sighting_of = {member: name for item, name in zip(objects, ids, strict=True) for member in item.members}
    spread = ellipses(points.covariance)
    numbers = {
        "lat_deg": points.lat_deg,
        "lon_deg": points.lon_deg,
        "alt_amsl_m": points.alt_amsl_m,
        "ellipse_major_m": spread.major_m,
        "ellipse_minor_m": spread.minor_m,
        "ellipse_bearing_deg": spread.bearing_deg,
        "ce90_m": spread.ce90_m,
    }
    return PLACES.build(
        {
            "detection_id": detections["detection_id"],
            "frame_id": detections["frame_id"],
            "sighting_id": [sighting_of.get(number) for number in range(len(points))],
            **{name: pa.array(values, from_pandas=True) for name, values in numbers.items()},
            "reason": list(reasons),
        }
    )


def _notes(
    terrain: Terrain | None,
    home: tuple[float, float] | None,
    footprints: Sequence[object | None],
    spoken_for: int,
    weak: int,
) -> tuple[str, ...]:
    notes = []
    if terrain is None or isinstance(terrain, FlatGround):
        notes.append("The ground counts as level at the height of take-off; on hills give an elevation model.")
    elif home is None:
        notes.append("No take-off point is known: heights above mean sea level are used, with all their error.")
    blind = sum(one is None for one in footprints)
    if blind:
        notes.append(f"{blind} of {len(footprints)} frames have no known view of the ground and count for nothing.")
    if weak:
        notes.append(f"{weak} possible objects were found too weakly to count as sightings; they are among the places.")
    if spoken_for:
        notes.append(f"{spoken_for} detections gave way to a more confident one of the same thing in their frame.")
    return tuple(notes)
