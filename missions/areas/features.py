"""One shape of a file of areas, whatever the format: where it stands, the role it plays, its raw coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Feature:
    """A geometry by its GeoJSON `kind` and `coordinates`, unchecked. `place` says where in the file it stands, `role`
    is what the file itself calls it (one of `missions.areas.area.ROLES`, else None), `names` are what it and its layer
    are called, `properties` what else the file says of it."""

    place: str
    role: str | None
    kind: str
    coordinates: Any
    names: tuple[str, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Content:
    """What a file holds: the name it gives itself (else None), its features, and what was assumed in reading it."""

    name: str | None
    features: tuple[Feature, ...]
    notes: tuple[str, ...] = ()
