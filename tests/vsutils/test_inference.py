"""A network as a VapourSynth filter: groups of frames, and what happens when it fails."""

import random
import threading
from collections import Counter

import numpy as np
import pytest
import vapoursynth as vs
from clips import frame_bytes, noise
from vapoursynth import core

from vsdeoldify.support.h273 import MATRIX_BT601
from vsdeoldify.vsutils import formats, inference
from vsdeoldify.vsutils.frames import in_order
from vsdeoldify.vsutils.inference import Planes

LENGTH = 21


class Network:
    """Chroma that depends on every pixel of its own picture; counts how often each picture is coloured."""

    def __init__(self) -> None:
        self.seen: Counter[bytes] = Counter()
        self.batches: list[int] = []
        self._lock = threading.Lock()

    def __call__(self, gray: Planes) -> Planes:
        with self._lock:
            self.seen.update(picture.tobytes() for picture in gray)
            self.batches.append(len(gray))
        return np.stack([(gray - gray.mean((1, 2), keepdims=True)) * 0.5, 0.2 - 0.4 * gray], 1)


def gray_clip(length: int = LENGTH) -> vs.VideoNode:
    clip = core.std.SetFrameProps(noise(vs.GRAY8, 32, 32, length=length), _Range=vs.RANGE_FULL)
    return formats.to_gray(clip, 16)


@pytest.mark.parametrize("batch_size", [2, 3, 8, 40])
def test_any_batch_size_gives_the_same_frames_in_any_order(batch_size: int) -> None:
    gray = gray_clip()
    one_by_one = [frame_bytes(inference.colorize_clip(gray, Network()), n) for n in range(LENGTH)]
    network = Network()
    coloured = inference.colorize_clip(gray, network, batch_size)
    assert len(coloured) == LENGTH
    order = random.Random(batch_size).sample(range(LENGTH), LENGTH)
    assert {n: frame_bytes(coloured, n) for n in order} == dict(enumerate(one_by_one))
    assert set(network.batches) == {batch_size}


@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_film_played_in_order_colours_every_picture_once(batch_size: int) -> None:
    network = Network()
    coloured = inference.colorize_clip(gray_clip(40), network, batch_size)
    for frame in in_order(coloured, 16):
        assert frame.width == 16
    assert len(network.batches) == 40 // batch_size
    assert max(network.seen.values()) == 1


def test_luma_and_properties_are_each_frames_own() -> None:
    gray = core.std.FrameEval(
        gray_clip(), lambda n: core.std.SetFrameProps(gray_clip(), Number=n), clip_src=[gray_clip()]
    )
    coloured = inference.colorize_clip(gray, Network(), 4)
    for n in (0, 7, 20):
        with coloured.get_frame(n) as frame, gray.get_frame(n) as source:
            assert frame.props["Number"] == n
            assert frame.props["_Matrix"] == MATRIX_BT601
            np.testing.assert_array_equal(np.asarray(frame[0]), np.asarray(source[0]))


@pytest.mark.parametrize("batch_size", [1, 4])
def test_an_error_of_the_network_reaches_the_caller_and_gives_no_frame(batch_size: int) -> None:
    def fails(gray: Planes) -> Planes:
        raise MemoryError("out of memory on cuda:0: use a smaller render factor")

    coloured = inference.colorize_clip(gray_clip(), fails, batch_size)
    with pytest.raises(vs.Error, match="use a smaller render factor"):
        coloured.get_frame(3)


def test_batches_run_in_two_threads_at_once() -> None:
    """The second group is gathered while the first one computes."""
    both = threading.Barrier(2, timeout=20)

    def network(gray: Planes) -> Planes:
        both.wait()
        return np.zeros((len(gray), 2, *gray.shape[1:]), np.float32)

    coloured = inference.colorize_clip(gray_clip(8), network, 4)
    for future in [coloured.get_frame_async(n) for n in range(8)]:
        future.result().close()
