"""`picket review`: what officers said of a mission's sightings, proven to be unchanged, for whoever has to answer for
it later. Judging itself is done in the web app."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from mapping.maps.exports.spreadsheet import cell
from mapping.maps.wording import counted
from picket.errors import PicketError
from picket.folder import open_mission
from picket.options import ForceOption, JsonOption, MissionArgument
from picket.output import say, summarise
from picket.results import check_target, measured_results
from picket.reviews.database import url_from_environment
from picket.reviews.record import Review, broken_at
from picket.reviews.standing import Reviewed, bare_id, reviewed, still_standing
from picket.reviews.store import open_store
from vision.errors import InputError
from vision.files import write_whole

COLUMNS = (
    *("number", "time_utc", "officer", "sighting_id", "verdict", "note", "lat_deg", "lon_deg", "withdraws"),
    *("standing", "version", "key", "previous", "digest"),
)
SHORTEST_DIGEST = 12


def review(
    folder: MissionArgument,
    export: Annotated[
        Path | None, typer.Option("--export", metavar="CSV", help="Write every review, oldest first, to this file.")
    ] = None,
    digest: Annotated[
        str | None,
        typer.Option("--digest", metavar="HEX", help="A digest noted earlier, as reports print it: is it still there?"),
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what officers said of the sightings of MISSION, and prove that no review was changed or taken out."""
    mission = open_mission(folder)
    url = url_from_environment()
    if not url and not (mission.root / "picket.db").exists():
        raise InputError(folder, "nobody has reviewed anything in it yet; judge its sightings in `picket serve`")
    store = open_store(mission.root, url)
    try:
        reviews = store.after()
    finally:
        store.close()
    broken = broken_at(reviews)
    if broken:
        raise PicketError(f"{folder}: {broken}")
    _check_digest(digest, reviews)
    results = measured_results(mission.root)
    found = reviewed(results.sightings, results.flight_names, reviews)
    said = Counter(found.of(name).word for name in results.sightings["sighting_id"].to_pylist())
    if export is not None:
        check_target(export, results, force=force)
        write_whole(export, _csv(reviews, found))
        say(f"every review: {export}")
    last = reviews[-1].digest if reviews else None
    say(f"{counted(len(reviews), 'review')}, none changed or missing; the last one's digest is {last}")
    say(", ".join(f"{number} {word}" for word, number in sorted(said.items())) or "nothing was sighted")
    if found.vanished:
        say(f"{counted(len(found.vanished), 'sighting')} that were judged are no longer there after locating anew")
    summary: dict[str, Any] = {
        "mission": str(mission.root),
        "reviews": len(reviews),
        "digest": last,
        "verdicts": dict(said),
        "vanished": sorted(found.vanished),
        "file": None if export is None else str(export),
    }
    summarise(summary, as_json=as_json)


def _check_digest(digest: str | None, reviews: Sequence[Review]) -> None:
    """Raises InputError where `digest` is none, PicketError where no review has it."""
    if digest is None:
        return
    wanted = digest.strip().lower()
    if len(wanted) < SHORTEST_DIGEST or not set(wanted) <= set("0123456789abcdef"):
        raise InputError("--digest", f"{digest!r:.80} is no digest; give at least {SHORTEST_DIGEST} of its 64 digits")
    at = next((one for one in reviews if one.digest.startswith(wanted)), None)
    if at is None:
        raise PicketError(f"no review has the digest {wanted}: what was noted then is not what is kept now")
    say(f"the digest is that of review {at.number}, {at.time_utc}: all up to it is as it was then")


def _csv(reviews: Sequence[Review], found: Reviewed) -> str:
    """The reviews as CSV; `standing` says whether each counts now, and if not, why."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    by_sighting: dict[str, list[Review]] = {}
    for one in reviews:
        by_sighting.setdefault(one.sighting_id, []).append(one)
    kept = {one.number for history in by_sighting.values() for one in still_standing(history)}
    present = {
        one.number
        for name, standing in found.standings.items()
        for one in standing.present
        if one.sighting_id == bare_id(name)
    }
    for one in reviews:
        standing = "taken back" if one.number not in kept else "counts" if one.number in present else "earlier version"
        if one.sighting_id in found.vanished:
            standing = "sighting gone"
        values = {**one.__dict__, "standing": "takes back" if one.verdict == "withdrawn" else standing}
        writer.writerow([cell(values[name]) for name in COLUMNS])
    return stream.getvalue()
