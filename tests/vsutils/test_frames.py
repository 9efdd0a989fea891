"""Reading a clip in Python."""

import threading
from collections.abc import Callable

import pytest
import vapoursynth as vs
from clips import noise
from vapoursynth import core

from vsdeoldify.vsutils.frames import in_order


def numbered(length: int, change: Callable[[int], None] = lambda n: None) -> vs.VideoNode:
    blank = noise(vs.GRAY8, 16, 16, length=length)

    def number(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        change(n)
        frame = f.copy()
        frame.props["Number"] = n
        return frame

    return core.std.ModifyFrame(blank, blank, number)


@pytest.mark.parametrize("ahead", [None, 1, 3, 50])
@pytest.mark.parametrize("length", [1, 2, 17])
def test_every_frame_comes_once_and_in_order(length: int, ahead: int | None) -> None:
    assert [frame.props["Number"] for frame in in_order(numbered(length), ahead)] == list(range(length))


def test_no_more_frames_are_asked_for_than_said() -> None:
    asked: list[int] = []
    clip = numbered(20, asked.append)
    frames = in_order(clip, 4)
    assert next(frames).props["Number"] == 0
    frames.close()
    assert max(asked) <= 4


def test_a_frame_that_cannot_be_made_is_an_error_after_those_before_it() -> None:
    ended = threading.Event()

    def fails(n: int) -> None:
        if n == 5:
            raise ValueError("no such picture")
        if n == 8:
            ended.wait(0.2)
            ended.set()

    frames = in_order(numbered(20, fails), 4)
    assert [next(frames).props["Number"] for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(vs.Error, match="no such picture"):
        next(frames)
    assert ended.is_set(), "a request was still under way"


@pytest.mark.timeout(120)
def test_reading_ends_however_short_the_clip_is() -> None:
    for _ in range(3000):
        clip = numbered(6)
        assert sum(1 for _ in in_order(clip)) == 6
