"""What the front door could not do though its input was sound; bad input is `vision.errors.InputError`."""

from __future__ import annotations


class PicketError(Exception):
    """Something could not be done; the text says what and what mends it, in one sentence (exit code 1)."""
