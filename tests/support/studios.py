"""Studios for tests: a film whose frames are told apart by their pixels, and the command that opens one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from films import run_ffmpeg
from numpy.typing import NDArray

from vsdeoldify.film.pieces import pieces_folder, whole_pieces

WIDTH, HEIGHT, SCENE, SCENES, RATE = 240, 144, 10, 3, 10
BITS = 6
FRAMES = SCENE * SCENES
DISC = 26
"""Radius of the light disc that moves in every scene."""


def disc_at(frame: int) -> tuple[float, float]:
    """Where the middle of the disc is, as shares of the width and height."""
    scene, n = divmod(frame, SCENE)
    return (70 + 45 * scene + 2 * n) / WIDTH, 84 / HEIGHT


def picture_of(frame: int) -> NDArray[np.uint8]:
    """The luma of a frame: its number as bits at the top, a light disc on a dark ground of its scene."""
    scene = frame // SCENE
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
    ground = (50, 104, 36)[scene] + 12 * np.sin(x / (7 + 4 * scene)) * np.cos(y / (11 - 3 * scene))
    across, down = disc_at(frame)
    inside = (x - across * WIDTH) ** 2 + (y - down * HEIGHT) ** 2 < DISC**2
    picture = np.where(inside, 165 + 6 * np.sin(x / 5), ground)
    if scene == 2:
        picture = np.where(y > 126, 110, picture)
    for bit in range(BITS):
        picture[4:20, 8 + 36 * bit : 32 + 36 * bit] = 225 if frame >> bit & 1 else 22
    return picture.astype(np.uint8)


def make_studio_film(path: Path) -> Path:
    """Write the film."""
    raw = path.with_suffix(".raw")
    raw.write_bytes(b"".join(picture_of(n).tobytes() for n in range(FRAMES)))
    run_ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE), "-i", raw),
        *("-vf", "format=yuv420p", "-c:v", "libx264", "-crf", "8", "-g", "20", "-colorspace", "smpte170m"),
        path,
    )
    raw.unlink()
    return path


@dataclass
class Opened:
    """A studio that runs.

    Attributes:
        address: where it is, with its token.
        process: the command.
    """

    address: str
    process: subprocess.Popen[str]

    @property
    def origin(self) -> str:
        """The address without the token."""
        return self.address.partition("/?")[0]


@contextmanager
def studio_command(film: Path, cache: Path, *options: str) -> Iterator[Opened]:
    """Run `vsdeoldify studio`, which is ended after the block.

    Args:
        film: the film.
        cache: a folder for what it keeps.
        *options: of the command.
    """
    # A film whose models are not downloaded: the bundled one.
    command = [sys.executable, "-m", "vsdeoldify", "studio", str(film), "--no-browser"]
    options = options if "--preset" in options else (*options, "--preset", "preview")
    root = Path(__file__).parents[2]
    environment = os.environ | {
        "XDG_CACHE_HOME": str(cache),
        "PYTHONPATH": os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    process = subprocess.Popen(
        [*command, *options, "--device", "cpu"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        if not address:
            assert process.stderr is not None
            raise AssertionError(process.stderr.read())
        yield Opened(address, process)
    finally:
        process.terminate()
        process.wait(20)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def written(output: Path) -> dict[tuple[int, int], int]:
    """When each finished piece of a film was last written, by its first frame and its end."""
    times: dict[tuple[int, int], int] = {}
    # A piece with other settings stays beside the one that was made anew.
    for first, end, path in whole_pieces(pieces_folder(output)):
        times[first, end] = max(times.get((first, end), 0), path.stat().st_mtime_ns)
    return times
