"""Which messages of a link are new, which are doubled and which come late, by their sequence numbers; and how many
were lost. Pure. What becomes of a late message is `missions.flying.line`'s subject.

Every MAVLink sender numbers its messages from 0 to 255 and round again, each component for itself
(mavlink.io/en/guide/serialization.html). Behind means up to half of that; after a silence, or where several messages
in a row come from behind in their order, the sender has begun anew (a restart, a long loss): nothing is late then.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

Order = Literal["new", "late", "doubled"]

REMEMBERED = 64
"""Messages of a sender that are remembered to know a double."""

ANEW_AFTER_S = 2.0
ANEW_IN_A_ROW = 4


@dataclass
class _Sender:
    last: int
    heard_s: float
    recent: deque[tuple[int, int]]
    behind: int = 0
    behind_last: int = -1


class Ordering:
    """Keeps count for every sender of one link. `lost`, `late` and `doubled` count messages since the beginning; a
    message counted as lost that comes late after all is taken off again."""

    def __init__(self) -> None:
        self.lost = 0
        self.late = 0
        self.doubled = 0
        self._senders: dict[tuple[int, int], _Sender] = {}

    def take(self, sender: tuple[int, int], sequence: int, content: int, now_s: float) -> Order:
        """Say what this message is. `content` tells messages of one number apart (a checksum), `now_s` is monotonic."""
        known = self._senders.get(sender)
        if known is None or now_s - known.heard_s > ANEW_AFTER_S:
            self._senders[sender] = _Sender(sequence, now_s, deque([(sequence, content)], REMEMBERED))
            return "new"
        known.heard_s = now_s
        if (sequence, content) in known.recent:
            self.doubled += 1
            return "doubled"
        known.recent.append((sequence, content))
        ahead = (sequence - known.last) % 256
        if 0 < ahead < 128:
            self.lost += ahead - 1
            known.last, known.behind = sequence, 0
            return "new"
        known.behind = known.behind + 1 if sequence == (known.behind_last + 1) % 256 else 1
        known.behind_last = sequence
        if known.behind >= ANEW_IN_A_ROW:
            known.last, known.behind = sequence, 0
            return "new"
        self.late += 1
        self.lost = max(0, self.lost - 1)
        return "late"

    def forget(self) -> None:
        """Begin anew with every sender: the line was opened again."""
        self._senders.clear()
