"""`picket train`: train a detection network further on pictures of one's own."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from mapping.ground.camera import load_camera
from picket.options import DEFAULT_CAMERA, JsonOption
from picket.output import notes, progress_bar, say, summarise
from picket.practice import write_practice_frames
from vision.batch import DEFAULT_CONFIDENCE, detect_frames, search_settings
from vision.checkpoint import check_weights, sha256_of
from vision.classes import class_of
from vision.dataset import LabelledPicture, read_dataset, read_pictures
from vision.detector import DEFAULT_WEIGHTS, load_detector
from vision.downloading import named_weights
from vision.errors import InputError, VisionError
from vision.evaluation import WHOLE_CURVE, ClassScore, Truth, evaluate
from vision.training import STATE, Progress, best_device, memory_of, settings_for
from vision.training import train as train_network

DEFAULT_MINUTES = 60.0


def train(
    data: Annotated[Path, typer.Argument(metavar="DATA.yaml", help="The YAML file of a YOLO data set.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the weights; an unfinished run goes on.")
    ],
    weights: Annotated[
        Path, typer.Option(metavar="FILE", help="Weights to start from; by default the shipped thermal ones.")
    ] = DEFAULT_WEIGHTS,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="How long to train; 60 by default.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="How many steps to train instead of minutes.")] = None,
    practice: Annotated[
        int, typer.Option(min=0, metavar="N", help="Also train on N frames of the practice world.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the order and the changes of the pictures.")] = 0,
    device: Annotated[str | None, typer.Option(metavar="cpu|cuda", help="By default a GPU where there is one.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Train weights further on the pictures in DATA.yaml and write DIR/weights.pt."""
    if minutes is not None and steps is not None:
        raise InputError("--minutes", "goes without --steps: give how long to train, or how many steps")
    if device not in (None, "cpu", "cuda"):
        raise InputError("--device", f"{device!r} is neither cpu nor cuda")
    weights = named_weights(weights, say)
    check_weights(weights)
    dataset = read_dataset(data)
    measured = read_dataset(data, "val") if dataset.measured else None
    if device == "cuda" and best_device() != device:
        raise VisionError("--device cuda: torch finds no GPU here that it can use; leave it out to train on the CPU")
    device = device or best_device()
    minutes = None if steps else minutes or DEFAULT_MINUTES
    settings = settings_for(device, minutes=minutes, steps=steps, seed=seed, memory_bytes=memory_of(device))
    with progress_bar("reading pictures") as report:
        pictures = read_pictures(dataset, progress=report)
    with progress_bar("reading pictures to measure on") as report:
        apart = read_pictures(measured, hold_bytes=0, progress=report) if measured is not None else []
    if practice:
        say(f"drawing {practice} frames of the practice world")
        drawn = write_practice_frames(output / "practice", practice, load_camera(DEFAULT_CAMERA), dataset.names, seed)
        pictures += read_pictures(read_dataset(drawn))
    if (output / STATE).exists():
        say(f"going on with the run in {output}")
    started = time.monotonic()
    with progress_bar("training") as report:

        def tell(state: Progress) -> None:
            report(round(state.share * 1000), 1000, f"step {state.steps}, loss {state.loss:.2f}")

        made = train_network(weights, dataset.names, pictures, output, settings, device=device, progress=tell)
    say(f"weights: {made}")
    scores = _measure(made, dataset.names, apart) if apart else ()
    if measured is None:
        notes([f"{data} names no pictures to measure on (key 'val'): how good the weights are is not known"])
    summarise(
        {
            "weights": str(made),
            "sha256": sha256_of(made),
            "pictures": len(pictures),
            "device": device,
            "settings": asdict(settings),
            "scores": {score.name: _score(score) for score in scores},
            "seconds": round(time.monotonic() - started, 1),
        },
        as_json=as_json,
    )


def _measure(weights: Path, names: Sequence[str], pictures: Sequence[LabelledPicture]) -> tuple[ClassScore, ...]:
    """How well the weights find what is drawn in pictures they were not trained on, printed; nothing where none of
    their classes is one of ours."""
    if not any(map(class_of, names)):
        said = f"of {', '.join(names)} none is a person, a vehicle or a bicycle by name: nothing was measured"
        notes([f"{said}; say what they mean when you search (`picket detect --classes`)"])
        return ()
    labelled = {str(number): picture for number, picture in enumerate(pictures)}
    classes = {number: class_of(name) for number, name in enumerate(names)}
    truths = {}
    for frame_id, picture in labelled.items():
        known = [k for k, number in enumerate(picture.classes) if classes[int(number)] is not None]
        truths[frame_id] = Truth(picture.xyxy[known], tuple(str(classes[int(picture.classes[k])]) for k in known))
    frames = [(frame_id, picture.path) for frame_id, picture in labelled.items()]
    settings = search_settings(confidence=WHOLE_CURVE)
    with progress_bar("measuring") as report:
        found = detect_frames(frames, load_detector(weights), settings, progress=report)
    ours = tuple(dict.fromkeys(name for name in classes.values() if name is not None))
    scores = evaluate(found.table, truths, ours, confidence=DEFAULT_CONFIDENCE)
    for score in scores:
        say(
            f"{score.name}: average precision {score.average_precision:.3f}; from confidence {DEFAULT_CONFIDENCE:g} "
            f"on precision {score.precision:.3f}, recall {score.recall:.3f} of {score.truths}"
        )
    return scores


def _score(score: ClassScore) -> dict[str, Any]:
    values = {"AP50": score.average_precision, "precision": score.precision, "recall": score.recall}
    return {"truths": score.truths} | {
        name: None if math.isnan(value) else round(value, 4) for name, value in values.items()
    }
