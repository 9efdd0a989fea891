"""The laws of the house: who may import whom. docs/architecture.md says why each wall stands there."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[1] / "vsdeoldify"

# From the top floor down: a room imports from its own floor's rooms only where they are the same room, and
# from any floor below.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("cli",),
    ("studio",),
    ("cluster",),
    ("comparison",),
    ("review",),
    ("film",),
    ("pictures",),
    ("doctor",),
    ("havc",),
    ("functions",),
    ("chain",),
    ("meter",),
    ("vsutils",),
    ("networks",),
    ("training",),
    ("settings",),
    ("deoldify", "ddcolor", "preview"),
    ("models",),
    ("runtime",),
    ("support",),
    ("metrics",),
)
FAMILIES = ("deoldify", "ddcolor", "preview")
# Libraries that a room does without: what knows no VapourSynth can be tested and timed alone, and so on.
FOREIGN: dict[str, frozenset[str]] = {
    "settings": frozenset({"vapoursynth", "numpy", "torch", "cv2"}),
    "vsutils": frozenset({"torch", "torchvision", "timm"}),
    **{name: frozenset({"vapoursynth"}) for name in ("models", "networks", "runtime", *FAMILIES)},
}
LARGEST_ROOM = 0.20
LONGEST_FILE = 550

# The public table of names stands on the floor of the functions; `python -m vsdeoldify` on that of the cli.
_ROOM_OF_FILE = {"": "functions", "__main__": "cli"}


class Import(NamedTuple):
    """One import: the module that imports, what it imports, and the line."""

    importer: str
    imported: str
    line: int


def module_name(path: Path, package: Path) -> str:
    """The dotted name of a file below the package, without the package's own name: "" for `__init__.py`."""
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(source: str, module: str, *, is_package: bool, known: frozenset[str]) -> Iterator[Import]:
    """The imports of a file, wherever they stand in it.

    Modules of the package come as names without the package's own, such as "vsutils.formats"; others as
    their absolute names with a leading "!", such as "!numpy".
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, _foreign_or_own(alias.name), node.lineno)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = module.split(".") if module else []
                up = node.level - (1 if is_package else 0)
                base = base[: len(base) - up] if up else base
                target = ".".join([*base, *(node.module.split(".") if node.module else [])])
            else:
                target = _foreign_or_own(node.module or "")
            if target.startswith("!"):
                yield Import(module, target, node.lineno)
                continue
            for alias in node.names:
                inner = f"{target}.{alias.name}" if target else alias.name
                yield Import(module, inner if inner in known else target, node.lineno)


def _foreign_or_own(name: str) -> str:
    if name == "vsdeoldify" or name.startswith("vsdeoldify."):
        return name.removeprefix("vsdeoldify").removeprefix(".")
    return f"!{name}"


def room(module: str) -> str:
    """The room of a module: the first part of its name."""
    return _ROOM_OF_FILE.get(module, module.partition(".")[0])


def floor(name: str) -> int:
    """The number of a room's floor, counted from the top."""
    return next(number for number, rooms in enumerate(FLOORS) if name in rooms)


def violation(found: Import) -> str | None:
    """The law that an import breaks, or None."""
    here, there = room(found.importer), found.imported
    if there.startswith("!"):
        library = there[1:].partition(".")[0]
        if library in FOREIGN.get(here, ()):
            return f"{here} imports no {library}"
        return None
    target = room(there)
    if here == target:
        if found.importer.startswith("cli.commands.") and there.startswith("cli.commands."):
            return "a command imports no command"
        return None
    if here == "support":
        return "support imports nothing of ours"
    if here == "settings" and target != "support" and there != "models.catalogue":
        return "settings imports models.catalogue and support only"
    if floor(target) <= floor(here):
        return f"{target} is no room below {here}"
    if here == "vsutils" and target == "networks":
        return "vsutils knows no network"
    return None


def circles(imports: list[Import]) -> list[list[str]]:
    """The groups of modules that import each other, directly or by way of others (Tarjan)."""
    graph: dict[str, set[str]] = {}
    for found in imports:
        if not found.imported.startswith("!") and found.imported != found.importer:
            graph.setdefault(found.importer, set()).add(found.imported)
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(module: str) -> None:
        order[module] = low[module] = len(order)
        stack.append(module)
        for other in sorted(graph.get(module, ())):
            if other not in order:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], order[other])
        if low[module] == order[module]:
            group = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(group) > 1:
                groups.append(sorted(group))

    for module in sorted(graph):
        if module not in order:
            visit(module)
    return groups


@pytest.fixture(scope="module")
def files() -> dict[str, Path]:
    """Every module of the package by its name."""
    return {module_name(path, PACKAGE): path for path in sorted(PACKAGE.rglob("*.py"))}


@pytest.fixture(scope="module")
def imports(files: dict[str, Path]) -> list[Import]:
    """Every import of the package."""
    known = frozenset(files)
    return [
        found
        for module, path in files.items()
        for found in imports_of(
            path.read_text(encoding="utf-8"), module, is_package=path.name == "__init__.py", known=known
        )
    ]


def test_every_room_has_a_floor(files: dict[str, Path]) -> None:
    rooms = {name for floor_rooms in FLOORS for name in floor_rooms}
    assert {room(module) for module in files} <= rooms


def test_no_import_breaks_a_law(imports: list[Import], files: dict[str, Path]) -> None:
    broken = [
        f"{files[found.importer].relative_to(PACKAGE.parent)}:{found.line} imports {found.imported}: {law}"
        for found in imports
        if (law := violation(found)) is not None
    ]
    assert not broken, "\n".join(broken)


def test_no_modules_import_each_other_in_a_circle(imports: list[Import]) -> None:
    # A package's own file that lends its modules' names is no circle of theirs.
    between = [found for found in imports if found.imported != "" and found.importer != ""]
    assert circles(between) == []


def test_no_room_is_too_large_and_no_file_too_long(files: dict[str, Path]) -> None:
    lines = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in files.items()}
    assert [f"{module}: {count} lines" for module, count in lines.items() if count > LONGEST_FILE] == []
    rooms: Counter[str] = Counter()
    for module, count in lines.items():
        rooms[room(module)] += count
    total = rooms.total()
    assert [
        f"{name}: {count / total:.0%}" for name, count in rooms.items() if count > LARGEST_ROOM * total
    ] == []


def test_only_the_command_line_prints_and_knows_exit_codes(files: dict[str, Path]) -> None:
    # A process of its own answers by stdout: the training command, and the children of doctor and film.
    own_process = ("training", "doctor.probe", "film.render")
    broken = []
    for module, path in files.items():
        if room(module) == "cli" or module.startswith(own_process):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                broken.append(f"{module}:{node.lineno} prints")
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and (node.value.id, node.attr) in {("sys", "stdout"), ("sys", "stderr"), ("sys", "exit")}
            ):
                broken.append(f"{module}:{node.lineno} uses sys.{node.attr}")
    assert not broken, "\n".join(broken)


def test_help_and_the_package_load_neither_vapoursynth_nor_numpy_nor_torch() -> None:
    code = (
        "import sys, vsdeoldify\n"
        "from vsdeoldify.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'vapoursynth', 'numpy', 'torch', 'cv2'} & sys.modules.keys()), file=sys.stderr)\n"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert child.stderr.splitlines()[-1] == "[]"
    assert "colorize" in child.stdout


@pytest.mark.parametrize(
    ("importer", "imported", "law"),
    [
        # Violations that version 4.0 had, under the names of today's rooms.
        ("film.colorize", "cli.terminal", "cli is no room below film"),
        ("vsutils.filters.fade", "functions", "functions is no room below vsutils"),
        ("settings.params", "vsutils.filters.hue", "settings imports models.catalogue and support only"),
        ("settings.presets", "", "settings imports models.catalogue and support only"),
        ("runtime.device", "networks.loading", "networks is no room below runtime"),
        ("runtime.engines.openvino", "preview.colorizer", "preview is no room below runtime"),
        ("models.verify", "deoldify.network", "deoldify is no room below models"),
        ("cli.commands.colorize", "cli.commands.script", "a command imports no command"),
        ("comparison.report", "cli.commands.compare", "cli is no room below comparison"),
        # And some that nobody should begin.
        ("settings.params", "!vapoursynth", "settings imports no vapoursynth"),
        ("vsutils.inference", "!torch", "vsutils imports no torch"),
        ("vsutils.inference", "networks.loading", "vsutils knows no network"),
        ("preview.colorizer", "!vapoursynth", "preview imports no vapoursynth"),
        ("deoldify.network", "ddcolor.network", "ddcolor is no room below deoldify"),
        ("support.files", "models.store", "support imports nothing of ours"),
        ("film.work", "studio.app", "studio is no room below film"),
    ],
)
def test_a_broken_law_is_found(importer: str, imported: str, law: str) -> None:
    assert violation(Import(importer, imported, 1)) == law


def test_imports_are_read_wherever_they_stand() -> None:
    source = (
        "import numpy as np\n"
        "from . import formats\n"
        "from ..settings.params import StabParams\n"
        "def late():\n    from ...vsutils import scenes\n    from vsdeoldify.runtime import color\n"
    )
    known = frozenset(
        {"vsutils.filters.formats", "vsutils.settings.params", "vsutils.scenes", "runtime.color"}
    )
    found = {
        one.imported for one in imports_of(source, "vsutils.filters.merge", is_package=False, known=known)
    }
    assert found == {
        "!numpy",
        "vsutils.filters.formats",
        "vsutils.settings.params",
        "vsutils.scenes",
        "runtime.color",
    }


def test_a_circle_is_found() -> None:
    found = [Import("a.x", "b.y", 1), Import("b.y", "c.z", 1), Import("c.z", "a.x", 1), Import("d", "a.x", 1)]
    assert circles(found) == [["a.x", "b.y", "c.z"]]
