"""Pictures for the training, decoded once into one file."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

SUFFIXES = (".avif", ".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""File names that count as pictures."""

_SHORT_SIDE = 192
_HELD_EVERY = 50
_LUMA = np.array((0.299, 0.587, 0.114), np.float32)

Bytes = NDArray[np.uint8]


def read_pictures(sources: Sequence[Path], without: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
    """The pictures in folders (searched through), tar files and single files, in a fixed order.

    Args:
        sources: folders, `.tar` files or picture files.
        without: pictures whose file name begins with one of these words and an underscore are left out
            (`har` leaves out `har_00012.webp`).

    Yields:
        (name, the file's bytes).

    Raises:
        FileNotFoundError: a source does not exist.
    """
    for name, data in _read_sources(sources):
        if Path(name).name.split("_")[0] not in without:
            yield name, data


def _read_sources(sources: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    for source in sources:
        if source.is_dir():
            for file in _pictures_in(source):
                yield str(file.relative_to(source)), file.read_bytes()
        elif source.suffix == ".tar":
            with tarfile.open(source) as archive:
                for member in sorted(archive.getmembers(), key=lambda m: m.name):
                    if member.isfile() and Path(member.name).suffix.lower() in SUFFIXES:
                        file_object = archive.extractfile(member)
                        if file_object is not None:
                            yield member.name, file_object.read()
        elif source.is_file():
            yield source.name, source.read_bytes()
        else:
            raise FileNotFoundError(
                f"there are no pictures at {source}: give a folder, a tar file or a picture"
            )


def _pictures_in(folder: Path) -> list[Path]:
    """The files of a folder and those below it that count as pictures, in a fixed order."""
    return [file for file in sorted(folder.rglob("*")) if file.suffix.lower() in SUFFIXES]


def decode(data: bytes) -> Bytes | None:
    """Decode a picture to RGB.

    Args:
        data: the picture file.

    Returns:
        (H, W, 3) RGB, 0…255; None where the bytes are no picture.
    """
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return None if picture is None else np.ascontiguousarray(picture[..., ::-1], np.uint8)


def luma_of(rgb: Bytes) -> NDArray[np.float32]:
    """BT.601 luma of a picture.

    Args:
        rgb: (H, W, 3), 0…255.

    Returns:
        (H, W), 0…1.
    """
    luma: NDArray[np.float32] = (rgb.astype(np.float32) @ _LUMA / 255).clip(0, 1)
    return luma


def to_planes(rgb: Bytes) -> Bytes:
    """BT.601 luma and the a and b of CIE Lab of an sRGB picture.

    Args:
        rgb: (H, W, 3), 0…255.

    Returns:
        (H, W, 3): luma in 0…255, then a + 128 and b + 128, rounded.
    """
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    planes = np.dstack((luma_of(rgb) * 255, lab[..., 1] + 128, lab[..., 2] + 128))
    return np.clip(np.rint(planes), 0, 255).astype(np.uint8)


def _fingerprint(sources: Sequence[Path], without: Sequence[str]) -> str:
    """What tells one choice of pictures from another; a copy of them elsewhere is the same."""
    found = hashlib.sha256()
    for source in sources:
        if source.is_file():
            with source.open("rb") as file:
                found.update(hashlib.file_digest(file, "sha256").digest())
        else:
            for picture in _pictures_in(source):
                found.update(f"{picture.relative_to(source)} {picture.stat().st_size}\n".encode())
    found.update(json.dumps(sorted(without)).encode())
    return found.hexdigest()[:12]


class Store:
    """Decoded pictures in one memory-mapped file: reading a crop costs no decoding.

    Attributes:
        shapes: height and width of each picture.
        counts: how many pictures each source has, in the order of the sources.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.shapes: list[tuple[int, int]]
        index = json.loads((folder / f"{name}.json").read_text())
        self.shapes = [(h, w) for h, w in index["shapes"]]
        self.counts: list[int] = index["counts"]
        self._starts = np.concatenate(([0], np.cumsum([h * w * 3 for h, w in self.shapes])))
        self._data = np.memmap(folder / f"{name}.u8", np.uint8, "r")

    def __len__(self) -> int:
        return len(self.shapes)

    def __getitem__(self, i: int) -> Bytes:
        """Picture `i` as `to_planes` made it."""
        height, width = self.shapes[i]
        planes: Bytes = self._data[self._starts[i] : self._starts[i + 1]].reshape(height, width, 3)
        return planes

    def repeated(self, members: Sequence[int], times: Sequence[int]) -> list[int]:
        """Some pictures, those of one source oftener than those of another.

        Args:
            members: which pictures.
            times: how often those of each source are wanted, in the order of the sources.

        Returns:
            The pictures in the order of `members`, then again those that are wanted oftener.
        """
        wanted = np.repeat(times, self.counts)
        return [i for turn in range(max(times)) for i in members if wanted[i] > turn]

    def split(self, seed: int) -> tuple[list[int], list[int]]:
        """The pictures to learn from, and one in fifty to measure on, both in random order.

        Args:
            seed: the same one gives the same two lists.

        Raises:
            ValueError: there are fewer than two pictures.
        """
        if len(self) < 2:
            raise ValueError("training needs at least two pictures: one is kept to measure on")
        order = np.random.default_rng(seed).permutation(len(self)).tolist()
        return [i for n, i in enumerate(order) if n % _HELD_EVERY], order[::_HELD_EVERY]

    @classmethod
    def build(cls, folder: Path, sources: Sequence[Path], without: Sequence[str] = ()) -> Store:
        """Decode the pictures of `sources` into `folder`, unless that was done before.

        Pictures larger than 192 pixels on their short side are made smaller.

        Args:
            folder: where the decoded pictures lie.
            sources: folders, tar files or pictures.
            without: as in `read_pictures`.

        Returns:
            The open store.

        Raises:
            FileNotFoundError: a source does not exist.
            ValueError: no picture could be read.
        """
        name = "pictures-" + _fingerprint(sources, without)
        index = folder / f"{name}.json"
        # Version 4.0 did not count the pictures of each source.
        if index.is_file() and "counts" in json.loads(index.read_text()):
            return cls(folder, name)
        folder.mkdir(parents=True, exist_ok=True)
        shapes: list[tuple[int, int]] = []
        counts = []
        with (folder / f"{name}.u8").open("wb") as file:
            for source in sources:
                before = len(shapes)
                for _, data in read_pictures([source], without):
                    rgb = decode(data)
                    if rgb is None or min(rgb.shape[:2]) < 32:
                        continue
                    scale = _SHORT_SIDE / min(rgb.shape[:2])
                    if scale < 1:
                        size = (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
                        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
                    planes = to_planes(rgb)
                    shapes.append((planes.shape[0], planes.shape[1]))
                    file.write(planes.tobytes())
                counts.append(len(shapes) - before)
        if not shapes:
            raise ValueError(f"no picture could be read from {', '.join(str(s) for s in sources)}")
        # Written last: an index means that the data is complete.
        index.write_text(json.dumps({"shapes": shapes, "counts": counts}))
        return cls(folder, name)
