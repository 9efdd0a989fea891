"""Locks and files that are whole or not there."""

import os
import sys
from pathlib import Path

import pytest

from vsdeoldify.support.files import Lock, put_in_place, write_whole


def test_a_lock_is_held_once_and_leaves_no_file_where_that_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = Lock(path)
    with pytest.raises(BlockingIOError):
        Lock(path)
    lock.release()
    lock.release()
    again = Lock(path)
    again.release(remove=True)
    assert not path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows removes closed files only")
def test_a_lock_on_a_file_that_was_removed_is_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first = Lock(path)
    path.unlink()
    # The name is free: whoever comes now has a file of its own, and keeps it.
    second = Lock(path)
    first.release(remove=False)
    with pytest.raises(BlockingIOError):
        Lock(path)
    second.release(remove=True)


def test_a_file_is_written_whole_or_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ("n" * 250 + ".json")  # As long as a name may be.
    write_whole(path, b"first")
    write_whole(path, b"second")
    assert path.read_bytes() == b"second"

    def no_room(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"third")
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_flushed_before_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part, path = tmp_path / "part", tmp_path / "file"
    part.write_bytes(b"data")
    seen: list[bool] = []
    flush = os.fsync

    def watched(descriptor: int) -> None:
        seen.append(path.exists())
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    put_in_place(part, path)
    assert path.read_bytes() == b"data"
    # First the data, under the old name; then, where there is that, the folder with the new one.
    assert seen == ([False] if sys.platform == "win32" else [False, True])
