"""DJI (and Hasselblad on DJI drones), and what others write in DJI's namespace: Picket itself does.

Gimbal angles are NED, order ZYX, pitch -90 straight down. `AbsoluteAltitude` is above mean sea level (EGM96), but above
the ellipsoid where an RTK receiver placed the picture: newer drones say so (`AltitudeType` RtkAlt), older ones show it
by an `RtkFlag` that is not 0 (16 single, 34 float, 50 fixed). `RelativeAltitude` is above take-off. RtkStd* are the
receiver's one-sigma errors in metres (DJI, Phantom 4 RTK and Matrice 300 manuals).
"""

from __future__ import annotations

import math

from mapping.ground.makers import Place, Said
from mapping.ground.xmp import Properties, named, namespaces, number

NAMESPACE = "http://www.dji.com/drone-dji/1.0/"
_RTK_FIXED = "50"
_LEAST_SIGMA_M = 0.05  # lever arms, timing of the shutter: no picture is placed better


def is_it(properties: Properties, place: Place) -> bool:
    """True where the picture was written in DJI's way."""
    return NAMESPACE in namespaces(properties)


def read(properties: Properties, place: Place) -> Said:
    """What DJI's XMP says, and EXIF's place where that has none."""

    def said(*names: str) -> float | None:
        return number(named(properties, *names, within=NAMESPACE))

    lat, lon = said("GpsLatitude", "Latitude"), said("GpsLongitude", "GpsLongtitude", "Longitude")
    absolute = said("AbsoluteAltitude")
    flag = named(properties, "RtkFlag", within=NAMESPACE)
    kind = named(properties, "AltitudeType", within=NAMESPACE)
    by_rtk = kind == "RtkAlt" if kind is not None else flag is not None and number(flag) != 0.0
    height = place.height_m if absolute is None else absolute
    sideways = [one for one in (said("RtkStdLat"), said("RtkStdLon")) if one is not None]
    up = said("RtkStdHgt")
    trusted = by_rtk and flag == _RTK_FIXED
    return Said(
        lat_deg=place.lat_deg if lat is None or lon is None else lat,
        lon_deg=place.lon_deg if lat is None or lon is None else lon,
        alt_amsl_m=None if by_rtk else height,
        alt_hae_m=height if by_rtk else None,
        alt_home_m=said("RelativeAltitude"),
        yaw_deg=said("GimbalYawDegree"),
        pitch_deg=said("GimbalPitchDegree"),
        roll_deg=said("GimbalRollDegree"),
        sigma_position_m=max(_LEAST_SIGMA_M, math.hypot(*sideways) / math.sqrt(2.0)) if trusted and sideways else None,
        sigma_height_m=max(_LEAST_SIGMA_M, up) if trusted and up is not None else None,
        time_utc=named(properties, "UTCAtExposure", within=NAMESPACE),
        notes=("its position is by RTK but not fixed, and counts as an ordinary one",)
        if by_rtk and flag is not None and not trusted
        else (),
    )
