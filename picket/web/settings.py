"""What a running web app is told once, at its start. Reading it from the command line is `picket.commands.serve`'s
subject."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_PORT = 8470
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Settings:
    """Where the missions lie, where the app listens and what it lets in.

    `reviews_url` is an SQLAlchemy URL where several posts share their reviews; None keeps them in each mission's
    `picket.db`. `host_names` are the names a browser may call this machine by; a request with another one is refused.
    `port` is the one browsers use. `basemap` is an aerial image or an archive of map tiles that lies under all maps.
    Sizes are in bytes, times in seconds.
    """

    missions: Path
    host: str = LOOPBACK[0]
    port: int = DEFAULT_PORT
    reviews_url: str | None = None
    basemap: Path | None = None
    host_names: frozenset[str] = field(default=frozenset(LOOPBACK))
    session_s: float = 12 * 3600.0
    upload_limit: int = 64 * 1024 * 1024
    request_limit: int = 1024 * 1024
    login_limit: int = 64 * 1024

    @property
    def address(self) -> str:
        """The app's own origin, as an officer types it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def jobs(self) -> Path:
        """Where running work keeps what it says."""
        return self.missions / ".jobs"

    @property
    def drafts(self) -> Path:
        """Where areas are kept that are drawn and not planned yet."""
        return self.missions / ".drafts"
