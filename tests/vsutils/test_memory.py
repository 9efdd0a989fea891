"""A long render's memory stays level."""

import subprocess
import sys

import pytest

from vsdeoldify.vsutils import memory


def test_memory_is_given_back_only_when_enough_has_gathered() -> None:
    sizes = [500_000_000]
    trims = []

    def trim(pad: int) -> int:
        trims.append(sizes[0])
        sizes[0] = 400_000_000
        return 1

    trimmer = memory.Trimmer(trim, lambda: sizes[0])
    for grown in (0, 50_000_000, 0, 100_000_000, 0):
        sizes[0] += grown
        for _ in range(64):
            trimmer.tick()
    assert trims == [500_000_000, 550_000_000]


SCRIPT = """
import sys
import vapoursynth as vs
from vsdeoldify import ddeoldify_stabilizer
from vsdeoldify.vsutils.frames import in_order
from vsdeoldify.vsutils.memory import _resident

format = vs.PresetVideoFormat[sys.argv[1]]
clip = vs.core.std.BlankClip(format=format, width=320, height=240, length=700, color=[90, 120, 130])
clip = vs.core.std.Expr(clip, "x 1 +")  # as a source does, it makes every frame anew
clip = ddeoldify_stabilizer(clip, dark=True, smooth=True, stab=True, render_factor=10)
for n, frame in enumerate(in_order(clip)):
    if n == 100:
        before = _resident()
print(round((_resident() - before) / 1e6))
"""


@pytest.mark.skipif(memory._trimmer() is None, reason="the C library is not glibc")
@pytest.mark.parametrize("format", ["YUV420P8", "RGB24"])
def test_the_stabilizer_does_not_grow_with_every_frame(format: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, format], capture_output=True, text=True, timeout=250, check=True
    )
    # Without giving back: 0.7 to 2 MB a frame.
    assert int(result.stdout) < 300
