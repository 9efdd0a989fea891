"""An engine that remembers its results."""

import numpy as np

from vsdeoldify.runtime.engines.base import Planes
from vsdeoldify.runtime.engines.remembering import RememberingEngine


class Counting:
    """An engine whose colours are the luma's; it counts the pictures that it is given."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, gray: Planes) -> Planes:
        self.seen += len(gray)
        return np.stack([gray / 2, -gray / 4], axis=1)

    def batch_size(self, size: int) -> int:
        return 3

    def release(self) -> None:
        pass


def pictures(count: int) -> Planes:
    return np.random.default_rng(3).random((count, 16, 16), np.float32)


def test_a_picture_is_computed_once_in_whatever_batch_it_comes() -> None:
    engine = Counting()
    remembering = RememberingEngine(engine, 10**6)
    gray = pictures(4)
    first = remembering(gray)
    assert engine.seen == 4
    again = remembering(gray[[2, 0]])
    assert engine.seen == 4
    assert np.array_equal(again, first[[2, 0]])
    mixed = np.concatenate([gray[1:2], gray[1:2] + 1])
    assert np.array_equal(remembering(mixed), Counting()(mixed))
    assert engine.seen == 5
    assert remembering.batch_size(16) == 3


def test_what_was_not_asked_for_the_longest_is_forgotten_first() -> None:
    engine = Counting()
    gray = pictures(3)
    of_one = 2 * 16 * 16 * 4
    remembering = RememberingEngine(engine, 2 * of_one)
    remembering(gray[:2])
    remembering(gray[:1])
    remembering(gray[2:])
    assert engine.seen == 3
    remembering(gray[[0, 2]])
    assert engine.seen == 3
    remembering(gray[1:2])
    assert engine.seen == 4
    remembering.release()
    remembering(gray[1:2])
    assert engine.seen == 5
