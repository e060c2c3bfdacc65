"""What an image file says of itself: EXIF and XMP in, EXIF and XMP out, the picture itself never re-encoded.

Heights come out above mean sea level whatever a maker wrote (HAE = AMSL + N, `mapping.ground.geoid`), angles are the
camera's in the conventions of `mapping.ground.pose`. What each maker means is `mapping.ground.makers`', which of
several sources to believe for a flight `mapping.ground.frames`' subject.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from mapping.errors import MappingError
from mapping.ground.exif import NO_IMAGE, exif_place, exif_time, focal_px, plain_text, read_exif, rewriting_notes
from mapping.ground.geoid import amsl_from_hae
from mapping.ground.jpeg import XMP_HEADER, app1, is_exif, is_xmp, split_jpeg
from mapping.ground.makers import Place, Said, autel, dji, parrot, skydio, teal
from mapping.ground.pose import Poses
from mapping.ground.xmp import Properties, named, namespaces, number, read_properties
from vision.errors import InputError
from vision.files import whole_file

PICKET = "urn:picket:image:1"
_MAKERS = (autel, skydio, parrot, teal, dji)


@dataclass(frozen=True)
class ImagePose:
    """What an image says of its time, place and the camera's attitude; None where it says nothing.

    `time_s` is UTC in seconds since 1970; heights above mean sea level and above take-off; the sigmas are one-sigma
    errors of position (an axis) and height where a receiver states them; `focal_px` the focal length in pixels, as
    good as `focal_source` says; `jfif` whether a program wrote the file's head, as cameras seldom do. `notes` say in
    words what makes the rest doubtful (rewritten after it was taken, turned, resized, a time without its zone).
    """

    time_s: float | None = None
    lat_deg: float | None = None
    lon_deg: float | None = None
    alt_amsl_m: float | None = None
    alt_home_m: float | None = None
    yaw_deg: float | None = None
    pitch_deg: float | None = None
    roll_deg: float | None = None
    sigma_position_m: float | None = None
    sigma_height_m: float | None = None
    width_px: int | None = None
    height_px: int | None = None
    make: str | None = None
    model: str | None = None
    focal_px: float | None = None
    focal_source: str | None = None
    jfif: bool = False
    notes: tuple[str, ...] = ()


def read_image_pose(path: str | Path) -> ImagePose:
    """What the image at `path` says of itself. Raises InputError where it is no image; an image that says nothing, or
    whose metadata is damaged, gives None values."""
    exif = read_exif(path)
    properties, unreadable = read_properties(exif.packet)
    make, model = (plain_text(exif.main.get(tag)) for tag in (ExifTags.Base.Make, ExifTags.Base.Model))
    place = Place(*exif_place(exif), make=make or "", model=model or "")
    said = _said(properties, place)
    lat, lon = _somewhere(said.lat_deg, said.lon_deg)
    time_s, time_notes = exif_time(exif, named(properties, "TimeUtc", within=PICKET) or said.time_utc)
    amsl, height_notes = _above_sea(said, lat, lon)
    angles = (said.yaw_deg, said.pitch_deg, said.roll_deg)
    blank = angles == (0.0, 0.0, 0.0) and named(properties, "Version", within=PICKET) is None
    yaw, pitch, roll = (None, None, None) if blank else angles
    lens = focal_px(exif)
    return ImagePose(
        time_s=time_s,
        lat_deg=lat,
        lon_deg=lon,
        alt_amsl_m=amsl,
        alt_home_m=said.alt_home_m,
        yaw_deg=None if yaw is None else yaw % 360.0,
        pitch_deg=pitch,
        roll_deg=roll,
        sigma_position_m=said.sigma_position_m,
        sigma_height_m=said.sigma_height_m,
        width_px=exif.width_px,
        height_px=exif.height_px,
        make=make,
        model=model,
        focal_px=lens[0] if lens else None,
        focal_source=lens[1] if lens else None,
        jfif=exif.jfif and PICKET not in namespaces(properties),
        notes=(
            *rewriting_notes(exif, properties),
            *time_notes,
            *height_notes,
            *said.notes,
            *(["its camera angles are all 0, as written when nothing was measured: they count as unknown"] * blank),
            *(["its XMP metadata is damaged and was not read"] if unreadable else []),
        ),
    )


def _said(properties: Properties, place: Place) -> Said:
    """What the picture's maker says; of an unknown maker what EXIF says, its height above mean sea level as the
    standard has it."""
    for maker in _MAKERS:
        if maker.is_it(properties, place):
            return maker.read(properties, place)
    return Said(lat_deg=place.lat_deg, lon_deg=place.lon_deg, alt_amsl_m=place.height_m)


def _somewhere(lat: float | None, lon: float | None) -> tuple[float | None, float | None]:
    """The position, unless it is no place on earth, or the 0, 0 that means there was no fix."""
    if lat is None or lon is None or abs(lat) > 90.0 or abs(lon) > 180.0 or (lat == 0.0 and lon == 0.0):
        return None, None
    return lat, lon


def _above_sea(said: Said, lat: float | None, lon: float | None) -> tuple[float | None, tuple[str, ...]]:
    """(height above mean sea level, notes) from whichever height there is."""
    if said.alt_amsl_m is not None or said.alt_hae_m is None:
        return said.alt_amsl_m, ()
    if lat is None or lon is None:
        return None, ("its height is above the ellipsoid and it has no position to refer it to the sea",)
    try:
        return float(amsl_from_hae(said.alt_hae_m, lat, lon)), ()
    except MappingError:
        return None, ("its height is above the ellipsoid, and the grid to refer it to the sea is not installed",)


def write_image_pose(path: str | Path, poses: Poses, index: int, *, model: str | None = None) -> None:
    """Write pose `index` of `poses` into the JPEG at `path` as EXIF and XMP, its compressed picture untouched, whole or
    not at all (beside it, then renamed). What is unknown is left out; EXIF that is there already is kept otherwise.

    Raises InputError where it is no JPEG, or has XMP that Picket did not write (which would be lost).
    """
    names = ("time_s", "lat_deg", "lon_deg", "alt_amsl_m", "alt_home_m", "yaw_deg", "pitch_deg", "roll_deg")
    said: dict[str, Any] = {name: number(getattr(poses, name)[index]) for name in names}
    pose = replace(ImagePose(model=model), **said)
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})") from error
    segments, rest = split_jpeg(path, content)
    if any(_foreign_xmp(segment) for segment in segments):
        raise InputError(path, "has XMP metadata of another program, which is left as it is: write to a copy without")
    kept = [segment for segment in segments if not is_exif(segment) and not is_xmp(segment)]
    jfif = [segment for segment in kept if segment[1] == 0xE0]
    others = [segment for segment in kept if segment[1] != 0xE0]
    added = [app1(_exif_bytes(path, pose)), app1(XMP_HEADER + _xmp_packet(pose))]
    with whole_file(path) as beside:
        beside.write_bytes(b"".join([b"\xff\xd8", *jfif, *added, *others, rest]))


def _foreign_xmp(segment: bytes) -> bool:
    return is_xmp(segment) and PICKET.encode() not in segment


def _exif_bytes(path: Path, pose: ImagePose) -> bytes:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # damaged EXIF is replaced
            with Image.open(path) as image:
                exif = image.getexif()
                detail, gps = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
    except NO_IMAGE as error:
        raise InputError(path, "not an image, or a damaged one: copy it again") from error
    for tag, name in ((ExifTags.Base.Make, pose.make), (ExifTags.Base.Model, pose.model)):
        if name is not None:
            exif[tag] = name
    if pose.time_s is not None:
        moment = datetime.fromtimestamp(round(pose.time_s, 6), UTC)
        stamp = moment.strftime("%Y:%m:%d %H:%M:%S")
        exif[ExifTags.Base.DateTime] = stamp
        detail[ExifTags.Base.DateTimeOriginal] = detail[ExifTags.Base.DateTimeDigitized] = stamp
        detail[ExifTags.Base.OffsetTimeOriginal] = detail[ExifTags.Base.OffsetTime] = "+00:00"
        detail[ExifTags.Base.SubsecTimeOriginal] = f"{moment.microsecond:06d}"
        gps[ExifTags.GPS.GPSDateStamp] = moment.strftime("%Y:%m:%d")
        seconds = IFDRational(moment.second * 1_000_000 + moment.microsecond, 1_000_000)
        gps[ExifTags.GPS.GPSTimeStamp] = (IFDRational(moment.hour), IFDRational(moment.minute), seconds)
    if pose.lat_deg is not None and pose.lon_deg is not None:
        gps[ExifTags.GPS.GPSVersionID] = b"\x02\x03\x00\x00"
        gps[ExifTags.GPS.GPSLatitudeRef] = "S" if pose.lat_deg < 0 else "N"
        gps[ExifTags.GPS.GPSLatitude] = _rationals(pose.lat_deg)
        gps[ExifTags.GPS.GPSLongitudeRef] = "W" if pose.lon_deg < 0 else "E"
        gps[ExifTags.GPS.GPSLongitude] = _rationals(pose.lon_deg)
    if pose.alt_amsl_m is not None:
        gps[ExifTags.GPS.GPSAltitudeRef] = b"\x01" if pose.alt_amsl_m < 0 else b"\x00"
        gps[ExifTags.GPS.GPSAltitude] = IFDRational(round(abs(pose.alt_amsl_m) * 1000), 1000)
    exif[ExifTags.IFD.Exif], exif[ExifTags.IFD.GPSInfo] = detail, gps
    return exif.tobytes()


def _rationals(angle_deg: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    """Degrees, minutes and seconds; seconds to 1/100,000, which is 0.3 mm on the ground."""
    units = round(abs(angle_deg) * 3600 * 100_000)
    minutes, remainder = divmod(units, 60 * 100_000)
    return IFDRational(minutes // 60), IFDRational(minutes % 60), IFDRational(remainder, 100_000)


def _xmp_packet(pose: ImagePose) -> bytes:
    attributes: dict[str, str] = {"picket:Version": "1"}
    if pose.time_s is not None:
        moment = datetime.fromtimestamp(round(pose.time_s, 6), UTC)
        attributes["picket:TimeUtc"] = moment.isoformat(timespec="microseconds")
    numbers = {
        "GpsLatitude": (pose.lat_deg, "+.9f"),
        "GpsLongitude": (pose.lon_deg, "+.9f"),
        "AbsoluteAltitude": (pose.alt_amsl_m, "+.3f"),
        "RelativeAltitude": (pose.alt_home_m, "+.3f"),
        "GimbalYawDegree": (None if pose.yaw_deg is None else (pose.yaw_deg + 180.0) % 360.0 - 180.0, "+.4f"),
        "GimbalPitchDegree": (pose.pitch_deg, "+.4f"),
        "GimbalRollDegree": (pose.roll_deg, "+.4f"),
    }
    attributes |= {
        f"drone-dji:{name}": f"{number:{form}}" for name, (number, form) in numbers.items() if number is not None
    }
    written = "".join(f"\n   {name}={quoteattr(value)}" for name, value in attributes.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        f'  <rdf:Description rdf:about="" xmlns:drone-dji="{dji.NAMESPACE}" xmlns:picket="{PICKET}"{written}/>\n'
        ' </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="w"?>'
    ).encode()
