"""XMP packets: their properties as plain texts and numbers, whoever wrote them. What the properties mean is the camera
makers' subject (`mapping.ground.makers`)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from xml.etree import ElementTree

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_META = "adobe:ns:meta/"

Properties = Mapping[tuple[str, str], str]
"""{(namespace, name): text}; a field of a structure is named `structure/field`."""


def read_properties(packet: bytes | str) -> tuple[Properties, bool]:
    """(properties, damaged) of an XMP packet, given as attributes or as elements; of several of one name the first.

    A packet with a document type is not read: XMP has none, and entities in it could be made to grow without bound.
    """
    text = packet.encode() if isinstance(packet, str) else packet
    begin, end = text.find(b"<x:xmpmeta"), text.rfind(b"</x:xmpmeta>")
    if begin < 0 or end < 0:
        return {}, bool(text.strip(b"\x00 \r\n"))
    body = text[begin : end + len(b"</x:xmpmeta>")]
    if b"<!" in body:
        return {}, True
    found: dict[tuple[str, str], str] = {}
    try:
        _gather(ElementTree.fromstring(body), "", found)
    except (ElementTree.ParseError, RecursionError):
        return {}, True
    return found, False


def _gather(element: ElementTree.Element, structure: str, found: dict[tuple[str, str], str]) -> None:
    namespace, local = _split(element.tag)
    if namespace not in (_RDF, _META, ""):
        text = (element.text or "").strip()
        if text:
            found.setdefault((namespace, structure + local), text)
        structure = f"{structure}{local}/"
    for name, value in element.attrib.items():
        owner, key = _split(name)
        if owner not in (_RDF, _META, "") and value.strip():
            found.setdefault((owner, structure + key), value.strip())
    for child in element:
        _gather(child, structure, found)


def _split(name: str) -> tuple[str, str]:
    """A qualified name as (namespace, local name); no namespace for one without."""
    namespace, brace, local = name[1:].partition("}") if name.startswith("{") else ("", "}", name)
    return (namespace, local) if brace else ("", name)


def number(text: object) -> float | None:
    """The finite number that a text or number says, fractions such as `4971569/65536` too; None where it says none."""
    try:
        if isinstance(text, str) and "/" in text:
            above, _, below = text.partition("/")
            value = float(above) / float(below.split()[0])
        else:
            value = float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError, IndexError):
        return None
    return value if math.isfinite(value) else None


def named(properties: Properties, *names: str, within: str | None = None) -> str | None:
    """The first of these properties that is there: in namespace `within`, or in any."""
    for wanted in names:
        for (namespace, name), text in properties.items():
            if name == wanted and within in (None, namespace):
                return text
    return None


def namespaces(properties: Properties) -> frozenset[str]:
    """The namespaces of all properties."""
    return frozenset(namespace for namespace, _ in properties)
