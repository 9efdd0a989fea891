"""The reports of `vsdeoldify compare`: text, CSV, a web page, and sheets of pictures."""

import csv
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from ..pictures.files import Picture, decode_picture, write_picture
from ..pictures.sheet import write_text
from .results import HEADINGS, Result, averages, figures, formatted, shown_keys

_COLUMNS = 4
_GAP, _CAPTION = 6, 22


def as_text(results: Sequence[Result]) -> str:
    """A table for the terminal: every input, then the averages."""
    keys = shown_keys(results)
    rows = [("PICTURE", "MODEL", *(HEADINGS[key] for key in keys))]
    found = [*results]
    if len({result.file for result in results}) > 1:
        found += averages(results)
    for result in found:
        values = formatted(result)
        rows.append((result.file, result.label, *(values[key] for key in keys)))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    previous = None
    for row in rows:
        if previous is not None and row[0] != previous:
            lines.append("")
        previous = row[0]
        names = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
        numbers = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
        lines.append("  ".join([*names, *numbers]).rstrip())
    return "\n".join(lines)


def write_csv(results: Sequence[Result], path: Path) -> None:
    """Write every figure, unrounded; the averages are the rows whose file is `average`.

    Raises:
        OSError: the file cannot be written.
    """
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "model", "frames", *HEADINGS])
        for result in [*results, *averages(results)]:
            values = ["" if value is None else f"{value:.9g}" for value in figures(result).values()]
            writer.writerow([result.file, result.label, result.frames, *values])


def write_sheets(results: Sequence[Result], folder: Path) -> list[Path]:
    """Write a picture for each input: the truth, gray and every colouring, each with its name and figures.

    Raises:
        PictureError: one cannot be written.
    """
    written: list[Path] = []
    for file, group in groupby(results, lambda result: result.file):
        path = _free_name(folder, Path(file).name, written)
        write_picture(path, make_sheet(list(group)))
        written.append(path)
    return written


def make_sheet(results: Sequence[Result]) -> Picture:
    """The contact sheet of one input: a picture's results side by side, a clip's frames below each other."""
    frames = max(len(result.thumbnails) for result in results)
    columns = len(results) if frames > 1 else min(_COLUMNS, len(results))
    pictures = [[decode_picture(data) for data in result.thumbnails] for result in results]
    height, width, _ = pictures[0][0].shape
    cell_height, cell_width = height * frames + _GAP * (frames - 1) + _CAPTION + _GAP, width + _GAP
    lines = -(-len(results) // columns)
    sheet = np.full((lines * cell_height, columns * cell_width + _GAP, 3), 24, np.uint8)
    for index, (result, own) in enumerate(zip(results, pictures, strict=True)):
        top, left = index // columns * cell_height, index % columns * cell_width + _GAP
        write_text(sheet[top : top + _CAPTION, left : left + width], _caption(result))
        for number, picture in enumerate(own):
            y = top + _CAPTION + number * (height + _GAP)
            sheet[y : y + height, left : left + width] = picture
    return sheet


def _caption(result: Result) -> str:
    values = formatted(result)
    distance = f"  dE {values['ciede2000']}" if values["ciede2000"] else ""
    return f"{result.label}{distance}"


def _free_name(folder: Path, name: str, taken: Sequence[Path]) -> Path:
    """A name for a sheet that no other sheet of this run has, even where upper and lower case are one."""
    lower = {path.name.lower() for path in taken}
    candidate, number = f"{name}.compare.jpg", 1
    while candidate.lower() in lower:
        number += 1
        candidate = f"{name}.{number}.compare.jpg"
    return folder / candidate
