"""The folder of pieces: what is whole counts, whatever its order and whatever became of the rest."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from jobs import a_job, a_plan

from vsdeoldify.film.pieces import Claim, Workshop
from vsdeoldify.support.errors import FilmError


def begin(folder: Path, numbers: tuple[int, ...] = (), **changes: object) -> Path:
    """A folder with some pieces of a job, as an interrupted run leaves it."""
    work = folder / "out.mkv.unfinished"
    with Workshop(work, a_plan(folder, a_job(**changes))) as workshop:
        workshop.prepare(resume=True, overwrite=False)
        for number in numbers:
            deliver(workshop, number)
    return work


def deliver(workshop: Workshop, number: int, data: bytes = b"") -> Claim:
    claim = workshop.claim(number)
    claim.path.write_bytes(data or f"piece {number}".encode())
    assert workshop.deliver(claim)
    return claim


def resumed(
    folder: Path, length: int = 10, **changes: object
) -> tuple[int, list[int], list[tuple[int, int]]]:
    """Frames that are there, missing pieces, and all pieces, when the work goes on."""
    with Workshop(folder / "out.mkv.unfinished", a_plan(folder, a_job(**changes), length)) as workshop:
        done = workshop.prepare(resume=True, overwrite=False)
        return done, workshop.missing(), workshop.pieces


def test_pieces_count_in_any_order(tmp_path: Path) -> None:
    begin(tmp_path, (3, 1))
    done, missing, pieces = resumed(tmp_path)
    assert (done, missing) == (20, [0, 2])
    assert pieces == [(0, 10), (10, 20), (20, 30), (30, 40)]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"job": 3, "sizes": 4}', None])
def test_a_damaged_description_loses_nothing(tmp_path: Path, damage: str | None) -> None:
    work = begin(tmp_path, (0, 2))
    if damage is None:
        (work / "job.json").unlink()
    else:
        (work / "job.json").write_text(damage)
    assert resumed(tmp_path)[:2] == (20, [1, 3])
    # It is whole again.
    with pytest.raises(FilmError, match="encoder options"):
        resumed(tmp_path, encoder=("-c:v", "ffv1"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weights": {"ddcolor_p": "e" * 64}}, r"the model file of ddcolor_p \(artistic\)"),
        ({"encoder_version": "ffmpeg 8.0"}, "the encoder: .* then, ffmpeg 8.0 now"),
        ({"end": 30}, "range: frames 0 to 40 then, 0 to 30 now"),
    ],
)
def test_pieces_of_another_job_are_refused_and_left_alone(
    tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    work = begin(tmp_path, (0, 1))
    before = sorted(path.name for path in work.iterdir())
    with pytest.raises(FilmError, match=words):
        resumed(tmp_path, **changes)
    assert sorted(path.name for path in work.iterdir()) == before
    if "end" not in changes:
        (work / "job.json").write_text("")
        with pytest.raises(FilmError, match=r"job\.json that could say which cannot be read"):
            resumed(tmp_path, **changes)
    assert resumed(tmp_path)[0] == 20


def test_a_piece_that_is_no_longer_whole_is_made_again(tmp_path: Path) -> None:
    work = begin(tmp_path, (0, 1, 2))
    first, second = sorted(work.glob("0*.mov"))[:2]
    first.write_bytes(b"")
    second.write_bytes(b"pie")
    assert resumed(tmp_path)[:2] == (10, [0, 1, 3])


def test_pieces_of_a_changed_scene_are_made_again_and_the_others_stay(tmp_path: Path) -> None:
    scenes = ({"first": 0, "end": 120}, {"first": 120, "end": 200, "settings": "a"})
    other = (scenes[0], scenes[1] | {"settings": "b"})
    work = tmp_path / "out.mkv.unfinished"

    def missing(scenes: tuple[dict[str, object], ...], make: bool) -> list[int]:
        plan = replace(a_plan(tmp_path, a_job(end=200, scenes=scenes), 50), limits=(0, 120))
        with Workshop(work, plan) as workshop:
            workshop.prepare(resume=True, overwrite=False)
            numbers = workshop.missing()
            for number in numbers if make else ():
                deliver(workshop, number)
            return numbers

    # 0 to 50, to 100, to 120, to 170, to 200: none reaches across the limit.
    assert missing(scenes, make=True) == [0, 1, 2, 3, 4]
    assert missing(other, make=True) == [3, 4]
    # Whoever changes their mind finds the pieces of before.
    assert missing(scenes, make=False) == []
    assert missing(other, make=False) == []


def test_of_the_pieces_of_earlier_settings_the_latest_stay(tmp_path: Path) -> None:
    work, output = tmp_path / "out.mkv.unfinished", tmp_path / "out.mkv"
    output.write_bytes(b"film")

    def make(settings: str) -> set[str]:
        scenes = ({"first": 0, "end": 40, "settings": settings},)
        with Workshop(work, a_plan(tmp_path, a_job(scenes=scenes), 20)) as workshop:
            workshop.prepare(resume=True, overwrite=False)
            for number in workshop.missing():
                deliver(workshop, number)
            workshop.note_joined(output, "")
            assert workshop.is_joined(output, "")
            assert not workshop.is_joined(output, "otherwise")
        return {path.name for path in work.glob("0*.mov")}

    first = make("a")
    assert len(make("b") - first) == 2
    assert len(make("c")) == 6
    assert make("a") == make("c")  # Nothing is dropped that takes no more than twice the film's room.
    last = make("d")
    assert len(last) == 6
    assert not first & last  # Made first, and so the oldest.


def test_another_length_of_pieces_keeps_those_that_are_there(tmp_path: Path) -> None:
    begin(tmp_path, (1,))
    done, missing, pieces = resumed(tmp_path, length=25)
    assert (done, missing) == (10, [0, 2])
    assert pieces == [(0, 10), (10, 20), (20, 40)]


def test_of_two_attempts_at_a_piece_the_first_one_counts(tmp_path: Path) -> None:
    work = tmp_path / "work"
    with Workshop(work, a_plan(tmp_path)) as workshop:
        workshop.prepare(resume=False, overwrite=False)
        slow = workshop.claim(2)
        slow.path.write_bytes(b"slow")
        quick = deliver(workshop, 2, b"quick")
        assert quick.path != slow.path
        assert not workshop.deliver(slow)
        assert workshop.missing() == [0, 1, 3]
    assert [path.read_bytes() for path in work.glob("000020*")] == [b"quick"]


def test_many_threads_may_deliver_at_once(tmp_path: Path) -> None:
    work = tmp_path / "work"
    with Workshop(work, a_plan(tmp_path, a_job(end=400))) as workshop:
        workshop.prepare(resume=False, overwrite=False)
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda number: deliver(workshop, number), reversed(range(40))))
        assert workshop.missing() == []
        names = workshop.write_list().read_text().splitlines()[1:]
        contents = [(work / name[6:-1]).read_text() for name in names]
        assert contents == [f"piece {number}" for number in range(40)]
        workshop.remove()
    assert not work.exists()


def test_what_a_killed_run_was_writing_is_swept_and_foreign_files_are_not(tmp_path: Path) -> None:
    work = begin(tmp_path, (0,))
    (work / "000010-000020.12345678.part.mov").write_bytes(b"cut off")
    (work / "joined.part.mkv").write_bytes(b"cut off")
    (work / "notes.txt").write_text("mine")
    resumed(tmp_path)
    assert not list(work.glob("*.part.*"))
    with Workshop(work, a_plan(tmp_path)) as workshop:
        workshop.prepare(resume=False, overwrite=True)
        workshop.remove()
    assert [path.name for path in work.iterdir()] == ["notes.txt"]


def test_a_run_that_is_stopped_before_it_begins_sweeps_up_too(tmp_path: Path) -> None:
    work = begin(tmp_path, (0,))
    (work / "000010-000020.12345678.part.mov").write_bytes(b"cut off")
    with pytest.raises(KeyboardInterrupt), Workshop(work, a_plan(tmp_path)):
        raise KeyboardInterrupt
    assert not list(work.glob("*.part.*"))
    assert resumed(tmp_path)[0] == 10


def test_an_unfinished_film_of_version_4_0_is_named_as_such_and_dropped_only_if_asked(tmp_path: Path) -> None:
    work = tmp_path / "out.mkv.unfinished"
    work.mkdir()
    (work / "000000.mov").write_bytes(b"piece")
    (work / "pieces.json").write_text('{"settings": {}, "pieces": {"0": 5}}')
    with pytest.raises(FilmError, match=r"of vsdeoldify 4\.0"):
        resumed(tmp_path)
    assert (work / "000000.mov").exists()
    with Workshop(work, a_plan(tmp_path)) as workshop:
        assert workshop.prepare(resume=False, overwrite=True) == 0
    assert not work.exists()


_HOLD = """
import sys
from pathlib import Path
from jobs import a_plan
from vsdeoldify.film.pieces import Workshop
with Workshop(Path(sys.argv[1]), a_plan(Path(sys.argv[1]))) as workshop:
    workshop.prepare(resume=True, overwrite=False)
    claim = workshop.claim(1)
    claim.path.write_bytes(b"piece 1")
    workshop.deliver(claim)
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_one_process_holds_the_folder_and_its_death_frees_it(tmp_path: Path) -> None:
    work = tmp_path / "out.mkv.unfinished"
    paths = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]
    held = subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}\n{_HOLD}", str(work)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert held.stdout is not None
    assert held.stdout.readline().strip() == b"ready"
    with pytest.raises(FilmError, match="another run of vsdeoldify is at work"):
        Workshop(work, a_plan(tmp_path))
    held.kill()
    held.communicate()
    assert resumed(tmp_path)[:2] == (10, [0, 2, 3])
