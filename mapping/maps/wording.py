"""What a page says in words: the headline an officer reads first, and numbers as people write them.

Where the numbers come from is `report.py`'s subject.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from vision.classes import CLASSES

UNSURE = "unsure"
VERDICTS = ("confirmed", "rejected", UNSURE)
NOT_REVIEWED = "not reviewed"
LEAST_M2 = 1.0
PLURALS = {"person": "people", "box": "boxes"}
REPORT_STATEMENT = "Nothing counts as seen until an officer has confirmed it."
PLAN_STATEMENT = "A plan is a proposal: the pilot checks airspace, weather and fence, and answers for the flight."


def counted(number: int, thing: str) -> str:
    """`1 person`, `12 people`, `1,204 photos`."""
    return f"{number:,} {thing if number == 1 else PLURALS.get(thing, thing + 's')}"


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def area_text(area_m2: float) -> str:
    """Square metres as an officer reads them: `840 m²`, `18,000 m²`, `0.31 km²`, `12 km²`."""
    if area_m2 < 100_000:
        return f"{round(area_m2, -3 if area_m2 >= 10_000 else 0):,.0f} m²"
    return f"{area_m2 / 1e6:.2f} km²" if area_m2 < 10e6 else f"{area_m2 / 1e6:,.0f} km²"


def distance_text(distance_m: float) -> str:
    """Metres as `640 m` or `9.1 km`."""
    return f"{distance_m:.0f} m" if distance_m < 1000 else f"{distance_m / 1000:.1f} km"


def duration_text(seconds: float) -> str:
    """Seconds as `45 s`, `24 min` or `1 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = math.ceil(seconds / 60 - 0.5)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def time_span(first: datetime | None, last: datetime | None) -> str:
    """`2026-11-22 18:16:05 to 18:16:58 UTC`; one time where both read alike, a second date where it differs, `at an
    unknown time` where there is none."""
    if first is None or last is None:
        return "at an unknown time"
    start, end = f"{first:%Y-%m-%d %H:%M:%S}", f"{last:%Y-%m-%d %H:%M:%S}"
    if start == end:
        return f"{start} UTC"
    return f"{start} to {end if start[:10] != end[:10] else end[11:]} UTC"


def time_text(moment: datetime) -> str:
    """`2026-11-22 18:16 UTC`."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True)
class LookedAt:
    """How much ground was looked at in all, how much of that lies in the area, and the area itself, in square metres;
    None where no area is known."""

    all_m2: float
    inside_m2: float | None = None
    area_m2: float | None = None


def sightings_text(classes: Iterable[str]) -> str:
    """`12 people and 5 vehicles`; other classes follow the known ones. Empty where there are none."""
    counts = Counter(classes)
    order = [*CLASSES, *sorted(set(counts) - set(CLASSES))]
    return listed([counted(counts[name], name) for name in order if counts[name]])


def report_headline(
    sorties: int, looked_at: LookedAt | None, gaps: int, classes: Sequence[str], verdicts: Sequence[str]
) -> str:
    """The report in one sentence; `gaps` is how many parts of the area were not looked at."""
    start = counted(sorties, "sortie") + ("" if looked_at is None else f", {looked_at_text(looked_at, gaps)}")
    if not classes:
        return f"{start}: no person or vehicle sighted"
    standing = [name for name, verdict in zip(classes, verdicts, strict=True) if verdict != "rejected"]
    counts = Counter(verdicts)
    states = [f"{counts['confirmed']:,} confirmed" if counts["confirmed"] else "none confirmed yet"]
    if counts["confirmed"] == len(classes):
        states = ["all confirmed"]
    states += [f"{counts[word]:,} {word}" for word in ("unsure", "rejected") if counts[word]]
    if counts[NOT_REVIEWED] and len(counts) > 1:
        states.append(f"{counts[NOT_REVIEWED]:,} not reviewed")
    return f"{start}: {sightings_text(standing) or 'nothing'} sighted, {', '.join(states)}"


def looked_at_text(looked_at: LookedAt, gaps: int) -> str:
    """`0.4 km² looked at (97 % of the area, 2 gaps, and 0.1 km² around it)`; what is next to nothing is left out."""
    if looked_at.all_m2 < LEAST_M2:
        return "no ground searched"
    text = f"{area_text(looked_at.all_m2)} looked at"
    if looked_at.inside_m2 is None or not looked_at.area_m2:
        return text
    parts = [f"{share_text(looked_at.inside_m2 / looked_at.area_m2)} of the area"]
    if gaps:
        parts.append(counted(gaps, "gap"))
    around_m2 = looked_at.all_m2 - looked_at.inside_m2
    if around_m2 > 0.01 * looked_at.area_m2:
        parts.append(f"and {area_text(around_m2)} around it")
    return f"{text} ({', '.join(parts)})"


def pictures_headline(frames: int, classes: Sequence[str]) -> str:
    """What was found in frames without a position, in one sentence: pictures of things, for nobody knows how many."""
    if not classes:
        return f"{counted(frames, 'frame')} without a position: no person or vehicle found"
    kinds = [name for name in (*CLASSES, *sorted(set(classes) - set(CLASSES))) if name in classes]
    found = listed([f"{classes.count(name):,} of {PLURALS.get(name, name + 's')}" for name in kinds])
    return f"{counted(frames, 'frame')} without a position, {counted(len(classes), 'box')}: {found}; none confirmed yet"


def share_text(share: float) -> str:
    """0.637 as `64 %`; never `100 %` or `0 %` for what is only nearly so."""
    percent = min(max(share, 0.0), 1.0) * 100
    if 99 < percent < 99.95:
        return "over 99 %"
    if 0 < percent <= 0.5:
        return "under 1 %"
    return f"{percent:.0f} %"


def plan_headline(
    sorties: int, area_m2: float | None, distance_m: float, flight_time_s: float, photos: int, battery_used_pct: float
) -> str:
    """The plan in one sentence; `battery_used_pct` is that of the hardest sortie."""
    over = f" over {area_text(area_m2)}" if area_m2 is not None else ""
    hardest = "the hardest one uses" if sorties > 1 else "it uses"
    return (
        f"{counted(sorties, 'sortie')}{over}: {distance_text(distance_m)}, {duration_text(flight_time_s)} of flight, "
        f"{counted(photos, 'photo')}; {hardest} {battery_used_pct:.0f} % of its battery"
    )
