"""`colorize()` is the two functions on one canvas; and loading a script runs no network."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tiny
import torch
import vapoursynth as vs
from clips import frame_bytes, noise, plane

from vsdeoldify import colorize, ddeoldify, ddeoldify_stabilizer, preset
from vsdeoldify.networks import loading
from vsdeoldify.support.h273 import MATRIX_BT601
from vsdeoldify.vsutils import formats

SIDE = 160
FACTOR = SIDE // 16


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Parameters of small networks, so that all that follows is quick."""
    folder = tmp_path_factory.mktemp("models")
    torch.save(tiny.tiny_deoldify_state_dict("wide"), folder / "a.pth")
    torch.save({"params": tiny.tiny_ddcolor_state_dict()}, folder / "b.pth")
    return {
        "deoldify_p": [str(folder / "a.pth"), FACTOR, 0.85],
        "ddcolor_p": [str(folder / "b.pth"), FACTOR, 0.85],
        "device_index": 99,
    }


def by_two_calls(clip: vs.VideoNode, models: dict[str, Any], **changes: Any) -> vs.VideoNode:
    """What a script with both functions gives with the parameters of a preset."""
    chosen = preset("medium", "stable").with_changes(render_factor=FACTOR, **models).with_changes(**changes)
    return ddeoldify_stabilizer(ddeoldify(clip, **chosen.ddeoldify), **chosen.stabilizer)


def by_one(clip: vs.VideoNode, models: dict[str, Any], **changes: Any) -> vs.VideoNode:
    return colorize(clip, "medium", "stable", **{"render_factor": FACTOR, **models, **changes})


def canvas_of(clip: vs.VideoNode) -> vs.VideoNode:
    """A clip's luma in the shape of the canvas: the way in and the way out change nothing about it."""
    gray = formats.to_gray(clip, SIDE)
    return gray.resize.Point(format=vs.YUV444PS, matrix=MATRIX_BT601, range=vs.RANGE_FULL)


@pytest.mark.parametrize("method", ["deoldify", "ddcolor", "simple", "luma_masked"])
def test_where_nothing_is_rounded_it_is_the_two_functions(models: dict[str, Any], method: str) -> None:
    clip = canvas_of(noise(vs.GRAYS, 96, 64, length=4))
    one, two = by_one(clip, models, method=method), by_two_calls(clip, models, method=method)
    plain = ddeoldify(clip, method, **models)
    for n in range(4):
        assert frame_bytes(one, n) == frame_bytes(two, n) != frame_bytes(plain, n)


@pytest.mark.parametrize("format_id", [vs.YUV420P8, vs.YUV420P10, vs.YUV444P8, vs.GRAY8])
@pytest.mark.parametrize("size", [(96, 64), (1040, 48)], ids=["sd", "hd"])
def test_it_is_nearer_to_the_unrounded_result(
    models: dict[str, Any], format_id: int, size: tuple[int, int]
) -> None:
    clip = noise(format_id, *size, length=3)
    unrounded = formats.restore(clip, by_two_calls(canvas_of(clip), models))

    def chroma(result: vs.VideoNode) -> npt.NDArray[np.float64]:
        return np.stack([plane(result, n, p).astype(float) for n in range(3) for p in (1, 2)])

    wanted = chroma(unrounded)
    one, two = (
        np.abs(chroma(result) - wanted) for result in (by_one(clip, models), by_two_calls(clip, models))
    )
    assert one.max() == 0
    assert two.mean() > 0.1


def test_filters_on_a_canvas_of_another_size_see_the_luma_of_the_source(models: dict[str, Any]) -> None:
    clip = noise(vs.YUV444P8, 320, 320, length=2)
    whole, half = (by_one(clip, models, render_factor=factor, stab=False) for factor in (20, 10))
    coloured = ddeoldify(clip, "simple", 0.25, **models)
    for result in (whole, half):
        assert (plane(result, 0, 0) == plane(clip, 0, 0)).all()
    # The finer canvas follows the bright and dark pixels of the source more closely.
    luma = plane(clip, 0, 0).astype(float)
    sharp, soft = (
        np.corrcoef(
            luma.ravel(),
            np.abs(plane(result, 0, 1).astype(float) - plane(coloured, 0, 1)).ravel(),
        )[0, 1]
        for result in (whole, half)
    )
    assert abs(sharp) > abs(soft)


def test_without_filters_it_is_ddeoldify_alone(models: dict[str, Any]) -> None:
    clip = noise(vs.YUV420P8, 96, 64)
    result = by_one(clip, models, dark=False, smooth=False, stab=False)
    chosen = preset("medium", "stable").with_changes(**models)
    assert frame_bytes(result, 1) == frame_bytes(ddeoldify(clip, **chosen.ddeoldify), 1)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The sizes of the batches that networks were run on, whichever they were."""
    counted: list[int] = []
    load: Callable[..., Any] = loading.load_runner

    def counting(*arguments: Any, **options: Any) -> Any:
        runner = load(*arguments, **options)

        class Counting:
            batch_size = runner.batch_size
            close = runner.close

            def __call__(self, gray: npt.NDArray[np.float32]) -> Any:
                counted.append(len(gray))
                return runner(gray)

        return Counting()

    monkeypatch.setattr(loading, "load_runner", counting)
    return counted


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("format_id", [vs.YUV420P8, vs.GRAY16, vs.RGB24])
@pytest.mark.parametrize("build", [by_one, by_two_calls])
def test_loading_a_script_runs_no_network(
    models: dict[str, Any], calls: list[int], build: Any, format_id: int, every: int
) -> None:
    result = build(noise(format_id, 96, 64, length=5), models, every=every, stab_p=[5, "G"])
    again = ddeoldify_stabilizer(result, dark=True)
    assert calls == []
    again.get_frame(1)
    assert calls
