"""`picket serve`: the web app on this machine, and the links that let people in."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from mapping.maps.background import reach
from picket.output import say
from picket.reviews.database import URL_VARIABLE, open_url
from picket.web.access import ROLES, Access, Role
from picket.web.app import create_app
from picket.web.serving import WebServer
from picket.web.settings import DEFAULT_PORT, LOOPBACK, Settings
from vision.errors import InputError, VisionError


def serve(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of missions; made where it is not there.")
    ] = (Path("missions")),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = DEFAULT_PORT,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on; others than loopback need --open-to-network.")
    ] = LOOPBACK[0],
    open_to_network: Annotated[
        bool, typer.Option("--open-to-network", help="Yes, let other machines connect, unencrypted, to --host.")
    ] = False,
    basemap: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Put an aerial image (GeoTIFF) or map tiles (.pmtiles) under all maps."),
    ] = None,
    reviews: Annotated[
        str | None,
        typer.Option(
            metavar="URL", envvar=URL_VARIABLE, help="Reviews shared by several posts: postgresql://USER@HOST/DATABASE."
        ),
    ] = None,
) -> None:
    """Serve the missions of DIR to browsers on this machine: draw, plan, fly, review and report."""
    loopback = _is_loopback(host)
    if not loopback and not open_to_network:
        raise InputError(
            "--host",
            f"{host} lets other machines connect, and nothing is encrypted; leave it out and use a tunnel, or say "
            "--open-to-network as well",
        )
    if _is_every_address(host):
        raise InputError("--host", f"{host} is every address of this machine; give the one that people will use")
    if folder.exists() and not folder.is_dir():
        raise InputError(folder, "is a file; give a folder for the missions")
    if basemap is not None:
        reach(basemap)  # one that cannot be read is told here
    shared = _database(reviews)
    listening = _listen(host, port)
    port = listening.getsockname()[1]
    names = {host.strip("[]").lower(), *(LOOPBACK if loopback else ()), *(() if loopback else (socket.gethostname(),))}
    settings = Settings(
        missions=folder.resolve(),
        host=host,
        port=port,
        reviews_url=shared,
        basemap=basemap.resolve() if basemap else None,
        host_names=frozenset(names),
    )
    access = Access(settings.session_s)
    app = create_app(settings, access)
    say(f"Missions in {settings.missions}")
    if not loopback:
        say(f"WARNING: every machine that reaches {host} can try to connect, and nothing on the way is encrypted.")
    for role in ROLES:
        _show_link(settings, access, role)
    say("Each link logs one person in; a new one is shown when it is used. Ctrl-C ends the app.")
    with suppress(KeyboardInterrupt):  # Ctrl-C is how it ends
        WebServer(app).run(sockets=[listening])
    left = [job for job in app.state.jobs.all() if not job.ended]
    with suppress(OSError):  # the terminal may be gone
        say(f"Ended; {len(left)} flights go on by themselves." if left else "Ended.")


def _show_link(settings: Settings, access: Access, role: Role) -> None:
    """A link, and a new one when it has been used."""
    token = access.invite(role, used=lambda: _show_link(settings, access, role))
    say(f"For {'an officer' if role == 'officer' else 'a viewer'}: {settings.address}/login#{token}")


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_every_address(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises VisionError where it cannot."""
    plain = host.strip("[]")
    family = socket.AF_INET6 if ":" in plain else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((plain, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise VisionError(
            f"cannot listen on {host}, port {port} ({error.strerror or error}); take another --port"
        ) from error
    return listening


def _database(url: str | None) -> str | None:
    """The address of the shared database, once it has answered. Raises InputError where it is none, PicketError where
    it does not answer or has no table of reviews that this role may use."""
    if url:
        open_url(url).dispose()
    return url or None
