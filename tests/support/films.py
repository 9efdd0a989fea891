"""Films for tests: made with ffmpeg, coloured with cheap filters in place of the networks, read back."""

import contextlib
import io
import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import vapoursynth as vs
from cheap_vsdeoldify import HERE, CheapRecipe
from numpy.typing import NDArray
from vapoursynth import core

from vsdeoldify.cli import main
from vsdeoldify.film import ffmpeg

FFMPEG = ffmpeg.find_ffmpeg()
BUNDLED: str = imageio_ffmpeg.get_ffmpeg_exe()
OTHER = os.environ.get("VSDEOLDIFY_OTHER_FFMPEG") or None
"""Another ffmpeg, to see that films come out alike with it; a program of the name ffmpeg."""
CLICKS = ("-f", "lavfi", "-i", "aevalsrc='if(lt(mod(t,0.5),0.01),sin(2*PI*1000*t),0)':s=48000")
"""Sound that clicks each half second, as an input of ffmpeg."""


def with_other(cases: Iterable[object], *others: object) -> list[object]:
    """Cases of a test with what the fixture `each_ffmpeg` is to give: "found", and of some "other", too.

    Args:
        cases: values, or tuples of them.
        *others: those of the cases that another ffmpeg is to make, too.
    """
    given = list(cases)
    assert all(other in given for other in others), others
    pairs = [*((case, "found") for case in given), *((case, "other") for case in others)]
    return [(*case, which) if isinstance(case, tuple) else (case, which) for case, which in pairs]


@cache
def encoders(program: str) -> frozenset[str]:
    """The names of all encoders that an ffmpeg has."""
    said = subprocess.run([program, "-hide_banner", "-encoders"], capture_output=True, text=True).stdout
    return frozenset(said.split())


def run_ffmpeg(*arguments: str | Path) -> None:
    """Run ffmpeg, which must succeed."""
    given = [*map(str, arguments)]
    # Older ones turn no films.
    program = BUNDLED if any(word.startswith("-display_rotation") for word in given) else FFMPEG
    command = [program, "-v", "error", "-y", *given]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def make_film(
    path: Path, *options: str, filters: str = "", size: str = "96x64", rate: str = "20", seconds: float = 0.5
) -> Path:
    """A gray film with clicks; every tenth frame is white.

    Args:
        path: the file.
        *options: ffmpeg's, for the encoders.
        filters: further filters of the picture.
        size: of the picture.
        rate: frames per second.
        seconds: how long.
    """
    chain = "hue=s=0,format=yuv420p,geq=lum='if(eq(mod(N,10),0),235,lum(X,Y)/2)':cb=128:cr=128"
    run_ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}", *CLICKS, "-t", str(seconds)),
        *("-vf", ",".join(filter(None, [chain, filters])), *options, path),
    )
    return path


@dataclass(frozen=True)
class Ran:
    """A run of the command: its exit code, and what it said."""

    code: int
    said: str


def run(command: str, *arguments: str | Path) -> Ran:
    """Run a command of `vsdeoldify` on the CPU, quick filters in place of the networks."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), *filter(None, [before])])
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            code = main([command, *map(str, arguments), "--device", "cpu"], recipe=CheapRecipe)
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    return Ran(code, said.getvalue())


def coloured(path: Path, output: Path, *options: str | Path) -> str:
    """Colour a film, which must succeed.

    Returns:
        What was said.
    """
    ran = run("colorize", path, "-o", output, "--no-stabilizer", "--overwrite", *options)
    assert ran.code == 0, ran.said
    return ran.said


@dataclass(frozen=True)
class Seen:
    """A film as the source filter sees it.

    Attributes:
        clip: its frames.
        properties: of its first frame, where they say something.
        seconds: when its frames are shown.
    """

    clip: vs.VideoNode
    properties: dict[str, int]
    seconds: list[float] = field(repr=False)

    def luma(self) -> NDArray[np.int64]:
        """The luma of all frames."""
        return np.stack([np.asarray(frame[0]).astype(np.int64) for frame in self.clip.frames(close=True)])


def see(path: Path, track: int = -1) -> Seen:
    """Open a film."""
    opened = core.bs.VideoSource(str(path), track=track, cachemode=0, exporttimestamps=True)
    clip: vs.VideoNode = opened["clip"]
    found = clip.get_frame(0).props
    properties = {name: int(value) for name, value in found.items() if isinstance(value, int)}
    times = opened["timestamps"] if len(clip) > 1 else [opened["timestamps"]]
    tick = opened["timebasenum"] / opened["timebaseden"]
    return Seen(clip, properties, [time * tick for time in times])
