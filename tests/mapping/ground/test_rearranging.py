"""Looks of one frame change places between objects at rest where all of them fit better then, and only there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapping.ground.rearranging import rearranged
from mapping.ground.tracks import Looks

Ints = npt.NDArray[np.intp]
ROW, FRAMES, APART_M = 5, 6, 5.0


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
    assert rearranged(looks, shifted).tolist() == truth.tolist()


def test_two_that_were_exchanged_are_exchanged_back() -> None:
    looks, truth = row()
    wrong = truth.copy()
    wrong[(looks.frame == 2) & (truth == 1)], wrong[(looks.frame == 2) & (truth == 2)] = 2, 1
    assert rearranged(looks, wrong).tolist() == truth.tolist()


def test_what_is_right_stays() -> None:
    for seed in range(20):
        looks, truth = row(seed=seed)
        assert rearranged(looks, truth).tolist() == truth.tolist()


def test_who_loses_its_object_to_a_better_one_is_alone() -> None:
    """A look 4 m off is in the first car's track, the first car's own look of that frame in the third's."""
    looks, truth = without(*row(sigma_m=0.3), (4, 2))
    mine = np.flatnonzero((looks.frame == 4) & (truth == 0))
    stray = looks.take(mine)
    place = np.vstack([looks.place, stray.place + np.array([0.0, 4.0])])
    columns = {name: np.concatenate([getattr(looks, name), getattr(stray, name)]) for name in vars(looks)}
    wrong = np.append(truth, 0)
    wrong[mine] = 2
    now = rearranged(Looks(**{**columns, "place": place}), wrong)
    assert now[:-1].tolist() == truth.tolist()
    assert now[-1] == ROW


def test_objects_seen_twice_take_and_give_nothing() -> None:
    looks, truth = row()
    few = looks.take(np.flatnonzero(looks.frame < 2))
    wrong = truth[looks.frame < 2][::-1].copy()
    assert rearranged(few, wrong).tolist() == wrong.tolist()


def test_nothing_stays_nothing() -> None:
    looks, truth = row()
    assert len(rearranged(looks.take(truth[:0]), truth[:0])) == 0


def test_no_look_changes_to_another_class() -> None:
    """A vehicle's look lies at the place of its neighbour, who was not seen then: another vehicle would get it."""
    looks, truth = without(*row(), (3, 1))
    looks.place[(looks.frame == 3) & (truth == 2)] -= [APART_M, 0.0]
    assert (rearranged(looks, truth) != truth).sum() == 1
    person = Looks(**{**vars(looks), "class_name": np.where(truth == 1, "person", "vehicle")})
    assert rearranged(person, truth).tolist() == truth.tolist()
