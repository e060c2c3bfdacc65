"""Skydio. The same names stand in several structures, for vehicle and camera and in two frames of reference (NED and
FLU): what counts is `CameraOrientationNED`, pitch -90 straight down. `AbsoluteAltitude` is above mean sea level
(EGM96), `RelativeAltitude` above take-off."""

from __future__ import annotations

from mapping.ground.makers import Place, Said
from mapping.ground.xmp import Properties, named, namespaces, number

_NAMESPACE_PART = "skydio.com/drone-skydio"


def is_it(properties: Properties, place: Place) -> bool:
    """True for a picture of a Skydio drone."""
    return place.make.lower().startswith("skydio") or any(_NAMESPACE_PART in one for one in namespaces(properties))


def read(properties: Properties, place: Place) -> Said:
    """What Skydio's XMP says, and EXIF's place where that has none."""

    def said(name: str) -> float | None:
        return number(named(properties, name))

    lat, lon, absolute = said("Latitude"), said("Longitude"), said("AbsoluteAltitude")
    whole = lat is not None and lon is not None
    return Said(
        lat_deg=lat if whole else place.lat_deg,
        lon_deg=lon if whole else place.lon_deg,
        alt_amsl_m=place.height_m if absolute is None else absolute,
        alt_home_m=said("RelativeAltitude"),
        yaw_deg=said("CameraOrientationNED/Yaw"),
        pitch_deg=said("CameraOrientationNED/Pitch"),
        roll_deg=said("CameraOrientationNED/Roll"),
    )
