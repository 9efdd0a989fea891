"""``vsdeoldify compare``: how close models and mixes of models come to true colours."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from ...comparison.colourings import MIXES, Colouring, parse_colouring
from ...models.catalogue import find_model
from ...models.store import locate
from ...support.paths import user_path
from ..errors import DONE, USAGE, CommandError
from ..options import number_or_name, positive
from ..terminal import Terminal, answer

if TYPE_CHECKING:
    from ...film.reel import Reel

_FRAMES = 48
_LARGEST = 1024

_EPILOG = """\
what to compare:
  video, stable, modelscope, ...     a model, by the names of `vsdeoldify models`, or preview
  video:32                           with a render factor of its own
  video+ddcolor-artistic@0.5         a mix: the second model's weight is 0.5 (default 0.4)
  deoldify=FILE, ddcolor=FILE        a file of weights of your own
  preset=fast, preset=medium/vivid   a preset, with its stabilizer
In a mix the name artistic is that of the family the other model is not of.

examples:
  vsdeoldify compare photos/*.jpg --models preview
  vsdeoldify compare photos/ --models video modelscope video+modelscope@0.5 --sheets sheets/
  vsdeoldify compare a.jpg b.jpg --models video:20 video:32 --csv result.csv --html result.html
  vsdeoldify compare clip.mp4 --frames 100 --models preset=fast/stable preset=fast/vivid

Read the figures together: CIEDE2000 (lower is closer to the true colours) and a/b PSNR (higher is closer)
favour pale colours, since a wrong colour costs more than none; colourfulness shows who was pale. For clips,
flicker and CDC (lower is steadier) are given as well.
exit code: 0 done, 1 something failed (the rest is done), 2 wrong usage, 130 interrupted
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "compare",
        help="measure how close models come to the true colours of your pictures",
        description="Take the colour out of colour pictures or clips, colour them again with each model\n"
        "or mix, and measure how close the result comes to the true colours.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "inputs", nargs="+", metavar="PICTURE", help="pictures, clips, or folders of pictures"
    )
    parser.add_argument(
        "--models", nargs="+", required=True, metavar="MODEL", help="what to compare, see below"
    )
    parser.add_argument(
        "--method",
        choices=MIXES,
        default=MIXES[0],
        help=f"how mixes are made (default: {MIXES[0]})",
    )
    parser.add_argument(
        "--render-factor", type=int, metavar="N", help="for all models: they see squares of 16·N pixels"
    )
    parser.add_argument("--csv", metavar="FILE", help="write the figures as a table for spreadsheets")
    parser.add_argument("--html", metavar="FILE", help="write a page with the figures and small pictures")
    parser.add_argument("--sheets", metavar="FOLDER", help="write a picture of all results for each input")
    parser.add_argument(
        "--max-side",
        type=positive,
        default=_LARGEST,
        metavar="PIXELS",
        help=f"larger pictures are scaled down to this before anything is done (default: {_LARGEST})",
    )
    clips = parser.add_argument_group("clips")
    clips.add_argument(
        "--film",
        action="store_true",
        help="folders are scanned reels: their numbered pictures are the frames of a clip",
    )
    clips.add_argument(
        "--frames",
        type=positive,
        default=_FRAMES,
        metavar="N",
        help=f"how many frames of a clip are used (default: {_FRAMES})",
    )
    clips.add_argument(
        "--start", type=_not_negative, default=0, metavar="N", help="the first of them (default: 0)"
    )
    parser.add_argument(
        "--device",
        metavar="DEVICE",
        help="0–7: a GPU; 99 or cpu: the CPU; or a torch device name (default: the first GPU, else the CPU)",
    )
    parser.add_argument("--torch-dir", metavar="FOLDER", help="where the model files are")


def run(args: argparse.Namespace) -> int:
    """Compare, print the table, write the files."""
    colourings = _colourings(args)
    inputs = _inputs(args.inputs, reels=args.film)
    for colouring in colourings:
        for family, name in colouring.models:
            # Known to be missing now is better than after an hour of the other models.
            locate(find_model(family, name), args.torch_dir)
    sheets = _output_folder(args.sheets)
    _check_parent(args.csv, "csv")
    _check_parent(args.html, "html")

    from ...comparison import page, report
    from ...comparison.run import Comparison
    from ...runtime.device import default_device_index

    comparison = Comparison(
        device=default_device_index() if args.device is None else number_or_name(args.device),
        torch_dir=args.torch_dir,
        largest=args.max_side,
        start=args.start,
        frames=args.frames,
        thumbnails=bool(sheets or args.html),
        reporter=Terminal(),
    )
    results = comparison.run(inputs, colourings)
    if not results:
        raise CommandError("nothing could be compared")
    answer(report.as_text(results))
    try:
        if args.csv:
            report.write_csv(results, user_path(args.csv))
        if args.html:
            page.write_html(results, user_path(args.html))
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror or error}") from error
    if sheets:
        report.write_sheets(results, sheets)
    if comparison.failures:
        raise CommandError("done, but without what failed above")
    return DONE


def _colourings(args: argparse.Namespace) -> list[Colouring]:
    """The colourings of `--models`, each once."""
    found: dict[str, Colouring] = {}
    for text in args.models:
        try:
            colouring = parse_colouring(text, args.method, args.render_factor)
        except (TypeError, ValueError) as error:
            raise CommandError(f"--models: {error}", USAGE) from None
        if colouring is None:
            continue
        if colouring != found.get(colouring.label, colouring):
            # Files of the same name in two folders.
            colouring = replace(colouring, label=text)
        found[colouring.label] = colouring
    return list(found.values())


def _inputs(names: Sequence[str], *, reels: bool) -> "list[Path | Reel]":
    """The files to compare on; a folder stands for the pictures in it, or with `reels` for a film."""
    from ...film.inputs import check_address
    from ...film.reel import find_reel, is_pattern
    from ...pictures.folder import open_album

    found: list[Path | Reel] = []
    for name in names:
        check_address(name)
        path = user_path(name)
        if is_pattern(path) or (reels and path.is_dir()):
            # No figure depends on the rate.
            found.append(find_reel(path, Fraction(24)))
            continue
        if not path.is_dir():
            found.append(path)
            continue
        found += open_album(path).pictures
    return list(dict.fromkeys(found))


def _check_parent(name: str | None, option: str) -> None:
    if name is not None and not user_path(name).absolute().parent.is_dir():
        raise CommandError(f"--{option}: the folder of {name} does not exist")


def _output_folder(name: str | None) -> Path | None:
    if name is None:
        return None
    folder = user_path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"--sheets: {folder}: {error.strerror or error}") from error
    return folder


def _not_negative(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)
