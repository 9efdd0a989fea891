"""Files that took long to make: bounded, whole, and safe with several processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vsdeoldify.support import kept

TEXT = b"something that took long to make " * 1000


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files of a test lie."""
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv(kept.LIMIT_VARIABLE, "1")
    found = kept.kept_folder()
    assert found is not None
    assert found.is_relative_to(tmp_path)
    return found


def make(key: str, data: bytes = TEXT, note: int = 7) -> bool:
    def write(place: Path) -> Path:
        path = place / "made by another library"
        path.write_bytes(data)
        path.chmod(0o400)
        return path

    return kept.keep(key, len(data), note, write)


def test_what_is_kept_is_found_with_its_note(folder: Path) -> None:
    assert kept.read_kept("a") is None
    assert kept.note_of("a") is None
    assert make("a")
    found = kept.read_kept("a")
    assert found is not None
    assert bytes(found) == TEXT
    assert kept.note_of("a") == 7
    assert [path.suffix for path in folder.iterdir()] == [".compiled"]


def test_writing_to_the_data_does_not_change_the_file() -> None:
    make("a")
    found = kept.read_kept("a")
    assert found is not None
    found[0] = 0
    again = kept.read_kept("a")
    assert again is not None
    assert bytes(again) == TEXT


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[:100],
        lambda data: b"",
        lambda data: data[:500] + bytes([data[500] ^ 1]) + data[501:],
        lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
        lambda data: data + b"x",
    ],
)
def test_a_damaged_file_is_as_none(folder: Path, damage: object) -> None:
    make("a")
    (path,) = folder.iterdir()
    assert callable(damage)
    path.write_bytes(damage(path.read_bytes()))
    found = kept.read_kept("a")
    # Only the note, with which nothing is computed, is not covered by the checksum.
    assert found is None or bytes(found) == TEXT
    assert make("a")
    assert kept.read_kept("a") is not None


def test_those_go_first_that_were_not_used_for_the_longest(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for age, key in enumerate("cab"):
        make(key)
        os.utime(folder / f"{key}.compiled", (1e9 + age, 1e9 + age))
    kept.read_kept("c")
    monkeypatch.setenv(kept.LIMIT_VARIABLE, str(3.5 * len(TEXT) / 1e9))
    make("d")
    assert {path.stem for path in folder.iterdir()} == {"b", "c", "d"}


def test_what_is_larger_than_the_limit_or_the_disk_is_not_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not kept.keep("a", 2_000_000_000, 0, lambda place: pytest.fail("was made"))
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("", (), {"free": 1_000_000_000}))
    assert not make("a")
    monkeypatch.setenv(kept.LIMIT_VARIABLE, "0")
    assert not make("a")
    assert kept.kept_folder() is None
    assert not folder.exists() or not list(folder.iterdir())


def test_what_fails_leaves_nothing(folder: Path) -> None:
    def fail(place: Path) -> Path:
        (place / "half").write_bytes(TEXT)
        raise OSError("no space left on device")

    assert not kept.keep("a", 10, 0, fail)
    assert list(folder.iterdir()) == []


def test_unfinished_files_of_processes_that_were_killed_go_in_time(folder: Path) -> None:
    for name, age in ((".old.part", 1e9), (".new.part", None)):
        (folder / name).mkdir(parents=True)
        if age is not None:
            os.utime(folder / name, (age, age))
    make("a")
    assert sorted(path.name for path in folder.iterdir()) == [".new.part", "a.compiled"]


def test_it_can_be_emptied(folder: Path) -> None:
    make("a")
    make("b")
    (folder / ".x.part").mkdir()
    assert kept.empty() > 2 * len(TEXT)
    assert list(folder.iterdir()) == []
    assert kept.empty() == 0


def test_several_processes_write_and_read_at_once() -> None:
    code = (
        "from vsdeoldify.support import kept\n"
        f"data = {TEXT!r}[:33000]\n"
        "def write(place):\n"
        "    (place / 'x').write_bytes(data)\n"
        "    return place / 'x'\n"
        "for n in range(60):\n"
        "    kept.keep(str(n % 3), len(data), 1, write)\n"
        "    found = kept.read_kept(str((n + 1) % 3))\n"
        "    assert found is None or bytes(found) == data\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert all(kept.read_kept(key) is not None for key in "012")
