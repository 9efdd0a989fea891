"""Render and encode the pieces of a film."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..support.reporter import Reporter, Stage
from .counting import check_piece
from .ffmpeg import file_argument
from .pieces import Plan, Workshop
from .process import Process, process, render_process
from .raw import FrameReader, matroska_frame_head, matroska_header, y4m_header


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
        if frames.header is None:
            raise renderer.error()
        warned = False
        for number in missing:
            claim = workshop.claim(number)
            with _encoder(plan, claim.path) as encoder:
                for header, picture in _with_headers(plan, frames, claim.first, claim.end, renderer):
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


def _with_headers(
    plan: Plan, frames: FrameReader, first: int, end: int, renderer: "Process"
) -> Iterator[tuple[bytes, bytes]]:
    """The frames of a piece, each with what stands before it in ffmpeg's input."""
    for number in range(first, end):
        picture = frames.read()
        if picture is None:
            raise renderer.error()
        if plan.rate is None:
            start = matroska_header(frames) if number == first else b""
            time = plan.times[number] - plan.times[first]
            yield start + matroska_frame_head(time, len(picture)), picture
        else:
            start = y4m_header(frames, plan.rate) if number == first else b""
            yield start + b"FRAME\n", picture


def _encoder(plan: Plan, path: Path) -> "contextlib.AbstractContextManager[Process]":
    variable = plan.rate is None
    command = [
        plan.ffmpeg,
        *("-hide_banner", "-v", "error", "-y"),
        *("-f", "matroska" if variable else "yuv4mpegpipe", "-i", "pipe:0"),
        *(("-fps_mode", "passthrough", "-enc_time_base", "1/1000000") if variable else ()),
        *plan.encoder,
        *(("-video_track_timescale", "1000000") if variable else ()),
        file_argument(path),
    ]
    return process("ffmpeg", command, part=path)
