"""`vsdeoldify scenes`: the table and the sheet of a real film."""

import csv
import json
import subprocess
from pathlib import Path

import pytest

from vsdeoldify.cli import main
from vsdeoldify.film import ffmpeg
from vsdeoldify.film.scenes import exact_clock
from vsdeoldify.pictures.files import read_picture

PICTURES = "testsrc2", "smptehdbars", "mandelbrot"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three scenes of 20 frames at 20 frames per second, in gray."""
    path = tmp_path_factory.mktemp("film") / "a film.mkv"
    command = [ffmpeg.find_ffmpeg(), "-v", "error"]
    for name in PICTURES:
        command += ["-f", "lavfi", "-i", f"{name}=s=96x64:r=20"]
    cut = ";".join(f"[{n}]trim=end_frame=20,format=gray[s{n}]" for n in range(3))
    command += ["-filter_complex", f"{cut};[s0][s1][s2]concat=n=3", "-c:v", "ffv1", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_and_the_sheet_lie_beside_the_film(
    film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / film.name
    path.write_bytes(film.read_bytes())
    assert main(["scenes", str(path)]) == 0
    table = rows(tmp_path / "a film_scenes.csv")
    assert [(row["first"], row["last"], row["length"], row["time"]) for row in table] == [
        ("0", "19", "20", "0:00:00.000"),
        ("20", "39", "20", "0:00:01.000"),
        ("40", "59", "20", "0:00:02.000"),
    ]
    assert all(0.1 < float(row["luma"]) < 0.9 for row in table)
    height, width, _ = read_picture(tmp_path / "a film_scenes.jpg").shape
    # Three cells of 160 pixels' height at most, each with its caption.
    assert 2 * 96 < width < 3 * 260
    assert 64 < height < 2 * 200
    assert "a film_scenes.csv" in (said := capsys.readouterr().err)
    assert "3 scenes" in said


def test_a_list_is_measured_and_shown_in_place_of_what_is_found(film: Path, tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    table.write_text("first;last;remarks\n0;9;a coat\n10;59;\n")
    output, sheet = tmp_path / "out.csv", tmp_path / "sheet.png"
    assert main(["scenes", str(film), "--scenes", str(table), "-o", str(output), "--sheet", str(sheet)]) == 0
    assert [(row["first"], row["last"], row["time"]) for row in rows(output)] == [
        ("0", "9", "0:00:00.000"),
        ("10", "59", "0:00:00.500"),
    ]
    assert read_picture(sheet).size
    # What was written is a list itself.
    again = ["scenes", str(film), "--scenes", str(output), "-o", str(output), "--overwrite", "--no-sheet"]
    before = output.read_bytes()
    assert main(again) == 0
    assert output.read_bytes() == before


def test_the_threshold_decides_on_how_many_there_are(film: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    assert main(["scenes", str(film), "-o", str(output), "--no-sheet", "--threshold", "0"]) == 0
    assert len(rows(output)) == 1


def test_progress_and_result_for_programs(
    film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.csv"
    assert main(["scenes", str(film), "-o", str(output), "--no-sheet", "--progress", "json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[-1]["event"] == "result"
    assert (events[-1]["scenes"], events[-1]["output"]) == (3, str(output))
    assert {"title": "looking for scenes", "total": 60}.items() <= next(
        event for event in events if event.get("title") == "looking for scenes"
    ).items()


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--scenes", "nowhere.csv"], 1, "--scenes: the list of scenes nowhere.csv cannot be read"),
        (["--sheet", "sheet.mkv"], 2, "sheet.mkv should end in .jpg or .png"),
        (["-o", "no folder/out.csv"], 1, "no folder does not exist"),
        (["--scenes", "long.csv"], 2, "long.csv names frame 60, but the last frame is 59"),
        (["--scenes", "short.csv"], 2, "is it another film's list?"),
        (
            ["--scenes", "gap.csv"],
            1,
            "begins with frame 30: frames 20 to 29 are in no scene",
        ),
        (["-o", "there.csv"], 1, "there.csv exists: add --overwrite"),
    ],
    ids=range(7),
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    film: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    code: int,
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, rows in {"long": "0,60", "short": "0,49", "gap": "0,19\n30,59", "there": ""}.items():
        Path(f"{name}.csv").write_text(f"first,last\n{rows}\n" if rows else "mine")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert main(["scenes", str(film), *(options if "-o" in options else ["-o", "out.csv", *options])]) == code
    assert words in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_that_is_no_film_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "film.mkv").write_bytes(b"no film" * 100)
    assert main(["scenes", str(tmp_path / "film.mkv")]) == 1
    assert "film.mkv" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["film.mkv"]
    with pytest.raises(SystemExit) as left:
        main(["scenes", str(tmp_path / "film.mkv"), "--threshold", "2"])
    assert left.value.code == 2


def test_times_are_written_as_spreadsheets_read_them() -> None:
    assert [exact_clock(seconds) for seconds in (0, 1.0015, 59.9996, 3723.25)] == [
        "0:00:00.000",
        "0:00:01.002",
        "0:01:00.000",
        "1:02:03.250",
    ]
