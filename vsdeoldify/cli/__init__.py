"""The command line: ``vsdeoldify COMMAND`` or ``python -m vsdeoldify COMMAND``.

Each command is a module of this package with ``add_parser(subparsers)``, which adds its options, and
``run(args) -> int``, which does the work and returns the exit code: 0 done, 1 failed, 2 wrong usage,
130 interrupted, 143 told to end. Such a module imports torch and VapourSynth within `run` only, so that
``--help`` is quick.
"""

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from .. import __version__
from .errors import DONE, EXPECTED, FAILED, INTERRUPTED, CommandError, exit_code, message
from .terminal import say

if TYPE_CHECKING:
    from ..film.recipe import Recipe
    from ..settings.presets import Preset

_COMMANDS = (
    *("colorize", "studio", "script", "scenes", "references", "project"),
    *("cluster", "worker", "compare", "models", "doctor"),
)
"""The modules of the commands, in the order of the help."""


def main(argv: Sequence[str] | None = None, *, recipe: "Callable[[Preset], Recipe] | None" = None) -> int:
    """Run the command line.

    Args:
        argv: The arguments after the program's name; by default those of the process.
        recipe: What turns the chosen parameters into how films are coloured; by default the networks' way.

    Returns:
        The exit code.

    Raises:
        SystemExit: The arguments are wrong (code 2), or help or version was asked for (code 0).
    """
    for stream in (sys.stdout, sys.stderr):
        # A path may hold characters that the terminal's encoding lacks: no reason to stop.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    prog = "vsdeoldify"
    try:
        with _tidy_end():
            args = _parser().parse_args(argv)
            prog = args.prog
            args.recipe = recipe or _by_networks
            code: int = args.run(args)
        if sys.stdout is not None:
            sys.stdout.flush()
    except _Ended as ended:
        say(f"{prog}: {ended.reason}")
        return ended.code
    except KeyboardInterrupt:
        say(f"{prog}: interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has seen enough. Python's own flush at exit must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except (CommandError, *EXPECTED) as error:
        say(f"{prog}: {message(error)}")
        return exit_code(error)
    except ImportError as error:
        say(f"{prog}: {_not_loading(error)}")
        return FAILED
    except OSError as error:
        # A full or missing folder for temporary files, a name too long for the system, …
        place = f"{error.filename}: " if error.filename else ""
        say(f"{prog}: {place}{error.strerror or error}")
        return FAILED
    return code


class _Parser(argparse.ArgumentParser):
    """Takes `--encoder-options -an` too, where argparse sees an option of ours in -an."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        return super().parse_known_args(_joined(sys.argv[1:] if args is None else args), namespace)


def _joined(arguments: Sequence[str]) -> list[str]:
    """The arguments with an option of ffmpeg put to the option of ours before it."""
    joined: list[str] = []
    for argument in arguments:
        own = argument.startswith("--") or argument in ("-o", "-h")
        if joined and joined[-1] == "--encoder-options" and argument.startswith("-") and not own:
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


class _Ended(KeyboardInterrupt):
    """The system or another program ends this one; whoever tidies up after Ctrl-C does so here too."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.reason = f"ended by {signal.Signals(number).name}"
        self.code = 128 + number


@contextmanager
def _tidy_end() -> Iterator[None]:
    """Make `kill`, a closed terminal and a shutdown end the command as Ctrl-C does, and not on the spot."""

    def end(number: int, frame: FrameType | None) -> None:
        # Whoever asks twice must not cut the tidying up short.
        for other in before:
            signal.signal(other, signal.SIG_IGN)
        raise _Ended(number)

    before = {}
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # Windows knows no SIGHUP; under nohup it is to be ignored.
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            try:
                before[number] = signal.signal(number, end)
            except ValueError:  # not the main thread
                break
    try:
        yield
    except _Ended:
        before.clear()
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _by_networks(chosen: "Preset") -> "Recipe":
    from ..film.recipe import Recipe

    return Recipe(chosen)


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = _Parser(
        prog="vsdeoldify",
        description="Colourise black-and-white film and pictures with DeOldify and DDColor.",
        epilog="vsdeoldify COMMAND --help explains a command, with examples.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"vsdeoldify {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in _COMMANDS:
        try:
            module = importlib.import_module(f".commands.{name}", __name__)
        except ImportError as error:
            _add_broken(commands, name, error)
            continue
        module.add_parser(commands)
        command = commands.choices[name]
        command.set_defaults(run=module.run, prog=command.prog)
    return parser


def _not_loading(error: ImportError) -> str:
    return f"a library does not load: {error}\nvsdeoldify doctor tells the command that fixes it"


def _add_broken(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, error: ImportError
) -> None:
    """In place of a command that a library keeps from loading; the others, doctor above all, still work."""
    # No character begins an option, so that whatever follows is taken.
    parser = commands.add_parser(
        name, help="does not load, see vsdeoldify doctor", add_help=False, prefix_chars="\0"
    )
    parser.add_argument("rest", nargs="*")
    message = _not_loading(error)

    def run(args: argparse.Namespace) -> int:
        raise CommandError(message)

    parser.set_defaults(run=run, prog=parser.prog)
