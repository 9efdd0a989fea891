"""Count what ffmpeg has written: options and filters of the user's may change more than they seem to."""

import re
import subprocess
from fractions import Fraction
from pathlib import Path

from ..support.errors import FilmError
from .ffmpeg import file_argument

_SLACK = Fraction(1, 500)
"""Seconds: what a container's clock may round."""


def check_piece(program: str, path: Path, frames: int, seconds: Fraction) -> None:
    """Refuse a piece that holds other frames than it was given, or at other times.

    Args:
        program: ffmpeg.
        path: the piece.
        frames: how many it was given.
        seconds: the time from the first of them to the last.

    Raises:
        FilmError: it is so, or the piece cannot be read back.
    """
    # The packets alone: nothing is decoded.
    command = [program, "-v", "error", "-nostdin", "-i", file_argument(path), "-map", "0:v:0", "-c", "copy"]
    try:
        done = subprocess.run(
            [*command, "-f", "framecrc", "-"], stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError as error:
        raise FilmError(f"ffmpeg cannot be started: {error.strerror or error}") from error
    text = done.stdout.decode(errors="replace")
    lines = [line.split(",") for line in text.splitlines() if line and not line.startswith("#")]
    # VP8 has packets that are never shown.
    hidden = "#codec_id 0: vp8" in text
    if len(lines) != frames and not (hidden and len(lines) > frames):
        raise FilmError(
            f"ffmpeg wrote {len(lines)} frames where it was given {frames}: --encoder-options must leave the "
            "number of frames as it is"
        )
    clock = re.search(r"^#tb 0: (\d+)/(\d+)", text, re.MULTILINE)
    times = [line[2].strip() for line in lines]
    if clock is None or not all(re.fullmatch(r"-?\d+", time) for time in times):
        return
    tick = Fraction(int(clock[1]), int(clock[2]))
    found = (max(map(int, times)) - min(map(int, times))) * tick
    if not hidden and abs(found - seconds) > max(_SLACK, 2 * tick):
        raise FilmError(
            f"ffmpeg spread {frames} frames over {float(found):.3f} seconds and not {float(seconds):.3f}: "
            "--encoder-options must leave the times of the frames as they are"
        )
