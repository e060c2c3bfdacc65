"""Tables of numbers that grow while a flight goes on and are read as a whole."""

from __future__ import annotations

from array import array

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Rows:
    """Rows of numbers that grow one by one and are read as a whole; reading while another thread adds is safe."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._numbers = array("d")

    def append(self, row: tuple[float, ...]) -> None:
        self._numbers.extend(row)

    def __len__(self) -> int:
        return len(self._numbers) // self._width

    def last(self) -> tuple[float, ...]:
        """The row added last."""
        return tuple(self._numbers[-self._width :])

    def table(self) -> Floats:
        """(N, width) copy of the rows so far."""
        return np.frombuffer(self._numbers.tobytes(), dtype=np.float64).reshape(-1, self._width)
