"""Who makes which piece."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from jobs import a_job, a_plan

from vsdeoldify.cluster.board import Attempt, Board
from vsdeoldify.film.pieces import Workshop


class Clock:
    """A clock that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def board(tmp_path: Path, clock: Clock) -> Iterator[Board]:
    """Four pieces of ten frames."""
    with Workshop(tmp_path / "out.mkv.unfinished", a_plan(tmp_path, a_job())) as workshop:
        workshop.prepare(resume=False, overwrite=False)
        yield Board(workshop, clock)


def take(board: Board, worker: str) -> Attempt | None:
    """The next piece for a worker, if there is one now."""
    asked = iter((True, False))
    return board.take(worker, f"{worker} {len(board.attempts())}", lambda: next(asked))


def deliver(board: Board, attempt: Attempt | None) -> list[Attempt]:
    assert attempt is not None
    attempt.claim.path.write_bytes(b"piece")
    return board.deliver(attempt)


def numbers(board: Board) -> list[tuple[str, int]]:
    return [(attempt.worker, attempt.claim.number) for attempt in board.attempts()]


def test_the_lowest_piece_comes_first_and_a_lost_one_is_given_out_again(board: Board) -> None:
    for worker in ("a", "b", "c"):
        assert take(board, worker)
    assert numbers(board) == [("a", 0), ("b", 1), ("c", 2)]
    board.lost("a")
    assert take(board, "d")
    assert take(board, "a")
    assert numbers(board) == [("d", 0), ("b", 1), ("c", 2), ("a", 3)]


def test_near_the_end_a_quick_worker_overtakes_one_that_is_slow_or_silent_and_only_then(
    board: Board, clock: Clock
) -> None:
    slow = take(board, "slow")
    assert slow is not None
    for _ in range(3):
        attempt = take(board, "quick")
        clock.now += 10
        deliver(board, attempt)
    # The quick one needs ten seconds for a piece, the slow one two more for the rest of its own.
    board.told(slow.name, 9, rendered=False)
    assert board.frames == 39
    assert take(board, "quick") is None
    # Then it says nothing any more.
    clock.now += 12
    second = take(board, "quick")
    assert second is not None
    assert second.claim.number == 0
    assert second.claim.path != slow.claim.path
    # Two are enough.
    assert take(board, "third") is None
    assert deliver(board, second) == [slow]
    assert board.finished
    assert board.frames == 40
    # The late one changes nothing.
    slow.claim.path.write_bytes(b"late")
    deliver(board, slow)
    assert not slow.claim.path.exists()
    assert board.made == {"quick": 40}


def test_what_one_worker_cannot_make_another_tries_and_what_two_say_is_so(board: Board) -> None:
    first = take(board, "a")
    assert first is not None
    board.failed(first, "its disk is full", others=1)
    assert board.error is None
    again = take(board, "a")
    assert again is not None
    assert again.claim.number == 1
    other = take(board, "b")
    assert other is not None
    assert other.claim.number == 0
    board.failed(other, "its disk is full", others=1)
    assert str(board.error) == "its disk is full"
    assert board.finished


def test_all_that_is_left_to_try_is_tried(board: Board) -> None:
    for worker, words in (("a", "no memory"), ("b", "no room")):
        attempt = take(board, worker)
        assert attempt is not None
        assert attempt.claim.number == 0
        board.failed(attempt, words, others=1)
        board.give_up({"a", "b"} if worker == "a" else {"b", "c"})
    assert str(board.error) == "no worker can make the frames 0 to 9 (a: no memory; b: no room)"


def test_a_piece_over_which_workers_are_lost_is_named(board: Board) -> None:
    for worker in ("a", "b", "a"):
        assert board.error is None
        attempt = take(board, worker)
        assert attempt is not None
        board.lost(worker)
    assert str(board.error).startswith("3 workers were lost while they made the frames 0 to 9 (a, b): ")
    assert take(board, "b") is None
