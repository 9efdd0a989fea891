"""Arrays packed small and without loss: a .npz file within .xz, pictures as WebP.

An 8-bit RGB picture is stored as lossless WebP, or as its difference from another picture of the file where
that is smaller. Numbers of several bytes are stored byte by byte, all first bytes, then all second ones: lzma
packs them better so.
"""

import io
import lzma
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[Any]

# Between an array's name, how it is stored, and the picture it is a difference from or its type.
MARK = ":"
MIDDLE = 128


def to_webp(picture: Array) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "WEBP", lossless=True, exact=True, quality=80, method=4)
    return file.getvalue()


def from_webp(data: bytes) -> Array:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"))


def is_picture(array: Array) -> bool:
    return array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == 3


def pack(name: str, array: Array, base: tuple[str, Array] | None) -> tuple[str, Array]:
    """The name and the bytes that an array is stored as."""
    if not is_picture(array):
        array = np.ascontiguousarray(array)
        planes = np.moveaxis(array[..., None].view(np.uint8), -1, 0)
        return f"{name}{MARK}planes{MARK}{array.dtype.str}", planes
    stored = {f"{name}{MARK}webp": to_webp(array)}
    if base is not None and base[1].shape == array.shape:
        difference = array.astype(np.int16) - base[1] + MIDDLE
        if difference.min() >= 0 and difference.max() <= 255:
            stored[f"{name}{MARK}webp{MARK}{base[0]}"] = to_webp(difference.astype(np.uint8))
    best = min(stored, key=lambda key: len(stored[key]))
    return best, np.frombuffer(stored[best], np.uint8)


def write(path: Path, arrays: Mapping[str, Array], bases: Mapping[str, str]) -> None:
    """Pack arrays by their names; `bases` says which picture another one may be a difference from.

    Raises:
        AssertionError: What was written is not read back bit for bit.
    """
    stored = dict(
        pack(name, array, (bases[name], arrays[bases[name]]) if name in bases else None)
        for name, array in arrays.items()
    )
    file = io.BytesIO()
    np.savez(file, **stored)
    path.write_bytes(lzma.compress(file.getvalue(), preset=9 | lzma.PRESET_EXTREME))
    packed = Packed(path)
    assert set(packed) == set(arrays)
    for name, array in arrays.items():
        assert packed[name].dtype == array.dtype, name
        assert np.array_equal(packed[name], array), name


class Packed(Mapping[str, Array]):
    """The arrays of a file, each unpacked when it is asked for. They cannot be written to."""

    def __init__(self, path: Path) -> None:
        with np.load(io.BytesIO(lzma.decompress(path.read_bytes()))) as file:
            self._stored = {key.split(MARK)[0]: (key.split(MARK)[1:], file[key]) for key in file.files}
        self._found: dict[str, Array] = {}

    def __getitem__(self, name: str) -> Array:
        if name not in self._found:
            found = self._unpack(name)
            found.flags.writeable = False
            self._found[name] = found
        return self._found[name]

    def _unpack(self, name: str) -> Array:
        (kind, *more), stored = self._stored[name]
        if kind == "planes":
            return np.ascontiguousarray(np.moveaxis(stored, 0, -1)).view(more[0])[..., 0]
        picture = from_webp(stored.tobytes())
        if not more:
            return picture
        return (picture.astype(np.int16) - MIDDLE + self[more[0]]).astype(np.uint8)

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)


@cache
def read(path: Path) -> Packed:
    """The arrays of a file; a second call gives the same object."""
    return Packed(path)
