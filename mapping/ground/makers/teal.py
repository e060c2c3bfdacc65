"""Teal (cameras by Teledyne FLIR). Angles are fractions written as text in EXIF's XMP namespace, the camera's relative
to the platform's: the sum of the two is the camera's against north and the horizon (as OpenAthena reads the Teal 2).
EXIF's height is above mean sea level (EGM96)."""

from __future__ import annotations

from mapping.ground.makers import Place, Said
from mapping.ground.xmp import Properties, named, number

NAMESPACE = "http://ns.adobe.com/exif/1.0/"


def is_it(properties: Properties, place: Place) -> bool:
    """True for a picture of a Teal drone."""
    return named(properties, "PlatformYaw", within=NAMESPACE) is not None


def read(properties: Properties, place: Place) -> Said:
    """What Teal's XMP and EXIF say."""

    def angle(name: str) -> float | None:
        parts = [number(named(properties, f"{of}{name}", within=NAMESPACE)) for of in ("Platform", "Camera")]
        known = [part for part in parts if part is not None]
        return sum(known) if len(known) == len(parts) else None

    roll = angle("Roll")
    return Said(
        lat_deg=place.lat_deg,
        lon_deg=place.lon_deg,
        alt_amsl_m=place.height_m,
        yaw_deg=angle("Yaw"),
        pitch_deg=angle("Pitch"),
        roll_deg=None if roll is None else (roll + 180.0) % 360.0 - 180.0,
    )
