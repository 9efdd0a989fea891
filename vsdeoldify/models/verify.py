"""Tell whether model files are the published ones: checksums, and a note of those checked before."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..support.errors import ModelError
from ..support.files import cache_folder, write_whole
from .catalogue import ModelFile
from .reading import HEAD, foreign_content, unchanged
from .store import locate

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all (0 where that is not known)."""

NetworkCheck = Callable[[ModelFile, Path], None]
"""Raises `ModelError` where a file is not a file of the model's network; `networks.loading.check_network`."""

State = Literal["missing", "damaged", "verified", "unpublished", "different", "unchecked"]

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Report:
    """What is known of a model's file.

    Attributes:
        model: The model.
        path: Where its file lies, or None.
        state: ``"missing"``; ``"damaged"`` (or another network's); ``"verified"`` (the published file);
            ``"unpublished"`` (the right network, and no checksum is published to compare with);
            ``"different"`` (the right network, but not the published file: fine-tuned, say);
            ``"unchecked"`` (there, with nothing obviously wrong).
        detail: One sentence on it, or nothing.
        sha256: The file's checksum where it is known.
    """

    model: ModelFile
    path: Path | None
    state: State
    detail: str = ""
    sha256: str | None = None


def sha256_of(path: Path, progress: Progress | None = None) -> str:
    """The SHA-256 checksum of a file in hex digits.

    Raises:
        ModelError: The file cannot be read, or changes meanwhile.
    """
    digest = hashlib.sha256()
    with unchanged(path) as file:
        size = os.fstat(file.fileno()).st_size
        done = 0
        try:
            while block := file.read(_BLOCK):
                digest.update(block)
                done += len(block)
                if progress is not None:
                    progress(done, size)
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {error}") from error
    return digest.hexdigest()


def status(model: ModelFile, torch_dir: str | os.PathLike[str] | None = None) -> Report:
    """What can be said of a model's file at once, without reading it through."""
    try:
        path = locate(model, torch_dir)
    except ModelError:
        return Report(model, None, "missing")
    try:
        with unchanged(path) as file:
            size = os.fstat(file.fileno()).st_size
            reason = foreign_content(file.read(HEAD), size)
    except (ModelError, OSError) as error:
        return Report(model, path, "damaged", str(error))
    if reason:
        return Report(model, path, "damaged", reason)
    if (known := _recall(path)) is not None:
        return _judge(model, path, known)
    if model.sha256 is not None and size != model.size:
        detail = f"{size:,} bytes where the published file has {model.size:,}: cut off, or not the same file"
        return Report(model, path, "unchecked", detail)
    return Report(model, path, "unchecked")


def verify(
    model: ModelFile,
    torch_dir: str | os.PathLike[str] | None = None,
    *,
    check: NetworkCheck,
    progress: Progress | None = None,
) -> Report:
    """Read a model's file through and compare it with the published one.

    Args:
        model: The model.
        torch_dir: See `search_folders`.
        check: Looks at the network in a file whose checksum does not settle the matter.
        progress: Told how far the reading is.
    """
    try:
        path = locate(model, torch_dir)
    except ModelError:
        return Report(model, None, "missing")
    try:
        digest = sha256_of(path, progress)
        if digest != model.sha256:
            check(model, path)
    except ModelError as error:
        forget(path)
        return Report(model, path, "damaged", str(error))
    remember(path, digest)
    return _judge(model, path, digest)


def remember(path: Path, digest: str) -> None:
    """Note the checksum of a file in the user's cache folder, for `status`; not an error if that fails."""
    notes = _notes()
    with suppress(OSError):
        found = path.stat()
        notes[str(path)] = {
            "size": found.st_size,
            "mtime_ns": found.st_mtime_ns,
            "inode": found.st_ino,
            "ctime_ns": found.st_ctime_ns,
            "sha256": digest,
        }
        _write_notes(notes)


def known_sha256(path: Path) -> str:
    """The checksum of a file: noted at an earlier reading, else it is read through now and noted.

    Raises:
        ModelError: The file cannot be read, or changes meanwhile.
    """
    path = path.absolute()
    if (known := _recall(path, strictly=True)) is not None:
        return known
    digest = sha256_of(path)
    remember(path, digest)
    return digest


def forget(path: Path) -> None:
    """Drop the note on a file."""
    notes = _notes()
    if notes.pop(str(path), None) is not None:
        with suppress(OSError):
            _write_notes(notes)


def _judge(model: ModelFile, path: Path, digest: str) -> Report:
    if model.sha256 is None:
        return Report(model, path, "unpublished", f"sha256 {digest}", digest)
    if digest == model.sha256:
        return Report(model, path, "verified", "", digest)
    detail = f"its sha256 is {digest}, the published file's {model.sha256}"
    return Report(model, path, "different", detail, digest)


def _recall(path: Path, *, strictly: bool = False) -> str | None:
    """The noted checksum of a file that is as it was then.

    Args:
        path: the file.
        strictly: whether a file must not have been put in its place either, with the same size and time.
    """
    note = _notes().get(str(path))
    if not isinstance(note, Mapping):
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    if (note.get("size"), note.get("mtime_ns")) != (found.st_size, found.st_mtime_ns):
        return None
    if strictly and (note.get("inode"), note.get("ctime_ns")) != (found.st_ino, found.st_ctime_ns):
        return None
    digest = note.get("sha256")
    return digest if isinstance(digest, str) else None


def _notes_file() -> Path | None:
    folder = cache_folder()
    return None if folder is None else folder / "checked.json"


def _notes() -> dict[str, Any]:
    file = _notes_file()
    if file is None:
        return {}
    try:
        notes = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}


def _write_notes(notes: dict[str, Any]) -> None:
    file = _notes_file()
    if file is None:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps(notes, indent=1).encode())
