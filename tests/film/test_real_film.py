"""Real film through the real networks, vspipe and ffmpeg, to an encoded file and back."""

import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import official
import pytest
from clips import plane
from goldens import FILM
from vapoursynth import core

SCRIPT = """
import vapoursynth as vs
from vsdeoldify import ddeoldify, ddeoldify_stabilizer

clip = vs.core.bs.VideoSource({film!r}, cachemode=0)[{start}:][:{frames}]
clip = ddeoldify(clip, 2, deoldify_p=[0, 10], ddcolor_p=[1, 10], device_index=99, torch_dir={models!r})
clip = ddeoldify_stabilizer(clip, dark=True, smooth=True, stab=True, render_factor=10)
clip.set_output()
"""


def check(film: str, start: int, frames: int, tmp_path: Path) -> None:
    """Colour frames of a film and compare what comes out with it."""
    for network, file in (("wide", "ColorizeVideo_gen.pth"), ("large", "ddcolor_artistic.pth")):
        official.write(network, tmp_path / file)
    script = tmp_path / "film.vpy"
    script.write_text(
        SCRIPT.format(film=film, start=start, frames=frames, models=str(tmp_path)), encoding="utf-8"
    )
    result = tmp_path / "colour.mkv"

    vspipe = subprocess.Popen(
        [Path(sys.executable).with_name("vspipe"), "-c", "y4m", script, "-"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    ffmpeg = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", "-", "-c:v", "ffv1", result],
        stdin=vspipe.stdout,
        capture_output=True,
        text=True,
        check=False,
    )
    _, messages = vspipe.communicate()
    assert vspipe.returncode == 0, messages.decode()
    assert ffmpeg.returncode == 0, ffmpeg.stderr

    source = core.bs.VideoSource(film, cachemode=0)
    coloured = core.bs.VideoSource(str(result), cachemode=0)
    assert (len(coloured), coloured.width, coloured.height) == (frames, source.width, source.height)
    assert coloured.format.id == source.format.id
    for n in range(frames):
        assert (plane(coloured, n, 0) == plane(source, start + n, 0)).all(), n
    spread = [
        float(np.std(plane(coloured, n, index))) for n in (0, frames // 2, frames - 1) for index in (1, 2)
    ]
    assert min(spread) > 2, spread


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_film_is_coloured_and_encoded_with_its_own_luma(tmp_path: Path) -> None:
    # With a cut in the middle.
    check(str(FILM), 28, 4, tmp_path)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_two_seconds_of_an_old_film_are_coloured_with_their_own_luma(shared: Path, tmp_path: Path) -> None:
    check(str(shared / "film" / "sample_bw.mp4"), 0, 48, tmp_path)
