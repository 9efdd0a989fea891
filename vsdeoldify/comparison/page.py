"""The report as a web page."""

import base64
import html
import math
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from .results import GRAY, HEADINGS, TRUTH, Result, averages, figures, formatted, shown_keys

_LOWER_IS_BETTER = {"ciede2000": True, "ab_psnr": False, "flicker": True, "cdc": True}


def write_html(results: Sequence[Result], path: Path) -> None:
    """Write one page with the averages, and every input's figures under its small pictures.

    Raises:
        OSError: the file cannot be written.
    """
    keys = shown_keys(results)
    means = averages(results)
    best = _best(means, keys)
    head = "".join(f"<th>{html.escape(HEADINGS[key])}</th>" for key in keys)
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
    lines = [f"{html.escape(HEADINGS[key])} {values[key]}" for key in keys if values[key]]
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
