"""``vsdeoldify references INPUT``: write a coloured picture of each scene, for people to correct."""

import argparse
from dataclasses import replace
from typing import Any

from ...support.paths import user_path
from ..errors import DONE, USAGE, CommandError
from ..options import (
    add_colour_options,
    add_progress_option,
    add_project_option,
    add_scenes_option,
    coloured_by,
    film_file,
    positive,
    reporter_of,
)


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "references",
        help="write a coloured picture of each scene, to correct in a paint program",
        description="Write one picture of each scene of a film, coloured automatically, and a sheet of them. "
        "Change the colours of some in any paint program and delete the others or leave them as they are; "
        "colorize --references carries what was changed through the scenes.",
        epilog="examples:\n"
        "  vsdeoldify references film.mkv                 writes film_references/ref_000123.png …\n"
        "  vsdeoldify colorize film.mkv --references film_references\n"
        "  vsdeoldify colorize film.mkv --references film_references --resume\n"
        "                                                 after a picture was changed: only its part anew",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("input", metavar="INPUT", help="the film")
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", help="where to write (default: INPUT's name with _references)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace pictures of an earlier run")
    parser.add_argument("--bits", type=int, choices=(8, 16), default=8, help="of the pictures (default: 8)")
    parser.add_argument(
        "--next",
        type=positive,
        metavar="N",
        help="add the N frames to the folder of which its pictures tell least, as they come out now",
    )
    add_scenes_option(parser)
    add_project_option(parser)
    add_progress_option(parser)
    add_colour_options(parser)
    parser.set_defaults(references=None)


def run(args: argparse.Namespace) -> int:
    """Write the pictures."""
    source = film_file(args.input)
    folder = (
        user_path(args.output).absolute() if args.output else source.with_name(f"{source.stem}_references")
    )
    if folder.exists() and not folder.is_dir():
        raise CommandError(f"the output must be a folder: {folder} is a file", USAGE)

    from ...review.references import SHEET, write_next, write_references

    reporter = reporter_of(args)
    if args.next is not None:
        if args.project is None:
            args.references = str(folder)
        recipe = replace(coloured_by(args, source), references=folder)
        added = write_next(source, recipe, folder, args.next, bits=args.bits, reporter=reporter)
        names = ", ".join(picture.name for picture in added)
        reporter.result(
            f"{folder}: added {names}" if added else f"{folder}: its pictures tell enough of every frame",
            output=folder,
            pictures=len(added),
        )
        return DONE
    # The pictures are what references are made from: those of a project that has some already come without.
    recipe = replace(coloured_by(args, source), references=None)
    pictures = write_references(
        source, recipe, folder, bits=args.bits, overwrite=args.overwrite, reporter=reporter
    )
    how = f"vsdeoldify colorize {source.name} --references {folder.name}"
    if args.project is not None:
        how = f'name the folder in {user_path(args.project).name}, as its "references"'
    count = f"{len(pictures)} picture{'s' * (len(pictures) != 1)}"
    reporter.result(
        f"{folder}: {count}, all of them in {SHEET}; change the colours of some, then {how}",
        output=folder,
        pictures=len(pictures),
    )
    return DONE
