"""What a browser sends, before anything else reads it: never more than a limit, and JSON that every part of the app can
keep, compute with and send back. What it says is the routes' subject."""

from __future__ import annotations

import json
import math
from typing import Any

from fastapi.responses import JSONResponse
from starlette.types import Message, Receive

DEEPEST = 64
LARGEST = 2.0**63
"""Of whole numbers; floating-point ones need only be finite."""


class Body:
    """Counts what a body brings, for those that do not say their length beforehand."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive, self._left = receive, limit
        self._taken: bytes | None = None
        self.too_large = False

    async def receive(self) -> Message:
        """The next part, as ASGI has it; one that goes beyond the limit is taken for the end of the connection."""
        if self._taken is not None:
            taken, self._taken = self._taken, None
            return {"type": "http.request", "body": taken, "more_body": False}
        if self.too_large:
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                self.too_large = True
                return {"type": "http.disconnect"}
        return message

    async def problem(self) -> str | None:
        """Take all of it in and say what is wrong with it as JSON, as `problem_in` does; None also where it does not
        come whole. The app gets it afterwards."""
        parts: list[bytes] = []
        while True:
            message = await self.receive()
            if message["type"] != "http.request":
                return None
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                break
        self._taken = b"".join(parts)
        return problem_in(self._taken)


class SoundResponse(JSONResponse):
    """JSON of what lies in files as well: half a character in one of them is replaced instead of failing the answer."""

    def render(self, content: Any) -> bytes:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")


def problem_in(body: bytes) -> str | None:
    """What makes JSON unfit, in words; None where it is fit, or no JSON at all, which is told where it is read."""
    try:
        content = json.loads(body)
    except RecursionError:
        return _TOO_DEEP
    except ValueError:
        return None
    return problem_of_value(content)


def problem_of_value(content: Any) -> str | None:
    """What makes a value read from JSON unfit, in words: numbers that are none, halves of characters, depth."""
    level = [content]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += value.keys()
                below += value.values()
            elif isinstance(value, (list, tuple)):
                below += value
            elif isinstance(value, str):
                if not _is_text(value):
                    return "holds text with characters that are none"
            elif isinstance(value, float):
                if not math.isfinite(value):
                    return "holds a number that is not finite"
            elif isinstance(value, int) and abs(value) > LARGEST:
                return "holds a number that is too large"
        if not below:
            return None
        level = below
    return _TOO_DEEP


_TOO_DEEP = f"is nested more than {DEEPEST} deep"


def _is_text(text: str) -> bool:
    """Whether a file, a database and a process's arguments can hold it."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
