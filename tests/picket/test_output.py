"""What commands say: stdout is for one JSON object, stderr for people, and a log file gets lines and no bars."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from picket import output


def test_a_summary_is_one_json_object_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    output.summarise({"name": "Bénapole", "n": 2}, as_json=True)
    output.summarise({"name": "unasked"}, as_json=False)
    assert json.loads(capsys.readouterr().out) == {"name": "Bénapole", "n": 2}


def test_text_is_not_taken_for_markup(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("[red]a[/red] [link=x]")
    output.notes(["[/] closing"])
    said = capsys.readouterr()
    assert "[red]a[/red] [link=x]" in said.err
    assert "[/] closing" in said.err
    assert said.out == ""


def test_text_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("a\tb \x1b[2J\x1b]0;owned\x07 \x9b31m \u202egpj.exe\0")
    assert capsys.readouterr().err == "a       b \\u001b[2J\\u001b]0;owned\\u0007 \\u009b31m \\u202egpj.exe\\u0000\n"


def test_progress_in_a_log_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter([0.0, 1.0, 11.0, 11.0, 12.0])
    monkeypatch.setattr(output.time, "monotonic", lambda: next(moments))
    with output.progress_bar("searching") as progress:
        progress(1, 10)
        progress(5, 10, "night")
        progress(6, 10)
    assert capsys.readouterr().err == "searching: 5 of 10, night\n"


@pytest.mark.parametrize(
    "gone",
    [
        "r, w = os.pipe(); os.dup2(w, 2); os.close(w); os.close(r)",
        "r, w = os.openpty(); os.dup2(w, 2); os.close(w); os.close(r)",
    ],
)
def test_nobody_who_reads_ends_nothing(gone: str) -> None:
    """A closed terminal or pipe must not end the watch over a flying vehicle."""
    script = (
        f"import os\nfrom picket.output import console, say\n{gone}\nsay('one')\nconsole.print('two')\nprint('goes on')"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.stdout == "goes on\n"
    assert run.returncode == 0
