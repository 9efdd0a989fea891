"""``vsdeoldify colorize INPUT``: colour a film, a picture, or a folder of pictures."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...film.source import Point, parse_point
from ...film.streams import CONTAINERS
from ...settings.presets import Preset
from ...support.errors import PictureError
from ...support.paths import user_path
from ...support.words import clock
from ..cluster_options import add_cluster_options, cluster_of
from ..errors import DONE, USAGE, CommandError
from ..options import (
    add_colour_options,
    add_progress_option,
    add_project_option,
    add_reel_options,
    add_references_option,
    add_scenes_option,
    chosen_parameters,
    coloured_by,
    film_or_reel,
    output_file,
    positive,
    reporter_of,
)

if TYPE_CHECKING:
    from ...film.reel import Reel

_SEGMENT = 500


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "colorize",
        aliases=["colourise"],
        help="colour a film, a picture, or a folder of pictures",
        description="Colour a film with its sound, subtitles and chapters, a picture, or all pictures of a "
        "folder. The brightness of the original stays as it is.",
        epilog="examples:\n"
        "  vsdeoldify colorize film.mp4                          writes film_colour.mp4\n"
        "  vsdeoldify colorize film.mp4 --preset preview         quick, with nothing to download\n"
        "  vsdeoldify colorize film.mkv -o out.mkv --preset slow --colours stable\n"
        "  vsdeoldify colorize film.mkv --preview 12             12 frames before and after, as one picture\n"
        "  vsdeoldify colorize film.mkv --start 1:30 --end 2:00  half a minute, with its sound\n"
        "  vsdeoldify colorize film.mkv --resume                 go on after an interruption\n"
        '  vsdeoldify colorize film.mkv --encoder-options "-c:v libx265 -crf 18"\n'
        "  vsdeoldify colorize photo.jpg                         writes photo_colour.jpg\n"
        "  vsdeoldify colorize album/ -o album_in_colour/\n"
        "  vsdeoldify colorize reel/ --film --fps 18              a scanned reel: numbered DPX, TIFF or PNG",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "input",
        metavar="INPUT",
        help="a film, a picture, or a folder of pictures or of a reel",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUTPUT",
        help="where to write: for a film a file ending in "
        f"{', '.join(CONTAINERS)} (default: INPUT's name with _colour); for a folder, a folder",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing output; start again")
    film = parser.add_argument_group("films")
    place = "a frame's number (1500) or a time (62.5s, 1:02.5)"
    add_reel_options(film)
    film.add_argument("--start", type=_point, metavar="PLACE", help=f"first frame: {place}")
    film.add_argument("--end", type=_point, metavar="PLACE", help="where to stop, likewise; not included")
    film.add_argument(
        "--preview",
        type=positive,
        metavar="N",
        help="only write a picture of N frames spread over the film, before and after",
    )
    add_scenes_option(film)
    add_references_option(film)
    add_project_option(film)
    film.add_argument(
        "--resume",
        action="store_true",
        help="go on with an interrupted film, or with one whose pieces were kept",
    )
    film.add_argument(
        "--keep-pieces",
        action="store_true",
        help="keep the finished pieces, for --resume after a change of a reference, of the list of scenes or "
        "of the project (always with --references and --project)",
    )
    film.add_argument(
        "--segment",
        type=positive,
        default=_SEGMENT,
        metavar="N",
        help=f"save the work every N frames (default: {_SEGMENT})",
    )
    film.add_argument(
        "--encoder-options",
        default="",
        metavar='"OPTIONS"',
        help="options for ffmpeg's encoder, as one argument (default: x264 at -crf 16, with 10 bits for "
        "sources of 10 bits or more; VP9 in .webm)",
    )
    add_cluster_options(film)
    add_progress_option(parser)
    add_colour_options(parser)


def run(args: argparse.Namespace) -> int:
    """Colour what the arguments name."""
    from ...pictures.files import is_picture

    source = user_path(args.input)
    if not args.film and (source.is_dir() or (is_picture(source) and source.exists())):
        if args.fps is not None:
            raise CommandError("--fps is for numbered pictures that are a film: add --film", USAGE)
        _run_pictures(args, source.absolute(), chosen_parameters(args))
    else:
        _run_film(args, film_or_reel(args))
    return DONE


def _run_film(args: argparse.Namespace, film: "Path | Reel") -> None:
    from ...film.colorize import Request, colorize_film
    from ...film.options import split_options
    from ...film.pieces import begun_every, pieces_folder

    if args.preview is not None:
        _run_preview(args, film)
        return
    source = _source(film)
    suffix = source.suffix.lower() if source.suffix.lower() in CONTAINERS else ".mkv"
    output = _output(args, source, f"{_stem(source)}_colour{suffix}", resume=args.resume)
    if output.suffix.lower() not in CONTAINERS:
        raise CommandError(
            f"films are written to {', '.join(CONTAINERS)} files, not to {output.name!r}", USAGE
        )
    request = Request(
        output=output,
        start=args.start,
        end=args.end,
        piece_frames=args.segment,
        encoder_options=split_options(args.encoder_options),
        resume=args.resume,
        overwrite=args.overwrite,
        keep=args.keep_pieces or args.references is not None or args.project is not None,
    )
    reporter = reporter_of(args)
    cluster = cluster_of(args)
    recipe = coloured_by(args, film, begun_every(pieces_folder(output)) if args.resume else None)
    made = colorize_film(film, recipe, request, reporter, cluster(recipe))
    how_long = f"{clock(made.seconds)} ({made.rate:.3g} frames per second)"
    reporter.result(
        f"{made.output} is as it should be: nothing has changed since it was made"
        if made.unchanged
        else f"{made.output}: {made.frames} frames in {how_long}",
        output=made.output,
        frames=made.frames,
    )


def _source(film: "Path | Reel") -> Path:
    """What the output is named after, and lies beside."""
    return film if isinstance(film, Path) else film.folder


def _stem(source: Path) -> str:
    return source.name if source.is_dir() else source.stem


def _run_preview(args: argparse.Namespace, film: "Path | Reel") -> None:
    from ...pictures.files import PICTURE_SUFFIXES
    from ...review.preview import preview_film

    source = _source(film)
    output = _output(args, source, f"{_stem(source)}_preview.png")
    if output.suffix.lower() not in PICTURE_SUFFIXES:
        raise CommandError(f"--preview writes a picture: {output.name} should end in .png or .jpg", USAGE)
    reporter = reporter_of(args)
    recipe = coloured_by(args, film)
    count = preview_film(film, recipe, args.preview, output, args.start, args.end, reporter)
    reporter.result(f"{output}: {count} frames, before and after", output=output, frames=count)


def _run_pictures(args: argparse.Namespace, source: Path, chosen: Preset) -> None:
    from ...pictures.folder import open_album, output_name, output_names
    from ...pictures.formats import format_of

    for option in ("start", "end", "preview", "scenes", "references", "project", "cluster"):
        if getattr(args, option) is not None:
            raise CommandError(f"--{option} is for films", USAGE)
    if not source.is_dir():
        output = _output(args, source, output_name(source, f"{source.stem}_colour"))
        try:
            format_of(output)
        except PictureError as error:
            raise CommandError(str(error), USAGE) from None
        _colour_pictures(args, [source], [output], chosen)
        return
    album = open_album(source)
    folder = user_path(args.output) if args.output else source.with_name(f"{source.name}_colour")
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or folder.samefile(source)):
        raise CommandError(f"the output of a folder must be another folder, not {folder}", USAGE)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"{folder}: {error.strerror or error}") from error
    outputs = [folder / name for name in output_names(album.pictures)]
    _colour_pictures(args, album.pictures, outputs, chosen, album.notes)


def _colour_pictures(
    args: argparse.Namespace,
    inputs: list[Path],
    outputs: list[Path],
    chosen: Preset,
    notes: Sequence[str] = (),
) -> None:
    from ...pictures.colorize import colorize_pictures

    reporter = reporter_of(args)
    for note in notes:
        reporter.note(note)
    begun = time.monotonic()
    colorize_pictures(inputs, outputs, chosen, overwrite=args.overwrite, reporter=reporter)
    where = outputs[0] if len(outputs) == 1 else outputs[0].parent
    count = f"{len(inputs)} picture{'s' * (len(inputs) != 1)}"
    reporter.result(
        f"{where}: {count} in {clock(time.monotonic() - begun)}", output=where, pictures=len(inputs)
    )


def _output(args: argparse.Namespace, source: Path, name: str, *, resume: bool = False) -> Path:
    return output_file(args.output, source, name, overwrite=args.overwrite, resume=resume)


def _point(text: str) -> Point:
    try:
        return parse_point(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
