"""Make an OpenVINO network of a `.pt` file: same numbers, another program that runs them. Eight-bit networks are
`quantizing`'s subject, where converted ones are kept `choosing`'s.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from vision.files import write_whole
from vision.networks import About
from vision.networks.with_openvino import METADATA
from vision.networks.with_torch import TorchNetwork
from vision.offline import import_openvino

_TRACED_PX = (512, 640)  # any size: the network stays open to every one


def convert(network: TorchNetwork) -> Any:
    """The network as an `openvino.Model` that takes pictures of any size. Raises whatever torch and OpenVINO raise
    where a layer cannot be converted."""
    openvino = import_openvino()
    import torch

    module = copy.deepcopy(network.network).float().to("cpu", memory_format=torch.contiguous_format)
    head = module.model[-1]
    head.export, head.dynamic, head.format = True, True, "openvino"
    picture = torch.zeros(1, 3, *_TRACED_PX)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # torch calls tracing old; OpenVINO reads nothing newer as well
        module(picture)
        traced = torch.jit.trace(module, picture, strict=False, check_trace=False)
        open_shape = openvino.PartialShape([-1, 3, -1, -1])
        return openvino.convert_model(traced, input=[open_shape], example_input=picture)


def save(model: Any, about: About, folder: Path, *, half: bool, more: Mapping[str, Any] | None = None) -> None:
    """Write `network.xml`, `network.bin` and `metadata.yaml`, as ultralytics names its entries, into the folder, which
    is made. `half` keeps what is still in 32 bit in 16."""
    folder.mkdir(parents=True, exist_ok=True)
    import_openvino().save_model(model, folder / "network.xml", compress_to_fp16=half)
    known = {"task": "detect", "stride": about.stride_px, "names": about.names, **(more or {})}
    write_whole(folder / METADATA, yaml.safe_dump(known, sort_keys=False, allow_unicode=True))
