"""``vsdeoldify scenes INPUT``: write a list of a film's scenes and a picture of them."""

import argparse
from typing import Any

from ...settings.params import StabParams
from ...support.paths import user_path
from ..errors import DONE, USAGE, CommandError
from ..options import (
    add_progress_option,
    add_scenes_option,
    film_file,
    listed_scenes,
    output_file,
    reporter_of,
)

_THRESHOLD = StabParams().tht_scen


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "scenes",
        help="write a list of a film's scenes, to look at and to correct",
        description="Find the scenes of a film, and write a table of them and a sheet with a picture of "
        "each. In the table, scenes can be merged, split and shifted; colorize and script go by it with "
        "--scenes.",
        epilog="examples:\n"
        "  vsdeoldify scenes film.mkv                    writes film_scenes.csv and film_scenes.jpg\n"
        "  vsdeoldify scenes film.mkv --scenes film_scenes.csv --overwrite\n"
        "                                                both again, after the table was changed\n"
        "  vsdeoldify colorize film.mkv --scenes film_scenes.csv",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("input", metavar="INPUT", help="the film")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="the table to write (default: INPUT's name with _scenes.csv)"
    )
    sheet = parser.add_mutually_exclusive_group()
    sheet.add_argument(
        "--sheet", metavar="FILE", help="the picture to write (default: the table's name with .jpg)"
    )
    sheet.add_argument("--no-sheet", action="store_true", help="write the table only")
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")
    finding = parser.add_mutually_exclusive_group()
    finding.add_argument(
        "--threshold",
        type=_share,
        default=_THRESHOLD,
        metavar="T",
        help="luma difference that makes a cut, 0–1; other limits go with it: lower finds more "
        f"(default: {_THRESHOLD})",
    )
    add_scenes_option(finding)
    add_progress_option(parser)


def run(args: argparse.Namespace) -> int:
    """Write the table and the sheet."""
    listed = listed_scenes(args)
    source = film_file(args.input)
    output = output_file(args.output, source, f"{source.stem}_scenes.csv", overwrite=args.overwrite)
    sheet = None
    if not args.no_sheet:
        beside = args.sheet or str(output.with_suffix(".jpg"))
        sheet = output_file(beside, source, f"{source.stem}_scenes.jpg", overwrite=args.overwrite)
        _check_picture(sheet.name)
        if sheet == output:
            raise CommandError(f"the table and the sheet cannot both be {output}", USAGE)

    from ...film.scenes import find_scenes, write_list, write_sheet

    reporter = reporter_of(args)
    film, scenes = find_scenes(source, args.threshold, listed, reporter)
    write_list(output, film, scenes)
    if sheet is not None:
        write_sheet(sheet, film, scenes, reporter)
    count = f"{len(scenes)} scene{'s' * (len(scenes) != 1)}"
    files = f"{output}" if sheet is None else f"{output} and {sheet}"
    reporter.result(f"{files}: {count}", output=output, sheet=sheet, scenes=len(scenes))
    return DONE


def _check_picture(name: str) -> None:
    from ...pictures.files import PICTURE_SUFFIXES

    if user_path(name).suffix.lower() not in PICTURE_SUFFIXES:
        raise CommandError(f"the sheet is a picture: {name} should end in .jpg or .png", USAGE)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value
