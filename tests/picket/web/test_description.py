"""Whatever is sent to the app by its own description, right or wrong, it answers without stumbling."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from picket.web.guard import CSRF_HEADER, cookie_name
from tests.picket.web.judged import FLIGHT, make_mission

EXAMPLES = 10
KNOWN = {"mission": "benapole", "flight": FLIGHT}
"""What is there, so that requests come further than to the name of a mission."""
LEFT_OUT = ("/logout",)
"""Ends the session the others need."""


@pytest.mark.filterwarnings("ignore")  # of the generator, on its own dependencies
def test_no_request_makes_the_app_stumble(served, officer) -> None:
    served.app.state.jobs._program = ("true",)  # thousands of plans would take a day
    make_mission(served.missions / "benapole", 3)
    key, csrf = served.log_in()
    headers = {"Cookie": f"{cookie_name(served.settings)}={key}", CSRF_HEADER: csrf, "Origin": served.url}
    schema = schemathesis.openapi.from_dict(officer.get("/openapi.json").json())
    answers: dict[str, set[int]] = {}
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path in LEFT_OUT:
            continue
        right = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=st.one_of(right, wrong), known=st.integers(0, 3))
        def attempt(case: schemathesis.Case, known: int) -> None:
            if known:
                case.path_parameters |= {name: KNOWN[name] for name in case.path_parameters if name in KNOWN}
            answer = case.call(base_url=served.url, headers=headers, timeout=30)
            answers.setdefault(case.operation.label, set()).add(answer.status_code)
            assert answer.status_code < 500, (case.method, case.formatted_path, answer.text)

        attempt()
    assert len(answers) >= 15
    assert any(status < 300 for seen in answers.values() for status in seen)
