"""The documentation is held to the code: parameters, ranges, defaults, links, commands, snippets."""

import ast
import inspect
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import vapoursynth as vs
from lists import lists, undescribed
from vapoursynth import core

import vsdeoldify
from vsdeoldify import cli, preset
from vsdeoldify.pictures.files import is_picture
from vsdeoldify.settings.hues import HUE_NAMES
from vsdeoldify.settings.presets import COLOURS, SPEEDS

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "demo" / "NOTICE.md"]
REFERENCE = (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8")
PUBLIC = [getattr(vsdeoldify, name) for name in vsdeoldify.__all__]
FUNCTIONS: list[Callable[..., object]] = [value for value in PUBLIC if inspect.isfunction(value)]

LISTS = lists()
# A limit at the end of its range needs the other limit there, too.
PARTNERS = {
    "luma_black_limit": {"luma_white_limit": 1},
    "luma_white_limit": {"luma_black_limit": 0},
    "dark_threshold": {"white_threshold": 1},
    "white_threshold": {"dark_threshold": 0},
}


class Element(NamedTuple):
    """A row of a table of the reference page."""

    name: str
    range: str
    default: object


def section(title: str) -> str:
    """What the reference page says under a title, for example a function's name."""
    return re.split(r"^# ", REFERENCE.split(f"\n# {title}\n")[1], flags=re.MULTILINE)[0]


def parameters(function: str) -> dict[str, tuple[str, str]]:
    """Name → default as the page writes it, and the text."""
    parts = re.split(
        r"^### `(\w+)` \((?:default `(.*)`|no default)\)\n", section(function), flags=re.MULTILINE
    )
    return {parts[i]: (parts[i + 1], parts[i + 2]) for i in range(1, len(parts), 3)}


def elements(text: str) -> list[Element]:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| `(.*?)` \|", text, re.MULTILINE)
    return [Element(name, span, literal(default)) for name, span, default in rows]


def literal(text: str) -> object:
    return ast.literal_eval(text.replace("\\|", "|"))


def described(function: Callable[..., object]) -> dict[str, tuple[str, str]]:
    return parameters(function.__name__)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_every_parameter_is_described_in_order_with_its_default(function: Callable[..., object]) -> None:
    parameters = inspect.signature(function).parameters.items()
    signature = {name: value for name, value in parameters if value.kind is not value.VAR_KEYWORD}
    found = described(function)
    assert list(found) == list(signature)
    for name, parameter in signature.items():
        if parameter.default is inspect.Parameter.empty:
            assert found[name][0] is None
        else:
            default = list(parameter.default) if name in LISTS else parameter.default
            assert literal(found[name][0]) == default, name
        assert len(found[name][1].split()) > 5, f"{name} is not explained"


def test_the_page_describes_every_row_of_the_tables() -> None:
    assert undescribed(REFERENCE) == []


@pytest.mark.parametrize("name", LISTS)
def test_every_element_of_a_list_is_described_in_order_with_its_default(name: str) -> None:
    text = next(found[name][1] for found in map(described, FUNCTIONS) if name in found)
    defaults = LISTS[name][1]
    assert [(row.name, row.default) for row in elements(text)] == list(defaults._asdict().items())


def numeric_elements() -> Iterator[Any]:
    for found in map(described, FUNCTIONS):
        for name in found.keys() & LISTS.keys():
            for row in elements(found[name][1]):
                if span := re.search(r"(−?[\d.]+)–(−?[\d.]+)", row.range):
                    low, high = (float(end.replace("−", "-")) for end in span.groups())
                    yield pytest.param(name, row.name, low, high, id=f"{name}-{row.name}")


@pytest.mark.parametrize(("name", "field", "low", "high"), [*numeric_elements()])
def test_a_range_is_what_the_page_says(name: str, field: str, low: float, high: float) -> None:
    check, defaults = LISTS[name]
    defaults = defaults._replace(**PARTNERS.get(field, {}))
    whole = isinstance(getattr(defaults, field), int)
    for value in (low, high):
        check(defaults._replace(**{field: int(value) if whole else value}))
    # 0 is allowed besides the range of a render factor.
    for value in (low - 1 if low != 1 else -1, high + 1):
        with pytest.raises(ValueError, match=field):
            check(defaults._replace(**{field: int(value) if whole else value}))


def test_the_page_describes_every_public_name() -> None:
    classes = {type(defaults).__name__ for _, defaults in LISTS.values()}
    assert classes | {function.__name__ for function in FUNCTIONS} == set(vsdeoldify.__all__)


def test_the_page_shows_the_signatures_as_they_are() -> None:
    for function in FUNCTIONS:
        call = re.search(rf"```python\n({function.__name__}\(.*?\))\n```", REFERENCE, re.DOTALL)
        assert call, function.__name__
        tree = ast.parse(call[1], mode="eval").body
        assert isinstance(tree, ast.Call)
        shown = {keyword.arg: ast.literal_eval(keyword.value) for keyword in tree.keywords}
        true = {
            name: list(parameter.default) if name in LISTS else parameter.default
            for name, parameter in inspect.signature(function).parameters.items()
            if parameter.default is not parameter.empty
            and parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        }
        assert shown == true


def test_every_name_of_a_hue_range_is_listed_with_its_degrees() -> None:
    listed = dict(re.findall(r"`([a-z-]+)` \| (\d+–\d+)", section("Hue ranges")))
    assert listed == {name: f"{start:.0f}–{end:.0f}" for name, (start, end) in HUE_NAMES.items()}


def test_the_tables_of_presets_are_true() -> None:
    found = parameters("colorize")
    speeds = re.findall(r'^\| `"(\w+)"` \| .* \| (\d+)(?: and (\d+))? \|$', found["preset"][1], re.MULTILINE)
    assert [name for name, *_ in speeds] == list(SPEEDS)
    for name, *factors in speeds:
        arguments = preset(name).ddeoldify
        used = [arguments[key][1] for key in ("deoldify_p", "ddcolor_p") if key in arguments]
        assert sorted({int(factor) for factor in factors if factor}) == sorted(set(used)), name
    colours = re.findall(
        r'^\| `"(\w+)"` \| ([\d.]+) \| ([\d.]+) \| (\d+) frames \|$', found["colours"][1], re.MULTILINE
    )
    assert [name for name, *_ in colours] == list(COLOURS)
    for name, weight, saturation, frames in colours:
        chosen = preset("medium", name)
        assert chosen.ddeoldify["mweight"] == float(weight)
        assert chosen.ddeoldify["deoldify_p"][2] == chosen.ddeoldify["ddcolor_p"][2] == float(saturation)
        assert chosen.stabilizer["stab_p"][:2] in ([int(frames), "G"], [int(frames), "guided"])
        switches = [chosen.stabilizer[key] for key in ("dark", "smooth", "stab")]
        assert switches == [True, name != "vivid", True]


def headings(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_local_links_and_pictures_exist(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.exists(), f"{page.name} links to {target}, which is not there"
        if anchor and linked.suffix == ".md":
            assert anchor in headings(linked), f"{page.name} links to {target}, which has no such heading"


def test_no_picture_is_large_or_unused() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for picture in filter(is_picture, (ROOT / "docs" / "images").iterdir()):
        assert picture.stat().st_size <= 200_000, picture.name
        assert f"images/{picture.name}" in text, f"no page shows {picture.name}"


def blocks(page: Path, *languages: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    return [inspect.cleandoc(code) for language, code in found if language in languages]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_python_in_the_documentation_compiles(page: Path) -> None:
    for code in blocks(page, "python"):
        compile(code, page.name, "exec")


def test_the_calls_that_hybrid_writes_are_accepted() -> None:
    (code,) = blocks(ROOT / "docs" / "hybrid.md", "python")
    code = code.replace("device_index=0", "device_index=99, torch_dir='no such folder'")
    imports, colour, stabilize = (ast.unparse(statement) for statement in ast.parse(code).body)
    names: dict[str, Any] = {"clip": core.std.BlankClip(format=vs.RGB24, width=64, height=48, length=3)}
    exec(imports, names)
    exec(stabilize, names)
    assert names["clip"].get_frame(1).format.id == vs.RGB24
    try:
        exec(colour, names)
    except vs.Error as error:
        # The models are not here; all else of the call is as it should be.
        assert "models --download" in str(error)


def test_the_readme_snippets_that_need_no_download_run() -> None:
    if not hasattr(core, "bs"):
        pytest.skip("the source filter bs is not installed")
    snippets = [code for code in blocks(README, "python") if "preview" in code]
    assert snippets
    for code in snippets:
        code = code.replace("film.mkv", str(ROOT / "demo" / "film.mp4"))
        vs.clear_outputs()
        exec(compile(code, "README.md", "exec"), {})
        frame = vs.get_output(0).clip.get_frame(0)
        assert frame.format.color_family == vs.YUV
    vs.clear_outputs()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_commands_in_the_documentation_are_understood(page: Path) -> None:
    parser = cli._parser()
    for code in blocks(page, "", "sh", "bash", "console", "bat"):
        for line in re.sub(r"\\\n\s*", "", code).splitlines():
            if "vsdeoldify" not in line:
                continue
            words = shlex.split(line.removeprefix("$ ").replace("\\", "/"), comments=True)
            for stop in ("|", ">", "&&"):
                words = words[: words.index(stop)] if stop in words else words
            if words[:1] == ["vsdeoldify"]:
                arguments = words[1:]
            elif words[1:3] == ["-m", "vsdeoldify"]:
                arguments = words[3:]
            else:
                continue
            try:
                parser.parse_args(arguments)
            except SystemExit as stopped:
                assert stopped.code == 0, f"{page.name}: {line}"


def test_the_readme_names_make_targets_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"\bmake ([a-z]+)\b", " ".join(blocks(README, "", "sh")))
    assert {"demo", "test"} <= set(named)
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
