"""Make the 8-bit network that lies beside `.pt` weights: calibrated on real frames, measured against the weights on
frames it has not seen, with a card that says both. `python -m vision.quantizing WEIGHTS --images DIR --val DATA`;
needs NNCF (`pip install picket[quantize]`). Whether it runs is for `networks.choosing` to say.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vision.batch import DEFAULT_CONFIDENCE, detect_frames, search_settings
from vision.checkpoint import sha256_of
from vision.classes import CLASSES
from vision.detector import DEFAULT_WEIGHTS, INPUT_PX, load_detector
from vision.errors import InputError, VisionError
from vision.evaluation import WHOLE_CURVE, ClassScore, evaluate, f1, read_split
from vision.files import write_whole
from vision.images import IMAGE_SUFFIXES, read_image
from vision.letterbox import letterbox
from vision.networks import converting
from vision.networks.choosing import MOST_F1_LOSS, twin_of, working_isa
from vision.networks.with_torch import TorchNetwork, load_torch
from vision.offline import import_openvino

FRAMES = 300
"""Frames the ranges of the 8-bit values are taken from."""

CARD = "README.md"


def quantize(network: TorchNetwork, frames: Sequence[Path]) -> Any:
    """The network as an `openvino.Model` whose layers count in 8 bit, their ranges taken from `frames`. The head stays
    in 32 bit: with it in 8 bit people were found less often, for a sixth less time."""
    openvino = import_openvino(working_isa(DEFAULT_WEIGHTS)[0])  # before the first network runs: NNCF runs it
    try:
        import nncf
    except ImportError as error:
        raise VisionError("NNCF is not installed, which makes 8-bit networks: pip install picket[quantize]") from error
    stride_px = network.about.stride_px

    def taken_in(path: Path) -> np.ndarray:
        image = read_image(path)
        pixels = letterbox(image.shape[1], image.shape[0], INPUT_PX, stride_px).fill([image])
        return np.asarray(pixels.transpose(0, 3, 1, 2), dtype=np.float32) / 255.0

    model = converting.convert(network)
    head = f"__module.model.{len(network.network.model) - 1}"
    names = [
        node.get_friendly_name()
        for node in model.get_ordered_ops()
        if node.get_friendly_name().startswith((f"{head}.", f"{head}/"))
        and node.get_type_name() not in ("Constant", "Parameter", "Result")
    ]
    made = nncf.quantize(
        model,
        nncf.Dataset(list(frames), taken_in),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(frames),
        ignored_scope=nncf.IgnoredScope(names=names),
    )
    assert isinstance(made, openvino.Model)
    return made


def measure(weights: Path, backend: str, data: Path) -> tuple[ClassScore, ...]:
    """How well the weights, run by `backend`, find what was drawn in `data` (`images/val`, `labels/val` in YOLO's
    layout, classes as in `CLASSES`), at the default confidence."""
    frames, truths = read_split(data)
    if not frames:
        raise InputError(data, "no pictures in its images/val; give a folder with images/val and labels/val")
    detector = load_detector(weights, backend=backend)
    found = detect_frames(frames, detector, search_settings(confidence=WHOLE_CURVE))
    return evaluate(found.table, truths, CLASSES, confidence=DEFAULT_CONFIDENCE)


def make_twin(weights: Path, images: Path, data: Path, count: int = FRAMES) -> Path:
    """Make the 8-bit network of `weights` beside them, calibrated on `count` frames spread over the folder `images`,
    measured on `data` (see `measure`). Returns its folder, which takes the place of an earlier one when it is whole.
    Raises InputError where there are no frames, VisionError without NNCF."""
    network = load_torch(weights)
    found = _pictures(images)
    frames = [found[k * len(found) // min(count, len(found))] for k in range(min(count, len(found)))]
    model = quantize(network, frames)
    sha256 = sha256_of(weights)
    plain = measure(weights, "torch", data)
    with tempfile.TemporaryDirectory(prefix=".quantizing.", dir=weights.parent) as folder:
        beside = Path(folder)
        shutil.copyfile(weights, beside / weights.name)
        twin = twin_of(beside / weights.name)
        told = {"made_from": sha256, "f1": round(f1(plain), 4), "f1_loss": 0.0, "frames": len(frames)}
        converting.save(model, network.about, twin, half=True, more={"picket": told})
        eight = measure(beside / weights.name, "openvino-int8", data)
        told["f1_loss"] = round(f1(plain) - f1(eight), 4)
        converting.save(model, network.about, twin, half=True, more={"picket": told})
        write_whole(twin / CARD, card(weights, sha256, len(frames), plain, eight))
        shutil.rmtree(twin_of(weights), ignore_errors=True)
        shutil.move(twin, twin_of(weights))
    return twin_of(weights)


def card(weights: Path, sha256: str, frames: int, plain: Sequence[ClassScore], eight: Sequence[ClassScore]) -> str:
    """The card of an 8-bit network: what it is, how it was made and what it loses."""
    loss = f1(plain) - f1(eight)
    used = "Picket runs it on a CPU where it is faster" if loss <= MOST_F1_LOSS else "so Picket does not run it unasked"
    rows = [
        f"| {before.name} | {f1([before]):.3f} | {f1([after]):.3f} | {before.average_precision:.3f} | "
        f"{after.average_precision:.3f} |"
        for before, after in zip(plain, eight, strict=True)
    ]
    return "\n".join(
        [
            f"# {weights.name} in 8 bit",
            "",
            f"The network of `{weights.name}` (SHA-256 `{sha256}`) for OpenVINO: weights and activations in 8 bit, the "
            "head in 16 and 32. Data, licence, attribution and what it is bad at: as of those weights, see their card.",
            "",
            f"Made by `python -m vision.quantizing {weights.name} --images DIR --val DATA` with NNCF: mixed preset, "
            f"fast bias correction, ranges from {frames} frames spread over the training split.",
            "",
            f"On the validation split, at confidence {DEFAULT_CONFIDENCE:g} and IoU 0.5, F1 over all classes is "
            f"{f1(plain):.3f} in 32 bit and {f1(eight):.3f} in 8: {loss:.4f} lower (limit {MOST_F1_LOSS:g}), {used}.",
            "",
            "| class | F1 in 32 bit | in 8 bit | AP50 in 32 bit | in 8 bit |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _pictures(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.glob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        raise InputError(folder, "no pictures here; give a folder of frames")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the 8-bit network and print its card."""
    parser = argparse.ArgumentParser(prog="python -m vision.quantizing", description=__doc__)
    parser.add_argument("weights", type=Path, help="the .pt file")
    parser.add_argument("--images", type=Path, required=True, help="frames to calibrate on: of the training split")
    parser.add_argument("--val", type=Path, required=True, help="folder with images/val and labels/val to measure on")
    parser.add_argument("--frames", type=int, default=FRAMES, help=f"how many to calibrate on ({FRAMES})")
    options = parser.parse_args(arguments)
    try:
        made = make_twin(options.weights, options.images, options.val, options.frames)
    except (InputError, VisionError) as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    print((made / CARD).read_text(encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
