"""Colour a film: open it, render it in pieces, join them with its sound, subtitles, chapters and tags."""

import json
import math
import re
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..presets import Preset
from . import USAGE, CommandError, ffmpeg, say
from .progress import Progress, clock
from .render import PROGRESS_MARK
from .script import check_models, index_folder, make_script, source_arguments
from .segments import Plan, Workshop, digest, flush_to_disk, process, render_pieces, render_process

_JUMP = Fraction(1, 4)
"""Seconds: times that go back by more are another recording's, by less a fault of rounding or order."""

_USUAL_RATES = [
    *(Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120)),
    *map(Fraction, (10, 12, 15, 16, 18, 20, 24, 25, 30, 48, 50, 60, 100, 120)),
]


@dataclass(frozen=True)
class Film:
    """A film's video track.

    Attributes:
        path: the file.
        frames: how many.
        width: in pixels.
        height: in pixels.
        family: "YUV", "GRAY" or "RGB".
        bits: per sample.
        subsampling: log2 of the chroma planes' shrinking, horizontal and vertical.
        properties: colour and aspect properties of the first frame.
        rate: frames per second; None where it varies.
        times: microseconds of every frame from the first one on, and of the end.
        start: time of the first frame in the file, in seconds.
        notes: what was assumed of the times, in sentences.
    """

    path: Path
    frames: int
    width: int
    height: int
    family: str
    bits: int
    subsampling: tuple[int, int]
    properties: dict[str, int]
    rate: Fraction | None
    times: list[int]
    start: float
    notes: tuple[str, ...] = ()

    def frame_at(self, seconds: float) -> int:
        """The first frame that is shown at or after a time, counted from the first frame."""
        wanted = round(seconds * 1e6)
        return next((n for n, time in enumerate(self.times) if time >= wanted), self.frames)

    def range(self, start: "Point | None", end: "Point | None") -> tuple[int, int]:
        """The first frame of a range and the one after its last.

        Raises:
            CommandError: it is empty or beyond the film.
        """
        first = start.on(self) if start else 0
        last = end.on(self) if end else self.frames
        if not 0 <= first < last <= self.frames:
            raise CommandError(
                f"--start and --end must leave something of the {self.frames} frames "
                f"({clock(self.times[-1] / 1e6)}) of {self.path.name}, got the frames {first} to {last}",
                USAGE,
            )
        return first, last


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


@dataclass(frozen=True)
class Point:
    """A place in a film: a frame's number or a time."""

    frame: int | None = None
    seconds: float | None = None

    def on(self, film: Film) -> int:
        """The frame of this film."""
        if self.frame is not None:
            return self.frame
        assert self.seconds is not None
        return film.frame_at(self.seconds)


def parse_point(text: str) -> Point:
    """A frame number (``1500``) or a time (``62.5s``, ``1:02.5``, ``0:01:02.5``).

    Raises:
        ValueError: it is neither.
    """
    text = text.strip()
    if text.isdecimal():
        return Point(frame=int(text))
    found = re.fullmatch(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?)s?", text)
    if not found:
        raise ValueError(f"{text!r} is neither a frame number (1500) nor a time (62.5s, 1:02.5, 0:01:02.5)")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return Point(seconds=hours * 3600 + minutes * 60 + seconds)


def open_film(path: Path, found: ffmpeg.Contents) -> Film:
    """Open a film with the source filter, which reads it once from end to end if it does not know it.

    Args:
        path: the file.
        found: what ffmpeg sees in it.

    Raises:
        CommandError: the source filter is missing or cannot read the file.
    """
    arguments = json.dumps(source_arguments(path, index_folder()))
    with (
        render_process("probe", arguments) as prober,
        Progress(100, "%", title="reading the film") as progress,
    ):
        for line in prober.output:
            if line.startswith(PROGRESS_MARK):
                progress.update(int(line.removeprefix(PROGRESS_MARK)))
            else:
                track = json.loads(line)
                break
        else:
            raise prober.error()
    return _film(path, track, found.start + found.seconds)


def _film(path: Path, found: dict[str, Any], file_end: float) -> Film:
    frames = found["frames"]
    if found["changes"]:
        raise CommandError(
            f"{path} changes its size or format on the way: only {frames} of its frames are like the first "
            "one. Make them alike first, for example with ffmpeg -i IN -vf scale=W:H OUT"
        )
    average = Fraction(*found["fps"]) if found["fps"][0] > 0 else None
    tick = Fraction(*found["timebase"])
    ticks, notes = mend_times(found["times"], tick)
    if found["alpha"]:
        notes.append("transparency is left out")
    rate = _constant_rate(ticks, tick, average) if ticks else average
    if not ticks:
        if rate is None:
            raise CommandError(f"{path} has neither a frame rate nor times of its frames")
        notes.append(
            f"the file does not tell when its frames are shown: {float(rate):.5g} a second are assumed"
        )
    if rate is not None:
        times = [round(n * 1_000_000 / rate) for n in range(frames + 1)]
    else:
        times = [round((time - ticks[0]) * tick * 1_000_000) for time in ticks]
        # The last frame is taken to last as long as the one before it, but not beyond the file.
        last = round(file_end * 1_000_000) - round(ticks[0] * tick * 1_000_000) - times[-1]
        before = times[-1] - times[-2]
        times.append(times[-1] + (min(last, before) if last > 0 else before))
    properties = found["properties"]
    if found["family"] == "RGB":
        # The script converts it to limited-range YUV with the matrix that goes with its size.
        properties |= {"_Range": 0, "_Matrix": 2}
    return Film(
        path=path,
        frames=frames,
        width=found["width"],
        height=found["height"],
        family=found["family"],
        bits=found["bits"],
        subsampling=tuple(found["subsampling"]) if found["family"] == "YUV" else (1, 1),
        properties=properties,
        rate=rate,
        times=times,
        start=float(ticks[0] * tick) if ticks else 0.0,
        notes=tuple(notes),
    )


def mend_times(given: Sequence[int | None], tick: Fraction) -> tuple[list[int], list[str]]:
    """The times of a film's frames, every one later than the one before.

    Args:
        given: what the file tells; None where it does not.
        tick: their unit in seconds.

    Returns:
        The times, unknown ones spread evenly between their neighbours and jumps back undone, as where two
        recordings were put together; none where too few are known. And what was done, in sentences.
    """
    known = [(number, time) for number, time in enumerate(given) if time is not None]
    if len(known) < min(2, len(given)):
        return [], []
    steps = [(b - a) / (n - m) for (m, a), (n, b) in pairwise(known) if b > a]
    step = statistics.median(steps) if steps else 1.0
    rising: list[tuple[int, int]] = known[:1]
    shift = jumps = 0
    for number, time in known[1:]:
        before, last = rising[-1]
        if time + shift <= last:
            if (last - time - shift) * tick > _JUMP:
                jumps += 1
                shift = round(last + step * (number - before)) - time
            else:
                time = last + (number - before) - shift
        rising.append((number, time + shift))
    first, end = rising[0], rising[-1]
    times = [round(first[1] - step * (first[0] - number)) for number in range(first[0])]
    for (m, a), (n, b) in pairwise(rising):
        times += [a + round((b - a) * (number - m) / (n - m)) for number in range(m, n)]
    times += [round(end[1] + step * (number - end[0])) for number in range(end[0], len(given))]
    notes = []
    if jumps:
        notes.append(f"the film's clock jumps back ({jumps}×); the film goes on there without a gap")
    return times, notes


def _constant_rate(ticks: Sequence[int], tick: Fraction, average: Fraction | None) -> Fraction | None:
    """The rate of frames whose times are even to within the container's rounding, else None."""
    if len(ticks) == 1:
        return average or Fraction(25)
    # Matroska rounds to milliseconds; some muxers round each frame's duration too.
    slack = max(tick, Fraction(1, 1000)) * Fraction(3, 2)
    measured = Fraction(len(ticks) - 1) / ((ticks[-1] - ticks[0]) * tick) if ticks[-1] > ticks[0] else None
    if measured is None:
        return None
    near = [rate for rate in _USUAL_RATES if abs(rate / measured - 1) < Fraction(1, 500)]
    near.sort(key=lambda rate: abs(rate - measured))
    candidates = [average, *near, measured.limit_denominator(1001)]
    for rate in candidates:
        if rate and all(
            abs((time - ticks[0]) * tick - number / rate) <= slack for number, time in enumerate(ticks)
        ):
            return rate
    return None


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
    streams = ffmpeg.plan_streams(found, suffix)
    for note in (*film.notes, *streams.notes):
        say(f"note: {note}")
    if film.rate is None:
        say("note: the frame rate varies; every frame keeps its time")
    if film.properties.get("_FieldBased"):
        say("note: the film is interlaced; deinterlaced first it would be coloured better")

    text = make_script(path, chosen)
    filters = ffmpeg.colour_filters(film.properties, film.width, film.height)
    encoder = ffmpeg.encoder_arguments(
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
            suffix=ffmpeg.piece_suffix(encoder),
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


def _join(
    plan: Plan,
    workshop: Workshop,
    film: Film,
    found: ffmpeg.Contents,
    streams: ffmpeg.StreamPlan,
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
    plan: Plan, film: Film, found: ffmpeg.Contents, streams: ffmpeg.StreamPlan, output: Path, folder: Path
) -> None:
    """Join one even frame with the film's first sound, so that what does not fit is told before the work.

    Raises:
        CommandError: the container does not take the picture's or another stream's codec.
    """
    piece, pieces = folder / f"try{plan.suffix}", folder / "try.ffconcat"
    picture = f"color=gray:s={film.width}x{film.height}:r={film.rate or 25},format={_test_format(film)}"
    encode = [plan.ffmpeg, "-hide_banner", "-nostdin", "-v", "error", "-f", "lavfi", "-i", picture]
    encode += ["-frames:v", "1"]
    try:
        with process("ffmpeg", [*encode, *plan.encoder, ffmpeg.file_argument(piece)]) as run:
            run.finish()
    except CommandError:
        # The encoder's own troubles are told by the first piece.
        return
    pieces.write_text(f"ffconcat version 1.0\nfile '{piece.name}'\n", encoding="utf-8")
    joined = folder / f"tried{output.suffix.lower()}"
    *command, result = _join_command(plan, film, found, streams, pieces, joined)
    try:
        with process("ffmpeg", [*command, "-t", "0.2", result]) as run:
            run.finish()
    except CommandError as error:
        raise CommandError(
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
    streams: ffmpeg.StreamPlan,
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
        *ffmpeg.copied_tags(film.properties),
        *streams.options,
        *drop,
        *(("-movflags", "+faststart") if suffix in (".mp4", ".m4v", ".mov") else ()),
        ffmpeg.file_argument(joined),
    ]


def spread(count: int, start: int, end: int) -> list[int]:
    """Numbers of frames spread evenly over a range, away from its ends."""
    count = min(count, end - start)
    return [start + math.floor((n + 0.5) * (end - start) / count) for n in range(count)]
