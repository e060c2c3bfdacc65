"""The `picket` command: its verbs, and what becomes of an error.

Exit codes: 0 done, 1 could not be done (not flyable, vehicle refused), 2 bad input. Bad input and refusals are one
line on stderr, never a traceback.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from types import MappingProxyType
from typing import Annotated

import typer

from mapping.errors import MappingError
from missions.errors import MissionError
from picket.commands import COMMANDS, load_command
from picket.errors import PicketError
from picket.output import EXIT_INTERRUPTED, say
from sim.errors import SimulationError
from vision.errors import InputError, VisionError

EXIT_REFUSED = 1
EXIT_BAD_INPUT = 2
MENDS: Mapping[int, str] = MappingProxyType(
    {
        errno.ENOSPC: "make room on that disk and run it again; what was whole before is kept",
        errno.EDQUOT: "your share of that disk is used up; make room and run it again",
        errno.EACCES: "you may not read or write there; take another place, or have its permissions changed",
        errno.EPERM: "you may not do that there; take another place, or have its permissions changed",
        errno.EROFS: "that disk can only be read; take another place",
        errno.EMFILE: "too many files are open; close other programs or raise the limit (ulimit -n)",
        errno.ENOTDIR: "a part of that path is a file; take another place",
        errno.EEXIST: "something of that name is in the way; take another place",
        errno.EIO: "that disk may be failing; take another one",
        errno.ENAMETOOLONG: "take a shorter name",
    }
)
"""What to do about errors of the operating system."""


def make_app(names: Sequence[str] = COMMANDS) -> typer.Typer:
    """The command-line parser with these commands in it."""
    app = typer.Typer(
        name="picket",
        help="Plan drone patrols over a border, fly them on ArduPilot, and judge on a map what the camera saw.",
        add_completion=False,
        rich_markup_mode=None,
    )
    for name in names:
        app.command(name)(load_command(name))
    app.callback()(_root)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("picket"))
        raise typer.Exit


def _root(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code; with `arguments` None it takes the process's own and exits with it."""
    code = _run(sys.argv[1:] if arguments is None else list(arguments))
    if arguments is None:
        sys.exit(code)
    return code


def problem_of(error: OSError) -> str:
    """An error of the operating system in one line: which file, what, and the mend where there is a common one."""
    where = error.filename2 or error.filename
    mend = MENDS.get(error.errno or 0)
    said = (error.strerror or str(error) or type(error).__name__) + (f"; {mend}" if mend else "")
    return " ".join((f"{where}: {said}" if where is not None else said).split())


def _run(arguments: list[str]) -> int:
    try:
        app = make_app(arguments[:1] if arguments and arguments[0] in COMMANDS else COMMANDS)
        parser = typer.main.get_command(app)
        result = parser.main(args=arguments or ["--help"], prog_name="picket", standalone_mode=False)
    except InputError as error:
        say(f"picket: {error}")
        return EXIT_BAD_INPUT
    except typer.TyperException as error:
        say(f"picket: {' '.join(error.format_message().split())} See: picket {' '.join(arguments[:1])} --help")
        return EXIT_BAD_INPUT
    except (VisionError, MappingError, MissionError, SimulationError, PicketError) as error:
        say(f"picket: {' '.join(str(error).split())}")
        return EXIT_REFUSED
    except (KeyboardInterrupt, typer.Abort):
        say("picket: interrupted; what was written so far is kept")
        return EXIT_INTERRUPTED
    except OSError as error:
        say(f"picket: {problem_of(error)}")
        return EXIT_REFUSED
    return result if isinstance(result, int) else 0
