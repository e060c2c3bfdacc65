"""Reading and writing the text of plan files: one-line errors for what cannot be read, nothing half-written.

The formats themselves are in the modules beside this one.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NoReturn

from vision.errors import InputError


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
    except RecursionError as error:
        raise InputError(path, f"nested too deeply; give {what}") from error
    if not isinstance(content, dict):
        raise InputError(path, f"JSON, but no object; give {what}")
    return content


def write_text(path: str | Path, text: str) -> None:
    """Write a file beside its place and move it there, so that a reader never sees half of it."""
    path = Path(path)
    beside = path.with_name(f".{path.name}.part")
    try:
        with beside.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
