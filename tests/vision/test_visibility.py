"""The size a thing needs in the picture comes from the shipped weights' measured recall."""

from __future__ import annotations

import json

import pytest

from vision.checkpoint import sha256_of
from vision.detector import DEFAULT_WEIGHTS
from vision.errors import InputError
from vision.evaluation import SizeScore
from vision.visibility import FROM_ABOVE_M, RECALL, coarsest_gsd_m, least_size_px, settled_from


def test_the_recall_was_measured_with_the_weights_that_are_shipped() -> None:
    assert json.loads(RECALL.read_text(encoding="utf-8"))["weights"] == sha256_of(DEFAULT_WEIGHTS)


def test_the_first_size_near_the_best_counts_and_few_boxes_say_nothing() -> None:
    scores = [SizeScore(4, 10, 10), SizeScore(6, 100, 50), SizeScore(8, 100, 65), SizeScore(10, 100, 80)]
    assert settled_from(scores) == 8


def test_persons_need_finer_pixels_than_vehicles() -> None:
    assert 6 <= least_size_px("person") < least_size_px("vehicle") <= 60
    assert 0.02 < coarsest_gsd_m("person") < coarsest_gsd_m("vehicle") < 0.3
    assert coarsest_gsd_m("person") * least_size_px("person") == pytest.approx(FROM_ABOVE_M["person"])


def test_what_was_not_measured_is_refused() -> None:
    for asked in (least_size_px, coarsest_gsd_m):
        with pytest.raises(InputError, match="'boat' is none of person"):
            asked("boat")
