"""Pictures in and out of files and clips."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from vsdeoldify.pictures.files import (
    PICTURE_SUFFIXES,
    encode_picture,
    frame_to_picture,
    picture_to_clip,
    read_picture,
    to_8_bits,
    write_picture,
)
from vsdeoldify.support.errors import PictureError


def noise(dtype: type = np.uint8, height: int = 37, width: int = 53) -> np.ndarray:
    high = np.iinfo(dtype).max
    return np.random.default_rng(1).integers(0, high, (height, width, 3), dtype=dtype, endpoint=True)


@pytest.mark.parametrize("name", ["a.png", "b.tif", "c.ppm", "ä ß 写.PNG"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_lossless_files_give_the_same_picture_back(tmp_path: Path, name: str, dtype: type) -> None:
    write_picture(tmp_path / name, noise(dtype))
    back = read_picture(tmp_path / name)
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, noise(dtype))


@pytest.mark.parametrize("suffix", sorted(PICTURE_SUFFIXES))
def test_every_format_keeps_red_red_and_leaves_no_temporary_file(tmp_path: Path, suffix: str) -> None:
    red = np.zeros((32, 32, 3), np.uint16)
    red[..., 0] = 65535
    write_picture(tmp_path / f"red{suffix}", red)
    back = read_picture(tmp_path / f"red{suffix}")
    assert np.abs(back / np.iinfo(back.dtype).max - [1, 0, 0]).max() < 0.05
    assert [path.name for path in tmp_path.iterdir()] == [f"red{suffix}"]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_picture_goes_through_a_clip_unchanged(dtype: type) -> None:
    with picture_to_clip(noise(dtype)).get_frame(0) as frame:
        np.testing.assert_array_equal(frame_to_picture(frame), noise(dtype))


def test_exif_orientation_is_obeyed(tmp_path: Path) -> None:
    wide = cv2.imencode(".jpg", np.zeros((16, 48, 3), np.uint8))[1].tobytes()
    turned = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    (tmp_path / "turned.jpg").write_bytes(wide[:2] + turned + wide[2:])
    assert read_picture(tmp_path / "turned.jpg").shape == (48, 16, 3)


def test_gray_and_transparent_files_become_three_channels(tmp_path: Path) -> None:
    for channels in (1, 4):
        cv2.imwrite(str(tmp_path / "x.png"), np.full((20, 20, channels), 77, np.uint8))
        np.testing.assert_array_equal(read_picture(tmp_path / "x.png"), np.full((20, 20, 3), 77))


def test_rounding_to_8_bits_is_to_the_nearest() -> None:
    every = np.arange(65536, dtype=np.uint16).reshape(256, -1, 1).repeat(3, axis=2)
    np.testing.assert_array_equal(to_8_bits(every), np.round(every / 257).astype(np.uint8))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_a_file_that_is_cut_off_is_refused_by_name(tmp_path: Path, suffix: str) -> None:
    data = encode_picture(noise(height=200, width=200), suffix)
    (tmp_path / f"half{suffix}").write_bytes(data[: len(data) // 2])
    with pytest.raises(PictureError, match=f"half{suffix}"):
        read_picture(tmp_path / f"half{suffix}")


@pytest.mark.parametrize(("content", "message"), [(b"", "empty"), (b"<html>no picture</html>", "no picture")])
def test_what_is_no_picture_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.jpg").write_bytes(content)
    with pytest.raises(PictureError, match=message):
        read_picture(tmp_path / "x.jpg")


def test_a_missing_file_and_a_folder_are_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "nope.png", tmp_path):
        with pytest.raises(PictureError, match="cannot be read"):
            read_picture(path)


def test_an_unknown_ending_and_a_missing_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="ending"):
        write_picture(tmp_path / "x.doc", noise())
    with pytest.raises(PictureError, match="cannot be written"):
        write_picture(tmp_path / "nope" / "x.png", noise())
