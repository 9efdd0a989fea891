"""Join the pieces of a film with the sound, subtitles, chapters and tags of its source."""

from pathlib import Path

from ..support.errors import FilmError
from ..support.files import flush_to_disk
from . import ffmpeg
from .encoding import copied_tags
from .pieces import Plan, Workshop
from .process import process
from .source import Film
from .streams import StreamPlan


def _join(
    plan: Plan,
    workshop: Workshop,
    film: Film,
    found: ffmpeg.Contents,
    streams: StreamPlan,
    output: Path,
) -> None:
    """Join the pieces and add what else the source holds; then give the output its name."""
    pieces = workshop.write_list()
    joined = pieces.with_name(f"joined.part{output.suffix.lower()}")
    with process("ffmpeg", _join_command(plan, film, found, streams, pieces, joined), part=joined) as joiner:
        joiner.finish()
    flush_to_disk(joined)
    joined.replace(output)


def _try_to_join(
    plan: Plan, film: Film, found: ffmpeg.Contents, streams: StreamPlan, output: Path, folder: Path
) -> None:
    """Join one even frame with the film's first sound, so that what does not fit is told before the work.

    Raises:
        FilmError: the container does not take the picture's or another stream's codec.
    """
    piece, pieces = folder / f"try{plan.suffix}", folder / "try.ffconcat"
    picture = f"color=gray:s={film.width}x{film.height}:r={film.rate or 25},format={_test_format(film)}"
    encode = [plan.ffmpeg, "-hide_banner", "-nostdin", "-v", "error", "-f", "lavfi", "-i", picture]
    encode += ["-frames:v", "1"]
    try:
        with process("ffmpeg", [*encode, *plan.encoder, ffmpeg.file_argument(piece)]) as run:
            run.finish()
    except FilmError:
        # The encoder's own troubles are told by the first piece.
        return
    pieces.write_text(f"ffconcat version 1.0\nfile '{piece.name}'\n", encoding="utf-8")
    joined = folder / f"tried{output.suffix.lower()}"
    *command, result = _join_command(plan, film, found, streams, pieces, joined)
    try:
        with process("ffmpeg", [*command, "-t", "0.2", result]) as run:
            run.finish()
    except FilmError as error:
        raise FilmError(
            f"{output.name} cannot be written; another container (.mkv holds most) or other "
            f"--encoder-options may do: {error}"
        ) from None


def _test_format(film: Film) -> str:
    layout = {(1, 0): "422", (0, 0): "444"}.get(film.subsampling, "420")
    return f"yuv{layout}p" + ("10le" if film.bits > 8 else "")


def _join_command(
    plan: Plan,
    film: Film,
    found: ffmpeg.Contents,
    streams: StreamPlan,
    pieces: Path,
    joined: Path,
) -> list[str]:
    """What joins the pieces of a list with the source's other streams; the last argument is the result."""
    suffix = joined.suffix
    delay = max(film.start - found.start, 0.0)
    whole = plan.start == 0 and plan.end == film.frames
    cut: list[str] = []
    drop: list[str] = []
    if not whole:
        first, last = (film.times[plan.start] / 1e6, film.times[plan.end] / 1e6)
        cut = ["-ss", f"{first + delay:.6f}", "-t", f"{last - first:.6f}"]
        # Copied packets from before the cut would shift the picture.
        drop = ["-bsf:a", "noise=drop='lt(pts,0)'", "-bsf:s", "noise=drop='lt(pts,0)'"]
        if not found.of_kind("Audio"):
            drop = drop[2:]
        if "1:s:" not in " ".join(streams.options):
            drop = drop[:-2]
        delay = 0.0
    return [
        plan.ffmpeg,
        *("-hide_banner", "-nostdin", "-v", "error", "-y"),
        *(("-itsoffset", f"{delay:.6f}") if delay > 1e-4 else ()),
        *("-f", "concat", "-safe", "0", "-i", ffmpeg.file_argument(pieces)),
        *cut,
        *("-i", ffmpeg.file_argument(film.path)),
        *("-map", "0:v:0", "-c:v", "copy", "-disposition:v:0", "default"),
        *copied_tags(film.properties),
        *streams.options,
        *drop,
        *(("-movflags", "+faststart") if suffix in (".mp4", ".m4v", ".mov") else ()),
        ffmpeg.file_argument(joined),
    ]
