"""Contact sheets: small pictures side by side, with lines of text."""

from collections.abc import Iterable, Sequence

import numpy as np

from .files import Picture

_THUMB_HEIGHT = 240

_GAP = 6

_CAPTION = 22

_LETTERS = 13.0


def make_sheet(
    cells: Iterable[tuple[str, Sequence[Picture]]], aspect: float, *, count: int, columns: int | None = None
) -> Picture:
    """One picture of many: cells side by side, each of one or more pictures with a line of text above.

    Args:
        cells: caption and pictures of each; all pictures of one size, and as many in each cell. They are
            asked for one after the other, so that not all need to be in memory.
        aspect: sample aspect ratio of the pictures.
        count: how many cells there are.
        columns: how many of them are side by side; by default one or two.
    """
    columns = columns or (1 if count < 4 else 2)
    sheet = np.zeros((0, 0, 3), np.uint8)
    for index, (caption, pictures) in enumerate(cells):
        height, width = pictures[0].shape[:2]
        scale = min(1.0, _THUMB_HEIGHT / height)
        size = max(1, round(width * aspect * scale)), max(1, round(height * scale))
        cell_width = len(pictures) * (size[0] + _GAP) + _GAP
        cell_height = size[1] + _CAPTION + _GAP
        if index == 0:
            lines = -(-count // columns)
            sheet = np.full((lines * cell_height, columns * cell_width, 3), 24, np.uint8)
        top, left = index // columns * cell_height, index % columns * cell_width + _GAP
        write_text(sheet[top : top + _CAPTION, left : left + cell_width - 2 * _GAP], caption)
        for side, picture in enumerate(pictures):
            x = left + side * (size[0] + _GAP)
            sheet[top + _CAPTION : top + _CAPTION + size[1], x : x + size[0]] = scaled(picture, size)
    return sheet


def write_text(place: Picture, text: str) -> None:
    """Write a line into a strip of a sheet, in letters as large as fit, up to the usual size."""
    from PIL import Image, ImageDraw, ImageFont

    strip = Image.fromarray(np.ascontiguousarray(place))
    # The built-in letters are those of Western languages.
    text = text.encode("latin-1", "replace").decode("latin-1")
    font = ImageFont.load_default(_LETTERS)
    width = font.getlength(text)
    if width > place.shape[1] - 2:
        font = ImageFont.load_default(max(4.0, _LETTERS * (place.shape[1] - 2) / width))
    ImageDraw.Draw(strip).text((0, place.shape[0] - 6), text, (230, 230, 230), font, anchor="ls")
    place[...] = np.asarray(strip)


def scaled(picture: Picture, size: tuple[int, int]) -> Picture:
    """A picture at another size (width, height), each pixel the mean of those that it stands for."""
    from PIL import Image

    planes = [
        np.asarray(Image.fromarray(picture[..., band].astype(np.float32)).resize(size, Image.Resampling.BOX))
        for band in range(picture.shape[2])
    ]
    return np.rint(np.stack(planes, axis=-1)).astype(picture.dtype)
