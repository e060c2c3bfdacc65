"""The network that learns: taken out of weights with a head for the classes there are, its first layers made quicker
where they stay as they are, and written as weights again. How it learns is `training`'s subject.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from vision.checkpoint import read_trainable
from vision.files import whole_file
from vision.offline import import_ultralytics

GAINS = {"box": 7.5, "cls": 0.5, "dfl": 1.5}
"""Weights of the three losses (place, class, distribution of edges), ultralytics' own."""


def network_for(weights: Path, names: tuple[str, ...]) -> Any:
    """The network to train; where its classes are others than `names`, with a new head around what fits."""
    tasks, _ = import_ultralytics()
    network = read_trainable(weights)
    if tuple(dict(enumerate(network.names) if isinstance(network.names, list) else network.names).values()) != names:
        fresh = tasks.DetectionModel(dict(network.yaml), nc=len(names), verbose=False)
        own = fresh.state_dict()
        known = {key: value for key, value in network.state_dict().items() if own[key].shape == value.shape}
        fresh.load_state_dict(known, strict=False)
        network = fresh
        network.names = dict(enumerate(names))
    network.criterion = None
    return network.float().requires_grad_(True)


def folded(layers: Any) -> Any:
    """A copy of the layers with their batch normalisation folded in: they do not learn, so it only costs time."""
    from ultralytics.utils.torch_utils import fuse_conv_and_bn

    quick = copy.deepcopy(layers).eval().requires_grad_(False)
    for part in quick.modules():
        if hasattr(part, "conv") and hasattr(part, "bn"):
            part.conv = fuse_conv_and_bn(part.conv, part.bn).requires_grad_(False)
            del part.bn
            part.forward = part.forward_fuse
    return quick


def save_network(network: Any, path: Path) -> None:
    """Write a detection network as a `.pt` file that ultralytics and `checkpoint` read: 16 bit, no optimiser, no paths
    and no times, so that the same network gives the same bytes."""
    import torch

    kept = copy.deepcopy(network).cpu().half().eval().requires_grad_(False)
    kept.args, kept.criterion = dict(GAINS), None
    for name in ("pt_path", "yaml_file"):
        if hasattr(kept, name):
            delattr(kept, name)
    if isinstance(getattr(kept, "yaml", None), dict):
        kept.yaml.pop("yaml_file", None)
    with whole_file(path) as beside, beside.open("wb") as stream:
        torch.save({"model": kept, "train_args": {"task": "detect", "imgsz": 640}}, stream)
