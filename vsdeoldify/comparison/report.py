"""The reports of `vsdeoldify compare`: text, CSV, a web page, and sheets of pictures."""

import base64
import csv
import html
import math
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from ..cli.commands.compare import GRAY, TRUTH, Result
from ..metrics import PictureScore
from ..pictures.files import Picture, decode_picture, write_picture

AVERAGE = "average"
_COLUMNS = 4
_GAP, _CAPTION = 6, 22
_HEADINGS = {
    "ciede2000": "CIEDE2000",
    "ab_psnr": "a/b PSNR",
    "colourfulness": "colourfulness",
    "flicker": "flicker",
    "cdc": "CDC",
}
_LOWER_IS_BETTER = {"ciede2000": True, "ab_psnr": False, "flicker": True, "cdc": True}


def averages(results: Sequence[Result]) -> list[Result]:
    """The mean of each colouring over the inputs that every colouring has a result for.

    Flicker and CDC are means over the clips among them.
    """
    by_file = {file: list(found) for file, found in groupby(results, lambda result: result.file)}
    labels = list(dict.fromkeys(result.label for result in results))
    whole = [found for found in by_file.values() if len(found) == len(labels)]
    means = []
    for label in labels:
        own = [result for found in whole for result in found if result.label == label]
        if own:
            mean = PictureScore(*map(float, np.mean([result.score for result in own], axis=0)))
            flickers = [result.flicker for result in own if result.flicker is not None]
            cdcs = [result.cdc for result in own if result.cdc is not None]
            frames = sum(result.frames for result in own)
            means.append(Result(AVERAGE, label, frames, mean, _mean(flickers), _mean(cdcs)))
    return means


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def figures(result: Result) -> dict[str, float | None]:
    """What a report shows of a result, by the keys of the CSV file; None where there is nothing to show."""
    known = result.label != TRUTH
    return {
        "ciede2000": result.score.ciede2000 if known else None,
        "ab_psnr": result.score.ab_psnr if known else None,
        "colourfulness": result.score.colourfulness,
        "flicker": result.flicker,
        "cdc": result.cdc,
    }


def formatted(result: Result) -> dict[str, str]:
    """The figures as people read them."""
    digits = {"ciede2000": 2, "ab_psnr": 2, "colourfulness": 1, "flicker": 3, "cdc": 6}
    return {
        key: "" if value is None or math.isnan(value) else f"{value:.{digits[key]}f}"
        for key, value in figures(result).items()
    }


def as_text(results: Sequence[Result]) -> str:
    """A table for the terminal: every input, then the averages."""
    keys = _shown_keys(results)
    rows = [("PICTURE", "MODEL", *(_HEADINGS[key] for key in keys))]
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
        writer.writerow(["file", "model", "frames", *_HEADINGS])
        for result in [*results, *averages(results)]:
            values = ["" if value is None else f"{value:.9g}" for value in figures(result).values()]
            writer.writerow([result.file, result.label, result.frames, *values])


def write_html(results: Sequence[Result], path: Path) -> None:
    """Write one page with the averages, and every input's figures under its small pictures.

    Raises:
        OSError: the file cannot be written.
    """
    keys = _shown_keys(results)
    means = averages(results)
    best = _best(means, keys)
    head = "".join(f"<th>{html.escape(_HEADINGS[key])}</th>" for key in keys)
    rows = []
    for result in means:
        values = formatted(result)
        cells = "".join(
            f"<td{' class="best"' if (result.label, key) in best else ''}>{values[key]}</td>" for key in keys
        )
        rows.append(f"<tr><th>{html.escape(result.label)}</th>{cells}</tr>")
    sections = []
    for file, group in groupby(results, lambda result: result.file):
        figure_texts = "".join(_figure(result, keys) for result in group)
        sections.append(f'<h2>{html.escape(file)}</h2>\n<div class="pictures">{figure_texts}</div>')
    count = len({result.file for result in results})
    page = _PAGE.format(
        count=f"{count} input{'s' * (count != 1)}",
        head=head,
        rows="\n".join(rows),
        sections="\n".join(sections),
    )
    path.write_text(page, encoding="utf-8", errors="xmlcharrefreplace")


def _figure(result: Result, keys: Sequence[str]) -> str:
    images = "".join(
        f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(data).decode()}">'
        for data in result.thumbnails
    )
    values = formatted(result)
    lines = [f"{html.escape(_HEADINGS[key])} {values[key]}" for key in keys if values[key]]
    caption = f"<b>{html.escape(result.label)}</b><br>{'<br>'.join(lines)}"
    return f"<figure>{images}<figcaption>{caption}</figcaption></figure>\n"


def _best(means: Sequence[Result], keys: Sequence[str]) -> set[tuple[str, str]]:
    """Label and key of the best value of each column; of the references none."""
    rivals = [result for result in means if result.label not in (TRUTH, GRAY)]
    best = set()
    for key in keys:
        values = {r.label: v for r in rivals if (v := figures(r)[key]) is not None and not math.isnan(v)}
        if key in _LOWER_IS_BETTER and len(values) > 1:
            choose = min if _LOWER_IS_BETTER[key] else max
            best.add((choose(values, key=lambda label: values[label]), key))
    return best


def _shown_keys(results: Sequence[Result]) -> list[str]:
    clips = any(result.flicker is not None for result in results)
    return [key for key in _HEADINGS if clips or key not in ("flicker", "cdc")]


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
        _write_text(sheet[top : top + _CAPTION, left : left + width], _caption(result))
        for number, picture in enumerate(own):
            y = top + _CAPTION + number * (height + _GAP)
            sheet[y : y + height, left : left + width] = picture
    return sheet


def _caption(result: Result) -> str:
    values = formatted(result)
    distance = f"  dE {values['ciede2000']}" if values["ciede2000"] else ""
    return f"{result.label}{distance}"


def _write_text(place: Picture, text: str) -> None:
    """Write a line into a strip of a sheet, as large as fits."""
    import cv2

    # OpenCV's built-in letters are ASCII.
    text = text.encode("ascii", "replace").decode()
    scale = 0.45
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    scale *= min(1.0, (place.shape[1] - 2) / max(width, 1))
    strip = np.ascontiguousarray(place)
    cv2.putText(strip, text, (0, 16), cv2.FONT_HERSHEY_SIMPLEX, scale, (230, 230, 230), 1, cv2.LINE_AA)
    place[...] = strip


def _free_name(folder: Path, name: str, taken: Sequence[Path]) -> Path:
    """A name for a sheet that no other sheet of this run has, even where upper and lower case are one."""
    lower = {path.name.lower() for path in taken}
    candidate, number = f"{name}.compare.jpg", 1
    while candidate.lower() in lower:
        number += 1
        candidate = f"{name}.{number}.compare.jpg"
    return folder / candidate


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>vsdeoldify compare</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2em; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: .3em .8em; text-align: right; border-bottom: 1px solid #8886; }}
th:first-child {{ text-align: left; }}
td.best {{ font-weight: bold; }}
.pictures {{ display: flex; flex-wrap: wrap; gap: 12px; }}
figure {{ margin: 0; max-width: 360px; }}
img {{ max-width: 100%; display: block; margin-bottom: 4px; }}
figcaption {{ font-size: 13px; }}
h2 {{ font-size: 16px; margin: 2em 0 .5em; overflow-wrap: anywhere; }}
</style>
</head>
<body>
<h1>vsdeoldify compare</h1>
<p>Averages over {count}. CIEDE2000: lower is closer to the true colours; a/b PSNR: higher is closer, in dB.
Both favour pale colours: compare the colourfulness with that of the truth. Flicker and CDC: lower is
steadier. The best of each column is bold.</p>
<table>
<tr><th>model</th>{head}</tr>
{rows}
</table>
{sections}
</body>
</html>
"""
