"""A contact sheet: small pictures before and after, each pair with a line of text."""

from collections.abc import Sequence

import numpy as np

from .files import Picture

_THUMB_HEIGHT = 240

_GAP = 6

_CAPTION = 22


def make_sheet(rows: Sequence[tuple[str, Picture, Picture]], aspect: float) -> Picture:
    """One picture of many: pairs side by side, each with a line of text above.

    Args:
        rows: caption, picture before, picture after; all of one size.
        aspect: sample aspect ratio of the pictures.
    """
    import cv2

    height, width = rows[0][1].shape[:2]
    scale = min(1.0, _THUMB_HEIGHT / height)
    size = max(1, round(width * aspect * scale)), max(1, round(height * scale))
    cell_width, cell_height = 2 * size[0] + 3 * _GAP, size[1] + _CAPTION + _GAP
    columns = 1 if len(rows) < 4 else 2
    lines = -(-len(rows) // columns)
    sheet = np.full((lines * cell_height, columns * cell_width, 3), 24, np.uint8)
    for index, (caption, before, after) in enumerate(rows):
        top, left = index // columns * cell_height, index % columns * cell_width + _GAP
        cv2.putText(
            sheet, caption, (left, top + 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (230, 230, 230), 1, cv2.LINE_AA
        )
        for side, picture in enumerate((before, after)):
            small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            x = left + side * (size[0] + _GAP)
            sheet[top + _CAPTION : top + _CAPTION + size[1], x : x + size[0]] = small
    return sheet
