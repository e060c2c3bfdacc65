"""Tables for a page in few bytes: numbers as base64 of the narrowest unsigned integers that hold them, texts that recur
by number. What the columns mean is for whoever packs them; `page/columns.js` reads them again.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

WIDTHS = (("u8", "<u1"), ("u16", "<u2"), ("u32", "<u4"))
"""What a packed column may be, narrowest first; the highest value of each says that nothing is known."""
RECURS = 2


def packed_numbers(values: npt.ArrayLike, step: float) -> dict[str, Any]:
    """Numbers to the nearest multiple of `step`: `low` is the least of them, `data` are little-endian steps above it.
    What is not finite becomes the type's highest value. Numbers too far apart for 32 bits are kept as doubles."""
    numbers = np.asarray(values, dtype=np.float64)
    known = np.isfinite(numbers)
    low = round(float(numbers[known].min()) / step) if known.any() else 0
    steps = np.where(known, np.round(numbers / step) - low, 0.0)
    for name, kind in WIDTHS:
        unknown = np.iinfo(kind).max
        if steps.max(initial=0.0) < unknown:
            whole = np.where(known, steps, unknown).astype(kind)
            return {"type": name, "low": low, "step": step, "data": b64encode(whole.tobytes()).decode("ascii")}
    doubles = numbers.astype("<f8")
    return {"type": "f64", "low": 0, "step": 1, "data": b64encode(doubles.tobytes()).decode("ascii")}


def packed_texts(values: Sequence[str | None]) -> dict[str, Any]:
    """Texts as a list, or as the different ones and which of them stands where, if they recur."""
    different = list(dict.fromkeys(values))
    if len(different) * RECURS > len(values):
        return {"values": list(values)}
    number = {text: place for place, text in enumerate(different)}
    return {"values": different, "codes": packed_numbers([number[text] for text in values], 1)}
