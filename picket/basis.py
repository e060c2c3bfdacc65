"""What a mission's report rests on, in one line: the last review and the tables of sightings. Written into the report
and compared later, it tells whether the report is still up to date, whatever the times of files say.
"""

from __future__ import annotations

import hashlib

from picket.folder import Mission


def tables_digest(mission: Mission) -> str:
    """Hexadecimal SHA-256 of the mission's and its flights' tables of sightings, by name and content."""
    whole = hashlib.sha256()
    for path in (mission.sightings, *(flight.sightings for flight in mission.flights())):
        try:
            with path.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
        except FileNotFoundError:
            continue
        whole.update(f"{path.relative_to(mission.root)} {content}\n".encode())
    return whole.hexdigest()


def basis_of(tables: str, head: tuple[int, str]) -> str:
    """One line of `tables_digest` and the number and digest of the last review (0 and `FIRST` where there is none)."""
    return f"review {head[0]} {head[1]} tables {tables}"
