"""Engines that stay for a while without a user."""

import time
import weakref

import numpy as np

from vsdeoldify.networks.recent import Recent
from vsdeoldify.runtime.engines.base import Engine, Planes


class Still:
    """An engine of no work."""

    def __call__(self, gray: Planes) -> Planes:
        return np.stack([gray, gray], 1)

    def batch_size(self, size: int) -> int:
        return 1

    def release(self) -> None:
        """Nothing is held."""


def test_the_last_ones_stay_and_the_oldest_goes() -> None:
    recent = Recent(most=2, seconds=60)
    engines: list[Engine] = [Still() for _ in range(3)]
    alive = [weakref.ref(engine) for engine in engines]
    for engine in engines[:2]:
        recent.add(engine)
    recent.add(engines[0])
    recent.add(engines[2])
    del engine
    engines.clear()
    assert [one() is not None for one in alive] == [True, False, True]
    recent.clear()
    assert [one() for one in alive] == [None] * 3


def test_room_is_made_before_the_next_one_is_made() -> None:
    recent = Recent(most=2, seconds=60)
    engines: list[Engine] = [Still(), Still()]
    alive = [weakref.ref(engine) for engine in engines]
    for engine in engines:
        recent.add(engine)
    del engine
    engines.clear()
    recent.give_way()
    assert [one() is not None for one in alive] == [False, True]


def test_each_goes_some_time_after_it_was_asked_for_last() -> None:
    recent = Recent(most=2, seconds=0.01)
    engine = Still()
    alive = weakref.ref(engine)
    recent.add(engine)
    del engine
    deadline = time.monotonic() + 30
    while alive() is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
