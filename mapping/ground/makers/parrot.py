"""Parrot. `CameraYawDegree`, `CameraPitchDegree`, `CameraRollDegree` are NED, pitch -90 straight down.

Older drones have only `Camera:Yaw`, `Pitch`, `Roll` as Pix4D defines them, pitch 0 straight down; some wrote NED there,
told by a pitch far below 0, which Pix4D's convention has for a camera that looks backwards only. EXIF's height is above
mean sea level (EGM96), on the ANAFI Ai above the ellipsoid (Parrot, Embedded Photo Metadata); `AboveGroundAltitude` is
above take-off.
"""

from __future__ import annotations

from mapping.ground.makers import Place, Said
from mapping.ground.xmp import Properties, named, namespaces, number

NAMESPACE = "http://www.parrot.com/drone-parrot/1.0/"
_BACKWARDS_DEG = -30.0


def is_it(properties: Properties, place: Place) -> bool:
    """True for a picture of a Parrot drone."""
    return place.make.lower().startswith("parrot") or NAMESPACE in namespaces(properties)


def read(properties: Properties, place: Place) -> Said:
    """What Parrot's XMP and EXIF say."""

    def said(name: str) -> float | None:
        return number(named(properties, name))

    yaw, pitch, roll = (said(f"Camera{angle}Degree") for angle in ("Yaw", "Pitch", "Roll"))
    if pitch is None:
        yaw, pitch, roll = said("Yaw"), said("Pitch"), said("Roll")
        if pitch is not None and pitch > _BACKWARDS_DEG:
            pitch -= 90.0
    ellipsoidal = "anafiai" in place.model.lower().replace(" ", "").replace("_", "")
    return Said(
        lat_deg=place.lat_deg,
        lon_deg=place.lon_deg,
        alt_amsl_m=None if ellipsoidal else place.height_m,
        alt_hae_m=place.height_m if ellipsoidal else None,
        alt_home_m=said("AboveGroundAltitude"),
        yaw_deg=yaw,
        pitch_deg=pitch,
        roll_deg=roll,
    )
