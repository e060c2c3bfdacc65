"""One map, its data and its scripts as one HTML file that asks nothing of any network and runs nothing foreign.

Two walls stand between the text in the data (labels, names of files, people's notes) and the page. The data travels
as JSON in which no character can end the element it stands in, and the scripts show it only as text. Should that ever
fail, the page's content security policy lets only those scripts run whose SHA-256 it lists, and lets nothing load.
What is shown is `report.py`'s and `layers.py`' subject.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from branca.element import MacroElement
from folium.template import Template

from mapping.errors import MappingError
from mapping.maps.basemap import offline_map
from mapping.maps.packaged import asset, page_file

SCRIPTS = tuple(
    f"{name}.js"
    for name in (
        *("map", "columns", "ground", "background", "table", "symbols", "sightings", "boxes", "replay", "heights"),
        *("sorties", "start"),
    )
)
LIBRARIES = ("leaflet.js", "supercluster.js", "mgrs.js")
TILE_LIBRARIES = ("pmtiles.js", "protomaps-leaflet.js")
DATA = ("data", "pictures")
"""What is no script, but text in an element of that type."""
TOKEN = re.compile(r"@@picket:([a-z-]+)@@")


class PageData(MacroElement):
    """The data, the libraries and the page's own scripts, placed as tokens.

    folium renders every element as a template of its own; the real texts replace the tokens afterwards, so that no
    brace in them is ever taken for a template's."""

    _template = Template(
        """
        {% macro header(this, kwargs) %}<style>@@picket:library-style@@</style>
        <script>@@picket:library@@</script>{% endmacro %}
        {% macro html(this, kwargs) %}
        <script type="application/json" id="picket-data">@@picket:data@@</script>
        <script type="application/json" id="picket-pictures">@@picket:pictures@@</script>
        {% endmacro %}
        {% macro script(this, kwargs) %}
        @@picket:scripts@@
        picketPage({{ this._parent.get_name() }}, JSON.parse(document.getElementById("picket-data").textContent));
        {% endmacro %}
        """
    )


def escaped_json(value: Any) -> str:
    """`value` as ASCII JSON that is safe inside a script element: `<`, `>`, `&` and all beyond ASCII (U+2028 too) are
    written as escapes. Times become ISO 8601 in UTC, numbers that are not finite become null."""
    text = json.dumps(_plain(value), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def render_page(
    title: str,
    centre: tuple[float, float],
    data: Mapping[str, Any],
    pictures: Sequence[str | None] = (),
    basis: str = "",
) -> str:
    """The whole page as text. `centre` is latitude and longitude in degrees, `data` what the scripts show, `pictures`
    (base64 JPEGs) what they read when the first is asked for, `basis` what `mapping.maps.basis` reads again.

    Raises MappingError where the packaged assets are missing."""
    base = offline_map(centre)
    element = PageData()
    element._id = "picket"
    base.add_child(element, name="data")
    texts = {
        "title": html.escape(title),
        "basis": html.escape(basis),
        "style": page_file("page.css"),
        "library-style": asset("leaflet.css"),
        "library": "\n".join(asset(name) for name in (*LIBRARIES, *(TILE_LIBRARIES if _has_tiles(data) else ()))),
        "scripts": "\n".join(page_file(name) for name in SCRIPTS),
        "data": escaped_json({**data, "world": json.loads(asset("world.geojson"))}),
        "pictures": escaped_json(list(pictures) if any(pictures) else []),
    }
    skeleton = base.get_root().render()
    shell = TOKEN.sub(
        lambda token: "" if token.group(1) in DATA else texts.get(token.group(1), token.group(0)), skeleton
    )
    texts["policy"] = _policy(shell)
    return TOKEN.sub(lambda token: texts[token.group(1)], skeleton)


def _has_tiles(data: Mapping[str, Any]) -> bool:
    return (data.get("background") or {}).get("kind") == "tiles"


def _policy(shell: str) -> str:
    """The content security policy of a page without its data: nothing loads, and only these very scripts run."""
    scripts = re.findall(r"<script>(.*?)</script>", shell, flags=re.DOTALL)
    if len(scripts) + len(DATA) != len(re.findall(r"<script\b", shell, flags=re.IGNORECASE)):
        raise MappingError("the page holds a script that is not its own; it was not written")
    hashes = [base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii") for script in scripts]
    allowed = " ".join(f"'sha256-{value}'" for value in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _plain(value: Any) -> Any:
    """`value` in terms of JSON."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S") + f".{value.microsecond // 100_000}Z"
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
