"""The segments at the head of a JPEG file: taken apart and put together without touching the picture itself."""

from __future__ import annotations

from pathlib import Path

from vision.errors import InputError

EXIF_HEADER, XMP_HEADER = b"Exif\x00\x00", b"http://ns.adobe.com/xap/1.0/\x00"
_LARGEST_SEGMENT = 65533


def split_jpeg(path: Path, content: bytes) -> tuple[list[bytes], bytes]:
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


def is_exif(segment: bytes) -> bool:
    """True for a segment that holds EXIF."""
    return segment[1] == 0xE1 and segment[4:].startswith(EXIF_HEADER)


def is_xmp(segment: bytes) -> bool:
    """True for a segment that holds XMP."""
    return segment[1] == 0xE1 and segment[4:].startswith(b"http://ns.adobe.com/")


def app1(payload: bytes) -> bytes:
    """An APP1 segment of this payload; raises ValueError where it is too long for one."""
    if len(payload) > _LARGEST_SEGMENT:
        raise ValueError(f"{len(payload)} bytes of metadata do not fit one JPEG segment")
    return b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload
