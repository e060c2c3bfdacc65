"""One box per object, and neighbours stay apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vision.boxes import iou
from vision.merge import DOUBT, SAME_IOU, doubted, merge

BOX = st.tuples(st.floats(0, 90), st.floats(0, 90), st.floats(1, 40), st.floats(1, 40))
FOUND = st.lists(st.tuples(BOX, st.floats(0.01, 1.0), st.integers(0, 2), st.integers(0, 3), st.booleans()), max_size=25)


def _arrays(found: list[Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    boxes = np.array([(x, y, x + w, y + h) for (x, y, w, h), *_ in found], dtype=np.float64).reshape(-1, 4)
    columns = [np.array([row[k] for row in found]) for k in (1, 2, 3, 4)]
    return boxes, columns[0], columns[1], columns[2], columns[3].astype(bool)


@given(FOUND)
def test_what_is_kept_is_apart_and_what_is_not_has_its_reason(found: list[Any]) -> None:
    boxes, scores, classes, window, cut = _arrays(found)
    kept = merge(boxes, scores, classes, window=window, cut=cut)
    assert len(set(kept.tolist())) == len(kept)
    assert (np.diff(scores[kept]) <= 0).all()
    same_class = classes[kept][:, None] == classes[kept][None, :]
    overlap = iou(boxes[kept], boxes[kept])[same_class & ~np.eye(len(kept), dtype=bool)]
    assert (overlap <= SAME_IOU + 1e-9).all()
    for lost in set(range(len(found))) - set(kept.tolist()):
        rivals = [k for k in kept if classes[k] == classes[lost] and (cut[k], -scores[k]) <= (cut[lost], -scores[lost])]
        assert iou(boxes[[lost]], boxes[rivals]).max() > 0


@given(FOUND)
def test_merging_twice_changes_nothing(found: list[Any]) -> None:
    boxes, scores, classes, window, cut = _arrays(found)
    kept = merge(boxes, scores, classes, window=window, cut=cut)
    again = merge(boxes[kept], scores[kept], classes[kept], window=window[kept], cut=cut[kept])
    assert again.tolist() == list(range(len(kept)))


def test_a_person_beside_a_car_stays_a_person() -> None:
    boxes = np.array([[10, 10, 60, 40], [50, 12, 62, 38], [12, 10, 61, 41]])
    assert merge(boxes, np.array([0.9, 0.5, 0.8]), np.array([1, 0, 1])).tolist() == [0, 1]


def test_a_person_inside_another_is_kept_within_one_window_only() -> None:
    boxes, scores, classes = np.array([[0, 0, 40, 40], [5, 5, 15, 15]]), np.array([0.9, 0.8]), np.zeros(2)
    assert merge(boxes, scores, classes).tolist() == [0, 1]
    assert merge(boxes, scores, classes, window=np.array([0, 1])).tolist() == [0]


def test_what_may_be_one_object_twice_is_doubted_and_neighbours_are_not() -> None:
    boxes = np.array([[0, 0, 10, 20], [5, 0, 15, 20], [12, 1, 15, 5], [4, 0, 14, 20], [0, 30, 40, 50], [2, 32, 12, 42]])
    scores = np.array([0.9, 0.8, 0.5, 0.4, 0.3, 0.6])
    classes = np.array([0, 0, 0, 1, 1, 1])
    # the third lies in the second, the fifth around the sixth; two side by side stay, and so does another class
    assert doubted(boxes, scores, classes).tolist() == [0.9, 0.8, 0.5 * DOUBT, 0.4, 0.3 * DOUBT, 0.6]
    assert doubted(boxes[:0], scores[:0], classes[:0]).tolist() == []
    assert doubted(boxes[[0, 0]], np.array([0.5, 0.5]), np.zeros(2)).tolist() == [0.5, 0.5 * DOUBT]


def test_one_car_over_four_tiles_is_one_and_two_persons_side_by_side_stay_two() -> None:
    whole = np.array([40.0, 40.0, 80.0, 60.0])
    parts = [whole, whole + 1, [40, 40, 62, 60], [58, 40, 80, 60], [200, 10, 210, 30], [207, 10, 217, 30]]
    kept = merge(
        np.array(parts, dtype=np.float64),
        np.array([0.6, 0.5, 0.9, 0.8, 0.7, 0.65]),
        np.array([1, 1, 1, 1, 0, 0]),
        window=np.arange(6),
        cut=np.array([False, False, True, True, False, False]),
    )
    assert sorted(kept.tolist()) == [0, 4, 5]


def test_the_whole_lorry_wins_over_its_cut_half() -> None:
    boxes, scores = np.array([[100, 50, 128, 70], [100, 50, 150, 70]]), np.array([0.9, 0.4])
    kept = merge(boxes, scores, np.zeros(2), window=np.array([0, 1]), cut=np.array([True, False]))
    assert kept.tolist() == [1]


def test_nothing_found_is_nothing_kept() -> None:
    assert merge(np.empty((0, 4)), np.empty(0), np.empty(0)).tolist() == []
