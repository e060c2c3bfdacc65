"""A page as PDF, printed by a Chromium that is already on this machine, with no network and no profile of anyone's."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from mapping.errors import MappingError
from vision.files import whole_file

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TIMEOUT_S = 180.0
_FLAGS = (
    *("--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--disable-extensions", "--no-pdf-header-footer", "--host-resolver-rules=MAP * ~NOTFOUND"),
)


def browser() -> str | None:
    """The path of a Chromium (`PICKET_CHROMIUM` names another one), None where there is none."""
    return os.environ.get("PICKET_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


def write_pdf(page: Path, path: Path) -> None:
    """Print the HTML file `page` to `path`, whole or not at all. Raises MappingError where there is no Chromium or it
    does not print, VisionError where the file cannot be written."""
    program = browser()
    if program is None:
        raise MappingError(
            "no Chromium on this machine to make a PDF with: open the page in a browser and print it there"
        )
    with tempfile.TemporaryDirectory(prefix="picket-pdf-", ignore_cleanup_errors=True) as folder:
        made = Path(folder) / "page.pdf"
        own = [f"--user-data-dir={folder}/profile", f"--print-to-pdf={made}"]
        own += ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium has none for root
        try:
            done = subprocess.run(
                [program, *_FLAGS, *own, page.resolve().as_uri()], capture_output=True, timeout=TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise MappingError(f"{program}: could not print {page} ({error})") from error
        if not made.is_file() or not made.read_bytes().startswith(b"%PDF"):
            said = done.stderr.decode("utf-8", errors="replace").strip().splitlines()
            raise MappingError(f"{program}: did not print {page} ({said[-1] if said else 'it said nothing'})")
        with whole_file(path) as beside:
            shutil.copyfile(made, beside)
