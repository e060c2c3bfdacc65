"""The `picket` command: its verbs, and what becomes of an error.

Exit codes: 0 done, 1 could not be done (not flyable, vehicle refused), 2 bad input. Bad input and refusals are one
line on stderr, never a traceback.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from mapping.errors import MappingError
from missions.errors import MissionError
from picket.commands import COMMANDS, load_command
from picket.output import say
from sim.errors import SimulationError
from vision.errors import InputError, VisionError

EXIT_REFUSED = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130


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
    except (VisionError, MappingError, MissionError, SimulationError) as error:
        say(f"picket: {' '.join(str(error).split())}")
        return EXIT_REFUSED
    except (KeyboardInterrupt, typer.Abort):
        say("picket: interrupted; what was written so far is kept")
        return EXIT_INTERRUPTED
    except OSError as error:
        say(f"picket: {error.filename or ''}: {error.strerror or error}".replace(": :", ":"))
        return EXIT_REFUSED
    return result if isinstance(result, int) else 0
