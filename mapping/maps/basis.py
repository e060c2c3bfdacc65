"""What a written page says it was made from, read again from its head. What stands there is for whoever has pages
written; where it is written is `page.html`."""

from __future__ import annotations

import html
import re
from pathlib import Path

BASIS = re.compile(r'<meta name="picket-basis" content="([^"<>]*)">')
HEAD_CHARACTERS = 16_384


def basis_of_page(path: Path) -> str | None:
    """What a written page says it was made from; None where it says nothing or there is no page."""
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            head = stream.read(HEAD_CHARACTERS)
    except OSError:
        return None
    found = BASIS.search(head)
    return html.unescape(found.group(1)) if found and found.group(1) else None
