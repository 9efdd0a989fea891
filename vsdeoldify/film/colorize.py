"""Colour a film: open it, render it in pieces, join them with its sound, subtitles, chapters and tags."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from ..cli.errors import CommandError
from ..cli.options import check_models
from ..cli.terminal import Progress, say
from ..settings.presets import Preset
from ..support.files import digest
from ..support.words import clock
from . import ffmpeg
from .encoding import colour_filters, encoder_arguments, piece_suffix
from .join import _join, _try_to_join
from .pieces import Plan, Workshop
from .script import make_script
from .source import Point, open_film
from .streams import plan_streams
from .work import render_pieces


@dataclass(frozen=True)
class Settings:
    """What the user asks for, apart from the colours.

    Attributes:
        output: the file to write.
        start: first frame, or a time in seconds, as `Point`.
        end: the same for the frame after the last.
        segment: frames per piece.
        encoder_options: for ffmpeg.
        resume: take up an interrupted run.
        overwrite: replace the output, drop an unfinished film.
    """

    output: Path
    start: "Point | None"
    end: "Point | None"
    segment: int
    encoder_options: Sequence[str]
    resume: bool
    overwrite: bool


def colorize_film(path: Path, chosen: Preset, settings: Settings) -> None:
    """Colour a film; nothing is at the output's place before all of it is done.

    Raises:
        CommandError: a wrong range, a failure of a program; what is done so far stays for `--resume`.
    """
    output = settings.output
    program = ffmpeg.find_ffmpeg()
    check_models(chosen)
    found = ffmpeg.contents(program, path)
    if found.streams and not found.of_kind("Video"):
        raise CommandError(f"{path} holds no picture track")
    stat = path.stat()
    film = open_film(path, found)
    start, end = film.range(settings.start, settings.end)
    suffix = output.suffix.lower()
    streams = plan_streams(found, suffix)
    for note in (*film.notes, *streams.notes):
        say(f"note: {note}")
    if film.rate is None:
        say("note: the frame rate varies; every frame keeps its time")
    if film.properties.get("_FieldBased"):
        say("note: the film is interlaced; deinterlaced first it would be coloured better")

    text = make_script(path, chosen)
    filters = colour_filters(film.properties, film.width, film.height)
    encoder = encoder_arguments(
        suffix, film.bits, film.subsampling, (film.width, film.height), filters, settings.encoder_options
    )
    if film.properties.get("_FieldBased") and "libx264" in encoder:
        encoder += ["-flags", "+ildct+ilme"]
    work = output.with_name(output.name + ".unfinished")
    with tempfile.TemporaryDirectory(prefix="vsdeoldify-") as temporary:
        script = Path(temporary, "film.vpy")
        script.write_text(text, encoding="utf-8", errors="surrogateescape")
        plan = Plan(
            script=script,
            start=start,
            end=end,
            length=settings.segment,
            rate=None if film.rate is None else (film.rate.numerator, film.rate.denominator),
            times=film.times,
            ffmpeg=program,
            encoder=encoder,
            suffix=piece_suffix(encoder),
            settings={
                "version": version("vsdeoldify"),
                "source": [path.name, stat.st_size, stat.st_mtime_ns],
                "colours": digest(text),
                "range": [start, end],
                "segment": settings.segment,
                "encoder": encoder,
            },
        )
        _try_to_join(plan, film, found, streams, output, Path(temporary))
        try:
            with Workshop(work, plan) as workshop:
                finished = workshop.prepare(resume=settings.resume, overwrite=settings.overwrite)
                done = plan.pieces[finished - 1][1] - start if finished else 0
                if done:
                    say(f"going on after {done} of {end - start} frames")
                with Progress(end - start, "frames", done=done, title=output.name) as progress:
                    render_pieces(plan, workshop, finished, progress)
                    rate, seconds = progress.rate, progress.seconds
                if (path.stat().st_size, path.stat().st_mtime_ns) != (stat.st_size, stat.st_mtime_ns):
                    raise CommandError(
                        f"{path} was changed while it was being coloured: its sound may be another film's. "
                        "--overwrite starts again"
                    )
                _join(plan, workshop, film, found, streams, output)
                workshop.remove()
        except OSError as error:
            raise CommandError(f"{error.filename or work}: {error.strerror or error}") from error
        except KeyboardInterrupt:
            if work.exists():
                say(f"interrupted: the same command with --resume goes on from what is in {work}")
            raise
    say(f"{output}: {end - start} frames in {clock(seconds)} ({rate:.3g} frames per second)")
