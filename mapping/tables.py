"""The columns of the tables that hold poses and places. Units are in the names; see `docs/formats.md`."""

from __future__ import annotations

import pyarrow as pa

from vision.table import TableSchema

UTC = pa.timestamp("us", tz="UTC")

TRACK = TableSchema(
    "track",
    pa.schema(
        [
            ("time_utc", UTC),
            ("lat_deg", pa.float64()),
            ("lon_deg", pa.float64()),
            ("alt_amsl_m", pa.float64()),
            ("alt_home_m", pa.float64()),
            ("yaw_deg", pa.float64()),
            ("pitch_deg", pa.float64()),
            ("roll_deg", pa.float64()),
        ]
    ),
)
"""Where the vehicle was: position and attitude of its body, in the order of time."""

FRAMES = TableSchema(
    "frames",
    pa.schema(
        [
            ("frame_id", pa.string()),
            ("file", pa.string()),
            ("time_utc", UTC),
            ("lat_deg", pa.float64()),
            ("lon_deg", pa.float64()),
            ("alt_amsl_m", pa.float64()),
            ("alt_home_m", pa.float64()),
            ("yaw_deg", pa.float64()),
            ("pitch_deg", pa.float64()),
            ("roll_deg", pa.float64()),
            ("camera", pa.string()),
            ("sigma_position_m", pa.float64()),
            ("sigma_height_m", pa.float64()),
            ("sigma_attitude_deg", pa.float64()),
            ("sigma_time_s", pa.float64()),
        ]
    ),
)
"""One row per frame: the pose of the camera (not of the vehicle) when it was taken, with one-sigma errors. Every pose
column is null where nothing is known of it; `file` is relative to the flight folder, null where the image is not there
(of a flight just flown it may still be on the camera's card)."""

_PLACE = tuple(
    (name, pa.float64())
    for name in (
        "lat_deg",
        "lon_deg",
        "alt_amsl_m",
        "ellipse_major_m",
        "ellipse_minor_m",
        "ellipse_bearing_deg",
        "ce90_m",
    )
)
"""Where something stands and how well that is known: columns that sightings and single places share."""

SIGHTINGS = TableSchema(
    "sightings",
    pa.schema(
        [
            ("sighting_id", pa.string()),
            ("class", pa.string()),
            ("object", pa.string()),
            *_PLACE,
            ("confidence", pa.float64()),
            ("first_seen_utc", UTC),
            ("last_seen_utc", UTC),
            ("n_frames", pa.int32()),
            ("speed_m_s", pa.float64()),
            ("heading_deg", pa.float64()),
            ("detection_ids", pa.list_(pa.string())),
        ]
    ),
)
"""One row per physical object: semi-axes and bearing of the 95 % ellipse (bearing of the major axis from true north),
the radius that holds 90 %, and the detections it was fused from. `object` is the name a person gave (else null). Of an
object that moved, the place is where it was last seen; `speed_m_s` and `heading_deg` (from true north) are null for one
that is not known to have moved. In a mission's table detection ids begin with the flight's name and a slash."""

PLACES = TableSchema(
    "places",
    pa.schema(
        [
            ("detection_id", pa.string()),
            ("frame_id", pa.string()),
            ("sighting_id", pa.string()),
            *_PLACE,
            ("reason", pa.string()),
        ]
    ),
)
"""One row per detection, in the order of the detections: where it alone puts its object, and the sighting it became
part of. Without a place the place is null and `reason` says why; a detection that was placed and left out has a
`reason` too."""
