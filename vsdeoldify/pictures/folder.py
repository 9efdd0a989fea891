"""The pictures of a folder, and what a person should know about the rest of it."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..support.errors import PictureError
from .formats import output_suffix
from .kinds import SCANNED, kind_of
from .reading import open_picture

_NAMED = 3
# So many numbered pictures of one size are more likely a scanned reel than an album.
_REEL = 24
# The last number of a name.
_NUMBER = re.compile(r"\d+(?=\D*$)")


@dataclass
class Album:
    """What lies in a folder.

    Attributes:
        folder: the folder.
        pictures: the files whose content is a picture, by name.
        notes: what is left out, and what it looks like; each a sentence.
    """

    folder: Path
    pictures: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def open_album(folder: Path) -> Album:
    """Look through a folder; hidden files are left out, such as a Mac's `._photo.jpg`, and subfolders.

    Raises:
        PictureError: it cannot be read, holds no picture, or only a scanned reel.
    """
    try:
        entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise PictureError(f"{folder} cannot be read: {error.strerror or error}") from None
    album, others, frames, unread = Album(folder), [], [], []
    for path in entries:
        if path.is_dir():
            continue
        try:
            kind = kind_of(path) if path.is_file() else None
        except OSError:
            unread.append(path.name)
            continue
        if kind in SCANNED:
            frames.append(path)
        elif kind is None and not _claims_picture(path):
            others.append(path.name)
        else:
            album.pictures.append(path)
    folders = [path.name for path in entries if path.is_dir()]
    if frames:
        album.notes.append(
            f"{_list([path.name for path in frames])} in {folder}: frames of a scanned reel; "
            f"{_as_film(frames)}"
        )
    if not album.pictures:
        raise PictureError(album.notes[0] if frames else _nothing(folder, folders))
    if others:
        album.notes.append(f"{_list(others)} in {folder}: no pictures, left out")
    if unread:
        album.notes.append(f"{_list(unread)} in {folder}: cannot be read, left out")
    if folders:
        album.notes.append(f"the folders in {folder} are left out: {_list(folders)}; colour each by itself")
    if _is_reel(album.pictures):
        album.notes.append(
            f"{folder} looks like a scanned reel ({len(album.pictures)} numbered pictures of one size), and "
            f"a film has calmer colours; {_as_film(album.pictures)}"
        )
    return album


def output_names(pictures: Sequence[Path]) -> list[str]:
    """A name for each picture's result in another folder; no two are alike, in upper or lower case."""
    names = []
    taken = Counter(path.name.lower() for path in pictures)
    for path in pictures:
        name = output_name(path, path.stem)
        if name != path.name and taken[name.lower()]:
            name = f"{path.name}{Path(name).suffix}"
        taken[name.lower()] += 1
        names.append(name)
    return names


def output_name(path: Path, stem: str) -> str:
    """The name of a picture's result: the stem with an ending that can hold it."""
    try:
        kind = kind_of(path)
        pages = open_picture(path, str(path)).pages if kind == "GIF" else 1
    except (OSError, PictureError):
        # What is wrong with it is said when it is its turn.
        return f"{stem}{path.suffix}"
    return f"{stem}{output_suffix(path, kind or '', pages)}"


def _claims_picture(path: Path) -> bool:
    """Whether a name says that a file is a picture: one that is broken is reported and not left out."""
    from .formats import PICTURE_SUFFIXES

    return path.suffix.lower() in PICTURE_SUFFIXES | {".gif", ".heic", ".heif"}


def _nothing(folder: Path, folders: list[str]) -> str:
    if folders:
        return f"{folder} holds no pictures, but the folders {_list(folders)}; colour each by itself"
    return f"{folder} holds no pictures (JPEG, PNG, TIFF, WebP or the like)"


def _list(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"


def _is_reel(pictures: Sequence[Path]) -> bool:
    if len(pictures) < _REEL:
        return False
    stems = {_NUMBER.sub("#", path.name) for path in pictures}
    if len(stems) > 1 or "#" not in next(iter(stems)):
        return False
    return len(set(_sizes([pictures[0], pictures[len(pictures) // 2], pictures[-1]]))) == 1


def _as_film(frames: Sequence[Path]) -> str:
    """The command that colours numbered pictures as a film."""
    command = f'`vsdeoldify colorize "{frames[0].parent}" --film --fps 18`'
    if not any(_NUMBER.search(path.name) for path in frames):
        return f"number them, and {command} colours them as a film of 18 pictures a second"
    return f"{command} colours it as a film, of 18 pictures a second or what it was shot with"


def _sizes(pictures: Sequence[Path]) -> Iterator[tuple[int, int] | None]:
    for path in pictures:
        try:
            scan = open_picture(path, str(path))
        except PictureError:
            yield None
        else:
            yield scan.image.width, scan.image.height
