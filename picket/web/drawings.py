"""What officers have drawn and not (or since) planned: the area as it stands on the page, the wish, uploaded files.

One folder a mission under the app's drafts. A save names the version it started from, so that two officers who draw
the same area do not undo each other's work unseen. Planning it is `picket plan`'s subject.
"""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from missions.areas.read import read_area
from missions.formats import area_geojson
from picket.folder import Mission
from picket.web.places import checked_name
from picket.web.settings import Settings
from picket.web.wishes import Wish, wish_of
from vision.errors import InputError
from vision.files import read_json, write_whole

DRAWING_FILE = "drawing.json"
MOST_ZONE_FILES = 20
_SAVING = threading.Lock()


class ChangedError(RuntimeError):
    """Somebody else saved this drawing meanwhile; the text says who."""


@dataclass(frozen=True)
class Drawing:
    """An area as GeoJSON and how it is to be flown; `version` counts its saves, `saved_by` made the last."""

    area: dict[str, Any] = field(default_factory=lambda: {"type": "FeatureCollection", "features": []})
    wish: Wish = field(default_factory=Wish)
    version: int = 0
    saved_by: str = ""


class Drawings:
    """The drafts of an app."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def names(self) -> set[str]:
        """The missions something is drawn for."""
        return {path.parent.name for path in self._settings.drafts.glob(f"*/{DRAWING_FILE}")}

    def changed_s(self, name: str) -> float:
        """When a drawing was last saved (seconds since 1970). Raises OSError where there is none."""
        return (self.folder(name) / DRAWING_FILE).stat().st_mtime

    def folder(self, name: str) -> Path:
        """Where the drawing of a mission and its files lie."""
        return self._settings.drafts / checked_name(name)

    def load(self, name: str, mission: Mission | None) -> Drawing:
        """The drawing as it was last saved, else what the mission was planned from, else an empty one."""
        path = self.folder(name) / DRAWING_FILE
        if path.is_file():
            kept = read_json(path, "a drawing of this app; delete it to begin anew")
            try:
                wish = Wish.model_validate(kept["wish"])
                return Drawing(kept["area"], wish, int(kept["version"]), str(kept["saved_by"]))
            except (ValueError, LookupError, TypeError) as error:
                raise InputError(path, "is no drawing of this app; delete it to begin anew") from error
        if mission is None:
            return Drawing()
        return Drawing(json.loads(area_geojson.text_of(read_area(mission.area))), wish_of(mission.settings()))

    def save(self, name: str, area: dict[str, Any], wish: Wish, version: int, who: str) -> Drawing:
        """Save what was drawn on top of `version`. Raises ChangedError where another save came between."""
        folder = self.folder(name)
        with _SAVING:
            path = folder / DRAWING_FILE
            before = self.load(name, None)
            if before.version != version:
                raise ChangedError(
                    f"{before.saved_by} has changed this drawing meanwhile; load the page again to see it"
                )
            folder.mkdir(parents=True, exist_ok=True)
            saved = Drawing(area, wish, version + 1, who)
            content = {"area": area, "wish": wish.model_dump(), "version": saved.version, "saved_by": who}
            write_whole(path, json.dumps(content, ensure_ascii=False, allow_nan=False))
        return saved

    def write_area(self, name: str, area: dict[str, Any]) -> Path:
        """Write the area as the file that `picket plan` reads, named for its mission."""
        path = self.folder(name) / "area.geojson"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps({**area, "name": name}, ensure_ascii=False, allow_nan=False))
        return path

    def terrain(self, name: str) -> Path | None:
        """The elevation model that was uploaded, if one was."""
        return next(iter(sorted((self.folder(name) / "terrain").glob("*"))), None)

    def zones(self, name: str) -> list[Path]:
        """The zone files that were uploaded."""
        return sorted((self.folder(name) / "zones").glob("*"))

    def keep(self, name: str, kind: str, file: Path, called: str) -> None:
        """Keep an uploaded file (`kind` is terrain or zones) under the name it came with. Raises InputError where there
        are too many."""
        folder = self.folder(name) / kind
        target = folder / checked_name(called)
        if kind == "terrain":
            shutil.rmtree(folder, ignore_errors=True)
        elif len(self.zones(name)) >= MOST_ZONE_FILES and not target.exists():
            raise InputError(called, f"there are {MOST_ZONE_FILES} files of zones already; put them into one")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.move(file, target)

    def drop(self, name: str, kind: str, called: str) -> None:
        """Forget an uploaded file; what is none is ignored."""
        (self.folder(name) / kind / checked_name(called)).unlink(missing_ok=True)
