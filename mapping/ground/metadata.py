"""What an image file says of itself: EXIF and XMP in, EXIF and XMP out, the picture itself never re-encoded.

Read are EXIF's GPS and times, DJI's XMP (attributes or elements) and Picket's own. Angles are those of the camera in
the conventions of `mapping.ground.pose`, which DJI's gimbal angles follow. Which of several sources to believe for a
flight is `mapping.ground.frames`' subject.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from PIL import ExifTags, Image, UnidentifiedImageError
from PIL.TiffImagePlugin import IFDRational

from mapping.ground.pose import Poses
from vision.errors import InputError
from vision.files import whole_file

DJI = "http://www.dji.com/drone-dji/1.0/"
PICKET = "urn:picket:image:1"
_XMP_CORE = "http://ns.adobe.com/xap/1.0/"
_EXIF_HEADER, _XMP_HEADER = b"Exif\x00\x00", b"http://ns.adobe.com/xap/1.0/\x00"
_LARGEST_SEGMENT = 65533
# Programs that people look at pictures with and that save them anew; firmware of cameras names itself otherwise.
_REWRITERS = re.compile(
    r"photo\s?viewer|photos?hop|lightroom|gimp|picasa|paint|irfan|imagemagick|acdsee|snapseed|xnview|preview|photos\b"
    r"|windows|macos|os x|affinity|digikam|faststone|instagram|whatsapp",
    re.IGNORECASE,
)
_OrNone = float | None


@dataclass(frozen=True)
class ImagePose:
    """What an image says of its time, place and the camera's attitude; None where it says nothing.

    `time_s` is UTC in seconds since 1970; heights above mean sea level and above take-off; `notes` say in words what
    makes the rest doubtful (rewritten after it was taken, turned, resized, a time without its zone).
    """

    time_s: _OrNone = None
    lat_deg: _OrNone = None
    lon_deg: _OrNone = None
    alt_amsl_m: _OrNone = None
    alt_home_m: _OrNone = None
    yaw_deg: _OrNone = None
    pitch_deg: _OrNone = None
    roll_deg: _OrNone = None
    width_px: int | None = None
    height_px: int | None = None
    make: str | None = None
    model: str | None = None
    notes: tuple[str, ...] = ()


def read_image_pose(path: str | Path) -> ImagePose:
    """What the image at `path` says of itself. Raises InputError where it is no image; an image that says nothing, or
    whose metadata is damaged, gives None values."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of damaged EXIF, which counts as none here
            with Image.open(path) as image:
                size = image.size
                packet = image.info.get("xmp") or b""
                exif = image.getexif()
                main = {tag: _value(value) for tag, value in exif.items()}
                detail = {tag: _value(value) for tag, value in exif.get_ifd(ExifTags.IFD.Exif).items()}
                gps = {tag: _value(value) for tag, value in exif.get_ifd(ExifTags.IFD.GPSInfo).items()}
    except FileNotFoundError as error:
        raise InputError(path, "no such image") from error
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise InputError(path, "not an image, or a damaged one: leave it out or copy it again") from error
    properties, unreadable = _xmp_properties(packet)
    time_s, time_notes = _time(main, detail, gps, properties)
    lat, lon = _place(gps, properties)
    amsl = _number(properties.get((DJI, "AbsoluteAltitude")))
    yaw = _number(properties.get((DJI, "GimbalYawDegree")))
    return ImagePose(
        time_s=time_s,
        lat_deg=lat,
        lon_deg=lon,
        alt_amsl_m=_exif_altitude(gps) if amsl is None else amsl,
        alt_home_m=_number(properties.get((DJI, "RelativeAltitude"))),
        yaw_deg=None if yaw is None else yaw % 360.0,
        pitch_deg=_number(properties.get((DJI, "GimbalPitchDegree"))),
        roll_deg=_number(properties.get((DJI, "GimbalRollDegree"))),
        width_px=size[0],
        height_px=size[1],
        make=_text(main.get(ExifTags.Base.Make)),
        model=_text(main.get(ExifTags.Base.Model)),
        notes=(
            *_rewriting_notes(main, detail, properties, size),
            *time_notes,
            *(["its XMP metadata is damaged and was not read"] if unreadable else []),
        ),
    )


def _value(value: Any) -> Any:
    """EXIF numbers as float (0/0, which cameras write for unknown, as NaN), everything else as it is."""
    if isinstance(value, tuple):
        return tuple(_value(part) for part in value)
    if isinstance(value, IFDRational):
        return float(value) if value.denominator else math.nan
    return value


def _text(value: Any) -> str | None:
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    text = value.replace("\x00", "").strip() if isinstance(value, str) else ""
    return text or None


def _number(value: Any) -> _OrNone:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _xmp_properties(packet: bytes | str) -> tuple[dict[tuple[str, str], str], bool]:
    """({(namespace, name): text}, damaged) of an XMP packet: properties as attributes or as elements, first one wins.

    A packet with a document type is not read: XMP has none, and entities in it could be made to grow without bound.
    """
    text = packet.encode() if isinstance(packet, str) else packet
    begin, end = text.find(b"<x:xmpmeta"), text.rfind(b"</x:xmpmeta>")
    if begin < 0 or end < 0:
        return {}, bool(text.strip(b"\x00 \r\n"))
    body = text[begin : end + len(b"</x:xmpmeta>")]
    if b"<!" in body:
        return {}, True
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        return {}, True
    found: dict[tuple[str, str], str] = {}
    for element in root.iter():
        for name, value in [*element.attrib.items(), (element.tag, (element.text or "").strip())]:
            namespace, brace, local = name[1:].partition("}")
            if brace and value:
                found.setdefault((namespace, local), value)
    return found, False


def _place(gps: Mapping[int, Any], properties: Mapping[tuple[str, str], str]) -> tuple[_OrNone, _OrNone]:
    lat = _number(properties.get((DJI, "GpsLatitude")))
    lon = _number(properties.get((DJI, "GpsLongitude"), properties.get((DJI, "GpsLongtitude"))))
    if lat is None or lon is None:
        lat = _sexagesimal(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef), "S")
        lon = _sexagesimal(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef), "W")
    if lat is None or lon is None or abs(lat) > 90.0 or abs(lon) > 180.0 or (lat == 0.0 and lon == 0.0):
        return None, None
    return lat, lon


def _sexagesimal(value: Any, reference: Any, negative: str) -> _OrNone:
    if not isinstance(value, tuple) or len(value) != 3:
        return None
    parts = [_number(part) for part in value]
    degrees = None if None in parts else sum(part / 60.0**k for k, part in enumerate(parts) if part is not None)
    if degrees is None:
        return None
    return -degrees if _text(reference) == negative else degrees


def _exif_altitude(gps: Mapping[int, Any]) -> _OrNone:
    altitude = _number(gps.get(ExifTags.GPS.GPSAltitude))
    below = gps.get(ExifTags.GPS.GPSAltitudeRef) in (1, b"\x01")
    return -altitude if altitude is not None and below else altitude


def _time(
    main: Mapping[int, Any],
    detail: Mapping[int, Any],
    gps: Mapping[int, Any],
    properties: Mapping[tuple[str, str], str],
) -> tuple[_OrNone, tuple[str, ...]]:
    """(UTC seconds, notes): XMP's UTC, else the time taken with its time zone, else GPS time (whole seconds)."""
    said = properties.get((PICKET, "TimeUtc"), properties.get((DJI, "UTCAtExposure")))
    exact = _utc(said)
    if exact is not None:
        return exact, ()
    taken = _text(detail.get(ExifTags.Base.DateTimeOriginal))
    zone = _text(detail.get(ExifTags.Base.OffsetTimeOriginal)) or _text(detail.get(ExifTags.Base.OffsetTime))
    if taken and zone:
        fraction = re.sub(r"\D", "", _text(detail.get(ExifTags.Base.SubsecTimeOriginal)) or "") or "0"
        try:
            whole = datetime.strptime(taken + zone.replace("Z", "+00:00"), "%Y:%m:%d %H:%M:%S%z")
            return whole.timestamp() + float(f"0.{fraction}"), ()
        except ValueError:
            pass
    date, clock = _text(gps.get(ExifTags.GPS.GPSDateStamp)), gps.get(ExifTags.GPS.GPSTimeStamp)
    if date and isinstance(clock, tuple) and len(clock) == 3:
        try:
            day = datetime.strptime(date, "%Y:%m:%d").replace(tzinfo=UTC)
            return (day + timedelta(hours=clock[0], minutes=clock[1], seconds=clock[2])).timestamp(), ()
        except (ValueError, TypeError, OverflowError):
            pass
    if taken:
        return None, (f"its time {taken} has no time zone and was not used",)
    return None, ()


def _utc(text: str | None) -> _OrNone:
    """Seconds since 1970 of an ISO 8601 time, in UTC unless it says otherwise."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def _rewriting_notes(
    main: Mapping[int, Any],
    detail: Mapping[int, Any],
    properties: Mapping[tuple[str, str], str],
    size: tuple[int, int],
) -> Iterator[str]:
    """What shows that the pixels are no longer as the camera wrote them, so that its attitude may not fit them."""
    software = _text(main.get(ExifTags.Base.Software)) or ""
    tool = properties.get((_XMP_CORE, "CreatorTool"), "")
    program = next((name for name in (software, tool) if _REWRITERS.search(name)), None)
    taken, changed = _text(detail.get(ExifTags.Base.DateTimeOriginal)), _text(main.get(ExifTags.Base.DateTime))
    later = bool(taken and changed and changed > taken and changed[:16] != taken[:16])
    if program or later:
        by = f" by {program}" if program else ""
        when = f" at {changed} (taken at {taken})" if later else ""
        yield f"saved anew{by}{when}: if it was turned or cropped, its attitude no longer fits the picture"
    orientation = main.get(ExifTags.Base.Orientation, 1)
    if orientation not in (0, 1):
        yield f"EXIF orientation {orientation}: viewers show it turned, Picket takes the pixels as they are stored"
    width, height = detail.get(ExifTags.Base.ExifImageWidth), detail.get(ExifTags.Base.ExifImageHeight)
    if isinstance(width, int) and isinstance(height, int) and width and height and (width, height) != size:
        yield f"EXIF says {width} x {height} pixels, the picture has {size[0]} x {size[1]}: resized, cropped or turned"


def write_image_pose(path: str | Path, poses: Poses, index: int, *, model: str | None = None) -> None:
    """Write pose `index` of `poses` into the JPEG at `path` as EXIF and XMP, its compressed picture untouched, whole or
    not at all (beside it, then renamed). What is unknown is left out; EXIF that is there already is kept otherwise.

    Raises InputError where it is no JPEG, or has XMP that Picket did not write (which would be lost).
    """
    names = ("time_s", "lat_deg", "lon_deg", "alt_amsl_m", "alt_home_m", "yaw_deg", "pitch_deg", "roll_deg")
    said: dict[str, Any] = {name: _number(getattr(poses, name)[index]) for name in names}
    pose = replace(ImagePose(model=model), **said)
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})") from error
    segments, rest = _split_jpeg(path, content)
    if any(_foreign_xmp(segment) for segment in segments):
        raise InputError(path, "has XMP metadata of another program, which is left as it is: write to a copy without")
    kept = [segment for segment in segments if not _is_exif(segment) and not _is_xmp(segment)]
    jfif = [segment for segment in kept if segment[1] == 0xE0]
    others = [segment for segment in kept if segment[1] != 0xE0]
    added = [_app1(_exif_bytes(path, pose)), _app1(_XMP_HEADER + _xmp_packet(pose))]
    with whole_file(path) as beside:
        beside.write_bytes(b"".join([b"\xff\xd8", *jfif, *added, *others, rest]))


def _split_jpeg(path: Path, content: bytes) -> tuple[list[bytes], bytes]:
    """The APPn and comment segments at the head of a JPEG, each with its marker, and everything after them."""
    if not content.startswith(b"\xff\xd8\xff"):
        raise InputError(path, "not a JPEG: metadata can be written into JPEG images only")
    segments, at = [], 2
    while (
        at + 4 <= len(content) and content[at] == 0xFF and (0xE0 <= content[at + 1] <= 0xEF or content[at + 1] == 0xFE)
    ):
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        segments.append(content[at:end])
        at = end
    if at >= len(content):
        raise InputError(path, "a JPEG that ends in its header: copy it again")
    return segments, content[at:]


def _is_exif(segment: bytes) -> bool:
    return segment[1] == 0xE1 and segment[4:].startswith(_EXIF_HEADER)


def _is_xmp(segment: bytes) -> bool:
    return segment[1] == 0xE1 and segment[4:].startswith(b"http://ns.adobe.com/")


def _foreign_xmp(segment: bytes) -> bool:
    return _is_xmp(segment) and PICKET.encode() not in segment


def _app1(payload: bytes) -> bytes:
    if len(payload) > _LARGEST_SEGMENT:
        raise ValueError(f"{len(payload)} bytes of metadata do not fit one JPEG segment")
    return b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload


def _exif_bytes(path: Path, pose: ImagePose) -> bytes:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # damaged EXIF is replaced
            with Image.open(path) as image:
                exif = image.getexif()
                detail, gps = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
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
        f'  <rdf:Description rdf:about="" xmlns:drone-dji="{DJI}" xmlns:picket="{PICKET}"{written}/>\n'
        ' </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="w"?>'
    ).encode()
