"""Films of a variable rate by way of a script: the line that the script's head gives keeps them in time."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs
from films import make_film, see
from vapoursynth import core

from vsdeoldify.film.script import make_script
from vsdeoldify.settings.presets import preset


def test_a_constant_rate_as_the_scripts_head_gives_it_keeps_a_film_in_time(tmp_path: Path) -> None:
    # Of the second half every third frame is missing, but for the white ones.
    uneven = ["-fps_mode", "vfr", "-c:v", "ffv1", "-an"]
    select = "select='lt(n,40)+mod(n,3)+not(mod(n,10))'"
    film = make_film(tmp_path / "in.mkv", *uneven, filters=select, seconds=4)
    seen = see(film)
    flashes = [t for t, luma in zip(seen.seconds, seen.luma(), strict=True) if luma.mean() > 200]
    assert flashes == pytest.approx([n / 2 for n in range(8)], abs=0.002)
    text = make_script(film, preset("preview"))
    said = re.search(r"as in (fpsnum=25, fpsden=1)\.", text)
    assert said is not None
    line = next(line for line in text.splitlines() if line.startswith("source = "))
    steady, plain = (opened(given) for given in (line.removesuffix(")") + f", {said[1]})", line))
    assert steady.fps == 25
    found = whites(steady)
    # The frame that is nearest in time is shown: half a frame of either rate off, and of a gap.
    assert found == pytest.approx(flashes, abs=0.08)
    # Frames one after the other come ever earlier.
    assert whites(plain, 20)[-1] < flashes[-1] - 0.3


def opened(line: str) -> vs.VideoNode:
    """The clip that a line of a script opens."""
    variables = {"core": core}
    exec(line, variables)
    clip = variables["source"]
    assert isinstance(clip, vs.VideoNode)
    return clip


def whites(clip: vs.VideoNode, rate: float = 25) -> list[float]:
    """When a clip becomes white, at a constant rate."""
    light = [np.asarray(frame[0]).mean() > 200 for frame in clip.frames(close=True)]
    return [n / rate for n, (before, now) in enumerate(pairwise([False, *light])) if now and not before]
