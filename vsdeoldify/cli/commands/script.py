"""``vsdeoldify script INPUT``: print a ready, commented VapourSynth script."""

import argparse
from pathlib import Path
from typing import Any

from ...film.source import track_of
from ..errors import DONE
from ..options import (
    add_colour_options,
    add_project_option,
    add_reel_options,
    add_references_option,
    add_scenes_option,
    coloured_by,
    film_or_reel,
)
from ..terminal import answer


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "script",
        help="print a VapourSynth script to go on with by hand or in Hybrid",
        description="Print the VapourSynth script that `vsdeoldify colorize` would run with the same "
        "options, every parameter on a line of its own with its meaning.",
        epilog="examples:\n"
        "  vsdeoldify script film.mkv > film.vpy\n"
        "  vsdeoldify script film.mkv --preset fast --colours stable > film.vpy\n"
        "  vspipe -c y4m film.vpy - | ffmpeg -i - film_colour.mkv",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("input", metavar="INPUT", help="the film")
    add_reel_options(parser)
    add_scenes_option(parser)
    add_references_option(parser)
    add_project_option(parser)
    add_colour_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    film = film_or_reel(args)
    recipe = coloured_by(args, film)
    track = track_of(film) if isinstance(film, Path) else None
    answer(recipe.script(film, track=track).rstrip("\n"))
    return DONE
