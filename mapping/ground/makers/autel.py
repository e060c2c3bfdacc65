"""Autel Robotics. Newer firmware writes DJI's properties in a namespace of its own (`drone:`), with the longitude as
`GpsLongtitude`, the height above the ellipsoid. Older firmware writes `Camera:Yaw`, `Pitch`, `Roll` as Pix4D defines
them, pitch 0 straight down and 90 to the horizon, and calls its EXIF height ellipsoidal though it is above mean sea
level (found out by OpenAthena, whose reading this follows)."""

from __future__ import annotations

from mapping.ground.makers import Place, Said
from mapping.ground.xmp import Properties, named, number

PIX4D = "http://pix4d.com/camera/1.0"


def is_it(properties: Properties, place: Place) -> bool:
    """True for a picture of an Autel drone."""
    return place.make.lower().startswith("autel")


def read(properties: Properties, place: Place) -> Said:
    """What the newer or the older firmware says."""
    if named(properties, "GimbalPitchDegree") is not None:
        return _newer(properties, place)
    pitch = number(named(properties, "Pitch"))
    return Said(
        lat_deg=place.lat_deg,
        lon_deg=place.lon_deg,
        alt_amsl_m=place.height_m,
        alt_home_m=number(named(properties, "AboveGroundAltitude")),
        yaw_deg=number(named(properties, "Yaw")),
        pitch_deg=None if pitch is None else pitch - 90.0,
        roll_deg=number(named(properties, "Roll")),
    )


def _newer(properties: Properties, place: Place) -> Said:
    def said(*names: str) -> float | None:
        return number(named(properties, *names))

    lat, lon, absolute = said("GpsLatitude"), said("GpsLongtitude", "GpsLongitude"), said("AbsoluteAltitude")
    whole = lat is not None and lon is not None
    return Said(
        lat_deg=lat if whole else place.lat_deg,
        lon_deg=lon if whole else place.lon_deg,
        alt_hae_m=place.height_m if absolute is None else absolute,
        alt_home_m=said("RelativeAltitude"),
        yaw_deg=said("GimbalYawDegree"),
        pitch_deg=said("GimbalPitchDegree"),
        roll_deg=said("GimbalRollDegree"),
    )
