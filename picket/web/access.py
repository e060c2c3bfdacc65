"""Who is at the screen: one-time links, sessions, the two roles, and the dependencies that name the person to a route.

A link's token logs in once; who used it is then known by a cookie that scripts cannot read. Nothing is kept on disk:
a new start of the app knows nobody. That every request is held to this is `picket.web.guard`'s subject.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, HTTPException, Request

Role = Literal["officer", "viewer"]
ROLES: tuple[Role, ...] = ("officer", "viewer")
LONGEST_NAME = 60
MOST_SESSIONS = 500
MOST_INVITATIONS = 200
INVITATION_S = 24 * 3600.0


class AccessError(Exception):
    """Why somebody is not let in, in one sentence."""


@dataclass(frozen=True)
class Person:
    """Who acts: the name they gave, which is written into their reviews, and what they may do."""

    name: str
    role: Role


@dataclass(frozen=True)
class Session:
    """One login: its person, the token that changing requests must bring, and when it ends (monotonic seconds)."""

    person: Person
    csrf: str
    ends_s: float


class Access:
    """The links that are open and the people who are in. Safe to use from several threads."""

    def __init__(self, session_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`session_s` is how long a login lasts; `clock` gives monotonic seconds."""
        self._session_s = session_s
        self._clock = clock
        self._lock = threading.Lock()
        self._invitations: dict[str, tuple[Role, float, Callable[[], None]]] = {}
        self._sessions: dict[str, Session] = {}

    def invite(self, role: Role, lasts_s: float = INVITATION_S, used: Callable[[], None] | None = None) -> str:
        """A new token that logs one person in, once. Raises AccessError where too many are open.

        `used` is called when it has been; a link with it is the terminal's own, which never is one too many."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._forget_old()
            if used is None and len(self._invitations) >= MOST_INVITATIONS:
                raise AccessError("too many invitations are open; wait until some are used or run out")
            self._invitations[_digest(token)] = (role, self._clock() + lasts_s, used or (lambda: None))
        return token

    def log_in(self, token: str, name: str) -> tuple[str, Session]:
        """The cookie's value and the session of a person with a token, which is used up by it. Raises AccessError."""
        name = checked_name(name)
        with self._lock:
            self._forget_old()
            if len(self._sessions) >= MOST_SESSIONS:
                raise AccessError("too many people are logged in; log out where nobody sits")
            invitation = self._invitations.pop(_digest(token.strip()), None)
            if invitation is None:
                raise AccessError("this link was used already, has run out, or is not complete; ask for a new one")
            role, _, used = invitation
            key = secrets.token_urlsafe(32)
            session = Session(Person(name, role), secrets.token_urlsafe(24), self._clock() + self._session_s)
            self._sessions[_digest(key)] = session
        with suppress(OSError):  # the terminal that shows a new link may be gone: they are in all the same
            used()
        return key, session

    def session(self, key: str | None) -> Session | None:
        """The session behind a cookie's value; None where there is none or it has ended."""
        if not key:
            return None
        with self._lock:
            session = self._sessions.get(_digest(key))
            return session if session is not None and session.ends_s > self._clock() else None

    def log_out(self, key: str | None) -> None:
        """End a session; what is none is ignored."""
        with self._lock:
            self._sessions.pop(_digest(key or ""), None)

    def _forget_old(self) -> None:
        now = self._clock()
        self._sessions = {key: one for key, one in self._sessions.items() if one.ends_s > now}
        self._invitations = {key: one for key, one in self._invitations.items() if one[1] > now}


def checked_name(name: str) -> str:
    """A person's name as it will stand in reviews; raises AccessError where it is none."""
    name = " ".join(unicodedata.normalize("NFC", name).split())
    if not name:
        raise AccessError("say who you are: the name is written beside every verdict")
    if len(name) > LONGEST_NAME or any(unicodedata.category(letter)[0] == "C" for letter in name):
        raise AccessError(f"give a name of at most {LONGEST_NAME} ordinary characters")
    return name


async def viewer(request: Request) -> Person:
    """The person who asks; the guard has let nobody else through."""
    person: Person = request.state.person
    return person


async def officer(person: Annotated[Person, Depends(viewer)]) -> Person:
    """The person who asks, if they are an officer; else 403."""
    if person.role != "officer":
        raise HTTPException(403, "you are logged in to look; an officer has to do this")
    return person


Viewer = Annotated[Person, Depends(viewer)]
Officer = Annotated[Person, Depends(officer)]


def _digest(token: str) -> str:
    """Tokens are kept as hashes, so that looking one up takes the same time whatever it is."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
