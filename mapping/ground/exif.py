"""What EXIF says of a picture: place, height, time, lens, and whether somebody saved it anew. Which height a maker
means is `mapping.ground.makers`' subject, what is made of it all `mapping.ground.metadata`'s."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from os import PathLike
from typing import Any

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError
from PIL.TiffImagePlugin import IFDRational

from mapping.ground.xmp import Properties, named, number
from vision.errors import InputError

_XMP_CORE = "http://ns.adobe.com/xap/1.0/"
# Programs that people look at pictures with and that save them anew; firmware of cameras names itself otherwise.
_REWRITERS = re.compile(
    r"photo\s?viewer|photos?hop|lightroom|gimp|picasa|paint|irfan|imagemagick|acdsee|snapseed|xnview|preview|photos\b"
    r"|windows|macos|os x|affinity|digikam|faststone|instagram|whatsapp",
    re.IGNORECASE,
)
FOCAL_SHARE = 0.05
"""One-sigma error of a focal length reckoned from EXIF, as a share of it."""
_FULL_FRAME_MM = math.hypot(36.0, 24.0)
_WIDEST_SENSOR = 1.55
_THUMBNAIL_AT, _THUMBNAIL_BYTES, _TIFF_AT = 0x0201, 0x0202, 6
_COMPARED = (64, 48)
_BLACK = 24.0
_ALIKE, _CLEARLY = 0.6, 0.3

NO_IMAGE = (UnidentifiedImageError, OSError, ValueError, SyntaxError, ModuleNotFoundError)
"""What Pillow raises of files that are no images; the last where ultralytics, loaded for detection, has put itself
before Pillow and asks for a reader of another format."""


@dataclass(frozen=True)
class Exif:
    """The tags of a picture's three EXIF directories as plain values, its XMP packet and its size in pixels; whether it
    has the JFIF header that programs write and cameras leave out, and whether its thumbnail shows it upside down."""

    main: Mapping[int, Any]
    detail: Mapping[int, Any]
    gps: Mapping[int, Any]
    packet: bytes | str
    width_px: int
    height_px: int
    jfif: bool = False
    turned_thumbnail: bool = False


def read_exif(path: str | PathLike[str]) -> Exif:
    """The EXIF of the image at `path`; damaged EXIF counts as none. Raises InputError where it is no image."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of damaged EXIF
            with Image.open(path) as image:
                exif = image.getexif()
                return Exif(
                    main={tag: _value(value) for tag, value in exif.items()},
                    detail={tag: _value(value) for tag, value in exif.get_ifd(ExifTags.IFD.Exif).items()},
                    gps={tag: _value(value) for tag, value in exif.get_ifd(ExifTags.IFD.GPSInfo).items()},
                    packet=image.info.get("xmp") or b"",
                    width_px=image.width,
                    height_px=image.height,
                    jfif="jfif" in image.info,
                    turned_thumbnail=_turned_thumbnail(image, exif),
                )
    except FileNotFoundError as error:
        raise InputError(path, "no such image") from error
    except (*NO_IMAGE, Image.DecompressionBombError) as error:
        raise InputError(path, "not an image, or a damaged one: leave it out or copy it again") from error


def _value(value: Any) -> Any:
    """EXIF numbers as float (0/0, which cameras write for unknown, as NaN), everything else as it is."""
    if isinstance(value, tuple):
        return tuple(_value(part) for part in value)
    if isinstance(value, IFDRational):
        return float(value) if value.denominator else math.nan
    return value


def _turned_thumbnail(image: Image.Image, exif: Image.Exif) -> bool:
    """True where the thumbnail in the EXIF shows clearly the picture upside down: it was turned by a program that left
    the thumbnail as it was."""
    where = exif.get_ifd(ExifTags.IFD.IFD1)
    first, length = (where.get(tag) for tag in (_THUMBNAIL_AT, _THUMBNAIL_BYTES))
    if not isinstance(first, int) or not isinstance(length, int):
        return False
    content = image.info.get("exif", b"")[_TIFF_AT + first : _TIFF_AT + first + length]
    try:
        with Image.open(io.BytesIO(content)) as small:
            image.draft("L", _COMPARED)
            shown, picture = (
                np.asarray(one.convert("L").resize(_COMPARED), dtype=np.float64) for one in (small, image)
            )
    except NO_IMAGE:
        return False
    # makers put black bars round a thumbnail of another shape
    bars = shown.max(axis=1) > _BLACK
    if bars.sum() < len(bars) // 2 or picture.std() == 0.0 or shown.std() == 0.0:
        return False
    rows = np.flatnonzero(bars)
    filled = shown[rows[0] : rows[-1] + 1]
    match = np.asarray(Image.fromarray(picture.astype(np.uint8)).resize(filled.shape[::-1]), dtype=np.float64)
    upright, turned = (float(np.corrcoef(one.ravel(), match.ravel())[0, 1]) for one in (filled, filled[::-1, ::-1]))
    return turned > _ALIKE and turned > upright + _CLEARLY


def plain_text(value: Any) -> str | None:
    """The text of a tag without its padding; None where there is none."""
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    text = value.replace("\x00", "").strip() if isinstance(value, str) else ""
    return text or None


def exif_place(exif: Exif) -> tuple[float | None, float | None, float | None]:
    """(latitude, longitude, height in metres) as EXIF has them, of whatever datum the height is."""
    lat = _sexagesimal(exif.gps.get(ExifTags.GPS.GPSLatitude), exif.gps.get(ExifTags.GPS.GPSLatitudeRef), "S")
    lon = _sexagesimal(exif.gps.get(ExifTags.GPS.GPSLongitude), exif.gps.get(ExifTags.GPS.GPSLongitudeRef), "W")
    return lat, lon, _altitude(exif.gps)


def focal_px(exif: Exif) -> tuple[float, str] | None:
    """(focal length in pixels of the picture, what it was reckoned from), or None where EXIF does not say enough.

    From the length a 35 mm camera would need for the same view, which is counted over the sensor's diagonal. A picture
    wider than 3 : 2 is taken for one of 4 : 3 with its height cut, as drones do. The length is a whole number of
    millimetres and leaves distortion out: `FOCAL_SHARE` says how good it is.
    """
    equivalent = number(exif.detail.get(ExifTags.Base.FocalLengthIn35mmFilm))
    if not equivalent or equivalent <= 0.0:
        return None
    long, short = max(exif.width_px, exif.height_px), min(exif.width_px, exif.height_px)
    whole = short if long <= _WIDEST_SENSOR * short else 0.75 * long
    length = equivalent / _FULL_FRAME_MM * math.hypot(long, whole)
    return length, f"EXIF says {equivalent:g} mm on 35 mm film; no distortion"


def _sexagesimal(value: Any, reference: Any, negative: str) -> float | None:
    if not isinstance(value, tuple) or len(value) != 3:
        return None
    parts = [number(part) for part in value]
    degrees = None if None in parts else sum(part / 60.0**k for k, part in enumerate(parts) if part is not None)
    if degrees is None:
        return None
    return -degrees if plain_text(reference) == negative else degrees


def _altitude(gps: Mapping[int, Any]) -> float | None:
    altitude = number(gps.get(ExifTags.GPS.GPSAltitude))
    below = gps.get(ExifTags.GPS.GPSAltitudeRef) in (1, b"\x01")
    return -altitude if altitude is not None and below else altitude


def exif_time(exif: Exif, exact_utc: str | None) -> tuple[float | None, tuple[str, ...]]:
    """(UTC seconds, notes): `exact_utc` if it is a time (ISO 8601), else the time taken with its time zone, else GPS
    time (whole seconds)."""
    detail, gps = exif.detail, exif.gps
    exact = _utc(exact_utc)
    if exact is not None:
        return exact, ()
    taken = plain_text(detail.get(ExifTags.Base.DateTimeOriginal))
    zone = plain_text(detail.get(ExifTags.Base.OffsetTimeOriginal)) or plain_text(detail.get(ExifTags.Base.OffsetTime))
    if taken and zone:
        fraction = re.sub(r"\D", "", plain_text(detail.get(ExifTags.Base.SubsecTimeOriginal)) or "") or "0"
        try:
            whole = datetime.strptime(taken + zone.replace("Z", "+00:00"), "%Y:%m:%d %H:%M:%S%z")
            return whole.timestamp() + float(f"0.{fraction}"), ()
        except ValueError:
            pass
    date, clock = plain_text(gps.get(ExifTags.GPS.GPSDateStamp)), gps.get(ExifTags.GPS.GPSTimeStamp)
    if date and isinstance(clock, tuple) and len(clock) == 3:
        try:
            day = datetime.strptime(date, "%Y:%m:%d").replace(tzinfo=UTC)
            return (day + timedelta(hours=clock[0], minutes=clock[1], seconds=clock[2])).timestamp(), ()
        except (ValueError, TypeError, OverflowError):
            pass
    if taken:
        return None, ("its time has no time zone and was not used",)
    return None, ()


def _utc(text: str | None) -> float | None:
    """Seconds since 1970 of an ISO 8601 time, in UTC unless it says otherwise."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def rewriting_notes(exif: Exif, properties: Properties) -> Iterator[str]:
    """What shows that the pixels are no longer as the camera wrote them, so that its attitude may not fit them."""
    main, detail, size = exif.main, exif.detail, (exif.width_px, exif.height_px)
    software = plain_text(main.get(ExifTags.Base.Software)) or ""
    tool = named(properties, "CreatorTool", within=_XMP_CORE) or ""
    program = next((name for name in (software, tool) if _REWRITERS.search(name)), None)
    taken, changed = (
        plain_text(detail.get(ExifTags.Base.DateTimeOriginal)),
        plain_text(main.get(ExifTags.Base.DateTime)),
    )
    later = bool(taken and changed and changed > taken and changed[:16] != taken[:16])
    if exif.turned_thumbnail:
        yield "suspicious: its thumbnail shows it the other way up; it was turned, and its attitude does not fit"
    if program or later:
        by = f" by {program}" if program else ""
        when = f" at {changed} (taken at {taken})" if later else ""
        yield f"suspicious: saved anew{by}{when}: if it was turned or cropped, its attitude no longer fits the picture"
    orientation = main.get(ExifTags.Base.Orientation, 1)
    if orientation not in (0, 1):
        yield f"EXIF orientation {orientation}: viewers show it turned, Picket takes the pixels as they are stored"
    width, height = detail.get(ExifTags.Base.ExifImageWidth), detail.get(ExifTags.Base.ExifImageHeight)
    if isinstance(width, int) and isinstance(height, int) and width and height and (width, height) != size:
        yield f"EXIF says {width} x {height} pixels, the picture has {size[0]} x {size[1]}: resized, cropped or turned"
