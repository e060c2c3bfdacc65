"""Files written whole or not at all, and read with one line of complaint. What is in them is others' subject."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn

from vision.errors import InputError, VisionError


@contextmanager
def whole_file(path: str | PathLike[str]) -> Iterator[Path]:
    """A path beside `path` to write to; it takes the place of `path` when the block ends well, so that nobody ever
    sees half a file, and is gone when it does not. What was written is on the disk before it is renamed. Raises
    VisionError naming `path` where it cannot be written."""
    target = Path(path)
    beside = target.with_name(f".{target.name}.part")
    try:
        yield beside
        with beside.open("rb") as stream:
            os.fsync(stream.fileno())
        os.replace(beside, target)
    except OSError as error:
        raise VisionError(f"{target}: cannot be written ({error.strerror or error})") from error
    finally:
        with suppress(OSError):
            beside.unlink()


def write_whole(path: str | PathLike[str], text: str) -> None:
    """Write `text` in UTF-8, line ends as they are, whole or not at all; VisionError where it cannot be written."""
    with whole_file(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="")


def read_text(path: Path, what: str) -> str:
    """The text of a file; `what` names in messages what it should have been. Raises InputError where it has none."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(path, f"no such file; give {what}") from error
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror}); give {what}") from error
    except UnicodeDecodeError as error:
        raise InputError(path, f"not text in UTF-8; give {what}", f"byte {error.start}") from error
    if not text.strip():
        raise InputError(path, f"the file is empty; give {what}")
    return text


def read_json(path: Path, what: str) -> dict[str, Any]:
    """The JSON object in a file. Raises InputError, with line and column, where it is not JSON or not an object."""
    text = read_text(path, what)

    def refuse(name: str) -> NoReturn:
        raise InputError(path, f"{name} is no number in JSON; give {what}")

    try:
        content = json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InputError(path, f"not JSON ({error.msg}); give {what}", place) from error
    except (RecursionError, ValueError) as error:  # ValueError: a number of thousands of digits
        if isinstance(error, InputError):
            raise
        raise InputError(path, f"nested too deeply or numbers too long; give {what}") from error
    if not isinstance(content, dict):
        raise InputError(path, f"JSON, but no object; give {what}")
    return content
