"""Looks are given to better known objects that explain them, and to those only; a frame's are dealt out together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapping.ground.explaining import given as given_to
from mapping.ground.tracks import Looks, Tracks, fit, renumbered

STANDING, WALKING = 0, 1
ROW, FRAMES, APART_M = 5, 6, 5.0
Ints = npt.NDArray[np.intp]


def given(looks: Looks, label: Ints, tracks: Tracks, asked: npt.NDArray[np.bool_]) -> Ints:
    """The same looks asked of what is at rest and of what moves."""
    return given_to(looks, label, tracks, asked, asked)


def dealt_out(looks: Looks, label: Ints) -> Ints:
    """All looks asked of what is at rest, nothing moving."""
    every = np.ones(len(looks), dtype=np.bool_)
    return renumbered(given_to(looks, label, fit(looks, label, motion=False), every, ~every, clearly=0.3))


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


def test_who_walked_past_takes_back_the_look_that_the_one_who_stands_was_given() -> None:
    """In frame 7 the walker is 1.1 m from the one who stands, whose own look of that frame is alone."""
    by = [(5 + k, 3.0 * (k - 2) + 0.8, 0.8) for k in range(5)]
    looks, label = scene(*by, (5, 0.0, 0.0), (6, 0.0, 0.1), (7, 0.1, 0.0), (8, 0.0, 0.0))
    label[9:14], label[14:] = 2, STANDING
    wrong = label.copy()
    wrong[11], wrong[16] = STANDING, 3
    every = np.ones(len(looks), dtype=np.bool_)
    assert given_to(looks, wrong, fit(looks, wrong), every, every).tolist() == label.tolist()


def row(sigma_m: float = 0.5, seed: int = 0) -> tuple[Looks, Ints]:
    """Five parked cars 5 m apart in six frames, and the number of each look's car."""
    frame, car = (one.ravel() for one in np.meshgrid(np.arange(FRAMES), np.arange(ROW), indexing="ij"))
    count = len(frame)
    noise = sigma_m * np.random.default_rng(seed).normal(size=(count, 2))
    looks = Looks(
        frame=frame,
        time_s=1e9 + 20.0 * frame.astype(np.float64),
        flight=np.zeros(count, dtype=np.intp),
        class_name=np.full(count, "vehicle"),
        place=np.column_stack([APART_M * car, np.zeros(count)]) + noise,
        noise=np.tile(sigma_m**2 * np.eye(2), (count, 1, 1)),
        factors=np.zeros((count, 2, 1)),
        chance=np.full(count, -7.0),
    )
    return looks, car.astype(np.intp)


def without(looks: Looks, label: Ints, *gone: tuple[int, int]) -> tuple[Looks, Ints]:
    """All but these looks (frame, car)."""
    kept = np.array([(int(f), int(c)) not in gone for f, c in zip(looks.frame, label, strict=True)])
    return looks.take(np.flatnonzero(kept)), label[kept]


def test_a_row_shifted_by_one_in_one_frame_is_set_right() -> None:
    looks, truth = without(*row(), (3, 4))
    shifted = np.where(looks.frame == 3, truth + 1, truth)
    assert dealt_out(looks, shifted).tolist() == truth.tolist()


def test_two_that_were_exchanged_are_exchanged_back() -> None:
    looks, truth = row()
    wrong = truth.copy()
    wrong[(looks.frame == 2) & (truth == 1)], wrong[(looks.frame == 2) & (truth == 2)] = 2, 1
    assert dealt_out(looks, wrong).tolist() == truth.tolist()


def test_what_is_right_stays() -> None:
    for seed in range(20):
        looks, truth = row(seed=seed)
        assert dealt_out(looks, truth).tolist() == truth.tolist()


def test_who_loses_its_object_to_a_better_one_is_alone() -> None:
    """A look 4 m off is in the first car's track, the first car's own look of that frame in the third's."""
    looks, truth = without(*row(sigma_m=0.3), (4, 2))
    mine = np.flatnonzero((looks.frame == 4) & (truth == 0))
    stray = looks.take(mine)
    place = np.vstack([looks.place, stray.place + np.array([0.0, 4.0])])
    columns = {name: np.concatenate([getattr(looks, name), getattr(stray, name)]) for name in vars(looks)}
    wrong = np.append(truth, 0)
    wrong[mine] = 2
    now = dealt_out(Looks(**{**columns, "place": place}), wrong)
    assert now[:-1].tolist() == truth.tolist()
    assert now[-1] == ROW


def test_objects_seen_twice_take_and_give_nothing() -> None:
    looks, truth = row()
    few = looks.take(np.flatnonzero(looks.frame < 2))
    wrong = truth[looks.frame < 2][::-1].copy()
    assert dealt_out(few, wrong).tolist() == wrong.tolist()


def test_no_look_changes_to_another_class() -> None:
    """A vehicle's look lies at the place of its neighbour, who was not seen then: another vehicle would get it."""
    looks, truth = without(*row(), (3, 1))
    looks.place[(looks.frame == 3) & (truth == 2)] -= [APART_M, 0.0]
    assert (dealt_out(looks, truth) != truth).sum() == 1
    person = Looks(**{**vars(looks), "class_name": np.where(truth == 1, "person", "vehicle")})
    assert dealt_out(person, truth).tolist() == truth.tolist()
