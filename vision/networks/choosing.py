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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vision.boxes import iou
from vision.checkpoint import sha256_of
from vision.errors import InputError, VisionError
from vision.files import write_whole
from vision.networks import converting
from vision.networks.cache import place_for, processor
from vision.networks.trial import Trial, run_apart
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


def choose(
    weights: Path, sha256: str, backend: str = "auto", announce: Callable[[str], None] | None = None
) -> Choice:
    """What runs the network at `weights`, whose SHA-256 is given. `announce` is told when a trial begins, which takes
    some seconds. Raises InputError where the backend does not go with
    the file, VisionError where the backend asked for cannot run it."""
    if backend not in BACKENDS:
        raise InputError("--backend", f"{backend!r} is none of {', '.join(BACKENDS)}")
    if weights.suffix.lower() != ".pt":
        if backend not in ("auto", "openvino"):
            raise InputError("--backend", f"{backend} runs .pt weights; {weights.name} is OpenVINO's to run")
        return _remembered(weights, sha256, "openvino", weights) or _openvino_alone(
            weights, sha256, "openvino", weights
        )
    if backend == "torch":
        return Choice("torch", weights, None, "asked for")
    if backend == "auto" and gpu_there():
        return Choice("torch", weights, None, "there is a GPU")
    twin, lack = _sound_twin(weights, sha256)
    if backend == "openvino-int8":
        if twin is None:
            raise InputError("--backend", f"{weights.name} has no 8-bit network: {lack}")
        known = _remembered(weights, sha256, backend, twin)
        return known or _openvino_alone(weights, sha256, backend, twin)
    if backend == "openvino":
        converted = place_for(sha256) / "openvino"
        known = _remembered(weights, sha256, backend, converted)
        return known or _openvino_alone(weights, sha256, backend, _converted(weights, sha256))
    return _fastest(weights, sha256, twin, announce)


def _fastest(
    weights: Path, sha256: str, twin: Path | None, announce: Callable[[str], None] | None
) -> Choice:
    other = ("openvino-int8", twin) if twin else ("openvino", place_for(sha256) / "openvino")
    for backend, path in (("torch", weights), other):
        known = _remembered(weights, sha256, "auto", path, backend)
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
    fast, isa = _first_that_runs(path)
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
    return _remember(sha256, "auto", choice)


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


def _openvino_alone(weights: Path, sha256: str, asked: str, path: Path) -> Choice:
    """The choice where OpenVINO must run it; a trial only where what the processor announces may not be true."""
    if "amx" not in processor():
        return Choice(asked, path, None, "asked for" if weights.suffix == ".pt" else "OpenVINO reads it")
    tried, isa = _first_that_runs(path)
    if isinstance(tried, str):
        if "signal" in tried or "could not be tried" in tried:
            raise VisionError(f"{path}: OpenVINO cannot run it here: {tried}")
        return Choice(asked, path, None, tried)  # a faulty file: reading it says what is wrong with it
    return _remember(sha256, asked, Choice(asked, path, isa, "it runs"))


def _first_that_runs(path: Path) -> tuple[Trial | str, str | None]:
    """A trial of OpenVINO with the most instructions that work, and which; or why it does not run."""
    tried: Trial | str = ""
    for isa in ISA_CAPS:
        tried = run_apart(path, "openvino", isa)
        if not isinstance(tried, str) or "signal" not in tried:
            return tried, isa
    return tried, None


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


def _record(sha256: str, asked: str) -> Path:
    return place_for(sha256) / f"{asked}.json"


def _remembered(weights: Path, sha256: str, asked: str, path: Path, backend: str | None = None) -> Choice | None:
    """What was chosen before for `asked`, where it is `backend` and still there."""
    try:
        known: Any = json.loads(_record(sha256, asked).read_text(encoding="utf-8"))
        if known["backend"] != (backend or asked) or not path.exists():
            return None
        if known["network"] != _identity(path):
            return None
        return Choice(str(known["backend"]), path, known["isa"], str(known["reason"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(sha256: str, asked: str, choice: Choice) -> Choice:
    known = {
        "backend": choice.backend,
        "network": _identity(choice.path),
        "isa": choice.isa,
        "reason": choice.reason,
    }
    record = _record(sha256, asked)
    try:
        record.parent.mkdir(parents=True, exist_ok=True)
        write_whole(record, json.dumps(known, indent=1) + "\n")
    except (OSError, VisionError) as error:
        return Choice(
            choice.backend, choice.path, choice.isa, choice.reason, (f"{error}; the network is tried anew every time",)
        )
    return choice


def _identity(path: Path) -> str:
    """What tells a network from another that took its place."""
    file = next(iter(sorted(path.glob("*.bin"))), path) if path.is_dir() else path
    return sha256_of(file)
