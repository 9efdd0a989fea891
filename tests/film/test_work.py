"""The rendering process stays warm: it gives one range of frames after the other, as they are asked for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vsdeoldify.film.work import warm_renderer
from vsdeoldify.support.errors import FilmError

SCRIPT = """
import os
import vapoursynth as vs
clip = vs.core.std.BlankClip(format=vs.GRAY8, width=16, height=16, length=30)
def mark(n, f):
    if n == 20:
        raise vs.Error("ddeoldify: frame 20 is broken")
    f = f.copy()
    for y in range(16):
        for x in range(16):
            f[0][y, x] = n
    return f
clip = clip.std.ModifyFrame(clip, mark)
clip = vs.core.std.ShufflePlanes([clip, clip.std.BlankClip(color=os.getpid() % 200)], [0, 0, 0], vs.YUV)
clip.set_output()
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "film.vpy"
    path.write_text(SCRIPT)
    return path


def test_ranges_come_as_they_are_asked_for_from_one_process(script: Path) -> None:
    seen = []
    with warm_renderer(script) as renderer:
        for first, end in ((3, 6), (0, 2), (10, 11)):
            renderer.ask(first, end)
            assert (renderer.format.width, renderer.format.bits) == (16, 8)
            # All of a range is there before the next one is asked for.
            seen += [(picture[0], picture[256]) for picture in renderer.pictures(end - first)]
    assert [number for number, _ in seen] == [3, 4, 5, 0, 1, 10]
    assert len({process for _, process in seen}) == 1


def test_a_broken_frame_and_one_that_is_not_there_are_said(script: Path) -> None:
    with warm_renderer(script) as renderer:
        renderer.ask(18, 22)
        assert renderer.format.layout == b"444"
        with pytest.raises(FilmError, match=r"^ddeoldify: frame 20 is broken$"):
            list(renderer.pictures(4))
    with warm_renderer(script) as renderer:
        renderer.ask(29, 31)
        assert renderer.format.layout == b"444"
        with pytest.raises(FilmError, match="frame 30 is asked for, of a film of 30"):
            list(renderer.pictures(2))


def test_it_ends_with_whoever_asked(script: Path) -> None:
    command = [sys.executable, "-P", "-m", "vsdeoldify.film.render", "frames", script]
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    running = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
    )
    assert running.stdin is not None
    assert running.stdout is not None
    running.stdin.write(b"0 1\n")
    running.stdin.flush()
    assert running.stdout.readline().startswith(b"YUV4MPEG2")
    # Nobody reads on, and many frames are under way.
    running.stdin.write(b"0 20\n" * 50)
    running.stdin.close()
    running.wait(timeout=60)
    running.stdout.close()
