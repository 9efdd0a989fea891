"""``vsdeoldify studio INPUT``: look at a film in the browser, choose, correct and render."""

import argparse
from pathlib import Path
from typing import Any

from ...film.streams import CONTAINERS
from ...settings.presets import SPEEDS
from ...support.paths import user_path
from ..errors import DONE, USAGE, CommandError
from ..options import add_reel_options, film_or_reel, number_or_name
from ..terminal import answer, say


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "studio",
        help="look at a film in the browser, choose, correct and render",
        description="Open a page in the browser, for this machine only: the film's scenes, before and after, "
        "settings for each scene, colours that you set with a brush, and the render. What you decide is kept "
        "in a project beside the film, with which colorize and script go on: --project.",
        epilog="examples:\n"
        "  vsdeoldify studio film.mkv\n"
        "  vsdeoldify studio film.mkv --preset preview     quick, with nothing to download\n"
        "  vsdeoldify studio reel/ --film --fps 18         a scanned reel: numbered DPX, TIFF or PNG\n"
        "  vsdeoldify studio film.mkv --no-browser         only print the address",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("input", metavar="INPUT", help="the film, or the folder of a reel")
    add_reel_options(parser)
    parser.add_argument(
        "--project",
        metavar="FILE",
        help="the project's file (default: beside the film, INPUT's name with .vsdeoldify.json)",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="the film to render (default: INPUT's name with _colour)"
    )
    parser.add_argument(
        "--preset",
        choices=SPEEDS,
        help="of a new project (default: medium where its models are there, else fast, else preview)",
    )
    parser.add_argument("--device", metavar="DEVICE", help="where to compute, as colorize takes it")
    parser.add_argument("--torch-dir", metavar="FOLDER", help="where the model files are")
    parser.add_argument(
        "--port", type=_port, default=0, metavar="N", help="of the page (default: a free one)"
    )
    parser.add_argument("--no-browser", action="store_true", help="open no browser, only print the address")


def run(args: argparse.Namespace) -> int:
    """Open the studio; it ends with Ctrl-C."""
    film = film_or_reel(args)
    output = None if args.output is None else user_path(args.output).absolute()
    if output is not None:
        if output.suffix.lower() not in CONTAINERS:
            raise CommandError(
                f"films are written to {', '.join(CONTAINERS)} files, not to {output.name!r}", USAGE
            )
        if not output.parent.is_dir():
            raise CommandError(f"the folder {output.parent} does not exist")
    try:
        from ...studio.serve import run_studio
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn"):
            raise
        raise CommandError(
            f'the studio needs the library {error.name}, which is not there: pip install "vsdeoldify[studio]"'
        ) from None
    from ...studio.session import Asked

    asked = Asked(
        film=film if isinstance(film, Path) else user_path(args.input).absolute(),
        reel=None if isinstance(film, Path) else film,
        project=None if args.project is None else user_path(args.project).absolute(),
        output=output,
        preset=args.preset,
        device=None if args.device is None else number_or_name(args.device),
        models=None if args.torch_dir is None else user_path(args.torch_dir).absolute(),
    )

    def ready(address: str) -> None:
        answer(address)
        say("the studio is open at this address, for one browser of this machine; Ctrl-C ends it")
        if not args.no_browser:
            import webbrowser

            webbrowser.open(address)

    try:
        run_studio(asked, args.port, ready)
    except KeyboardInterrupt:
        say("the studio has ended; a render that is under way goes on")
    return DONE


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) < 1 << 16:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a port")
    return int(text)
