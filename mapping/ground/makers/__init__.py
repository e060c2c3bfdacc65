"""What each camera maker writes about a picture's pose, and in which conventions; one module a maker.

Each maker's `read` takes the XMP properties and what EXIF says of the place, and gives `Said`: angles of the camera in
the conventions of `mapping.ground.pose`, every height with its datum. Which maker it is, is decided here; what is made
of heights is `mapping.ground.metadata`'s subject.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where EXIF says a picture was taken, and by which make and model of camera; None where it says nothing. The
    height counts from mean sea level or from the ellipsoid, as the maker has it."""

    lat_deg: float | None = None
    lon_deg: float | None = None
    height_m: float | None = None
    make: str = ""
    model: str = ""


@dataclass(frozen=True)
class Said:
    """What a maker's metadata say; None where they say nothing. `alt_amsl_m` is above mean sea level (EGM96),
    `alt_hae_m` above the ellipsoid (WGS 84), `alt_home_m` above take-off. Sigmas are one-sigma errors of position (an
    axis) and height where the receiver states them; `time_utc` is ISO 8601. `notes` say what makes the rest doubtful.
    """

    lat_deg: float | None = None
    lon_deg: float | None = None
    alt_amsl_m: float | None = None
    alt_hae_m: float | None = None
    alt_home_m: float | None = None
    yaw_deg: float | None = None
    pitch_deg: float | None = None
    roll_deg: float | None = None
    sigma_position_m: float | None = None
    sigma_height_m: float | None = None
    time_utc: str | None = None
    notes: tuple[str, ...] = ()
