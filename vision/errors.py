"""The two ways a step can fail, and the root exception of this package.

InputError          bad input: one line naming the file, the place in it and the mend (the command exits with 2)
VisionError         the step could not be done though its input was sound (the command exits with 1)

`mapping`, `missions` and `sim` raise the same `InputError` and have a root of their own for the second kind.
"""

from __future__ import annotations

from os import PathLike


class InputError(ValueError):
    """What a user gave cannot be used. Its text is one line: source, place, what is wrong and how to mend it."""

    def __init__(self, source: str | PathLike[str], problem: str, place: str = "") -> None:
        """`source` is the file or option at fault, `place` the spot in it (feature 3, line 12), `problem` says what
        is wrong and what to do about it."""
        self.source = str(source)
        self.place = place
        self.problem = problem
        text = ": ".join(part for part in (self.source, place, problem) if part)
        super().__init__(" ".join(text.split()))


class VisionError(RuntimeError):
    """Root of what can go wrong in `vision` with sound input."""
