"""Render and encode the pieces of a film."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..support.reporter import Reporter, Stage
from .counting import check_piece
from .ffmpeg import file_argument
from .pieces import Plan, Workshop
from .process import Process, process, render_process
from .raw import FrameReader, RawFormat, matroska_frame_head, matroska_header, y4m_header


def render_pieces(plan: Plan, workshop: Workshop, done: int, stage: Stage, reporter: Reporter) -> None:
    """Render and encode the pieces that are missing, all by one rendering process.

    Args:
        plan: what is to be made.
        workshop: where the pieces go.
        done: number of frames that are there.
        stage: told the number of frames that are done.
        reporter: told what else the person should know.

    Raises:
        FilmError: the script or ffmpeg failed; the pieces that are done stay.
    """
    missing = workshop.missing()
    if not missing:
        return
    with render_process("frames", plan.script, _spans(workshop, missing)) as renderer:
        frames = FrameReader(renderer.output)
        if frames.format is None:
            raise renderer.error()
        warned = False
        for number in missing:
            claim = workshop.claim(number)
            with encoder_process(plan.ffmpeg, plan.encoder, plan.rate, claim.path) as encoder:
                pictures = _pictures(frames, claim.end - claim.first, renderer)
                times = [time - plan.times[claim.first] for time in plan.times[claim.first : claim.end]]
                for header, picture in with_headers(frames.format, pictures, plan.rate, times, plan.location):
                    try:
                        encoder.input.write(header)
                        encoder.input.write(picture)
                    except OSError:
                        raise encoder.error() from None
                    done += 1
                    stage.update(done)
                encoder.finish()
                seconds = plan.seconds(claim.first, claim.end - 1)
                check_piece(plan.ffmpeg, claim.path, claim.end - claim.first, seconds)
            workshop.deliver(claim)
            if not warned and (shortage := workshop.shortage()):
                reporter.note(shortage)
                warned = True


def _spans(workshop: Workshop, numbers: Sequence[int]) -> str:
    """Ranges of frames for the rendering process: those of pieces that follow each other are one."""
    spans: list[tuple[int, int]] = []
    for first, end in (workshop.pieces[number] for number in numbers):
        if spans and spans[-1][1] == first:
            spans[-1] = spans[-1][0], end
        else:
            spans.append((first, end))
    return ",".join(f"{first}-{end}" for first, end in spans)


def _pictures(frames: FrameReader, count: int, renderer: Process) -> Iterator[bytes]:
    for _ in range(count):
        picture = frames.read()
        if picture is None:
            raise renderer.error()
        yield picture


def with_headers(
    frames: RawFormat,
    pictures: Iterable[bytes],
    rate: tuple[int, int] | None,
    times: Sequence[int],
    location: int,
) -> Iterator[tuple[bytes, bytes]]:
    """Frames, each with what stands before it in ffmpeg's input.

    Args:
        frames: what they are.
        pictures: their samples.
        rate: frames per second as numerator and denominator, or None where the rate varies.
        times: of a variable rate: microseconds of every frame, the first one's 0.
        location: where the chroma of 4:2:0 lies, a code of ITU-T H.273.
    """
    start = matroska_header(frames) if rate is None else y4m_header(frames, rate, location)
    for number, picture in enumerate(pictures):
        head = b"FRAME\n" if rate is not None else matroska_frame_head(times[number], len(picture))
        yield start + head, picture
        start = b""


def encoder_process(
    ffmpeg: str, options: Sequence[str], rate: tuple[int, int] | None, path: Path
) -> "contextlib.AbstractContextManager[Process]":
    """Run ffmpeg on what `with_headers` gives.

    Args:
        ffmpeg: the program.
        options: those that encode.
        rate: frames per second, or None where the rate varies.
        path: the file to write, removed if the block fails.
    """
    variable = rate is None
    command = [
        ffmpeg,
        *("-hide_banner", "-v", "error", "-y"),
        *("-f", "matroska" if variable else "yuv4mpegpipe", "-i", "pipe:0"),
        *(("-fps_mode", "passthrough", "-enc_time_base", "1/1000000") if variable else ()),
        *options,
        *(("-video_track_timescale", "1000000") if variable else ()),
        file_argument(path),
    ]
    return process("ffmpeg", command, part=path)
