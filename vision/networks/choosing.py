"""Which program runs a network here: of those that see the same boxes the one that takes the least processor time,
tried once on each kind of processor and remembered in the user's cache. How each runs is `with_torch`'s and
`with_openvino`'s subject.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vision.boxes import iou
from vision.checkpoint import sha256_of
from vision.errors import InputError, VisionError
from vision.files import write_whole
from vision.networks import converting
from vision.networks.cache import place_for, processor, processor_place
from vision.networks.trial import run_apart
from vision.networks.with_openvino import read_metadata
from vision.networks.with_torch import gpu_there, load_torch

BACKENDS = ("auto", "torch", "openvino", "openvino-int8")
"""`auto` chooses; `openvino` runs a `.pt` converted to OpenVINO in 32 bit, `openvino-int8` the 8-bit network that lies
beside it."""

MOST_F1_LOSS = 0.01
"""So much F1 an 8-bit network may have lost when it was measured; one that lost more is never chosen."""

ISA_CAPS = (None, "AVX512_CORE_VNNI", "AVX2_VNNI", "AVX2")
"""Sets of instructions, tried in this order until a network runs. The first is all that the processor announces: some
virtual machines announce matrix instructions (AMX) and do not have them."""

_CHOICE = "choice.json"
_SURE = 0.25  # boxes from this confidence on must be there in both
_FEWEST = 10  # where fewer are, the likeliest so many
_SAME_IOU, _SAME_CONFIDENCE, _SAME_SHARE = 0.95, 0.02, 1.0
_INT8_IOU, _INT8_CONFIDENCE, _INT8_SHARE = 0.5, 0.25, 0.8


@dataclass(frozen=True)
class Choice:
    """What runs a network: `backend` (never `auto`), the file or folder to load, the instructions OpenVINO is kept to
    (None: all), why, and what the user should know."""

    backend: str
    path: Path
    isa: str | None
    reason: str
    notes: tuple[str, ...] = ()


def twin_of(weights: Path) -> Path:
    """Where the 8-bit network of `.pt` weights lies, if there is one."""
    return weights.with_name(f"{weights.stem}_int8_openvino_model")


def choose(weights: Path, sha256: str, backend: str = "auto", announce: Callable[[str], None] | None = None) -> Choice:
    """What runs the network at `weights`, whose SHA-256 is given. `announce` is told when a trial begins, which takes
    some seconds. Raises InputError where the backend does not go with
    the file, VisionError where the backend asked for cannot run it."""
    if backend not in BACKENDS:
        raise InputError("--backend", f"{backend!r} is none of {', '.join(BACKENDS)}")
    if weights.suffix.lower() != ".pt":
        if backend not in ("auto", "openvino"):
            raise InputError("--backend", f"{backend} runs .pt weights; {weights.name} is OpenVINO's to run")
        return _by_openvino("openvino", weights, "OpenVINO reads it")
    if backend == "torch":
        return Choice("torch", weights, None, "asked for")
    if backend == "auto" and gpu_there():
        return Choice("torch", weights, None, "there is a GPU")
    twin, lack = _sound_twin(weights, sha256)
    if backend == "openvino-int8":
        if twin is None:
            raise InputError("--backend", f"{weights.name} has no 8-bit network: {lack}")
        return _by_openvino(backend, twin, "asked for")
    if backend == "openvino":
        return _by_openvino(backend, _converted(weights, sha256), "asked for")
    return _fastest(weights, sha256, twin, announce)


def _fastest(weights: Path, sha256: str, twin: Path | None, announce: Callable[[str], None] | None) -> Choice:
    other = ("openvino-int8", twin) if twin else ("openvino", place_for(sha256) / "openvino")
    known = _remembered(sha256, dict([("torch", weights), other]))
    if known:
        return known
    backend, path = other
    if announce:
        announce(f"trying what runs {weights.name} fastest on this machine; this is done once")
    try:
        path = twin or _converted(weights, sha256)
    except VisionError as error:
        said = f"{error}; searching with torch, which may take longer"
        return Choice("torch", weights, None, str(error), (said,))
    plain = run_apart(weights, "torch", None)
    if isinstance(plain, str):
        return Choice("torch", weights, None, f"torch {plain}")
    isa, isa_notes = working_isa(path)
    fast = run_apart(path, "openvino", isa)
    if isinstance(fast, str):
        choice = Choice("torch", weights, None, f"{backend} {fast}")
    else:
        loose = backend == "openvino-int8"
        share = share_alike(plain.boxes, fast.boxes, loose=loose)
        times = f"{fast.cpu_ms:.0f} ms of processor time a picture, torch {plain.cpu_ms:.0f}"
        if share < (_INT8_SHARE if loose else _SAME_SHARE):
            choice = Choice("torch", weights, None, f"{backend} sees other boxes here: {share:.0%} are the same")
        elif fast.cpu_ms < plain.cpu_ms:
            choice = Choice(backend, path, isa, f"faster: {times}")
        else:
            choice = Choice("torch", weights, None, f"faster: {backend} {times}")
    return _remember(sha256, replace(choice, notes=isa_notes))


def share_alike(boxes: Sequence[np.ndarray], others: Sequence[np.ndarray], *, loose: bool) -> float:
    """The share of the sure boxes of each side, rows of `vision.decoding.decode` by picture, that the other
    side has too: same label, place and confidence, as near as 32 bit (or, `loose`, 8 bit) leaves them."""
    there = total = 0
    for mine, theirs in zip(boxes, others, strict=True):
        for one, other in ((mine, theirs), (theirs, mine)):
            sure = one[: max(_FEWEST, int((one[:, 4] >= _SURE).sum()))]
            overlap = iou(sure[:, :4].astype(np.float64), other[:, :4].astype(np.float64))
            apart = np.abs(sure[:, None, 4] - other[None, :, 4])
            same = (sure[:, None, 5] == other[None, :, 5]) & (overlap >= (_INT8_IOU if loose else _SAME_IOU))
            same &= apart <= (_INT8_CONFIDENCE if loose else _SAME_CONFIDENCE)
            there += int(same.any(axis=1).sum())
            total += len(sure)
    return there / total if total else 1.0


def _sound_twin(weights: Path, sha256: str) -> tuple[Path | None, str]:
    """The 8-bit network of these weights, or why there is none to use."""
    twin = twin_of(weights)
    if not twin.is_dir():
        return None, f"there is no {twin.name} beside it (`python -m vision.quantizing` makes one)"
    told = read_metadata(twin).get("picket")
    measured = told if isinstance(told, Mapping) else {}
    if measured.get("made_from") != sha256:
        return None, f"{twin.name} was made from other weights; make it again (`python -m vision.quantizing`)"
    loss = measured.get("f1_loss")
    if not isinstance(loss, int | float) or not loss <= MOST_F1_LOSS:
        return None, f"{twin.name} finds less: F1 lower by {loss}, more than {MOST_F1_LOSS}"
    return twin, ""


def _by_openvino(backend: str, path: Path, reason: str) -> Choice:
    isa, isa_notes = working_isa(path)
    return Choice(backend, path, isa, reason, isa_notes)


def working_isa(network: Path) -> tuple[str | None, tuple[str, ...]]:
    """The instructions OpenVINO must be kept to on this machine (None: none), and what the user should know. Tried
    once, with the shipped 8-bit network or else with `network`, only where what the processor announces may not be
    true."""
    if "amx" not in processor():
        return None, ()
    record = processor_place()
    known = _read(record)
    if known is not None and "isa" in known:
        return known["isa"], ()
    shipped = twin_of(Path(__file__).resolve().parents[1] / "weights" / "thermal.pt")
    for isa in ISA_CAPS:
        tried = run_apart(shipped if shipped.is_dir() else network, "openvino", isa)
        if not isinstance(tried, str):
            return isa, _write(record, {"isa": isa})
        if "signal" not in tried:
            break  # a faulty file: reading it says what is wrong with it
    return None, ()


def _converted(weights: Path, sha256: str) -> Path:
    """The weights converted to OpenVINO in 32 bit, made where it is not there yet. Raises VisionError."""
    folder = place_for(sha256) / "openvino"
    if (folder / "network.xml").is_file():
        return folder
    network = load_torch(weights)
    beside = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".openvino.", dir=folder.parent))
        converting.save(converting.convert(network), network.about, beside, half=False)
        with suppress(OSError):  # somebody else was faster
            beside.rename(folder)
    except OSError as error:
        raise VisionError(f"{folder.parent}: cannot be written ({error.strerror or error})") from error
    except Exception as error:  # torch and OpenVINO raise whatever a layer makes them stumble over
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise VisionError(f"{weights}: cannot be converted to OpenVINO ({reason})") from error
    finally:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)
    return folder


def _remembered(sha256: str, there: Mapping[str, Path]) -> Choice | None:
    """What was chosen before, where it is one of the backends whose networks are `there`, and still the same."""
    known = _read(place_for(sha256) / _CHOICE)
    path = there.get(str((known or {}).get("backend")))
    if known is None or path is None or not path.exists() or known.get("network") != _identity(path):
        return None
    return Choice(str(known["backend"]), path, known.get("isa"), str(known.get("reason", "")))


def _remember(sha256: str, choice: Choice) -> Choice:
    kept = {"backend": choice.backend, "network": _identity(choice.path), "isa": choice.isa, "reason": choice.reason}
    return replace(choice, notes=choice.notes or _write(place_for(sha256) / _CHOICE, kept))


def _read(record: Path) -> dict[str, Any] | None:
    """What was kept before; None where nothing is that can be used."""
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return known if isinstance(known, dict) else None


def _write(record: Path, content: Mapping[str, Any]) -> tuple[str, ...]:
    """Keep what was found out; what to tell the user where that cannot be."""
    try:
        record.parent.mkdir(parents=True, exist_ok=True)
        write_whole(record, json.dumps(content, indent=1) + "\n")
    except (OSError, VisionError) as error:
        return (f"{error}; what runs here is tried anew every time",)
    return ()


def _identity(path: Path) -> str:
    """What tells a network from another that took its place."""
    file = next(iter(sorted(path.glob("*.bin"))), path) if path.is_dir() else path
    return sha256_of(file)
