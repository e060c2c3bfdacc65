"""Looks are given to better known objects that explain them, and to those only."""

from __future__ import annotations

import numpy as np

from mapping.ground.explaining import given
from mapping.ground.tracks import Looks, fit

STANDING, WALKING = 0, 1


def scene(*extra: tuple[int, float, float]) -> tuple[Looks, np.ndarray]:
    """Somebody who stands at the origin in frames 0 to 4, somebody who walks by at 1 m/s, 20 m north, in all but frame
    2, and the `extra` looks (frame, east, north), each an object of its own."""
    rows = [(frame, 0.0, 0.0) for frame in range(5)] + [(frame, 1.0 * frame, 20.0) for frame in (0, 1, 3, 4)]
    frame, east, north = np.array(rows + list(extra)).T
    count = len(frame)
    looks = Looks(
        frame=frame.astype(np.intp),
        time_s=1e9 + frame,
        flight=np.zeros(count, dtype=np.intp),
        class_name=np.full(count, "person"),
        place=np.column_stack([east, north]),
        noise=np.tile(0.01 * np.eye(2), (count, 1, 1)),
        factors=np.zeros((count, 2, 1)),
        chance=np.full(count, -9.0),
    )
    return looks, np.array([STANDING] * 5 + [WALKING] * 4 + [2 + k for k in range(len(extra))], dtype=np.intp)


def asked(label: np.ndarray) -> np.ndarray:
    return np.asarray(label > WALKING)


def test_a_look_where_somebody_stands_and_one_on_a_course_are_given_to_them() -> None:
    looks, label = scene((5, 0.2, 0.1), (2, 2.1, 20.0), (6, 30.0, 0.0))
    assert given(looks, label, fit(looks, label), asked(label))[9:].tolist() == [STANDING, WALKING, 4]


def test_nobody_is_seen_twice_in_one_frame() -> None:
    looks, label = scene((4, 0.1, 0.0), (5, 0.3, 0.0), (5, 0.1, 0.0))
    assert given(looks, label, fit(looks, label), asked(label))[9:].tolist() == [2, 3, STANDING]


def test_a_look_stays_where_its_own_fit_as_well() -> None:
    """Who walks past the one who stands, unseen in that frame, keeps the look; who merely begins there does not."""
    by = [(5 + k, 1.2 * (k - 2), 0.0) for k in range(5)]
    looks, label = scene(*by)
    label[9:] = 2
    assert given(looks, label, fit(looks, label), asked(label))[9:].tolist() == [2] * 5
    looks, label = scene((5, 0.1, 0.1), (8, 9.0, 3.0))
    label[9:] = 2
    assert given(looks, label, fit(looks, label), asked(label))[9:].tolist() == [STANDING, 2]


def test_another_class_is_another_object() -> None:
    looks, label = scene((5, 0.0, 0.0))
    looks.class_name[-1] = "vehicle"[: looks.class_name.itemsize // 4]
    assert given(looks, label, fit(looks, label), asked(label))[-1] == 2
