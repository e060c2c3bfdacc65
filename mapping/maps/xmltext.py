"""What XML formats share: text that XML allows, and a tree written whole with its declaration."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from vision.files import write_whole

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """The text without the characters that XML 1.0 (section 2.2) has no way to write; each becomes U+FFFD."""
    return _FORBIDDEN.sub("\ufffd", text)


def write_xml(root: ET.Element, path: Path) -> None:
    """Write the tree in UTF-8 with a declaration. Raises VisionError where the file cannot be written."""
    ET.indent(root, " ")
    write_whole(path, f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n')
