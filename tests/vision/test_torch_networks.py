"""Networks in torch as a GPU runs them, as far as a machine without one can tell: in 16 bit, and with little memory."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from vision.detector import DEFAULT_WEIGHTS
from vision.errors import VisionError
from vision.networks import About
from vision.networks.trial import sample_pictures
from vision.networks.with_torch import TorchNetwork, half_but_its_head, load_torch

ABOUT = About({0: "person"}, 32)


class _Small(torch.nn.Module):
    """A network on a device whose memory holds `room` pictures; puts out the mean of each."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        if len(pictures) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return pictures.mean(dim=(1, 2, 3))[:, None]


def test_what_memory_does_not_hold_is_looked_at_in_parts() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (7, 32, 32, 3), np.uint8)
    whole, parts = (TorchNetwork(_Small(room), ABOUT).forward(pixels) for room in (7, 2))
    assert parts.tolist() == whole.tolist()
    with pytest.raises(VisionError, match="memory"):
        TorchNetwork(_Small(0), ABOUT).forward(pixels)


def test_in_16_bit_boxes_far_from_the_corner_stay_where_they_are() -> None:
    picture = np.pad(sample_pictures()[0][256:384], ((0, 0), (704, 0)))
    pixels = np.repeat(picture[None, :, :, None], 3, axis=3)
    plain = load_torch(DEFAULT_WEIGHTS)
    expected = plain.forward(pixels)[0]
    half = half_but_its_head(copy.deepcopy(plain.network))
    with torch.inference_mode():
        batch = torch.from_numpy(pixels).permute(0, 3, 1, 2).half().div_(255.0)
        found = half(batch)[0][0].numpy()
    sure = expected[4:].max(axis=0) > 0.25
    assert (expected[0, sure] > 1024).sum() > 5
    assert np.abs(found[4:, sure] - expected[4:, sure]).max() < 0.02
    assert np.abs(found[:4, sure] - expected[:4, sure]).max() < 0.2
