"""Nobody is let in without a link, by another name, from another page, or to change things as a viewer."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from picket.web.access import MOST_INVITATIONS, Access, AccessError
from picket.web.guard import CSRF_HEADER, OPEN, cookie_name
from picket.web.routes import door, flights, missions, plans, reports, reviews, work


def routes_of(app: FastAPI) -> list[tuple[str, str]]:
    """Every method and path the app knows, with something in the place of every parameter."""
    listed = []
    for module in (door, missions, plans, flights, reviews, reports, work):
        for route in module.router.routes:
            assert isinstance(route, APIRoute)
            path = route.path
            for name in route.param_convertors:
                path = path.replace(f"{{{name}}}", "x").replace(f"{{{name}:path}}", "x")
            listed += [(method, path) for method in sorted(route.methods)]
    return listed


def test_every_route_is_shut_without_a_session(served) -> None:
    stranger = served.stranger()
    looked_at = 0
    for method, path in [*routes_of(served.app), ("GET", "/openapi.json"), ("GET", "/nothing"), ("GET", "/")]:
        if path in OPEN:
            continue
        answer = stranger.request(method, path, headers={"Origin": served.url})
        assert answer.status_code == 401, (method, path)
        looked_at += 1
    assert looked_at > 10


@pytest.mark.parametrize("path", ["/static/api.js", "/static/frame.js", "/assets/leaflet.js", "/static/../app.py"])
def test_every_file_is_shut_without_a_session(served, path) -> None:
    assert served.stranger().get(path).status_code == 401


def test_the_login_page_and_its_parts_are_open(served) -> None:
    stranger = served.stranger()
    for path in OPEN:
        assert stranger.get(path).status_code == 200


def test_a_person_is_led_to_the_login(served) -> None:
    answer = served.stranger().get("/missions", headers={"Accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=/missions"


def test_a_link_works_once_and_a_name_is_needed(served) -> None:
    token = served.app.state.access.invite("viewer")
    stranger = served.stranger()

    def log_in(name: str) -> httpx.Response:
        return stranger.post("/login", json={"name": name, "token": token}, headers={"Origin": served.url})

    assert "name" in log_in("   ").json()["problem"]
    first = log_in("  Zoë   ")
    assert first.status_code == 200
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert stranger.get("/api/me").json() == {"name": "Zoë", "role": "viewer"}
    assert log_in("Zoë").status_code == 403


def test_logging_out_ends_the_session(served, viewer) -> None:
    assert viewer.get("/api/me").status_code == 200
    assert viewer.post("/logout").status_code == 200
    assert viewer.get("/api/me").status_code == 401


def test_sessions_and_invitations_run_out() -> None:
    now = [0.0]
    access = Access(100.0, lambda: now[0])
    key, _ = access.log_in(access.invite("officer"), "A")
    late = access.invite("officer", lasts_s=50.0)
    now[0] = 99.0
    assert access.session(key) is not None
    with pytest.raises(AccessError, match="run out"):
        access.log_in(late, "A")
    now[0] = 101.0
    assert access.session(key) is None
    assert access.session("x" * 40) is None


def test_only_the_terminals_own_link_is_shown_anew_and_that_never_fails_a_login() -> None:
    shown: list[str] = []
    access = Access(100.0)

    def show() -> None:
        shown.append(access.invite("officer", used=show))
        if len(shown) == 3:
            raise OSError("the terminal is gone")

    show()
    for _ in range(MOST_INVITATIONS - 1):
        access.invite("viewer")
    with pytest.raises(AccessError, match="too many"):
        access.invite("viewer")
    access.log_in(shown[0], "A")
    assert len(shown) == 2
    key, _ = access.log_in(shown[1], "A")
    assert access.session(key) is not None
    assert len(shown) == 3


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1.evil.example:{port}",
        "",
        "a@127.0.0.1:{port}",
    ],
)
def test_another_host_name_is_refused(served, officer, host) -> None:
    answer = officer.get("/api/me", headers={"Host": host.format(port=served.settings.port)})
    assert answer.status_code in (400, 421)


def test_localhost_is_this_machine(served, officer) -> None:
    assert officer.get("/api/me", headers={"Host": f"LOCALHOST:{served.settings.port}"}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1", None]
)
def test_another_page_cannot_post(served, officer, origin) -> None:
    if origin is None:
        del officer.headers["Origin"]
    else:
        officer.headers["Origin"] = origin.format(port=served.settings.port)
    answer = officer.post("/api/invitations", json={"role": "officer"})
    assert answer.status_code == 403
    assert "another page" in answer.json()["problem"]


@pytest.mark.parametrize("token", ["", "x"])
def test_a_change_needs_the_token_of_the_session(officer, token) -> None:
    officer.headers[CSRF_HEADER] = token
    assert officer.post("/api/invitations", json={"role": "officer"}).status_code == 403


def test_a_form_of_another_site_is_refused_even_with_a_cookie(served) -> None:
    key, _ = served.log_in()
    stranger = served.stranger()
    answer = stranger.post(
        "/api/missions",
        content="name=x",
        headers={
            "Cookie": f"{cookie_name(served.settings)}={key}",
            "Content-Type": "text/plain",
            "Origin": served.url,
            "Sec-Fetch-Site": "cross-site",
        },
    )
    assert answer.status_code == 403


def test_a_viewer_changes_nothing(served, viewer) -> None:
    for method, path in routes_of(served.app):
        if method not in ("GET", "HEAD") and path not in OPEN | {"/logout"}:
            assert viewer.request(method, path).status_code == 403, (method, path)


def test_every_answer_forbids_what_pages_must_not_do(served, officer) -> None:
    for client, path in ((officer, "/missions"), (officer, "/static/api.js"), (served.stranger(), "/api/me")):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"


def test_a_websocket_is_refused(served) -> None:
    answer = served.client().get(
        "/events",
        headers={
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        },
    )
    assert answer.status_code >= 400


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused(served, officer, chunked) -> None:
    text = b'{"name": "' + b"x" * (served.settings.request_limit + 1) + b'"}'
    answer = officer.post("/api/missions", content=iter([text[:1000], text[1000:]]) if chunked else text)
    assert answer.status_code == 413
    assert "too large" in answer.json()["problem"]


@pytest.mark.parametrize(("who", "most"), [("stranger", "64 KB"), ("viewer", "1 MB")])
def test_only_officers_send_large_files(served, who, most) -> None:
    client = served.stranger() if who == "stranger" else served.client("V", "viewer")
    headers = {"Origin": served.url, "Content-Type": "multipart/form-data; boundary=x"}
    answer = client.post("/login", content=b"x" * (2 * served.settings.request_limit), headers=headers)
    assert answer.status_code == 413
    assert most in answer.json()["problem"]


def test_an_unforeseen_error_is_one_line(served, officer) -> None:
    def broken() -> None:
        raise RuntimeError("secret inside")

    served.app.add_api_route("/api/broken", broken)
    answer = officer.get("/api/broken")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert set(answer.json()) == {"problem"}
