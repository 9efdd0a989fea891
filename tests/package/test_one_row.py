"""A network family, a filter and a command are one file (or folder) and one row each; all else follows.

Toys are registered here as a new one would be, and then work through the functions, the script, the help and
the test of the documentation.
"""

import ast
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import vapoursynth as vs
from clips import frame_bytes, noise, plane
from lists import undescribed
from safetensors.torch import save_file

from vsdeoldify import cli, colorize, ddeoldify, ddeoldify_stabilizer, preset
from vsdeoldify.film.script import make_script
from vsdeoldify.networks.family import FAMILIES, Family
from vsdeoldify.settings.filters import FILTERS, Filter
from vsdeoldify.settings.params import SHARE, Group

ROOT = Path(__file__).parents[2]
RECORD = '''
"""A family whose network colours everything alike."""

import torch

from vsdeoldify.runtime.checkpoint import Built


class Colorizer(torch.nn.Module):
    def __init__(self, chroma):
        super().__init__()
        self.chroma = torch.nn.Parameter(chroma)

    def forward(self, gray):
        return self.chroma.view(1, 2, 1, 1).expand(len(gray), 2, *gray.shape[2:])


def build(state, dtype):
    return Built(Colorizer(state["toy.chroma"]), "toy", official=True)
'''


class ToyParams(NamedTuple):
    """`toy_p` as people write it."""

    share: float = 0.5


class Toy(NamedTuple):
    """`toy_p`, checked."""

    share: float


def apply(canvas: vs.VideoNode, params: list[Toy], cuts: object) -> vs.VideoNode:
    """Weaken the colours."""
    for one in params:
        canvas = vs.core.std.Expr(canvas, ["", f"x {one.share} *"])
    return canvas


@pytest.fixture
def family(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A folder and a row."""
    folder = tmp_path / "toy_family"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "record.py").write_text(RECORD, encoding="utf-8")
    save_file({"toy.chroma": torch.tensor([0.25, -0.125])}, folder / "toy.safetensors")
    monkeypatch.syspath_prepend(tmp_path)
    row = Family(
        name="toy",
        title="the toy",
        parameter="ddcolor_p",
        models=("toy_model",),
        numbered=0,
        stride=32,
        architectures=("toy",),
        marks=(("toy.", "a toy"),),
        module="toy_family.record",
        page="docs/models.md",
        bundled="toy.safetensors",
    )
    monkeypatch.setitem(FAMILIES, row.name, row)
    return row.models[0]


@pytest.fixture
def toy_filter(monkeypatch: pytest.MonkeyPatch) -> Filter:
    """A file and a row."""
    module = ModuleType("vsdeoldify.vsutils.filters.toy")
    module.apply = apply  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    group = Group("toy_p", ToyParams, Toy, {"share": SHARE})
    row = Filter("toy", "weaken all colours", group, "share of the colour that is kept", module="toy")
    monkeypatch.setitem(FILTERS, row.switch, row)
    return row


def help_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit):
        cli.main([*arguments, "--help"])
    return " ".join(capsys.readouterr().out.split())


def called(text: str) -> dict[str, Any]:
    """The keyword arguments of the call of `colorize` in a script."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    (call,) = (c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "colorize")
    return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}


def test_a_family_colours_through_the_functions_the_script_and_the_options(
    family: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = noise(vs.YUV444PS, 96, 64)
    model = {"ddcolor_p": [family, 10], "device_index": 99}
    plain = ddeoldify(clip, "ddcolor", **model)
    assert plane(plain, 1, 1) == pytest.approx(0.25, abs=1e-6)
    assert plane(plain, 1, 2) == pytest.approx(-0.125, abs=1e-6)
    off = dict.fromkeys(FILTERS, False)
    assert frame_bytes(colorize(clip, "fast", **model, **off), 1) == frame_bytes(plain, 1)

    assert family in help_of(capsys, "script")
    film = tmp_path / "film.mkv"
    film.write_bytes(b"\x1a\x45\xdf\xa3")
    assert cli.main(["script", str(film), "--ddcolor", family, "--device", "99"]) == 0
    assert called(capsys.readouterr().out)["ddcolor_p"][0] == family

    with pytest.raises(vs.Error, match=r"ddcolor_p model must be one of .*toy_model"):
        ddeoldify(clip, "ddcolor", ddcolor_p=["no_such_model"], device_index=99)


def test_a_filter_works_through_the_functions_the_script_and_the_help(
    toy_filter: Filter, family: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = noise(vs.YUV444PS, 64, 64)
    weakened = ddeoldify_stabilizer(clip, toy=True, toy_p=[0.25], render_factor=10)
    by_hand = ddeoldify_stabilizer(clip, dark=True, dark_p=[0.2, 0.8, "0:0.001"], render_factor=10)
    assert np.abs(plane(weakened, 0, 1)).max() < 0.3 * np.abs(plane(by_hand, 0, 1)).max()

    model = {"ddcolor_p": [family, 10], "device_index": 99}
    off = {name: False for name in FILTERS if name != "toy"}
    result = colorize(clip, "fast", toy=True, toy_p=[0.5], render_factor=10, **model, **off)
    assert plane(result, 0, 1) == pytest.approx(0.125, abs=1e-6)

    chosen = preset("fast").with_changes(toy=True, toy_p=[0.5])
    text = make_script(Path("film.mkv"), chosen)
    assert {"toy": True, "toy_p": [0.5]}.items() <= called(text).items()
    assert "toy=True,  # weaken all colours" in text
    assert "toy_p=[0.5],  # share of the colour that is kept" in text

    assert "dark, smooth, colormap, stab, toy" in help_of(capsys, "script")
    film = tmp_path / "film.mkv"
    film.write_bytes(b"\x1a\x45\xdf\xa3")
    options = ["--set", "toy_p=[0.1]", "--no-stabilizer", "--device", "99"]
    assert cli.main(["script", str(film), *options]) == 0
    assert called(capsys.readouterr().out)["toy"] is False

    with pytest.raises(vs.Error, match=r"ddeoldify_stabilizer: toy_p share must be in 0–1, got 7"):
        ddeoldify_stabilizer(clip, toy=True, toy_p=[7])
    with pytest.raises(vs.Error, match="there is no parameter 'toys'"):
        ddeoldify_stabilizer(clip, toys=True)


def test_the_documentation_is_asked_for_a_new_filter(toy_filter: Filter) -> None:
    page = (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8")
    assert undescribed(page) == ["toy", "toy_p"]
    page += "\n### `toy` (default `False`)\n\nIt weakens.\n\n### `toy_p` (default `[0.5]`)\n\nHow much.\n"
    assert undescribed(page) == []


def test_a_command_is_in_the_help_and_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = ModuleType("vsdeoldify.cli.commands.toy")

    def add_parser(subparsers: Any) -> None:
        subparsers.add_parser("toy", help="play with the toy").add_argument("--times", type=int, default=1)

    def run(args: Any) -> int:
        return int(args.times)

    vars(module).update(add_parser=add_parser, run=run)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(cli, "_COMMANDS", (*cli._COMMANDS, "toy"))
    assert "toy play with the toy" in help_of(capsys)
    assert cli.main(["toy", "--times", "3"]) == 3
