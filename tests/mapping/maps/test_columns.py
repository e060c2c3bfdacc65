from __future__ import annotations

from base64 import b64decode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.maps.columns import WIDTHS, packed_numbers, packed_texts

KINDS = {**dict(WIDTHS), "f64": "<f8"}


def unpacked(column: dict) -> np.ndarray:
    """What `page/columns.js` does."""
    steps = np.frombuffer(b64decode(column["data"]), KINDS[column["type"]])
    if column["type"] == "f64":
        return steps
    known = steps < np.iinfo(steps.dtype).max
    return np.where(known, (steps.astype(np.float64) + column["low"]) * column["step"], np.nan)


@given(
    st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")) | st.just(float("inf")), max_size=50),
    st.sampled_from([1e-7, 0.01, 0.1, 1.0]),
)
def test_numbers_come_back_to_half_a_step(values: list[float], step: float) -> None:
    back = unpacked(packed_numbers(values, step))
    for value, got in zip(values, back, strict=True):
        if np.isfinite(value):
            assert got == pytest.approx(value, abs=0.51 * step + 1e-9)
        else:
            assert not np.isfinite(got)


def test_few_bytes_for_few_steps() -> None:
    assert packed_numbers([1000.0, 1000.1, 1002.0], 0.1)["type"] == "u8"
    assert packed_numbers([0.0, 60.0], 0.01)["type"] == "u16"
    assert packed_numbers([], 0.01)["data"] == ""


@given(st.lists(st.sampled_from(["a", "", "<b>", None, "longer"]), max_size=40))
def test_texts_come_back(values: list[str | None]) -> None:
    packed = packed_texts(values)
    codes = unpacked(packed["codes"]).astype(int) if "codes" in packed else range(len(values))
    assert [packed["values"][code] for code in codes] == values
