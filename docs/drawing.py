"""Draw docs/images/architecture.svg from the code: `python docs/drawing.py`.

The floors and the way imports are read are those of the test of the laws, so that picture and law agree.
"""

from __future__ import annotations

import importlib.util
from html import escape
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
OUTPUT = ROOT / "docs" / "images" / "architecture.svg"
WIDTH, LEFT, FLOOR, GAP = 960, 16, 46, 8
TITLES = {
    "cli": "commands, options, messages, exit codes",
    "studio": "the page in a browser",
    "cluster": "one film, many machines",
    "comparison": "how close to true colours",
    "review": "pictures to look at and correct",
    "film": "the film engine",
    "pictures": "picture files",
    "doctor": "what is wrong with an installation",
    "functions": "the public functions",
    "chain": "the graph of a clip",
    "meter": "steadiness",
    "vsutils": "clips: formats, scenes, filters, colour over time",
    "networks": "families, loading",
    "training": "fastai",
    "settings": "what people may ask for",
    "deoldify": "tensors in, tensors out",
    "ddcolor": "tensors in, tensors out",
    "preview": "the bundled model",
    "models": "files of weights",
    "runtime": "devices, engines, batches",
    "support": "errors, words, files",
    "metrics": "colour differences",
}
COLOURS = {
    **dict.fromkeys(("cli", "studio", "cluster", "comparison", "review"), "#7b6cd9"),
    **dict.fromkeys(("film", "pictures", "doctor"), "#c2703d"),
    **dict.fromkeys(("functions", "chain", "meter", "vsutils"), "#2f8f83"),
    **dict.fromkeys(("networks", "training", "deoldify", "ddcolor", "preview", "runtime"), "#b0486f"),
}


def _laws() -> ModuleType:
    path = ROOT / "tests" / "test_architecture.py"
    spec = importlib.util.spec_from_file_location("test_architecture", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _box(x: float, y: float, width: float, name: str, lines: int) -> str:
    colour = COLOURS.get(name, "#5d6b7a")
    return (
        f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{FLOOR - GAP}" rx="4" fill="{colour}"/>'
        f'<text x="{x + width + 10:.1f}" y="{y + 16}" class="name">{escape(name)}'
        f'<tspan class="lines"> {lines:,} lines</tspan></text>'
        f'<text x="{x + width + 10:.1f}" y="{y + 32}" class="what">{escape(TITLES.get(name, ""))}</text>'
    )


def main() -> None:
    """Write the picture."""
    laws = _laws()
    sizes: dict[str, int] = {}
    for path in sorted(laws.PACKAGE.rglob("*.py")):
        name = laws.room(laws.module_name(path, laws.PACKAGE))
        sizes[name] = sizes.get(name, 0) + len(path.read_text(encoding="utf-8").splitlines())
    total = sum(sizes.values())
    floors = [[name for name in floor if name in sizes] for floor in laws.FLOORS]
    floors = [floor for floor in floors if floor]
    height = len(floors) * FLOOR + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'aria-label="The rooms of the package from the top floor down">',
        "<style>text{font-family:system-ui,sans-serif;fill:#223}.name{font-size:14px;font-weight:600}"
        ".lines{font-weight:400;font-size:12px;fill:#667}.what{font-size:12px;fill:#445}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#f7f6f2"/>',
    ]
    for number, floor in enumerate(floors):
        y = 12 + number * FLOOR
        column = (WIDTH - 2 * LEFT) / len(floor)
        for index, name in enumerate(floor):
            width = max(4.0, 1400 * sizes[name] / total) if len(floor) == 1 else 1400 * sizes[name] / total
            parts.append(_box(LEFT + index * column, y, min(width, column - 150), name, sizes[name]))
    parts.append("</svg>\n")
    OUTPUT.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
