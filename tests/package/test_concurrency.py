"""Many frames, threads, scripts and processes at once give the bytes of the plain run."""

import hashlib
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import vapoursynth as vs
from clips import frame_bytes, noise
from tiny import tiny_ddcolor_state_dict, tiny_deoldify_state_dict
from vapoursynth import core

from vsdeoldify import ddeoldify, ddeoldify_stabilizer
from vsdeoldify.vsutils import formats, inference

TESTS = Path(__file__).parents[1] / "support"
CPU = 99

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    torch.save(tiny_deoldify_state_dict("wide"), folder / "wide.pth")
    torch.save(tiny_deoldify_state_dict("deep"), folder / "deep.pth")
    torch.save({"params": tiny_ddcolor_state_dict("tiny")}, folder / "tiny.pth")
    return folder


def sums(clip: vs.VideoNode) -> list[str]:
    return [hashlib.sha256(frame_bytes(clip, n)).hexdigest() for n in range(len(clip))]


def network(gray: inference.Planes) -> inference.Planes:
    """A stand-in whose result depends on every pixel, and that costs little."""
    return np.stack([(gray - gray.mean((1, 2), keepdims=True)) * 0.5, 0.2 - 0.4 * gray], 1)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_eight_threads_in_random_order_give_the_plain_runs_bytes(batch_size: int) -> None:
    clip = noise(vs.YUV420P8, 32, 32, length=250)
    canvas = inference.colorize_clip(formats.to_gray(clip, 32), network, batch_size)
    coloured = ddeoldify_stabilizer(formats.restore(clip, canvas), stab=True, render_factor=10)
    plain = ddeoldify_stabilizer(
        formats.restore(clip, inference.colorize_clip(formats.to_gray(clip, 32), network)),
        stab=True,
        render_factor=10,
    )
    order = list(range(250))
    random.Random(1).shuffle(order)

    def check(n: int) -> bool:
        return frame_bytes(coloured, n) == frame_bytes(plain, n)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(check, order))


def test_two_calls_in_one_script_with_different_models_and_sizes(models: Path) -> None:
    clip = noise(vs.GRAY8, 48, 48, length=4)

    def wide() -> vs.VideoNode:
        return ddeoldify(clip, 0, deoldify_p=[str(models / "wide.pth"), 10], device_index=CPU)

    def both() -> vs.VideoNode:
        return ddeoldify(
            clip,
            2,
            deoldify_p=[str(models / "deep.pth"), 12],
            ddcolor_p=[str(models / "tiny.pth"), 14],
            device_index="cpu",
        )

    expected = [sums(wide()), sums(both())]
    found: dict[int, list[str]] = {}
    threads = [
        threading.Thread(target=lambda i=i, make=make: found.__setitem__(i, sums(make())))
        for i, make in enumerate((wide, both))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert [found[0], found[1]] == expected
    side_by_side = core.std.StackHorizontal([wide(), both()])
    assert len(sums(side_by_side)) == 4


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
import vapoursynth as vs
from clips import noise
from vsdeoldify import ddeoldify, ddeoldify_stabilizer

clip = noise(vs.YUV420P8, 48, 48, length=6)
clip = ddeoldify(clip, 2, deoldify_p=[{models!r} + "/wide.pth", 10], ddcolor_p=[{models!r} + "/tiny.pth", 10],
                 device_index=99)
clip = ddeoldify_stabilizer(clip, stab=True, render_factor=10)
clip.set_output()
"""


@pytest.fixture(scope="module")
def script(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("script") / "film.vpy"
    path.write_text(SCRIPT.format(tests=str(TESTS), models=str(models)), encoding="utf-8")
    return path


def vspipe(*arguments: str | Path) -> subprocess.Popen[bytes]:
    program = Path(sys.executable).with_name("vspipe")
    return subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_four_vspipes_at_once_give_the_same_bytes(script: Path) -> None:
    running = [vspipe("-c", "y4m", script, "-") for _ in range(4)]
    results = [process.communicate(timeout=200) for process in running]
    assert [process.returncode for process in running] == [0] * 4, results[0][1].decode()
    assert len({hashlib.sha256(out).hexdigest() for out, _ in results}) == 1
    assert len(results[0][0]) > 6 * 48 * 48 * 3 // 2


def test_frames_rendered_in_parts_are_those_of_the_whole(script: Path) -> None:
    def render(*options: str) -> bytes:
        process = vspipe(*options, script, "-")
        out, messages = process.communicate(timeout=200)
        assert process.returncode == 0, messages.decode()
        return out

    whole = render()
    assert render("-s", "0", "-e", "2") + render("-s", "3", "-e", "5") == whole


CORES = """
import gc, hashlib, sys, weakref
sys.path.insert(0, {tests!r})
import vapoursynth as vs

class Policy(vs.EnvironmentPolicy):
    def on_policy_registered(self, api):
        self.api, self.current = api, None
    def on_policy_cleared(self):
        self.current = None
    def get_current_environment(self):
        return self.current
    def set_environment(self, environment):
        previous, self.current = self.current, environment
        return previous

policy = Policy()
vs.register_policy(policy)
from clips import frame_bytes, noise
from vsdeoldify import ddeoldify
from vsdeoldify.networks import loading as networks

seen = set()
for round in range(3):
    environment = policy.api.create_environment()
    policy.set_environment(environment)
    clip = ddeoldify(noise(vs.GRAY8, 48, 48), 0, deoldify_p=[{models!r} + "/wide.pth", 10], device_index=99)
    seen.add(hashlib.sha256(frame_bytes(clip, 0)).hexdigest())
    loaded = weakref.ref(next(iter(networks._engines.values())))
    del clip
    policy.api.destroy_environment(environment)
    policy.set_environment(None)
    del environment
    gc.collect()
    assert loaded() is None, "the network outlives its script"
assert len(seen) == 1
print("same", file=sys.stderr)
"""


def test_a_core_can_be_freed_and_made_again_and_takes_its_network_along(models: Path) -> None:
    code = CORES.format(tests=str(TESTS), models=str(models))
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=200, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    assert "same" in result.stderr


def test_a_filter_that_waits_on_itself_does_not_lock_up(models: Path) -> None:
    """The coloured clip coloured again: two callbacks in one chain."""
    clip = noise(vs.GRAY8, 48, 48, length=3)
    options: dict[str, Any] = {"deoldify_p": [str(models / "wide.pth"), 10], "device_index": CPU}
    twice = ddeoldify(ddeoldify(clip, 0, **options), 0, **options)
    assert len(sums(twice)) == 3
