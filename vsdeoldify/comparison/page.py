"""The report as a web page."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from .results import GRAY, HEADINGS, TRUTH, Result, averages, counted, figures, formatted, shown_keys

_LOWER_IS_BETTER = {"ciede2000": True, "ab_psnr": False, "flicker": True, "cdc": True}

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>vsdeoldify compare</title>
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.4 system-ui, sans-serif; margin: 2em; }
table { border-collapse: collapse; }
th, td { padding: .3em .8em; text-align: right; border-bottom: 1px solid #8886; }
th:first-child { text-align: left; }
td.best { font-weight: bold; }
.pictures { display: flex; flex-wrap: wrap; gap: 12px; }
figure { margin: 0; max-width: 360px; }
img { max-width: 100%; display: block; margin-bottom: 4px; }
figcaption { font-size: 13px; }
h2 { font-size: 16px; margin: 2em 0 .5em; overflow-wrap: anywhere; }
</style>
</head>
<body>
<h1>vsdeoldify compare</h1>
<p>Averages over {{ count }} input{{ "" if count == 1 else "s" }} with colours. CIEDE2000: lower is closer to
the true colours; a/b PSNR: higher is closer, in dB. Both favour pale colours: compare the colourfulness with
that of the truth. Flicker and CDC: lower is steadier. The best of each column is bold.</p>
<table>
<tr><th>model</th>{% for key in keys %}<th>{{ headings[key] }}</th>{% endfor %}</tr>
{% for label, values in means %}<tr><th>{{ label }}</th>
{%- for key in keys %}
<td{% if (label, key) in best %} class="best"{% endif %}>{{ values[key] }}</td>
{%- endfor %}</tr>
{% endfor %}</table>
{% for file, results in inputs %}<h2>{{ file }}</h2>
<div class="pictures">
{% for label, values, images in results %}<figure>
{%- for image in images %}
<img alt="" src="data:image/jpeg;base64,{{ image }}">
{%- endfor %}
<figcaption><b>{{ label }}</b>
{%- for key in keys if values[key] %}<br>{{ headings[key] }} {{ values[key] }}{% endfor %}
</figcaption></figure>
{% endfor %}</div>
{% endfor %}</body>
</html>
"""


def write_html(results: Sequence[Result], path: Path) -> None:
    """Write one page with the averages, and every input's figures under its small pictures.

    Args:
        results: in the order of their inputs.
        path: the file.

    Raises:
        OSError: the file cannot be written.
    """
    from jinja2 import Environment

    keys = shown_keys(results)
    means = averages(results)
    inputs = [
        (
            file,
            [
                (one.label, formatted(one), [base64.b64encode(data).decode() for data in one.thumbnails])
                for one in group
            ],
        )
        for file, group in groupby(results, lambda result: result.file)
    ]
    page = (
        Environment(autoescape=True)
        .from_string(_PAGE)
        .render(
            count=len(counted(results)),
            keys=keys,
            headings=HEADINGS,
            means=[(result.label, formatted(result)) for result in means],
            best=_best(means, keys),
            inputs=inputs,
        )
    )
    path.write_text(page, encoding="utf-8", errors="xmlcharrefreplace")


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
