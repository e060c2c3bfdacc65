"""Fifty texts that would do something if anybody took them for more than text, for tests that put them wherever text
can come in and look at it wherever it comes out again."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

PAYLOADS = (
    # scripts, and ways out of the element or the literal that text stands in
    "</script><script>alert(1)</script>",
    "<script>alert(1)</script>",
    "<!--<script>",
    "--><script>alert(1)</script><!--",
    "</title></style></textarea></noscript><b id=injected>",
    "\u2028alert(1)\u2029//",
    "';alert(1);//",
    '";alert(1);//\\',
    "*/alert(1)/*",
    "]]></details><![CDATA[<a href='https://example.org/'>x</a>]]>",
    "<template><script>alert(1)</script></template>",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    # event handlers and elements that load or run something
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x>",
    "<svg><script href=https://example.org/a.js></script></svg>",
    "<details open ontoggle=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    '"onmouseover=alert(1) x="',
    "' onfocus=alert(1) tabindex=1 '",
    '"><iframe src="javascript:alert(1)"></iframe>',
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<object data=javascript:alert(1)></object>",
    "<base href=https://example.org/>",
    "<meta http-equiv=refresh content='0;url=https://example.org/'>",
    "<form action=https://example.org/><button>x",
    "javascript:alert(1)",
    "<a href=javascript:alert(1)>x</a>",
    # styles
    "<style>@import 'https://example.org/a.css';</style>",
    "<div style=background:url(https://example.org/a.png)>",
    "red;background:url(//example.org/x.png)}*{display:none",
    # templates
    "${alert(1)}",
    "`${alert(1)}`",
    "{{7*7}}{% raw %}{# x #}",
    "@@picket:data@@ @@picket:policy@@",
    "[bold red]x[/bold red][/]",
    # spreadsheets, databases, paths, names that a language keeps for itself
    "=cmd|'/c calc'!A0",
    '@SUM(1+1)*cmd|"/c calc"!A0',
    "'); DROP TABLE reviews; --",
    "../../../../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "__proto__",
    "constructor",
    # characters that are not what they look like, or steer a terminal
    "\u202egpj.exe\u2066\u200b\ufeff",
    "nothing\0after",
    "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "long " * 2000,
)
FOREIGN = (
    "script, iframe, object, embed, base, form, link, meta, template, style, b[id], a[href^=http], "
    "a[href^=javascript], [onerror], [onload], [onfocus], [ontoggle], [onbegin], [onmouseover], [srcset], [srcdoc], "
    "[style*=example]"
)
"""What a page has more of once one of them has become markup."""
RUNS = ("script", "style", "iframe", "object", "base", "form", "meta", "link", "template", "input", "math", "b", "a")


class Elements(HTMLParser):
    """Counts the elements and the event handlers of a page, by another reader than the browser's."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found[tag] += 1
        self.found.update(name for name, _ in attrs if name.startswith("on"))


def elements_in(text: str) -> Counter[str]:
    """How many elements of each kind a page has, and handlers."""
    reader = Elements()
    reader.feed(text)
    reader.close()
    return reader.found


def as_file_name(text: str) -> str:
    """The nearest name that a file can have, and is not hidden by."""
    return text.replace("/", "\u2215").replace("\\", "\u2216").replace("\0", "")[:60].strip().strip(".")
