"""Folders that appear whole, and a folder's content that is replaced whole: nothing that stays is ever moved, and what
a crash cut short is completed by whoever opens the folder next. What is in the folders is others' subject.

The new content is made beside the folder. Renaming it into the folder, as `.replacing`, decides: from then on it will
be the content. It is then moved to its place file by file, each over the one it replaces, and what the old content
had beyond it is removed by the list `.gone`. Each of these steps may be done again.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path

from picket.errors import PicketError
from vision.errors import InputError

_PENDING = ".replacing"
_GONE = ".gone"


@contextmanager
def new_folder(
    path: Path, *, known_by: str, replace: bool = False, gives_way: Sequence[str] = ("*",)
) -> Iterator[Path]:
    """A folder whose content appears at `path` only when the block ends well; on an error nothing of it remains and
    what was there before is untouched.

    Raises InputError where `path` already holds something, unless `replace`: then those of its entries that fit one of
    the patterns `gives_way` give way once the new ones are whole; all others stay where they are, and may be written to
    meanwhile. `known_by` is the file that shows an earlier folder of the same kind, which alone may be replaced.
    PicketError where the new content cannot be put in its place.
    """
    occupied = path.is_file() or (path.is_dir() and any(path.iterdir()))
    if occupied and not replace:
        ours = (path / known_by).is_file()
        what = "already exists and is kept" if ours else f"holds something else (no {known_by}) and is kept"
        what = "is a file and is kept" if path.is_file() else what
        raise InputError(path, f"{what}; choose another name" + (", or say --force to replace it" if ours else ""))
    place = path.resolve() if occupied else path
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{place.name}.new.", dir=place.parent))
    beside.chmod(0o755)
    try:
        yield beside
        if occupied:
            _replace(place, beside, gives_way)
            return
        if place.is_dir():
            place.rmdir()
        beside.rename(place)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def settled(path: Path) -> Path:
    """`path`, with a replacement that was decided and then cut short completed first. Raises PicketError where that
    cannot be done."""
    if (path / _PENDING).is_dir():
        with _locked(path):
            _complete(path)
    return path


def _replace(path: Path, beside: Path, gives_way: Sequence[str]) -> None:
    with _locked(path):
        _complete(path)
        old = [one for one in path.iterdir() if any(fnmatch(one.name, pattern) for pattern in gives_way)]
        gone = [str(one.relative_to(path)) for one in _beyond(old, beside)]
        (beside / _GONE).write_text(json.dumps(gone), encoding="utf-8")
        beside.rename(path / _PENDING)
        _complete(path)


def _complete(path: Path) -> None:
    pending = path / _PENDING
    if not pending.is_dir():
        return
    listed = pending / _GONE
    if listed.exists():  # it is the last to go
        gone = json.loads(listed.read_text(encoding="utf-8"))
        _move_in(pending, path)
        for name in gone:
            _remove(path / name)
        listed.unlink()
    shutil.rmtree(pending)


def _beyond(old: Sequence[Path], new: Path) -> Iterator[Path]:
    """Those of the entries `old`, and of what is in them, that the folder `new` does not hold."""
    for entry in old:
        if not os.path.lexists(new / entry.name):
            yield entry
        elif entry.is_dir() and not entry.is_symlink() and (new / entry.name).is_dir():
            yield from _beyond(list(entry.iterdir()), new / entry.name)


def _move_in(new: Path, path: Path) -> None:
    for entry in sorted(new.iterdir()):
        target = path / entry.name
        if entry.name == _GONE:
            continue
        if entry.is_dir() and target.is_dir() and not target.is_symlink():
            _move_in(entry, target)
            continue
        if entry.is_dir() or (target.is_dir() and not target.is_symlink()):
            _remove(target)
        os.replace(entry, target)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """The folder, for one at a time: where its file system can be locked (one of the network may not)."""
    try:
        held = os.open(path, os.O_RDONLY)
        try:
            with suppress(OSError):
                fcntl.flock(held, fcntl.LOCK_EX)
            yield
        finally:
            os.close(held)
    except OSError as error:
        raise PicketError(f"{path}: what is to replace its content cannot be put in its place ({error})") from error
