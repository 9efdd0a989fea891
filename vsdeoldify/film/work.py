"""Render and encode the pieces of a film."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ..support.reporter import Reporter, Stage
from .counting import check_piece
from .encoding import codec_of
from .ffmpeg import file_argument
from .pieces import Plan, Span, Workshop
from .process import Process, process, render_process
from .raw import FrameReader, RawFormat, matroska_frame_head, matroska_header, y4m_header


class Renderer:
    """A rendering process that stays warm: it gives the frames of one range after the other.

    Args:
        running: the process, as `warm_renderer` starts it.
    """

    def __init__(self, running: Process) -> None:
        self._running = running
        self._frames: FrameReader | None = None

    def kill(self) -> None:
        """End the process, from any thread: whoever waits for a picture gets an error."""
        self._running.kill()

    def ask(self, first: int, end: int) -> None:
        """Ask for the frames first … end − 1, behind those that were asked for before.

        Raises:
            FilmError: the process has gone wrong.
        """
        try:
            self._running.input.write(b"%d %d\n" % (first, end))
            self._running.input.flush()
        except OSError:
            raise self._running.error() from None

    @property
    def format(self) -> RawFormat:
        """What the frames are; it waits until the script is loaded.

        Raises:
            FilmError: the script cannot be run.
        """
        if self._frames is None:
            self._frames = FrameReader(self._running.output)
        if self._frames.format is None:
            raise self._running.error()
        return self._frames.format

    def pictures(self, count: int) -> Iterator[bytes]:
        """The next so many frames of those that were asked for.

        Raises:
            FilmError: one cannot be made.
        """
        for _ in range(count):
            picture = self._frames.read() if self._frames is not None else None
            if picture is None:
                raise self._running.error()
            yield picture


@contextlib.contextmanager
def warm_renderer(script: Path, environment: Mapping[str, str] | None = None) -> Iterator[Renderer]:
    """Run a script in a process of its own, which does not outlive the block.

    Args:
        script: the script.
        environment: variables to set for it.
    """
    with render_process("frames", script, environment=environment) as running:
        yield Renderer(running)


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
    with warm_renderer(plan.script) as renderer:
        # All at once: the frames of the next piece are begun while the encoder ends with this one.
        for number in missing:
            renderer.ask(*workshop.pieces[number])
        warned = False
        for number in missing:
            claim = workshop.claim(number)

            def told(number: int, before: int = done) -> None:
                stage.update(before + number)

            encode_piece(plan, renderer, (claim.first, claim.end), claim.path, told)
            workshop.deliver(claim)
            done += claim.end - claim.first
            if not warned and (shortage := workshop.shortage()):
                reporter.note(shortage)
                warned = True


def encode_piece(plan: Plan, renderer: Renderer, span: Span, path: Path, told: Callable[[int], None]) -> None:
    """Encode a piece whose frames the renderer was asked for.

    Args:
        plan: what is to be made.
        renderer: gives the frames.
        span: the first frame and the one after the last.
        path: the file to write; nothing is left there if it fails.
        told: how many frames have gone to the encoder.

    Raises:
        FilmError: the script or ffmpeg failed.
    """
    first, end = span
    frames = renderer.format
    with encoder_process(plan.ffmpeg, plan.encoder, plan.rate, path) as encoder:
        pictures = renderer.pictures(end - first)
        times = [time - plan.times[first] for time in plan.times[first:end]]
        framed = with_headers(frames, pictures, plan.rate, times, plan.location)
        for number, (header, picture) in enumerate(framed, 1):
            try:
                encoder.input.write(header)
                encoder.input.write(picture)
            except OSError:
                raise encoder.error() from None
            told(number)
        encoder.finish()
        check_piece(plan.ffmpeg, path, end - first, plan.seconds(first, end - 1))


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
        # x264 encodes otherwise with other numbers of threads, which it would take from the processor.
        *(("-threads", "8") if codec_of(options).startswith("libx264") else ()),
        *options,
        *(("-video_track_timescale", "1000000") if variable else ()),
        file_argument(path),
    ]
    return process("ffmpeg", command, part=path)
