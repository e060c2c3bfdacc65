"""Run ONNX files and OpenVINO's own networks (a folder with an `.xml`, a `.bin` and `metadata.yaml`, as ultralytics
exports it) on the CPU with OpenVINO. Whether that is faster than torch here is `choosing`'s subject.
"""

from __future__ import annotations

import ast
import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from vision.decoding import layout_fits
from vision.errors import InputError
from vision.files import read_text
from vision.networks import About
from vision.offline import import_openvino

METADATA = "metadata.yaml"
_FIRST_BYTES = {".onnx": (b"\x08",), ".xml": (b"<", b"\xef")}  # OpenVINO tries all its readers on others, aloud
_MOST_SHAPES = 8  # networks compiled for so many sizes of picture are kept

# The first pass in a process must run alone: OpenVINO's Python part sets itself up in it, letting go of the interpreter
# halfway, and two threads that begin together wait for each other for good.
_FIRST = threading.Lock()
_BEGUN = threading.Event()


@dataclass(frozen=True)
class OpenVinoNetwork:
    """A network read by OpenVINO; made by `load_openvino`. It is compiled once for each size of picture, to be run by
    `threads` threads at once, each on a core of its own."""

    model: Any
    about: About
    threads: int
    _compiled: OrderedDict[tuple[int, int], Any] = field(default_factory=OrderedDict, init=False, repr=False)
    _compiling: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)
    _of_thread: threading.local = field(default_factory=threading.local, init=False, repr=False, compare=False)

    @property
    def batch(self) -> int:
        """See `Network.batch`: on a CPU pictures together are no faster than one by one."""
        return 1

    def forward(self, pixels: np.ndarray) -> np.ndarray:
        """See `Network.forward`."""
        with nullcontext() if _BEGUN.is_set() else _FIRST:
            request = self._request(pixels.shape[1], pixels.shape[2])
            found = []
            for k in range(len(pixels)):
                request.infer([pixels[k : k + 1]], share_inputs=True)
                found.append(request.get_output_tensor(0).data.astype(np.float32))  # a copy: the next picture reuses it
            _BEGUN.set()
        return np.concatenate(found)

    def _request(self, height_px: int, width_px: int) -> Any:
        """This thread's own way into the network compiled for that size."""
        shape = (height_px, width_px)
        with self._compiling:
            compiled = self._compiled.get(shape)
            if compiled is None:
                compiled = self._compiled[shape] = self._compile(height_px, width_px)
                if len(self._compiled) > _MOST_SHAPES:
                    self._compiled.popitem(last=False)
            self._compiled.move_to_end(shape)
            kept = dict(self._compiled)
        mine: dict[tuple[int, int], tuple[Any, Any]] = getattr(self._of_thread, "requests", {})
        if mine.get(shape, (None, None))[0] is not compiled:
            mine = {size: pair for size, pair in mine.items() if kept.get(size) is pair[0]}
            mine[shape] = (compiled, compiled.create_infer_request())
            self._of_thread.requests = mine
        return mine[shape][1]

    def _compile(self, height_px: int, width_px: int) -> Any:
        """The network for pictures of one size, uint8 with channels last, so that scaling to 0..1 is a part of it."""
        openvino = import_openvino()
        model = self.model.clone()
        model.reshape([1, 3, height_px, width_px])
        prepared = openvino.preprocess.PrePostProcessor(model)
        prepared.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
        prepared.input().preprocess().convert_element_type(openvino.Type.f32).scale(255.0)
        prepared.input().model().set_layout(openvino.Layout("NCHW"))
        settings = {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": str(self.threads),
            "INFERENCE_NUM_THREADS": str(self.threads),
            "INFERENCE_PRECISION_HINT": "f32",  # some processors would halve it and see other boxes
            "ENABLE_CPU_PINNING": "NO",  # the machine has other work
        }
        return openvino.Core().compile_model(prepared.build(), "CPU", settings)


def files_of(path: Path) -> list[Path]:
    """The files a network is made of: the ONNX file, or of a folder or `.xml` the two that OpenVINO reads and the
    metadata where there are some. Raises InputError where they are not there."""
    if path.suffix.lower() == ".onnx":
        if not path.is_file():
            raise InputError(path, "no such network")
        return [path]
    if path.is_dir():
        found = sorted(path.glob("*.xml"))
        if len(found) != 1:
            raise InputError(path, "no OpenVINO network: the folder must hold one .xml, its .bin and metadata.yaml")
        path = found[0]
    files = [path, path.with_suffix(".bin")]
    for file in files:
        if not file.is_file():
            raise InputError(file, "no such file; an OpenVINO network is an .xml and a .bin of the same name")
    metadata = path.with_name(METADATA)
    return [*files, *([metadata] if metadata.is_file() else [])]


def read_metadata(folder: Path) -> Mapping[str, Any]:
    """What `metadata.yaml` in the folder says; empty where there is none. Raises InputError where it is not YAML."""
    path = folder / METADATA
    if not path.is_file():
        return {}
    try:
        known = yaml.safe_load(read_text(path, "what ultralytics wrote beside the network"))
    except yaml.YAMLError as error:
        raise InputError(path, f"not YAML ({str(error).splitlines()[0]}); export the network again") from error
    return known if isinstance(known, dict) else {}


def load_openvino(path: Path, *, threads: int = 1, isa: str | None = None) -> OpenVinoNetwork:
    """The network at `path`, to be run by `threads` threads. `isa` keeps OpenVINO to a set of instructions
    that is known to work here (see `choosing.working_isa`). Raises InputError where it cannot be read, is no
    detection network of ultralytics' layout or does not name its labels."""
    files = files_of(path)
    with files[0].open("rb") as stream:
        start = stream.read(1)
    if start not in _FIRST_BYTES[files[0].suffix.lower()]:
        raise InputError(files[0], "not a network, whatever its name says; export it again")
    openvino = import_openvino(isa)
    try:
        model = openvino.Core().read_model(files[0])
        shape = model.input().get_partial_shape()
    except Exception as error:  # OpenVINO raises whatever a damaged file makes it stumble over
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(files[0], f"not a network OpenVINO can read ({reason}); export it again") from error
    if len(shape) != 4 or shape[1].is_dynamic or shape[1].get_length() != 3:
        raise InputError(files[0], f"takes in {shape}, not pictures (1, 3, height, width)")
    known = dict(read_metadata(files[0].parent)) if len(files) == 3 else _framework_metadata(model)
    about = _about(files[0], known, shape)
    put_out = model.outputs[0].get_partial_shape()
    end_to_end = len(put_out) == 3 and put_out[2].is_static and put_out[2].get_length() == 6
    channels = put_out[2 if end_to_end else 1] if len(put_out) == 3 else None
    if channels is None or channels.is_dynamic or not layout_fits(channels.get_length(), len(about.names)):
        raise InputError(files[0], f"puts out {put_out}, not boxes of {len(about.names)} labels as YOLO networks do")
    return OpenVinoNetwork(model, about, threads)


def _framework_metadata(model: Any) -> dict[str, Any]:
    """What ultralytics wrote into an ONNX file: texts, as Python writes values."""
    known = {}
    for name in ("names", "stride", "imgsz"):
        if model.has_rt_info(["framework", name]):
            text = str(model.get_rt_info(["framework", name]).value)
            with suppress(ValueError, SyntaxError):
                known[name] = ast.literal_eval(text)
    return known


def _about(path: Path, known: Mapping[str, Any], shape: Any) -> About:
    names, stride = known.get("names"), known.get("stride", 32)
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names or not all(isinstance(number, int) for number in names):
        raise InputError(path, "does not name its labels; export it with ultralytics, which writes them beside it")
    if not isinstance(stride, int) or stride < 1:
        raise InputError(path, f"its metadata give {stride!r} as stride; export it again with ultralytics")
    fixed = None
    if shape[2].is_static and shape[3].is_static:
        fixed = (shape[3].get_length(), shape[2].get_length())
    told = known.get("imgsz")
    sides = [side for side in told if isinstance(side, int)] if isinstance(told, list | tuple) else []
    labels = {number: str(label) for number, label in names.items()}
    return About(labels, stride, fixed, max(sides) if sides else None)
