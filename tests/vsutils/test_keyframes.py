"""Colouring key frames only: which frames are keys, what lies between them, and what it costs in colour."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
import vapoursynth as vs
from clips import frame_bytes, noise, plane
from goldens import COLOUR_CLIP, picture_of
from tiny import tiny_deoldify_state_dict
from vapoursynth import core

from vsdeoldify import ddeoldify
from vsdeoldify.metrics import mean_ciede2000
from vsdeoldify.support.h273 import MATRIX_BT601
from vsdeoldify.vsutils import formats, inference, scenes
from vsdeoldify.vsutils.frames import in_order
from vsdeoldify.vsutils.inference import Planes
from vsdeoldify.vsutils.propagation import keyframes, keys

LENGTH = 26


def marks_clip(cuts: set[int], flashes: set[int], length: int = LENGTH) -> vs.VideoNode:
    blank = core.std.BlankClip(format=vs.GRAY8, width=1, height=1, length=length)

    def mark(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        frame.props["_SceneChangePrev"] = n == 0 or n in cuts
        frame.props["_Flash"] = n in flashes
        return frame

    return core.std.ModifyFrame(blank, blank, mark)


def expected_keys(every: int, cuts: set[int], flashes: set[int]) -> set[int]:
    regular = {n + 1 if n in flashes else n for n in range(0, LENGTH, every)}
    return {0, *cuts, *regular} - flashes


def surrounding(marks: vs.VideoNode, every: int) -> list[tuple[int, int]]:
    frames = [marks.get_frame(n) for n in range(LENGTH)]
    return [
        keys.surrounding_keys(
            n, [frames[(n + k) % LENGTH] for k in range(1 - every, every + 1)], every, LENGTH
        )[:2]
        for n in range(LENGTH)
    ]


@pytest.mark.parametrize("every", [2, 3, 5, 16, 40])
@pytest.mark.parametrize(
    ("cuts", "flashes"), [(set(), set()), ({7, 8, 20}, set()), ({13}, {6, 12, 18}), ({5}, {3, 10, 24})]
)
def test_the_nearest_keys_of_the_same_scene_are_found(every: int, cuts: set[int], flashes: set[int]) -> None:
    wanted = expected_keys(every, cuts, flashes)
    starts = {0, *cuts}
    for n, found in enumerate(surrounding(marks_clip(cuts, flashes), every)):
        scene_start = max(s for s in starts if s <= n)
        scene_end = min((s for s in starts if s > n), default=LENGTH)
        if n in wanted or n in flashes:
            assert found == (0, 0)
            continue
        before = max(k for k in wanted if scene_start <= k < n)
        after = min((k for k in wanted if n < k < scene_end), default=n)
        assert found == (before - n, after - n), n


class Counting:
    """A network that gives each picture its own colour, and remembers which pictures it saw."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def __call__(self, gray: Planes) -> Planes:
        self.seen += [picture.tobytes() for picture in gray]
        means = gray.mean((1, 2), keepdims=True)
        return np.stack([0.3 * gray - means, means - 0.4 * gray], 1)


def gray_noise() -> vs.VideoNode:
    return formats.to_gray(noise(vs.GRAY16, 32, 32, length=LENGTH), 16)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_the_network_sees_each_key_frame_once_and_no_other(batch_size: int) -> None:
    gray, network = gray_noise(), Counting()
    cuts = marks_clip({7, 20}, {12})
    result = keyframes.colorize_every(gray, network, batch_size, 3, cuts)
    for frame in in_order(result, 4):
        assert frame.format.id == vs.YUV444PS
    keys = {0, 3, 6, 7, 9, 12, 13, 15, 18, 20, 21, 24}
    pictures = [plane(gray, n, 0).tobytes() for n in range(LENGTH)]
    assert {pictures.index(picture) for picture in network.seen} == keys
    # The tail of the last batch is filled up with the last picture.
    assert len(network.seen) <= len(keys) + batch_size - 1


def test_key_frames_and_flashes_have_the_networks_own_colours() -> None:
    gray = gray_noise()
    all_frames = inference.colorize_clip(gray, Counting())
    result = keyframes.colorize_every(gray, Counting(), 1, 4, marks_clip({7}, {14, 16}))
    for n in (0, 4, 7, 8, 12, 14, 16, 17, 20, 24):
        assert frame_bytes(result, n) == frame_bytes(all_frames, n)


def test_frames_come_out_the_same_in_any_order() -> None:
    cuts = marks_clip({7, 20}, {12})
    in_order = keyframes.colorize_every(gray_noise(), Counting(), 4, 5, cuts)
    shuffled = keyframes.colorize_every(gray_noise(), Counting(), 1, 5, cuts)
    expected = [frame_bytes(in_order, n) for n in range(LENGTH)]
    for n in random.Random(2).sample(range(LENGTH), LENGTH):
        assert frame_bytes(shuffled, n) == expected[n]


def test_a_still_keeps_its_colours_and_luma_and_properties_are_each_frames_own() -> None:
    gray = core.std.FrameEval(
        gray_noise(), lambda n: core.std.SetFrameProps(core.std.Loop(gray_noise()[5], LENGTH), Number=n)
    )
    result = keyframes.colorize_every(gray, Counting(), 1, 8, marks_clip(set(), set()))
    for n in (3, 11, 25):
        for p in range(3):
            assert np.abs(np.subtract(plane(result, n, p), plane(result, 0, p))).max() < 1e-6
        with result.get_frame(n) as frame:
            assert frame.props["Number"] == n
            assert frame.props["_Matrix"] == MATRIX_BT601


def test_the_nearer_key_counts_more_and_a_pixel_takes_the_key_its_luma_agrees_with() -> None:
    levels = [0.2, 0.5, 0.2, 0.2, 0.8]
    flat = [core.std.BlankClip(format=vs.GRAYS, width=16, height=16, length=1, color=y) for y in levels]
    gray = core.std.Splice(flat)
    canvas = core.std.Splice(
        [
            core.std.BlankClip(format=vs.YUV444PS, width=16, height=16, length=1, color=[0, u, 0])
            for u in (0.1, 0, 0, 0, 0.3)
        ]
    )
    cuts = core.std.Splice([marks_clip(set(), set(), 5)])
    result = keyframes.interpolate(gray, canvas[::4], canvas, 4, cuts)
    values = [float(plane(result, n, 1)[0, 0]) for n in range(5)]
    assert values[0] == pytest.approx(0.1)
    assert values[4] == pytest.approx(0.3)
    # Luma halfway between the keys': by time alone, 3 : 1.
    assert values[1] == pytest.approx(0.15, abs=1e-4)
    # Luma of the first key: its colour, also where both are equally near or the other is nearer.
    assert values[2] == pytest.approx(0.1, abs=1e-3)
    assert values[3] == pytest.approx(0.1, abs=2e-3)


def test_ddeoldify_takes_every_and_checks_it(tmp_path: Path) -> None:
    model = tmp_path / "wide.pth"
    torch.save(tiny_deoldify_state_dict(), model)
    clip = noise(vs.YUV420P8, 48, 48, length=7)

    def coloured(every: int) -> vs.VideoNode:
        return ddeoldify(clip, 0, deoldify_p=[str(model), 10], device_index=99, every=every)

    all_frames, keys = coloured(1), coloured(3)
    cut_free = core.std.SetFrameProps(clip, _SceneChangePrev=0, _SceneChangeNext=0)
    sparse = ddeoldify(cut_free, 0, deoldify_p=[str(model), 10], device_index=99, every=3)
    assert frame_bytes(sparse, 3) == frame_bytes(all_frames, 3)
    assert frame_bytes(sparse, 4) != frame_bytes(all_frames, 4)
    # Every picture of the noise differs from the one before it: each is a scene of its own.
    assert frame_bytes(keys, 4) == frame_bytes(all_frames, 4)
    for bad in (0, 41, 1.5, "3"):
        with pytest.raises(vs.Error, match="ddeoldify: every must be"):
            coloured(bad)  # type: ignore[arg-type]


def stays_within_the_promised_difference(film: Path) -> None:
    """The clip's own chroma stands in for a perfect network."""
    clip = core.bs.VideoSource(str(film), cachemode=0)
    canvas, gray = formats.to_canvas(clip, 256), formats.to_gray(clip, 256)
    cuts = scenes.find_cuts(gray, 0.15)

    def rgb(coloured: vs.VideoNode) -> vs.VideoNode:
        return core.resize.Bicubic(formats.restore(clip, coloured), format=vs.RGB24, matrix_in=MATRIX_BT601)

    truth, result = rgb(canvas), rgb(keyframes.interpolate(gray, canvas[::3], canvas, 3, cuts))
    differences = [mean_ciede2000(picture_of(truth, n), picture_of(result, n)) for n in (3, 4, 5, 21, 22, 23)]
    assert max(differences) <= 2
    assert sum(differences) / len(differences) <= 1


def test_every_third_frame_stays_within_the_promised_difference_on_real_film() -> None:
    stays_within_the_promised_difference(COLOUR_CLIP)


@pytest.mark.long
def test_every_third_frame_stays_within_the_promised_difference_on_another_film(shared: Path) -> None:
    stays_within_the_promised_difference(shared / "clips" / "hands_cups.mp4")
