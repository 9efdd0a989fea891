"""Installed packages: versions, copies that get into each other's way."""

import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from .findings import Finding, Level
from .surroundings import DISTRIBUTION, package_folder, pip

# What versions 3 to 5 of the original plugin had in the package's folder and this one has not.
_OLD_PARTS = (
    "vsslib",
    "fastai",
    "colorization",
    "colormnet",
    "colormnet2",
    "deepex",
    "remaster",
    "havc_utils.py",
    "deoldify/visualize.py",
    "deoldify/generators.py",
    "deoldify/unet.py",
)

_OPENCV = (
    "opencv-python-headless",
    "opencv-python",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)


def packages() -> Iterator[Finding]:
    for requirement in metadata.requires(DISTRIBUTION) or []:
        wanted, _, marker = requirement.partition(";")
        extra = re.search(r"extra\s*==\s*['\"](\w+)['\"]", marker)
        match = re.match(r"\s*([\w.-]+)(?:\[.*?\])?\s*(?:>=\s*([\w.]+))?", wanted)
        if match is None or (extra and extra[1] != "cli"):
            continue
        name, minimum = match[1], match[2] or "0"
        fix = pip(f'install --upgrade "{wanted.strip()}"')
        level: Level = "warning" if extra else "error"
        purpose = " (needed by the command line only)" if extra else ""
        installed = installed_version(name)
        data = {"version": installed, "minimum": minimum}
        if installed is None:
            yield Finding("Packages", level, name, f"not installed{purpose}", fix, data)
        elif release(installed) < release(minimum):
            text = f"{installed} is too old, {minimum} or newer is needed{purpose}"
            yield Finding("Packages", level, name, text, fix, data)
        else:
            yield Finding("Packages", "ok", name, installed, data=data)


def installed_version(name: str) -> str | None:
    # Every flavour of OpenCV brings the same module.
    names = _OPENCV if name in _OPENCV else (name,)
    for candidate in names:
        try:
            return metadata.version(candidate)
        except metadata.PackageNotFoundError:
            continue
    return None


def release(version: str) -> tuple[int, ...]:
    """The numbers a version begins with, for comparing: `(2, 6)` of "2.6.0rc1+cu132"; zeros at the end go."""
    numbers = [int(number) for number in re.findall(r"\d+", re.split(r"[^\d.]", version, maxsplit=1)[0])]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def conflicts() -> Iterator[Finding]:
    installed: dict[str, list[metadata.Distribution]] = {}
    for distribution in metadata.distributions():
        name = (distribution.metadata["Name"] or "").lower().replace("_", "-")
        installed.setdefault(name, []).append(distribution)
    problems = False
    for name in ("vapoursynth", DISTRIBUTION, "torch"):
        versions = [f"{d.version} in {d.locate_file('')}" for d in installed.get(name, [])]
        versions = list(dict.fromkeys(versions))
        if len(versions) > 1:
            problems = True
            text = "installed more than once: " + "; ".join(versions)
            fix = pip(f"uninstall {name}") + "   (repeat until none is left, then install it once)"
            yield Finding("Packages", "warning", name, text, fix, {"installs": versions})
    modules = [str(path) for path in _modules("vapoursynth")]
    if len(modules) > 1:
        problems = True
        text = "Python sees several copies, the first is used: " + "; ".join(modules)
        fix = "remove all but one (an old portable VapourSynth leaves vapoursynth.pyd or .so behind)"
        yield Finding("Packages", "warning", "vapoursynth", text, fix, {"copies": modules})
    own = package_folder()
    leftovers = [part for part in _OLD_PARTS if (own / part).exists()]
    if leftovers:
        problems = True
        fix = (
            pip(f"uninstall {DISTRIBUTION}")
            + f"   (then delete {own}, keeping its models, and install again)"
        )
        text = f"{own} holds parts of an older version: {', '.join(leftovers)}"
        yield Finding("Packages", "warning", DISTRIBUTION, text, fix, {"leftovers": leftovers})
    others = [str(path) for path in _modules(DISTRIBUTION) if path.resolve() != own]
    if others:
        problems = True
        text = f"{own} is used, but there are other copies: " + "; ".join(others)
        fix = f"keep one of them ({pip(f'uninstall {DISTRIBUTION}')} removes an installed one)"
        yield Finding("Packages", "warning", DISTRIBUTION, text, fix, {"copies": others})
    for old in installed.get("fastai", []):
        if release(old.version) < (2,):
            problems = True
            text = f"{old.version}: version 1 holds torch back to old versions and is not needed any more"
            yield Finding("Packages", "warning", "fastai", text, pip("uninstall fastai"))
    opencv = [name for name in _OPENCV if name in installed]
    if len(opencv) > 1:
        problems = True
        text = f"{' and '.join(opencv)} write to one folder and may break each other"
        fix = f"{pip('uninstall ' + ' '.join(opencv))} && {pip('install opencv-python-headless')}"
        yield Finding("Packages", "note", "opencv", text, fix)
    if not problems:
        yield Finding("Packages", "ok", "conflicts", "none found")


def _modules(name: str) -> list[Path]:
    """Every package or extension module of this name that Python's search path leads to."""
    found: dict[Path, Path] = {}
    for entry in sys.path:
        folder = Path(entry or ".").absolute()
        modules = [path for path in _glob(folder, f"{name}.*") if path.suffix in (".py", ".so", ".pyd")]
        for path in [folder / name, *modules]:
            if path in modules or (path / "__init__.py").is_file():
                found.setdefault(path.resolve(), path)
    return list(found.values())


def _glob(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []
