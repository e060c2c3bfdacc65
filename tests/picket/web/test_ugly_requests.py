"""Requests that no page sends: every value the app's own description has a place for, made ugly, one at a time, and
whole bodies, types and addresses that are none. The app refuses or takes them, and never stumbles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.drawing import drawn, polygon
from tests.picket.web.conftest import Served
from tests.picket.web.judged import FLIGHT, make_mission

LEFT_OUT = {"/logout"}
"""Ends the session the others need."""
DEEP = "/drawing"
"""Where an area and a wish are looked at part by part; previewing and planning take the same."""
KNOWN = {"mission": "benapole", "flight": FLIGHT, "id": "S000001", "detection": "IMG_00002-000", "kind": "zones"}
VALUES = (
    *("NaN", "Infinity", "-Infinity", "1e999", "-0.0", "-1", "1.5", "null", "true", '""', '" "', "[]", "{}", "1e308"),
    *("1" + 400 * "0", 5000 * "9", str(2**63), str(-(2**63) - 1), "[null]", '{"a": NaN}', '[1e999, "\\ud800"]'),
    *('"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\u202e"', '"\\u001b[2J"', '"NaN"', '"1e999"', '"=1+1"', '"-"'),
    *('"../../../etc/passwd"', '"/dev/zero"', '"{{7*7}}"', f'"{70_000 * "x"}"', f'"{200 * chr(0x1F600)}"'),
    *(f"{d}{900 * a}1{900 * b}" for d, a, b in (("", "[", "]"), ("", '{"a":', "}"))),
    '{"__proto__": {"a": 1}}',
)
"""As they are written in JSON, or in what takes itself for it."""
BODIES = (
    *(
        b"",
        b" ",
        b"{",
        b"nul",
        b"null",
        b"[]",
        b'"x"',
        b"1",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b"\0",
        b"{}{}",
        b"{'a': 1}",
    ),
    *(b"[" * 5000, b'{"a":' * 5000, b"[" + b"1," * 50_000 + b"1]", '{"é": 1}'.encode("utf-16"), b'{"a": 1, "a": 2}'),
    *(b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.kml"\r\n\r\n', b"a=1&b=%ff", b"<a/>"),
)
TYPES = (
    *("text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data", "", "*/*", "/", ";"),
    *(
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=x",
        f"multipart/form-data; boundary={'y' * 900}",
    ),
    *(
        "application/json; charset=utf-16",
        "application/json; charset=nonsense",
        "application/problem+json",
        "a/b" * 900,
    ),
)
ADDRESSES = (
    *("%00", "%ff", "%F0%9F%98%80", "%ED%A0%80", "..", "%2e%2e", "%2e%2e%2f%2e%2e%2f", "%252e%252e%252f", "a" * 5000),
    *(
        "%0d%0aX: 1",
        "%5c..%5c",
        "%C0%AE",
        "%E2%80%AE",
        "-1",
        "0",
        "1e999",
        "NaN",
        "%20",
        "CON",
        "'",
        "%3Cscript%3E",
        "*",
    ),
)
DRAWING = drawn(polygon("patrol", [(88.895, 23.035), (88.896, 23.035), (88.896, 23.036)]))


@pytest.fixture
def client(served: Served) -> httpx.Client:
    make_mission(served.missions / "benapole", 3)
    served.app.state.jobs._program = ("true",)  # what they begin is another test's
    served.app.state.previews.ask = lambda *given: {"problems": [], "notes": []}
    return served.client()


def operations(client: httpx.Client) -> list[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """(method, path, description, all schemas) of everything the app says it does."""
    described = client.get("/openapi.json").json()
    schemas = described["components"]["schemas"]
    return [
        (method.upper(), path, operation, schemas)
        for path, ways in described["paths"].items()
        for method, operation in ways.items()
        if path not in LEFT_OUT
    ]


def address(path: str, operation: dict[str, Any], changed: str = "", ugly: str = "") -> str:
    """The address of an operation, with known values for all but `changed`."""
    query = []
    for one in operation.get("parameters", ()):
        value = ugly if one["name"] == changed else KNOWN.get(one["name"], "1")
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", value)
        elif one["required"] or one["name"] == changed:
            query.append(f"{one['name']}={value}")
    return path + ("?" + "&".join(query) if query else "")


def example(schema: dict[str, Any], schemas: dict[str, Any], name: str = "") -> Any:
    """A value that fits a schema, more or less."""
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rpartition("/")[2]], schemas, name)
    if name == "area":
        return DRAWING
    if "default" in schema or "anyOf" in schema:
        return schema.get("default")  # what may be nothing is nothing
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = schema.get("type")
    if kind == "object":
        return {key: example(value, schemas, key) for key, value in schema.get("properties", {}).items()}
    if kind == "array":
        return [example(schema.get("items", {}), schemas)]
    if kind == "string":
        return KNOWN.get(name, "S000001" if name == "sighting" else "x" * max(8, schema.get("minLength", 1)))
    return {"integer": 1, "number": 1.0, "boolean": True}.get(str(kind), {})


def places_in(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a value something can be put: every key and every item."""
    yield at
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield from places_in(one, (*at, key))


def with_value(content: Any, place: tuple[Any, ...], ugly: str) -> str:
    """`content` as JSON with this text, which need not be JSON, at a place."""
    if not place:
        return ugly
    copy = json.loads(json.dumps(content))
    inner = copy
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = "@@ugly@@"
    return json.dumps(copy).replace('"@@ugly@@"', ugly)


def test_no_ugly_value_makes_the_app_stumble(client: httpx.Client) -> None:
    stumbled: list[tuple[str, str, str]] = []
    seen: dict[int, int] = {}
    version = 0
    for method, path, operation, schemas in operations(client):
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" not in content:
            continue
        right = example(content["application/json"]["schema"], schemas)
        if path.endswith("/reviews"):
            shown = client.get(f"/api/missions/benapole/sighting?id={KNOWN['id']}").json()["version"]
            right |= {"version": shown, "verdict": "moved", "lat_deg": 1.0, "lon_deg": 2.0, "expected": 0}
        for number, place in enumerate(places_in(right)):
            if len(place) > 1 and "wish" in right and not path.endswith(DEEP):
                continue
            for ugly in VALUES[number % 2 :: 2] if len(place) <= 1 else VALUES[number % 6 :: 6]:
                if path.endswith(DEEP):
                    right["version"] = version
                body = with_value(right, place, ugly)
                headers = {"Content-Type": "application/json"}
                answer = client.request(method, address(path, operation), content=body.encode(), headers=headers)
                seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
                version += answer.status_code == 200 and path.endswith(DEEP)
                if answer.status_code >= 500:
                    stumbled.append((f"{method} {path}", f"{place}: {ugly[:60]}", answer.text))
    assert stumbled == []
    assert seen[422] > 500
    assert version > 20, "some of what is ugly is only odd, and is kept"


def test_no_body_and_no_type_makes_the_app_stumble(client: httpx.Client) -> None:
    stumbled = []
    for method, path, operation, schemas in operations(client):
        if "requestBody" not in operation:
            continue
        kinds = operation["requestBody"]["content"]
        right = json.dumps(example(next(iter(kinds.values()))["schema"], schemas)).encode()
        sent = [(body, next(iter(kinds)), {}) for body in BODIES] + [(right, kind, {}) for kind in TYPES]
        sent += [(right, "application/json", {"Content-Encoding": "gzip"}), (right, "multipart/form-data", {})]
        for body, kind, more in sent:
            answer = client.request(
                method, address(path, operation), content=body, headers={"Content-Type": kind, **more}
            )
            if answer.status_code >= 500:
                stumbled.append((method, path, kind[:40], body[:40], answer.text))
    assert stumbled == []


def test_no_address_makes_the_app_stumble(client: httpx.Client) -> None:
    stumbled = []
    for number, (method, path, operation, _) in enumerate(operations(client)):
        for one in operation.get("parameters", ()):
            for ugly in ADDRESSES[number % 2 :: 2]:
                answer = client.request(method, address(path, operation, one["name"], ugly))
                if answer.status_code >= 500:
                    stumbled.append((method, path, one["name"], ugly[:40], answer.text))
    for page in ("plan", "fly", "review", "report", "plan/plan.html", "report/report.html"):
        for ugly in ADDRESSES:
            answer = client.get(f"/missions/{ugly}/{page}", headers={"Accept": "text/html"})
            if answer.status_code >= 500:
                stumbled.append(("GET", page, "mission", ugly[:40], answer.text))
    assert stumbled == []
