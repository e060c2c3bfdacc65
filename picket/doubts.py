"""What is doubtful about a flight that was brought in, gathered from everywhere for the person who relies on it: the
signs themselves are `mapping.ground.signs`'."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from mapping.ground.camera import Camera
from mapping.ground.exif import FOCAL_SHARE
from mapping.ground.metadata import ImagePose
from mapping.ground.pose import Poses
from mapping.ground.signs import (
    attitude_signs,
    height_signs,
    odd_ones,
    order_signs,
    together,
    turned_frames,
    turned_signs,
)
from mapping.ground.terrain import FlatGround
from mapping.ground.texture import matched_pairs, overlapping
from picket.output import progress_bar


def camera_notes(given: Camera | None, derived: Camera | None) -> list[str]:
    """What is to be said where nobody named the camera."""
    if given is not None:
        return []
    if derived is None:
        return [
            "no camera is known: nothing can be placed until the images are ingested again with --camera NAME or FILE"
        ]
    return [
        f"no camera was named; taken for {derived.name} with a focal length of {derived.fx_px:.0f} px "
        f"({derived.source}), good to {FOCAL_SHARE:.0%}: a calibration of it (--camera FILE) is better"
    ]


def flight_notes(frames: pa.Table, reads: Mapping[Path, ImagePose], camera: Camera | None, root: Path) -> list[str]:
    """All that looks wrong with the pictures and poses of a flight, in sentences; a picture that may have been
    turned is called suspicious by name."""
    poses = Poses.from_frames(frames)
    files = frames["file"].to_pylist()
    said = [(path.name, note) for path, read in reads.items() for note in read.notes]
    found = together(said, len(reads)) + odd_ones({path.name: read for path, read in reads.items()})
    found += attitude_signs(poses) + height_signs(poses) + order_signs(poses)
    if camera is not None:
        ground = FlatGround()
        pairs = overlapping(poses, camera, ground, None)
        with progress_bar("comparing neighbouring frames") as progress:
            matched = matched_pairs([root / file for file in files], pairs, progress)
        found += turned_signs(files, turned_frames(matched, poses, camera, ground))
    return found
