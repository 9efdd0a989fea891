"""Things that break in the middle of a render: the caller is told, and what comes out is right or nothing."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
import torch
import vapoursynth as vs
from clips import frame_bytes, noise
from processes import left_running
from tiny import tiny_ddcolor_state_dict, tiny_deoldify_state_dict
from torch import Tensor, nn
from vapoursynth import core

from vsdeoldify import ddeoldify, ddeoldify_stabilizer
from vsdeoldify.networks import loading as networks

HERE = Path(__file__).parents[1] / "support"
CPU = 99
LENGTH = 16
BROKEN = 7

pytestmark = pytest.mark.timeout(120)
linux_only = pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is a device of Linux")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    torch.save(tiny_deoldify_state_dict("wide"), folder / "deoldify.pth")
    torch.save({"params": tiny_ddcolor_state_dict("tiny")}, folder / "ddcolor.pth")
    return folder


def steps(format_id: int = vs.YUV420P8, length: int = LENGTH) -> vs.VideoNode:
    """A clip whose frame n has the luma 60 + 4·n everywhere: the steps are too small for a scene cut."""
    blank = core.std.BlankClip(format=format_id, width=48, height=32, length=length, keep=True)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        np.asarray(frame[0])[:] = 60 + 4 * n
        for index in range(1, frame.format.num_planes):
            np.asarray(frame[index])[:] = 100 + 5 * n
        return frame

    return core.std.ModifyFrame(blank, blank, fill)


def broken_at(clip: vs.VideoNode, *numbers: int) -> vs.VideoNode:
    """The clip as a source filter gives it out that cannot decode some frames."""

    def give(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        if n in numbers:
            raise ValueError(f"the packet of frame {n} is damaged")
        return f

    return core.std.ModifyFrame(clip, clip, give)


def outcomes(clip: vs.VideoNode) -> list[bytes | str]:
    """For each frame its samples or the error that came in its place."""

    def outcome(n: int) -> bytes | str:
        try:
            return frame_bytes(clip, n)
        except vs.Error as error:
            return str(error)

    return [outcome(n) for n in range(len(clip))]


def failed(found: list[bytes | str], plain: list[bytes | str], cause: str) -> list[int]:
    """Numbers of the frames that failed; all others are the plain run's, and every error tells the cause."""
    errors = [n for n, result in enumerate(found) if isinstance(result, str)]
    assert all(cause in str(found[n]) for n in errors)
    assert [found[n] for n in range(len(found)) if n not in errors] == [
        plain[n] for n in range(len(plain)) if n not in errors
    ]
    return errors


@contextmanager
def fault(check: Callable[[Tensor], None]) -> Iterator[None]:
    """Every loaded network looks at its input with `check` first, which may raise."""

    def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        check(inputs[0])

    engines = list(networks._engines.values())
    handles = [engine.colorizer.register_forward_pre_hook(hook) for engine in engines]
    assert handles
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def broken_picture(gray: Tensor) -> None:
    levels = 16 + gray.mean((1, 2, 3)) * 219
    if ((levels - (60 + 4 * BROKEN)).abs() < 0.5).any():
        raise RuntimeError("expected scalar type Half but found Float")


@pytest.mark.parametrize(("batch_size", "lost"), [(1, [7]), (3, [6, 7, 8]), (4, [4, 5, 6, 7])])
def test_an_exception_inside_a_network_is_told_at_its_frames_and_the_others_are_right(
    models: Path, batch_size: int, lost: list[int]
) -> None:
    clip = ddeoldify(
        steps(), 1, ddcolor_p=[str(models / "ddcolor.pth"), 10], device_index=CPU, batch_size=batch_size
    )
    core.std.SetVideoCache(clip, mode=0)
    plain = outcomes(clip)
    assert len(set(plain)) == LENGTH, "two frames are the same, so a repeated one would not show"
    clip = ddeoldify(
        steps(), 1, ddcolor_p=[str(models / "ddcolor.pth"), 10], device_index=CPU, batch_size=batch_size
    )
    with fault(broken_picture):
        for _ in range(2):
            assert failed(outcomes(clip), plain, "expected scalar type Half") == lost
    assert outcomes(clip) == plain, "an error is remembered after its cause is gone"


def test_threads_that_meet_a_failing_network_get_its_error_or_their_frame(models: Path) -> None:
    def coloured() -> vs.VideoNode:
        return ddeoldify(
            steps(),
            2,
            deoldify_p=[str(models / "deoldify.pth"), 10],
            ddcolor_p=[str(models / "ddcolor.pth"), 10],
            device_index=CPU,
            batch_size=2,
        )

    first = coloured()
    plain = outcomes(first)
    clip = coloured()

    def ask(n: int) -> bytes | str:
        try:
            return frame_bytes(clip, n)
        except vs.Error as error:
            return str(error)

    with fault(broken_picture), ThreadPoolExecutor(8) as threads:
        found = list(threads.map(ask, [n for n in range(LENGTH) for _ in range(3)]))
    for repetition in range(3):
        assert failed(found[repetition::3], plain, "expected scalar type Half") == [6, 7]


def test_the_stabilizer_lets_no_frame_pass_that_needs_a_failed_one(models: Path) -> None:
    coloured = ddeoldify(steps(), 1, ddcolor_p=[str(models / "ddcolor.pth"), 10], device_index=CPU)
    plain = outcomes(ddeoldify_stabilizer(coloured, stab=True, stab_p=[5], render_factor=10))
    again = ddeoldify(steps(), 1, ddcolor_p=[str(models / "ddcolor.pth"), 10], device_index=CPU)
    clip = ddeoldify_stabilizer(again, dark=False, stab=True, stab_p=[5], render_factor=10)
    with fault(broken_picture):
        lost = failed(outcomes(clip), plain, "expected scalar type Half")
    # Two frames for the average, up to three more to find scene cuts.
    assert set(range(BROKEN - 2, BROKEN + 3)) <= set(lost) <= set(range(BROKEN - 3, BROKEN + 6))


@pytest.mark.parametrize(("room", "batch_size"), [(3, 4), (1, 4), (2, 7)])
def test_too_little_memory_for_the_batch_still_gives_every_frame(
    models: Path, room: int, batch_size: int
) -> None:
    def coloured() -> vs.VideoNode:
        return ddeoldify(
            noise(vs.GRAY8, 48, 32, length=9),
            0,
            deoldify_p=[str(models / "deoldify.pth"), 10],
            device_index=CPU,
            batch_size=batch_size,
        )

    def little_memory(gray: Tensor) -> None:
        if len(gray) > room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    whole, clip = coloured(), coloured()
    with fault(little_memory):
        found = [np.frombuffer(frame_bytes(clip, n), np.uint8).astype(int) for n in range(len(clip))]
    for n, samples in enumerate(found):
        # Batches of other sizes add up in another order.
        assert np.abs(samples - np.frombuffer(frame_bytes(whole, n), np.uint8)).max() <= 1


def test_no_memory_for_a_single_frame_is_an_error_that_names_the_render_factor(models: Path) -> None:
    clip = ddeoldify(steps(), 0, deoldify_p=[str(models / "deoldify.pth"), 10], device_index=CPU)

    def no_memory(gray: Tensor) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    with fault(no_memory), pytest.raises(vs.Error, match="render factor 10"):
        clip.get_frame(3)


def test_a_source_that_cannot_decode_a_frame_fails_there_only(models: Path) -> None:
    def coloured(clip: vs.VideoNode) -> vs.VideoNode:
        return ddeoldify(
            clip,
            2,
            deoldify_p=[str(models / "deoldify.pth"), 10],
            ddcolor_p=[str(models / "ddcolor.pth"), 10],
            device_index=CPU,
        )

    plain = outcomes(coloured(steps()))
    lost = failed(outcomes(coloured(broken_at(steps(), BROKEN))), plain, "frame 7 is damaged")
    assert lost == [BROKEN]


# The rest of `stab_p`, with a threshold of 0: cuts are where the clip marks them, and are not looked for.
NO_SEARCH = [1.0, 15.0, 0.2, 0.0]


@pytest.mark.parametrize(("mode", "frames"), [("A", 5), ("W", 5), ("G", 7)])
def test_a_source_that_cannot_decode_a_frame_fails_in_the_stabilizers_window_only(
    mode: str, frames: int
) -> None:
    def stabilized(clip: vs.VideoNode) -> vs.VideoNode:
        return ddeoldify_stabilizer(
            clip, dark=True, smooth=True, stab=True, stab_p=[frames, mode, *NO_SEARCH], render_factor=10
        )

    half = frames // 2
    plain = outcomes(stabilized(steps()))
    lost = failed(outcomes(stabilized(broken_at(steps(), BROKEN))), plain, "frame 7 is damaged")
    assert set(range(BROKEN - half, BROKEN + half + 1)) <= set(lost)
    assert set(lost) <= set(range(BROKEN - half - 1, BROKEN + half + 4))


@pytest.mark.parametrize("mode", ["A", "G"])
def test_the_first_frames_do_not_need_the_last_ones(mode: str) -> None:
    clip = broken_at(steps(), LENGTH - 1)
    params = {"stab": True, "stab_p": [5, mode, *NO_SEARCH], "render_factor": 10}
    plain = outcomes(ddeoldify_stabilizer(steps(), **params))
    lost = failed(outcomes(ddeoldify_stabilizer(clip, **params)), plain, "frame 15 is damaged")
    assert lost == list(range(LENGTH - 4, LENGTH))


def test_where_cuts_are_looked_for_a_broken_frame_is_missed_as_far_as_that_looks() -> None:
    """39 frames back and 13 ahead where no pictures are mixed, and the stabilizer's two on either side."""
    blank = core.std.BlankClip(format=vs.YUV420P8, width=48, height=32, length=180, keep=True)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        np.asarray(frame[0])[:] = 60 + n // 2
        return frame

    clip = core.std.ModifyFrame(blank, blank, fill)
    params = {"stab": True, "stab_p": [5, "A"], "render_factor": 10}
    plain = outcomes(ddeoldify_stabilizer(clip, **params))
    lost = failed(outcomes(ddeoldify_stabilizer(broken_at(clip, 90), **params)), plain, "frame 90 is damaged")
    assert lost == list(range(90 - 13 - 2, 90 + 39 + 2 + 1))


def test_a_source_without_a_first_frame_is_told_when_called(models: Path) -> None:
    clip = broken_at(steps(), 0)
    with pytest.raises(vs.Error, match=r"(?s)ddeoldify: the clip's first frame .*frame 0 is damaged"):
        ddeoldify(clip, 1, ddcolor_p=[str(models / "ddcolor.pth"), 10], device_index=CPU)
    with pytest.raises(
        vs.Error, match=r"(?s)ddeoldify_stabilizer: the clip's first frame .*frame 0 is damaged"
    ):
        ddeoldify_stabilizer(clip, stab=True)


def colour_with(path: Path) -> vs.VideoNode:
    return ddeoldify(noise(vs.GRAY8, 48, 32), 1, ddcolor_p=[str(path), 10], device_index=CPU)


def test_a_model_file_that_vanishes_leaves_the_running_script_alone(tmp_path: Path, models: Path) -> None:
    path = tmp_path / "own.pth"
    shutil.copy(models / "ddcolor.pth", path)
    clip = colour_with(path)
    plain = outcomes(colour_with(models / "ddcolor.pth"))
    path.unlink()
    assert outcomes(clip) == plain
    with pytest.raises(vs.Error, match=r"own\.pth is not there"):
        colour_with(path)
    assert outcomes(clip) == plain


def test_a_model_file_that_is_replaced_is_read_again_even_with_the_same_size_and_time(
    tmp_path: Path, models: Path
) -> None:
    path, new = tmp_path / "own.pth", tmp_path / "new" / "ddcolor.pth"
    new.parent.mkdir()
    shutil.copy(models / "ddcolor.pth", path)
    before = path.stat()
    other = tiny_ddcolor_state_dict("tiny")
    # As large as the first, as two official models of one family are.
    other = {k: v.flip(-1) if v.is_floating_point() and v.ndim == 4 else v for k, v in other.items()}
    torch.save({"params": other}, new)
    assert new.stat().st_size == before.st_size
    old_clip = colour_with(path)
    old = outcomes(old_clip)
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    new.replace(path)
    replaced = outcomes(colour_with(path))
    assert replaced != old
    shutil.copy(path, tmp_path / "copy.pth")
    assert replaced == outcomes(colour_with(tmp_path / "copy.pth"))
    assert outcomes(old_clip) == old


@pytest.mark.parametrize("seconds", [0, 4_102_444_800], ids=["1970", "2100"])
def test_a_clock_that_is_wrong_does_not_matter(tmp_path: Path, models: Path, seconds: int) -> None:
    path = tmp_path / "own.pth"
    shutil.copy(models / "ddcolor.pth", path)
    os.utime(path, (seconds, seconds))
    assert outcomes(colour_with(path)) == outcomes(colour_with(models / "ddcolor.pth"))


def test_a_model_file_replaced_by_another_network_is_told_and_never_used(
    tmp_path: Path, models: Path
) -> None:
    path = tmp_path / "own.pth"
    shutil.copy(models / "ddcolor.pth", path)
    clip = colour_with(path)
    plain = outcomes(clip)
    shutil.copy(models / "deoldify.pth", path)
    with pytest.raises(vs.Error, match=r"own\.pth cannot be used: .*DeOldify"):
        colour_with(path)
    path.write_bytes((models / "ddcolor.pth").read_bytes()[:-1000])
    with pytest.raises(vs.Error, match=r"own\.pth is no usable model file: it is cut off"):
        colour_with(path)
    assert outcomes(clip) == plain


SCRIPT = """
import numpy as np
import vapoursynth as vs
from vsdeoldify.vsutils import formats, inference

clip = vs.core.std.BlankClip(format=vs.YUV420P8, width=64, height=48, length=40, keep=True)
def step(n, f):
    frame = f.copy()
    np.asarray(frame[0])[:] = 40 + 3 * n
    return frame
clip = vs.core.std.Loop(vs.core.std.ModifyFrame(clip, clip, step), {times})

def network(gray):
    if {broken} >= 0 and abs(16 + 219 * gray.mean() - 40 - 3 * {broken}) < 0.5:
        raise MemoryError("out of memory on cuda:0: use a smaller render factor")
    return np.stack([gray * 0.4, gray * -0.4], 1)

canvas = inference.colorize_clip(formats.to_gray(clip, 32), network)
formats.restore(clip, canvas).set_output()
"""


def vspipe(
    script: Path, *arguments: str | Path, broken: int = -1, times: int = 1, **options: Any
) -> subprocess.Popen[bytes]:
    script.write_text(SCRIPT.format(broken=broken, times=times), encoding="utf-8")
    program = Path(sys.executable).with_name("vspipe")
    return subprocess.Popen(
        [program, "-r", "1", "-c", "y4m", script, *arguments], stderr=subprocess.PIPE, **options
    )


def test_vspipe_stops_with_an_error_at_the_frame_that_failed(tmp_path: Path) -> None:
    process = vspipe(tmp_path / "whole.vpy", "-", stdout=subprocess.PIPE)
    whole, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    process = vspipe(tmp_path / "broken.vpy", "-", broken=25, stdout=subprocess.PIPE)
    part, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "use a smaller render factor" in said.decode()
    assert len(part) < len(whole)
    assert whole.startswith(part)


@linux_only
def test_a_full_disk_ends_vspipe_and_ffmpeg_with_an_error(tmp_path: Path) -> None:
    process = vspipe(tmp_path / "film.vpy", "/dev/full")
    process.communicate(timeout=60)
    assert process.returncode != 0
    source = vspipe(tmp_path / "film.vpy", "-", times=200, stdout=subprocess.PIPE)
    encoder = subprocess.Popen(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", "-", "-f", "rawvideo", "-y", "/dev/full"],
        stdin=source.stdout,
        stderr=subprocess.PIPE,
    )
    assert source.stdout is not None
    source.stdout.close()
    _, said = encoder.communicate(timeout=60)
    source.communicate(timeout=60)
    assert encoder.returncode != 0
    assert b"No space left" in said
    assert source.returncode != 0


@linux_only
def test_a_real_full_disk_leaves_no_film_and_no_process(tmp_path: Path) -> None:
    disk, film = tmp_path / "disk", tmp_path / "film.mkv"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", disk], check=False).returncode:
        pytest.skip("mounting a small disk takes the rights of root")
    try:
        ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
        picture = ["-f", "lavfi", "-i", "testsrc2=s=160x120:d=2:r=25", "-vf", "noise=alls=80:allf=t"]
        subprocess.run([ffmpeg, "-v", "error", *picture, "-c:v", "ffv1", film], check=True, timeout=60)
        assert film.stat().st_size > 500_000
        command = [sys.executable, HERE / "cheap_vsdeoldify.py", "colorize", film, "-o", disk / "out.mkv"]
        result = subprocess.run(
            [*command, "--encoder-options", "-c:v ffv1", "--segment", "10"],
            capture_output=True,
            encoding="utf-8",
            timeout=90,
            check=False,
        )
        assert result.returncode == 1
        assert "Traceback" not in result.stderr
        assert re.search(r"note: about [0-9.]+ MB more are needed and [0-9]+ kB are free", result.stderr)
        assert "space" in result.stderr or "full" in result.stderr, result.stderr
        assert not (disk / "out.mkv").exists()
        assert left_running(str(disk)) == []
    finally:
        subprocess.run(["umount", disk], check=True)
