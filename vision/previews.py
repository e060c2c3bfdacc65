"""Pictures for a quick look at what a search found: every frame in which something was found with its boxes, and one
contact sheet of the detections the network was most and least certain of. Reading a frame is `images`' subject.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from PIL import Image, ImageDraw, ImageFont

from vision.errors import InputError, VisionError
from vision.files import whole_file
from vision.images import read_image

SHEET = "contact-sheet.jpg"
FRAMES = "frames"
COLUMNS, ROWS = 8, 3
"""The sheet shows this many of the most certain detections, and as many of the least certain."""

COLOURS = {"person": (255, 214, 0), "vehicle": (64, 196, 255), "bicycle": (255, 128, 220)}
"""Of each class, red, green, blue: told apart on grey by those who see few colours, too."""

_OTHER = (255, 255, 255)
_CELL_PX, _TEXT_PX, _HEAD_PX, _GAP_PX = 168, 34, 30, 8
_FONT_PX = 13
_BOX_SHARE = 0.4  # of the side of its cell that a detection covers, unless it is tiny
_LEAST_CROP_PX = 48
_QUALITY = 88
_INK, _PAPER = (20, 20, 20), (245, 245, 245)


@dataclass(frozen=True)
class Previews:
    """What was written: how many `frames`, and the contact `sheet` where anything was found."""

    frames: int
    sheet: Path | None


@dataclass
class _Cells:
    """The detections of the sheet, by row of the table, and the pictures of them that have been cut so far."""

    most: list[int]
    least: list[int]
    cut: dict[int, Image.Image] = field(default_factory=dict)

    def wanted(self) -> set[int]:
        return {*self.most, *self.least}


def write_previews(
    detections: pa.Table,
    frames: Sequence[tuple[str, Path]],
    folder: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Previews:
    """Write into `folder` the `frames` (frame_id and picture) in which something was found, as `frames/FRAME_ID.jpg`
    with every box of `detections` (`vision.table.DETECTIONS`), its class and confidence; and `contact-sheet.jpg`. A
    frame that can no longer be read is left out. `progress` is called with the frames done and all of them. One frame
    is in memory at a time. Raises VisionError where the folder cannot be written to."""
    try:
        (folder / FRAMES).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VisionError(f"{folder}: cannot be written to ({error.strerror or error})") from error
    rows = detections.to_pylist()
    of_frame: dict[str, list[int]] = {}
    for k, row in enumerate(rows):
        of_frame.setdefault(row["frame_id"], []).append(k)
    cells = _chosen(detections)
    seen = [(frame_id, path) for frame_id, path in frames if frame_id in of_frame]
    written = 0
    for done, (frame_id, path) in enumerate(seen, start=1):
        try:
            picture = Image.fromarray(np.ascontiguousarray(read_image(path)[:, :, ::-1]))
        except InputError:
            continue
        members = of_frame[frame_id]
        for k in cells.wanted().intersection(members):
            cells.cut[k] = _crop(picture, rows[k])
        _save(_annotated(picture, [rows[k] for k in members]), folder / FRAMES / f"{_file_name(frame_id)}.jpg")
        written += 1
        if progress is not None:
            progress(done, len(seen))
    if not cells.cut:
        return Previews(written, None)
    _save(_sheet(cells, rows), folder / SHEET)
    return Previews(written, folder / SHEET)


def _chosen(detections: pa.Table) -> _Cells:
    """The most certain detections and, of the others, the least certain; both from sure to unsure."""
    confidence = detections["confidence"].to_numpy()
    order = [int(k) for k in np.argsort(-confidence, kind="stable")]
    count = COLUMNS * ROWS
    return _Cells(most=order[:count], least=order[count:][-count:])


def _file_name(frame_id: str) -> str:
    return "".join("_" if letter in '/\\:*?"<>|' or ord(letter) < 32 else letter for letter in frame_id)


def _annotated(picture: Image.Image, rows: Sequence[dict[str, Any]]) -> Image.Image:
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(_FONT_PX)
    line = max(1, round(max(picture.size) / 800))
    for row in rows:
        x1, y1, x2, y2 = (row[name] for name in ("x1_px", "y1_px", "x2_px", "y2_px"))
        colour = COLOURS.get(row["class"], _OTHER)
        draw.rectangle((x1 - line, y1 - line, x2 + line, y2 + line), outline=colour, width=line)
        text = f"{row['class']} {row['confidence']:.2f}"
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
        x = max(0.0, min(x1, picture.width - (right - left) - 2))
        y = y1 - bottom - 3 if y1 - bottom - 3 >= 0 else min(y2 + 2, picture.height - bottom)
        draw.rectangle((x - 1, y + top - 1, x + right + 1, y + bottom + 1), fill=_INK)
        draw.text((x, y), text, fill=colour, font=font)
    return picture


def _crop(picture: Image.Image, row: dict[str, Any]) -> Image.Image:
    """The detection with what is round it, square, its box drawn; black beyond the frame's edge."""
    x1, y1, x2, y2 = (row[name] for name in ("x1_px", "y1_px", "x2_px", "y2_px"))
    side = max(_LEAST_CROP_PX, max(x2 - x1, y2 - y1) / _BOX_SHARE)
    left, top = (x1 + x2 - side) / 2, (y1 + y2 - side) / 2
    area = (round(left), round(top), round(left + side), round(top + side))
    cut = picture.crop(area).resize((_CELL_PX, _CELL_PX), Image.Resampling.BICUBIC)
    scale = _CELL_PX / (area[2] - area[0])
    box = (
        (x1 - area[0]) * scale - 2,
        (y1 - area[1]) * scale - 2,
        (x2 - area[0]) * scale + 2,
        (y2 - area[1]) * scale + 2,
    )
    ImageDraw.Draw(cut).rectangle(box, outline=COLOURS.get(row["class"], _OTHER), width=2)
    return cut


def _sheet(cells: _Cells, rows: Sequence[dict[str, Any]]) -> Image.Image:
    """The contact sheet: two blocks, a cell for each detection with its class, confidence and frame."""
    blocks = [
        (f"the {counted} certain", members)
        for counted, members in ((f"{len(cells.most)} most", cells.most), (f"{len(cells.least)} least", cells.least))
        if members
    ]
    width = COLUMNS * (_CELL_PX + _GAP_PX) + _GAP_PX
    deep = _CELL_PX + _TEXT_PX + _GAP_PX
    height = sum(_HEAD_PX + -(-len(members) // COLUMNS) * deep for _, members in blocks) + _GAP_PX
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw, font, head = ImageDraw.Draw(sheet), ImageFont.load_default(_FONT_PX), ImageFont.load_default(_FONT_PX + 4)
    y = 0
    for title, members in blocks:
        draw.text((_GAP_PX, y + 6), title, fill=_INK, font=head)
        y += _HEAD_PX
        for place, k in enumerate(members):
            left, top = _GAP_PX + place % COLUMNS * (_CELL_PX + _GAP_PX), y + place // COLUMNS * deep
            if k in cells.cut:
                sheet.paste(cells.cut[k], (left, top))
            row = rows[k]
            said = (f"{row['class']} {row['confidence']:.2f}", _fitted(draw, str(row["frame_id"]), font))
            for number, text in enumerate(said):
                draw.text((left, top + _CELL_PX + 2 + 15 * number), text, fill=_INK, font=font)
        y += -(-len(members) // COLUMNS) * deep
    return sheet


def _fitted(draw: ImageDraw.ImageDraw, text: str, font: Any) -> str:
    """The end of a text, as much as a cell is wide."""
    if draw.textlength(text, font=font) <= _CELL_PX:
        return text
    while text and draw.textlength("…" + text, font=font) > _CELL_PX:
        text = text[1:]
    return "…" + text


def _save(picture: Image.Image, path: Path) -> None:
    encoded = cv2.imencode(".jpg", np.asarray(picture)[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
    with whole_file(path) as beside:
        beside.write_bytes(encoded.tobytes())
