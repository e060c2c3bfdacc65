"""The review page in a real browser: by keyboard alone, by mouse, beside others, for a viewer, and against hostile
text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mapping.tables import SIGHTINGS
from picket.reviews.record import Review
from picket.reviews.store import reviews_in
from tests.picket.web.conftest import Served, Watched
from tests.picket.web.judged import FLIGHT, make_mission

Open = Callable[..., tuple[Any, Watched]]
PAGE = "/missions/benapole/review"
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</title><svg onload=alert(1)>",
    "javascript:alert(1)",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "\"'><b id=owned>x</b>",
)


@pytest.fixture
def kept(served: Served) -> Callable[[], list[Review]]:
    """The reviews so far, of a mission with six sightings."""
    folder = make_mission(served.missions / "benapole")
    return lambda: list(reviews_in(folder))


def shown(page: Any) -> str:
    """The sighting that is asked about."""
    return str(page.locator(".facts dd").first.text_content())


def wait_for(page: Any, kept: Callable[[], list[Review]], number: int) -> list[Review]:
    """The reviews once there are `number`."""
    for _ in range(200):
        if len(kept()) >= number:
            break
        page.wait_for_timeout(50)
    assert len(kept()) == number
    return kept()


def opened(open_app: Open, **options: Any) -> tuple[Any, Watched]:
    page, watched = open_app(PAGE, **options)
    page.wait_for_selector(".facts dd")
    return page, watched


def judge(page: Any, key: str, word: str) -> None:
    page.wait_for_selector("#picture[aria-busy=false]")
    page.keyboard.press(key)
    page.wait_for_function("word => document.getElementById('done').textContent.includes(word)", arg=word)


def test_judging_by_keyboard_alone(open_app: Open, kept: Callable[[], list[Review]]) -> None:
    page, watched = opened(open_app)
    assert page.text_content("#question").startswith("Is this a ")
    first = shown(page)
    assert page.get_attribute("#list [aria-current]", "data-id") == first == "S000005", "the most doubtful first"
    page.keyboard.press("n")
    page.keyboard.type("two men, one bag")
    page.keyboard.press("Escape")
    judge(page, "c", f"{first}: confirmed")
    page.wait_for_function("first => document.querySelector('.facts dd').textContent !== first", arg=first)
    second = shown(page)
    judge(page, "r", f"{second}: rejected")
    page.wait_for_function("second => document.querySelector('.facts dd').textContent !== second", arg=second)
    third = shown(page)
    judge(page, "u", f"{third}: unsure")
    page.wait_for_function("third => document.querySelector('.facts dd').textContent !== third", arg=third)
    said = [(one.sighting_id, one.verdict, one.note) for one in kept()]
    assert said == [(first, "confirmed", "two men, one bag"), (second, "rejected", ""), (third, "unsure", "")]
    page.keyboard.press("z")
    page.wait_for_function("() => document.getElementById('done').textContent.includes('taken back')")
    assert [(one.verdict, one.withdraws) for one in wait_for(page, kept, 4)[3:]] == [("withdrawn", 3)]
    assert shown(page) == third
    assert "not reviewed" in page.text_content("#state")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("second => document.querySelector('.facts dd').textContent === second", arg=second)
    assert "rejected" in page.text_content("#state")
    page.keyboard.press("m")
    for key in ("ArrowUp", "ArrowUp", "Shift+ArrowRight", "Enter"):
        page.keyboard.press(key)
    moved = wait_for(page, kept, 5)[4]
    page.wait_for_selector("#remark:not([hidden])")
    assert moved.verdict == "moved"
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("#strip button:nth-child(2)[aria-pressed=true]")
    page.keyboard.press("f")
    page.wait_for_selector("#frame[open] .box")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.wait_for_selector("#help[open]")
    page.keyboard.press("c")
    page.keyboard.press("Escape")
    page.wait_for_selector("#help:not([open])", state="attached")
    assert len(kept()) == 5, "keys mean nothing under a dialog"
    assert (watched.elsewhere, watched.errors, watched.dialogs) == ([], [], [])


def test_moving_and_marking_by_mouse(served: Served, open_app: Open, kept: Callable[[], list[Review]]) -> None:
    page, watched = opened(open_app)
    box = page.locator(".here").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y - 30, steps=5)
    page.mouse.up()
    page.click("#keep-place")
    (moved,) = wait_for(page, kept, 1)
    page.wait_for_selector("#remark:not([hidden])")
    measured = served.client().get("/api/missions/benapole/sighting", params={"id": moved.sighting_id}).json()
    assert moved.lat_deg > measured["measured"][0]
    assert moved.lon_deg > measured["measured"][1]
    assert (measured["lat"], measured["lon"]) == (moved.lat_deg, moved.lon_deg)
    page.wait_for_selector("#picture[aria-busy=false]")
    page.click("#verdicts [data-verdict=confirmed]")
    assert wait_for(page, kept, 2)[1].verdict == "confirmed"
    assert (watched.errors, watched.dialogs) == ([], [])


def test_a_click_in_a_frame_marks(served: Served, open_app: Open) -> None:
    folder = make_mission(served.missions / "benapole", 3, pictures=6)
    page, watched = opened(open_app)
    page.keyboard.press("f")
    page.wait_for_selector("#frame[open] .box")
    sheet = page.locator("#frame-sheet").bounding_box()
    page.mouse.click(sheet["x"] + sheet["width"] * 0.25, sheet["y"] + sheet["height"] * 0.5)
    page.fill("#mark-name", HOSTILE[1])
    page.select_option("#mark-class", "person")
    page.click("#mark-form button.main")
    page.wait_for_selector("#mark-waiting:not([hidden])")
    line = (folder / "flights" / FLIGHT / "marks.csv").read_text().splitlines()[1].split(",")
    assert float(line[1]) == pytest.approx(160, abs=2)
    assert float(line[2]) == pytest.approx(256, abs=2)
    assert line[3:] == [HOSTILE[1], "person"]
    assert (watched.errors, watched.dialogs) == ([], [])


def test_verdicts_of_others_appear(open_app: Open, kept: Callable[[], list[Review]]) -> None:
    mine, watched = opened(open_app)
    theirs, _ = opened(open_app, name="B. Das")
    sighting = shown(mine)
    judge(mine, "r", f"{sighting}: rejected")
    theirs.wait_for_selector(f"#list [data-id={sighting}] .mark.rejected")
    theirs.wait_for_function("() => document.getElementById('toasts').textContent.includes('A. Rahman judged this')")
    assert "rejected" in theirs.text_content("#state")
    judge(theirs, "c", f"{sighting}: confirmed")
    mine.wait_for_selector(f"#list [data-id={sighting}] .mark.confirmed")
    assert [(one.officer, one.verdict) for one in kept()] == [("A. Rahman", "rejected"), ("B. Das", "confirmed")]
    assert (watched.errors, watched.dialogs) == ([], [])


def test_nobody_judges_before_the_picture_is_there(open_app: Open, kept: Callable[[], list[Review]]) -> None:
    """The picture of the sighting before is gone with its question, and the keys wait for the new one."""
    page, watched = opened(open_app)
    page.wait_for_selector("#picture[aria-busy=false]")
    held: list[Any] = []
    page.route("**/crop?*", lambda route: held.append(route))
    before = shown(page)
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("#picture[aria-busy=true]")
    assert page.locator("#crop").evaluate("crop => getComputedStyle(crop).visibility") == "hidden"
    page.keyboard.press("c")
    page.wait_for_function("() => document.getElementById('done').textContent.includes('still loading')")
    assert kept() == []
    for route in held:
        route.continue_()
    page.unroute("**/crop?*")
    page.wait_for_selector("#picture[aria-busy=false]")
    assert page.locator("#crop").evaluate("crop => getComputedStyle(crop).visibility") == "visible"
    judge(page, "c", f"{before}: confirmed")
    assert [one.sighting_id for one in wait_for(page, kept, 1)] == [before]
    assert (watched.errors, watched.dialogs) == ([], [])


def test_a_sighting_located_anew_is_looked_at_again(
    served: Served, open_app: Open, kept: Callable[[], list[Review]]
) -> None:
    """A verdict on what is no longer there is not kept; the page shows what there is now."""
    page, watched = opened(open_app)
    page.wait_for_selector("#picture[aria-busy=false]")
    sighting = shown(page)
    path = served.missions / "benapole/flights" / FLIGHT / "sightings.parquet"
    listed = SIGHTINGS.read(path).to_pylist()
    for row in listed:
        row["class"] = "bicycle"
    SIGHTINGS.write(SIGHTINGS.from_rows(listed), path)
    page.keyboard.press("c")
    page.wait_for_function("() => document.getElementById('toasts').textContent.includes('located anew')")
    page.wait_for_function("() => document.getElementById('question').textContent.includes('a bicycle')")
    assert kept() == []
    judge(page, "c", f"{sighting}: confirmed")
    assert '"class_name":"bicycle"' in wait_for(page, kept, 1)[0].version
    assert watched.dialogs == []


def test_an_officer_who_did_not_know_is_asked(open_app: Open, kept: Callable[[], list[Review]]) -> None:
    theirs, _ = open_app(PAGE, name="B. Das")
    theirs.add_init_script("delete globalThis.SharedWorker")  # its stream would not pass through the next line
    theirs.route("**/events?*", lambda route: route.abort())  # so that nothing is heard of others
    theirs.reload()
    theirs.wait_for_selector(".facts dd")
    mine, watched = opened(open_app)
    sighting = shown(mine)
    judge(mine, "c", f"{sighting}: confirmed")
    assert shown(theirs) == sighting
    theirs.wait_for_selector("#picture[aria-busy=false]")
    theirs.keyboard.press("r")
    theirs.wait_for_selector("#since[open]")
    assert "A. Rahman: confirmed" in theirs.text_content("#since-list")
    assert len(kept()) == 1
    theirs.click("#since button[value=leave]")
    theirs.wait_for_selector("#since", state="hidden")
    theirs.wait_for_selector("#picture[aria-busy=false]")
    theirs.keyboard.press("u")
    wait_for(theirs, kept, 2)
    mine.wait_for_selector(f"#list [data-id={sighting}] .mark.unsure")
    mine.wait_for_selector(f"#list [data-id={sighting}] b:has-text('disputed')")
    assert (watched.errors, watched.dialogs) == ([], [])


def test_a_viewer_sees_and_cannot_judge(served: Served, open_app: Open, kept: Callable[[], list[Review]]) -> None:
    page, watched = opened(open_app, name="V. Iewer", role="viewer")
    for key in ("c", "r", "u", "z", "m", "Enter"):
        page.keyboard.press(key)
    assert page.locator("#verdicts button:disabled").count() == 3
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('.facts dd').textContent === 'S000004'")
    page.wait_for_timeout(200)
    assert kept() == []
    assert (watched.elsewhere, watched.errors) == ([], [])


def test_hostile_text_stays_text(served: Served, open_app: Open) -> None:
    folder = make_mission(served.missions / "benapole", names=HOSTILE, labels=HOSTILE)
    page, watched = opened(open_app, name="<b id=owned>Eve</b>")
    for turn in range(len(HOSTILE)):
        sighting = shown(page)
        page.keyboard.press("n")
        page.keyboard.type(HOSTILE[turn])
        page.keyboard.press("Enter")
        page.wait_for_selector("#history .note")
        page.keyboard.press("ArrowRight")
        if turn + 1 < len(HOSTILE):
            page.wait_for_function("s => document.querySelector('.facts dd').textContent !== s", arg=sighting)
    assert sorted(one.note for one in reviews_in(folder)) == sorted(HOSTILE)
    assert page.locator("#owned, main script, main svg[onload], main img[src=x]").count() == 0
    assert (watched.elsewhere, watched.errors, watched.dialogs) == ([], [], [])
