"""A flight's detections and marks one by one: where each stands, which of them say the same thing in one frame, and of
each without a place what is missing.

A mark inside a detection's box shows the same thing: the mark speaks for both, and they stay together. What a more
confident box speaks for is `mapping.ground.rivals`; which detections of several frames are one object is
`mapping.ground.fusion`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mapping.ground.camera import Camera
from mapping.ground.contact import contact_points, contact_sigmas
from mapping.ground.coverage import footprints
from mapping.ground.ellipse import ellipses
from mapping.ground.errors import ErrorBudget
from mapping.ground.frame import LocalFrame
from mapping.ground.georeference import GroundPoints, local_frame, locate_pixels
from mapping.ground.marks import MARKED, OBJECT_CLASS
from mapping.ground.pose import Poses
from mapping.ground.rays import Miss
from mapping.ground.rivals import outvoted
from mapping.ground.terrain import Terrain
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
OUTVOTED = "a more confident box of its frame speaks for what it shows"
WEAK = "what it shows was found too weakly, or in too few of the frames that had it in view, to count"


@dataclass(frozen=True, eq=False)
class FlightData:
    """What locating needs of one flight: its FRAMES and DETECTIONS tables (marks are detections with model `marked`),
    its camera, the take-off point (latitude, longitude) if known, what a calibration left unknown of its biases (as for
    `mapping.ground.georeference.locate_pixels`), the flight's name (empty for one by itself), the ids of the frames
    that were searched (None where nothing was, or nobody knows), and the frames' times before a calibration set the
    clock right (None: as in `frames`), from which ids are made."""

    frames: pa.Table
    detections: pa.Table
    camera: Camera
    home: tuple[float, float] | None = None
    flight_wide: Floats | None = None
    name: str = ""
    searched: frozenset[str] | None = None
    noted_utc: pa.ChunkedArray | None = None


@dataclass(frozen=True, eq=False)
class Placed:
    """A flight's detections on the ground: the row of each one's frame, its box (N, 4) and place, whether a more
    confident one speaks for it, and the row of the mark it goes with (-1: none). `shown` (F,) is the ground in each
    frame as polygons of the local frame, `searched` (F,) whether the frame was searched."""

    data: FlightData
    poses: Poses
    frame: npt.NDArray[np.intp]
    boxes: Floats
    points: GroundPoints
    lost: npt.NDArray[np.bool_]
    mark: npt.NDArray[np.intp]
    shown: npt.NDArray[np.object_]
    searched: npt.NDArray[np.bool_]


def place(data: FlightData, terrain: Terrain, budget: ErrorBudget | None, local: LocalFrame | None = None) -> Placed:
    """Each detection of a flight on the ground. Raises InputError for a detection whose frame is not in the flight."""
    poses = Poses.from_frames(data.frames)
    local = local or local_frame(poses)
    frame = _frame_index(data.detections, data.frames["frame_id"].to_pylist())
    boxes = np.stack([data.detections[name].to_numpy() for name in ("x1_px", "y1_px", "x2_px", "y2_px")], axis=1)
    boxes = boxes.astype(np.float64)
    classes = data.detections["class"].to_pylist()
    points = locate_pixels(
        contact_points(boxes, frame, poses, data.camera, classes),
        frame,
        poses,
        data.camera,
        terrain,
        home=data.home,
        local=local,
        budget=budget,
        pixel_sigma_px=contact_sigmas(boxes, data.camera, budget),
        flight_wide=data.flight_wide,
    )
    corners = [
        locate_pixels(boxes[:, side], frame, poses, data.camera, terrain, home=data.home, local=local)
        for side in (slice(0, 2), slice(2, 4))
    ]
    diagonals = np.hypot(corners[0].east_m - corners[1].east_m, corners[0].north_m - corners[1].north_m)
    lost = outvoted(data.detections, frame, boxes, np.stack([points.east_m, points.north_m], axis=1), diagonals)
    return Placed(
        data=data,
        poses=poses,
        frame=frame,
        boxes=boxes,
        points=points,
        lost=lost,
        mark=_marks(data.detections, frame, boxes, lost),
        shown=footprints(poses, data.camera, terrain, local, data.home),
        searched=_searched(data),
    )


def _searched(data: FlightData) -> npt.NDArray[np.bool_]:
    """(F,) True for the frames that were searched; for all that have an image where nobody knows."""
    if data.searched is None:
        return np.array([file is not None for file in data.frames["file"].to_pylist()], dtype=np.bool_)
    return np.array([name in data.searched for name in data.frames["frame_id"].to_pylist()], dtype=np.bool_)


def _frame_index(detections: pa.Table, frame_ids: Sequence[str]) -> npt.NDArray[np.intp]:
    row = {frame_id: number for number, frame_id in enumerate(frame_ids)}
    names = (detections[name].to_pylist() for name in ("detection_id", "frame_id"))
    for detection_id, frame_id in zip(*names, strict=True):
        if frame_id not in row:
            raise InputError(
                "detections", f"its frame {frame_id} is not in this flight; run detect again", detection_id
            )
    return np.array([row[frame_id] for frame_id in detections["frame_id"].to_pylist()], dtype=np.intp)


def _marks(
    detections: pa.Table, frame: npt.NDArray[np.intp], boxes: Floats, lost: npt.NDArray[np.bool_]
) -> npt.NDArray[np.intp]:
    """(N,) for each detection the mark in whose place it stands: the nearest in its box, of its class or of none."""
    found = np.full(len(boxes), -1, dtype=np.intp)
    marked = np.array([model == MARKED for model in detections["model"].to_pylist()], dtype=np.bool_)
    if not marked.any():
        return found
    classes = detections["class"].to_pylist()
    middle = 0.5 * (boxes[:, :2] + boxes[:, 2:])
    pairs = []
    for mark in np.flatnonzero(marked).tolist():
        inside = (boxes[:, :2] <= middle[mark]).all(axis=1) & (boxes[:, 2:] >= middle[mark]).all(axis=1)
        for one in np.flatnonzero(inside & ~marked & ~lost & (frame == frame[mark])).tolist():
            if classes[mark] in (OBJECT_CLASS, classes[one]):
                pairs.append((float(np.linalg.norm(middle[one] - middle[mark])), one, mark))
    taken: set[int] = set()
    for _, one, mark in sorted(pairs):
        if not taken & {one, mark}:
            taken |= {one, mark}
            found[one] = mark
    return found


def reasons(placed: Placed, weak: npt.NDArray[np.bool_], flat: bool) -> list[str | None]:
    """For each detection why it has no place, or is no sighting; None where all is well."""
    poses, found = placed.poses, list[str | None]()
    for miss, frame, spoken_for, faint in zip(
        placed.points.miss.tolist(), placed.frame.tolist(), placed.lost.tolist(), weak.tolist(), strict=True
    ):
        if miss == Miss.NONE:
            found.append(OUTVOTED if spoken_for else WEAK if faint else None)
        elif miss != Miss.NO_POSE:
            found.append(_REASONS[Miss(miss)])
        elif np.isnan(poses.lat_deg[frame] + poses.lon_deg[frame]):
            found.append(_NO_POSITION)
        elif np.isnan(poses.yaw_deg[frame] + poses.pitch_deg[frame] + poses.roll_deg[frame]):
            found.append(_NO_ATTITUDE)
        else:
            found.append(_NO_HEIGHT if flat else _NO_AMSL)
    return found


def places_table(placed: Placed, sighting_ids: Sequence[str | None], why: Sequence[str | None]) -> pa.Table:
    """The PLACES table of a flight."""
    points = placed.points
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
            "detection_id": placed.data.detections["detection_id"],
            "frame_id": placed.data.detections["frame_id"],
            "sighting_id": list(sighting_ids),
            **{name: pa.array(values, from_pandas=True) for name, values in numbers.items()},
            "reason": list(why),
        }
    )
