"""Lists of scenes: what files and sequences are taken, and what each of the others is told."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vsdeoldify.settings.scenes import check_scenes

type Write = Callable[[str | bytes], Path]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "list.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


TABLE = "first,last,length,time,luma\n0,9,10,0:00,0.4\n10,19,10,0:00.4,0.1\n20,39,20,0:00.8,0.2\n"


@pytest.mark.parametrize(
    "content",
    [
        TABLE,
        TABLE.replace(",", ";"),
        TABLE.replace(",", "\t"),
        TABLE.replace("\n", "\r\n"),
        b"\xef\xbb\xbf" + TABLE.encode(),
        TABLE.encode("utf-16"),
        TABLE.replace("first", "First ").replace("last", " LAST"),
        TABLE.replace("10,19,10", '"10","19","10"'),
        TABLE.replace("0,9,", "0.0,9.0,"),
        TABLE + ",,,,\n\n",
        "0,9\n10,19\n20,39\n",
        "remarks,last,first\na coat,9,0\n,19,10\nünïcode,39,20\n".encode("latin-1"),
        "first,last\n0,\n10,19\n20,39\n",
    ],
    ids=range(13),
)
def test_tables_as_spreadsheets_write_them_are_read(content: str | bytes, written: Write) -> None:
    scenes = check_scenes(written(content))
    assert scenes.on(40) == (0, 10, 20)
    assert check_scenes(str(written(content))) == scenes


@pytest.mark.parametrize(
    "sequence",
    [
        [0, 10, 20],
        (10, 20),
        [10.0, 20],
        np.array([0, 10, 20]),
        range(0, 30, 10),
        [(0, 9), (10, 19), (20, 39)],
        [[0, 9], 10, (20, 39)],
        iter([10, 20]),
    ],
    ids=range(8),
)
def test_sequences_of_first_frames_and_of_pairs_are_taken(sequence: object) -> None:
    assert check_scenes(sequence).on(40) == (0, 10, 20)


def test_rows_that_are_removed_or_split_may_leave_last_empty(written: Write) -> None:
    assert check_scenes(written("first,last\n0,\n15,\n20,")).on(40) == (0, 15, 20)
    assert check_scenes(written("first\n0\n15\n")).on(40) == (0, 15)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("0,9\n11,39", "row 2 of list.csv begins with frame 11: frame 10 is in no scene"),
        ("0,9\n20,39", "row 2 of list.csv begins with frame 20: frames 10 to 19 are in no scene"),
        ("5,39", "row 1 of list.csv begins with frame 5: frames 0 to 4 are in no scene"),
        ("0,15\n10,39", "row 1 of list.csv ends with frame 15, and row 2 of list.csv begins with 10"),
        ("10,39\n0,9", "frames 0 to 9 are in no scene"),
        ("0,\n20,39\n10,19", "row 3 of list.csv begins with frame 10, and row 2 of list.csv with 20"),
        ("0,9\n10,8\n9,39", "row 2 of list.csv: the scene ends with frame 8, before it begins"),
        ("0,9\n,19", "row 2 of list.csv: first must be the number of a frame, and is empty"),
        ("0,9\n10,1:00", "row 2 of list.csv: last must be the number of a frame, got '1:00'"),
        ("0,9\n10.5,39", "row 2 of list.csv: first must be the number of a frame, got '10.5'"),
        ("0,9\n-10,39", "got '-10'"),
        ("first,last\n", "list.csv holds no scene"),
        ("", "list.csv holds no scene"),
        ("begin,end\n0,9\n", "its titles are 'begin, end'"),
        ("\0\0\0moov", "is not a list of scenes"),
        ('first,last\n0,"' + "9" * 200_000, "is not a list of scenes"),
    ],
    ids=range(16),
)
def test_what_is_wrong_with_a_list_is_said_with_its_row(rows: str, words: str, written: Write) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        check_scenes(written(rows))
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("sequence", "words"),
    [
        ([], "scenes holds no scene"),
        ([0, 10, 10], "scenes[2] begins with frame 10, and scenes[1] with 10"),
        ([20, 10], "scenes[1] begins with frame 10, and scenes[0] with 20"),
        ([(0, 9), (20, 39)], "frames 10 to 19 are in no scene"),
        ([(0, 20), (10, 39)], "must not overlap"),
        ([(0, 9, 4)], "scenes[0] must be a first frame or a pair"),
        ([0, -1], "scenes[1] must be a whole number"),
        ([0, 10.5], "scenes[1] must be a whole number"),
        ([0, "10"], "scenes[1] must be a whole number"),
        (b"list.csv", "scenes must be the path"),
        (7, "scenes must be the path"),
        ({0: 9}, "scenes must be the path"),
    ],
    ids=range(12),
)
def test_what_is_wrong_with_a_sequence_is_said_with_its_place(sequence: object, words: str) -> None:
    with pytest.raises((ValueError, TypeError)) as error:
        check_scenes(sequence)
    assert words in str(error.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(ValueError, match=r"cannot be read") as error:
            check_scenes(path)
        assert str(path) in str(error.value)
    with pytest.raises(ValueError, match="cannot be read"):
        check_scenes("a\0b.csv")


def test_only_a_clip_tells_whether_a_list_fits() -> None:
    pairs = check_scenes([(0, 9), (10, 39)])
    with pytest.raises(ValueError, match="scenes names frame 39, but the last frame is 38"):
        pairs.on(39)
    with pytest.raises(ValueError, match="ends with frame 39, but the last frame is 40: is it another film"):
        pairs.on(41)
    firsts = check_scenes([0, 39])
    assert firsts.on(40) == (0, 39)
    assert firsts.on(400) == (0, 39)
    with pytest.raises(ValueError, match="names frame 39, but the last frame is 38"):
        firsts.on(39)
