"""The times of a film's frames, put right, and the constant rate that they show."""

import statistics
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

_JUMP = Fraction(1, 4)
"""Seconds: times that go back by more are another recording's, by less a fault of rounding or order."""

_USUAL_RATES = [
    *(Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120)),
    *map(Fraction, (10, 12, 15, 16, 18, 20, 24, 25, 30, 48, 50, 60, 100, 120)),
]


def mend_times(given: Sequence[int | None], tick: Fraction) -> tuple[list[int], list[str]]:
    """The times of a film's frames, every one later than the one before.

    Args:
        given: what the file tells; None where it does not.
        tick: their unit in seconds.

    Returns:
        The times, unknown ones spread evenly between their neighbours and jumps back undone, as where two
        recordings were put together; none where too few are known. And what was done, in sentences.
    """
    known = [(number, time) for number, time in enumerate(given) if time is not None]
    if len(known) < min(2, len(given)):
        return [], []
    steps = [(b - a) / (n - m) for (m, a), (n, b) in pairwise(known) if b > a]
    step = statistics.median(steps) if steps else 1.0
    rising: list[tuple[int, int]] = known[:1]
    shift = jumps = 0
    for number, time in known[1:]:
        before, last = rising[-1]
        if time + shift <= last:
            if (last - time - shift) * tick > _JUMP:
                jumps += 1
                shift = round(last + step * (number - before)) - time
            else:
                time = last + (number - before) - shift
        rising.append((number, time + shift))
    first, end = rising[0], rising[-1]
    times = [round(first[1] - step * (first[0] - number)) for number in range(first[0])]
    for (m, a), (n, b) in pairwise(rising):
        times += [a + round((b - a) * (number - m) / (n - m)) for number in range(m, n)]
    times += [round(end[1] + step * (number - end[0])) for number in range(end[0], len(given))]
    notes = []
    if jumps:
        notes.append(f"the film's clock jumps back ({jumps}×); the film goes on there without a gap")
    return times, notes


def _constant_rate(ticks: Sequence[int], tick: Fraction, average: Fraction | None) -> Fraction | None:
    """The rate of frames whose times are even to within the container's rounding, else None."""
    if len(ticks) == 1:
        return average or Fraction(25)
    # Matroska rounds to milliseconds; some muxers round each frame's duration too.
    slack = max(tick, Fraction(1, 1000)) * Fraction(3, 2)
    measured = Fraction(len(ticks) - 1) / ((ticks[-1] - ticks[0]) * tick) if ticks[-1] > ticks[0] else None
    if measured is None:
        return None
    near = [rate for rate in _USUAL_RATES if abs(rate / measured - 1) < Fraction(1, 500)]
    near.sort(key=lambda rate: abs(rate - measured))
    candidates = [average, *near, measured.limit_denominator(1001)]
    for rate in candidates:
        if rate and all(
            abs((time - ticks[0]) * tick - number / rate) <= slack for number, time in enumerate(ticks)
        ):
            return rate
    return None
