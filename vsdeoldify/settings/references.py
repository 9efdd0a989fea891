"""Folders of reference pictures: which frame each picture belongs to, by its name."""

from __future__ import annotations

import re
from pathlib import Path

SUFFIXES = frozenset({".avif", ".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
"""Endings of pictures, in small letters."""
SCENES = "scenes.csv"
"""The list of scenes that lies beside the pictures which were chosen by it."""

# The number is the first one in the name: ref_000123.png, ref_000123_v2.png.
_NAMED = re.compile(r"[^\d_]*_?(\d+)(?!\d)")


def read_folder(folder: Path, frames: int, offset: int = 0) -> dict[int, Path]:
    """The pictures of a folder by the numbers of their frames, in rising order.

    Args:
        folder: the folder. Names hold the number of the frame, counted from 0: `ref_000123.png`; what stands
            after the number does not matter, hidden files and other files are left alone.
        frames: number of frames of the film.
        offset: added to the number in a name to get the frame's.

    Raises:
        ValueError: no picture, a picture without a number or with one that the film does not have, or two for
            one frame.
        OSError: the folder cannot be read.
    """
    if not folder.is_dir():
        raise ValueError(
            f"references must be a folder of pictures or a clip; {folder} "
            + ("is a file" if folder.exists() else "does not exist")
        )
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix.lower() not in SUFFIXES or not path.is_file():
            continue
        match = _NAMED.match(path.stem)
        if match is None:
            if path.stem.startswith("ref_"):
                raise ValueError(f"{path.name} has no number of a frame: name it ref_000123{path.suffix}")
            continue  # A contact sheet, for example.
        number = int(match[1]) + offset
        if not 0 <= number < frames:
            raise ValueError(
                f"{path.name} belongs to frame {number}, but the clip has the frames 0 to {frames - 1}; "
                "rename it, or give an offset"
            )
        if number in found:
            raise ValueError(
                f"{found[number].name} and {path.name} both belong to frame {number}; remove one of them"
            )
        found[number] = path
    if not found:
        raise ValueError(
            f"{folder} holds no pictures with the number of a frame in their names, such as ref_000123.png"
        )
    return dict(sorted(found.items()))


def picture_name(number: int, suffix: str = ".png") -> str:
    """The name of the picture of a frame."""
    return f"ref_{number:06d}{suffix}"
