"""`vsdeoldify doctor`: what is installed, what is broken, and the command that fixes it.

Nothing here may stop the report: every check is guarded, and libraries that can end the process are loaded
in another one (`probe.py`).
"""

import getpass
import json
import os
import platform
import re
import shlex
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..cli.terminal import say

if TYPE_CHECKING:
    pass

Level = Literal["ok", "note", "warning", "error"]

_LIBRARIES_TIMEOUT = 300
_TEST_TIMEOUT = 600
_TOOL_TIMEOUT = 30
_LOW_DISK = 2_000_000_000

_MODEL_STATES = {
    "verified": "verified",
    "unpublished": "the right network",
    "different": "not the published file",
    "unchecked": "not verified",
}
_DISTRIBUTION = "vsdeoldify"
_MARKS = {"ok": "ok", "note": "note", "warning": "WARN", "error": "ERROR"}
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
_VARIABLES = (
    "PYTHONHOME",
    "PYTHONPATH",
    "VSDEOLDIFY_MODELS",
    "CUDA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "HSA_OVERRIDE_GFX_VERSION",
    "PYTORCH_ALLOC_CONF",
    "PYTORCH_CUDA_ALLOC_CONF",
    "OMP_NUM_THREADS",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
)
_OPENCV = (
    "opencv-python-headless",
    "opencv-python",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
_CLI_MODULES = {
    "cv2": "opencv-python-headless",
    "skimage": "scikit-image",
    "imageio_ffmpeg": "imageio-ffmpeg",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        section: the heading it stands under.
        level: "ok", "note" (nothing to do), "warning" (a part does not work) or "error" (colouring fails).
        name: what was looked at.
        text: what was found.
        fix: the command or the step that mends it.
        data: the same for programs.
    """

    section: str
    level: Level
    name: str
    text: str
    fix: str | None = None
    data: dict[str, Any] = field(default_factory=dict)


def _examine(torch_dir: str | None, test: bool) -> Iterator[Finding]:
    facts: dict[str, Any] = {}
    yield from _guarded("System", "system", _system)
    yield from _guarded("System", "environment", _environment)
    yield from _guarded("Packages", "packages", _packages)
    yield from _guarded("Packages", "conflicts", _conflicts)
    say("doctor: loading the libraries...")
    yield from _guarded("Libraries", "libraries", lambda: _libraries(facts))
    yield from _guarded("Devices", "devices", lambda: _devices(facts))
    yield from _guarded("Models", "models", lambda: _models(torch_dir))
    yield from _guarded("Tools", "vspipe", lambda: _vspipe(facts))
    yield from _guarded("Tools", "source filter", lambda: _source_filter(facts))
    yield from _guarded("Tools", "ffmpeg", lambda: _ffmpeg(facts))
    yield from _guarded("Folders", "folders", _folders)
    yield from _guarded("Network", "proxy", _proxy)
    if test:
        yield from _guarded("Self-test", "self-test", lambda: _self_tests(facts))


def _guarded(section: str, name: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """A check's findings; one that fails becomes a finding itself."""
    try:
        yield from check()
    except Exception as error:
        text = f"this check failed: {_one_line(error)}"
        yield Finding(section, "warning", name, text, "report this as a bug, with the whole output")


def _system() -> Iterator[Finding]:
    own = _package_folder()
    try:
        version = metadata.version(_DISTRIBUTION)
        text = f"{version} in {own}"
        yield Finding("System", "ok", "vsdeoldify", text, data={"version": version, "folder": str(own)})
    except metadata.PackageNotFoundError:
        fix = _pip(f'install -e "{own.parent}"')
        yield Finding("System", "warning", "vsdeoldify", f"in {own}, not installed as a package", fix)
    bits = struct.calcsize("P") * 8
    text = f"{platform.python_version()}, {bits}-bit, {sys.executable}"
    data = {"version": platform.python_version(), "bits": bits, "executable": sys.executable}
    if sys.version_info < (3, 12) or bits < 64:
        fix = "install a 64-bit Python 3.12 or newer, make a new virtual environment with it"
        yield Finding("System", "error", "Python", f"{text}: too old", fix, data)
    else:
        yield Finding("System", "ok", "Python", text, data=data)
    yield Finding("System", "ok", "OS", f"{platform.platform()}, {platform.machine()}")
    memory = _memory()
    cores = os.cpu_count()
    text = f"{cores} cores, " + (f"{_size(memory)} memory" if memory else "memory unknown")
    yield Finding("System", "ok", "computer", text, data={"cores": cores, "memory": memory})


def _memory() -> int | None:
    if sys.platform == "win32":
        return None
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _environment() -> Iterator[Finding]:
    virtual = sys.prefix != sys.base_prefix
    text = f"{'virtual environment' if virtual else 'no virtual environment'}, {sys.prefix}"
    yield Finding("System", "ok", "environment", text, data={"virtual": virtual, "prefix": sys.prefix})
    for name in _VARIABLES:
        value = os.environ.get(name)
        if value is None:
            continue
        data = {"value": value}
        if name == "PYTHONHOME":
            text = f"{value}: other programs' Python settings break vspipe and virtual environments"
            fix = "unset PYTHONHOME" if os.name != "nt" else "set PYTHONHOME="
            yield Finding("System", "warning", name, text, fix, data)
        elif name == "VSDEOLDIFY_MODELS" and not Path(value).expanduser().is_dir():
            text = f"{value}: there is no such folder"
            yield Finding("System", "warning", name, text, "make the folder or correct the variable", data)
        else:
            yield Finding("System", "note", name, value, data=data)


def _packages() -> Iterator[Finding]:
    for requirement in metadata.requires(_DISTRIBUTION) or []:
        wanted, _, marker = requirement.partition(";")
        extra = re.search(r"extra\s*==\s*['\"](\w+)['\"]", marker)
        match = re.match(r"\s*([\w.-]+)(?:\[.*?\])?\s*(?:>=\s*([\w.]+))?", wanted)
        if match is None or (extra and extra[1] != "cli"):
            continue
        name, minimum = match[1], match[2] or "0"
        fix = _pip(f'install --upgrade "{wanted.strip()}"')
        level: Level = "warning" if extra else "error"
        purpose = " (needed by the command line only)" if extra else ""
        installed = _installed_version(name)
        data = {"version": installed, "minimum": minimum}
        if installed is None:
            yield Finding("Packages", level, name, f"not installed{purpose}", fix, data)
        elif _release(installed) < _release(minimum):
            text = f"{installed} is too old, {minimum} or newer is needed{purpose}"
            yield Finding("Packages", level, name, text, fix, data)
        else:
            yield Finding("Packages", "ok", name, installed, data=data)


def _installed_version(name: str) -> str | None:
    # Every flavour of OpenCV brings the same module.
    names = _OPENCV if name in _OPENCV else (name,)
    for candidate in names:
        try:
            return metadata.version(candidate)
        except metadata.PackageNotFoundError:
            continue
    return None


def _release(version: str) -> tuple[int, ...]:
    """The numbers a version begins with, for comparing: `(2, 6)` of "2.6.0rc1+cu132"; zeros at the end go."""
    numbers = [int(number) for number in re.findall(r"\d+", re.split(r"[^\d.]", version, maxsplit=1)[0])]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _conflicts() -> Iterator[Finding]:
    installed: dict[str, list[metadata.Distribution]] = {}
    for distribution in metadata.distributions():
        name = (distribution.metadata["Name"] or "").lower().replace("_", "-")
        installed.setdefault(name, []).append(distribution)
    problems = False
    for name in ("vapoursynth", _DISTRIBUTION, "torch"):
        versions = [f"{d.version} in {d.locate_file('')}" for d in installed.get(name, [])]
        versions = list(dict.fromkeys(versions))
        if len(versions) > 1:
            problems = True
            text = "installed more than once: " + "; ".join(versions)
            fix = _pip(f"uninstall {name}") + "   (repeat until none is left, then install it once)"
            yield Finding("Packages", "warning", name, text, fix, {"installs": versions})
    modules = [str(path) for path in _modules("vapoursynth")]
    if len(modules) > 1:
        problems = True
        text = "Python sees several copies, the first is used: " + "; ".join(modules)
        fix = "remove all but one (an old portable VapourSynth leaves vapoursynth.pyd or .so behind)"
        yield Finding("Packages", "warning", "vapoursynth", text, fix, {"copies": modules})
    own = _package_folder()
    leftovers = [part for part in _OLD_PARTS if (own / part).exists()]
    if leftovers:
        problems = True
        fix = (
            _pip(f"uninstall {_DISTRIBUTION}")
            + f"   (then delete {own}, keeping its models, and install again)"
        )
        text = f"{own} holds parts of an older version: {', '.join(leftovers)}"
        yield Finding("Packages", "warning", _DISTRIBUTION, text, fix, {"leftovers": leftovers})
    others = [str(path) for path in _modules(_DISTRIBUTION) if path.resolve() != own]
    if others:
        problems = True
        text = f"{own} is used, but there are other copies: " + "; ".join(others)
        fix = f"keep one of them ({_pip(f'uninstall {_DISTRIBUTION}')} removes an installed one)"
        yield Finding("Packages", "warning", _DISTRIBUTION, text, fix, {"copies": others})
    for old in installed.get("fastai", []):
        if _release(old.version) < (2,):
            problems = True
            text = f"{old.version}: version 1 holds torch back to old versions and is not needed any more"
            yield Finding("Packages", "warning", "fastai", text, _pip("uninstall fastai"))
    opencv = [name for name in _OPENCV if name in installed]
    if len(opencv) > 1:
        problems = True
        text = f"{' and '.join(opencv)} write to one folder and may break each other"
        fix = f"{_pip('uninstall ' + ' '.join(opencv))} && {_pip('install opencv-python-headless')}"
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


def _libraries(facts: dict[str, Any]) -> Iterator[Finding]:
    facts.update(_probe("libraries", timeout=_LIBRARIES_TIMEOUT))
    yield from _numpy(facts)
    yield from _vapoursynth(facts)
    yield from _torch(facts)
    for name, package in (
        ("torchvision", "torch torchvision"),
        ("timm", "timm"),
        ("safetensors", "safetensors"),
    ):
        # Without torch none of them can work, and the cure is the same.
        if (error := _error(facts, name)) and not _error(facts, "torch"):
            fix = _pip(f"install --upgrade --force-reinstall {package}")
            yield Finding("Libraries", "error", name, f"does not load: {error}", fix)
    if (error := _error(facts, _DISTRIBUTION)) and not _error(facts, "vapoursynth"):
        fix = "report this as a bug, with the whole output"
        yield Finding("Libraries", "error", _DISTRIBUTION, f"does not load: {error}", fix)
    for module, package in _CLI_MODULES.items():
        if (error := _error(facts, module)) and _installed_version(package) is not None:
            fix = _pip(f"install --upgrade --force-reinstall {package}")
            yield Finding("Libraries", "warning", package, f"is installed but does not load: {error}", fix)


def _numpy(facts: dict[str, Any]) -> Iterator[Finding]:
    if error := _error(facts, "numpy"):
        fix = _pip("install --upgrade --force-reinstall numpy")
        yield Finding("Libraries", "error", "numpy", f"does not load: {error}", fix)
    else:
        value = facts["numpy"]["value"]
        yield Finding("Libraries", "ok", "numpy", str(value["version"]), data=value)


def _vapoursynth(facts: dict[str, Any]) -> Iterator[Finding]:
    if error := _error(facts, "vapoursynth"):
        fix = _pip("install --upgrade --force-reinstall vapoursynth")
        yield Finding("Libraries", "error", "VapourSynth", f"does not load: {error}", fix)
        return
    value = facts["vapoursynth"]["value"]
    details = ", ".join(line.strip() for line in value["core"][2:] if line.strip() not in ("", "Options: -"))
    plugins = ", ".join(f"{plugin['namespace']} {plugin['version']}" for plugin in value["plugins"])
    yield Finding("Libraries", "ok", "VapourSynth", f"{value['version']} ({details})", data=value)
    yield Finding("Libraries", "ok", "plugins", plugins)
    release = re.match(r"R(\d+)", value["version"])
    if release and int(release[1]) < 80:
        text = "in scripts of your own it may never end before VapourSynth R80; vspipe is not affected"
        yield Finding("Libraries", "note", "clip.frames()", text, _pip("install --upgrade vapoursynth"))


def _torch(facts: dict[str, Any]) -> Iterator[Finding]:
    reinstall = _pip("install --upgrade --force-reinstall torch torchvision")
    if error := _error(facts, "torch"):
        yield Finding("Libraries", "error", "torch", f"does not load: {error}", reinstall)
        return
    value = facts["torch"]["value"]
    if value["rocm"]:
        build = f"ROCm {value['rocm']}"
    elif value["cuda"]:
        build = f"CUDA {value['cuda']}, cuDNN {value['cudnn'] or 'missing'}"
    else:
        build = "without CUDA and ROCm"
    text = f"{value['version']} ({build}, {value['threads']} CPU threads)"
    yield Finding("Libraries", "ok", "torch", text, data=value)


def _devices(facts: dict[str, Any]) -> Iterator[Finding]:
    if error := _error(facts, "devices"):
        if not _error(facts, "torch"):
            fix = "update the graphics driver, restart the computer, run this again"
            yield Finding("Devices", "error", "devices", f"looking for them failed: {error}", fix)
        return
    architectures = facts["torch"]["value"]["architectures"]
    for device in facts["devices"]["value"]:
        parts = [device["name"]]
        if device.get("memory"):
            free = f", {_size(device['free'])} free" if "free" in device else ""
            parts.append(_size(device["memory"]) + free)
        if "architecture" in device:
            parts.append(device["architecture"])
        parts += [" ".join(device["precisions"]), f"device_index={device['index']}"]
        text = "; ".join(parts)
        if problem := device.get("problem"):
            fix = "close other programs that use this GPU; if that does not help, update its driver"
            yield Finding("Devices", "error", device["device"], f"{text}; {problem}", fix, device)
        elif architectures and not _supported(device, architectures):
            text += f"; this torch was built for {', '.join(architectures)} only"
            fix = "install the torch build for this GPU: https://pytorch.org/get-started/locally/"
            yield Finding("Devices", "error", device["device"], text, fix, device)
        else:
            yield Finding("Devices", "ok", device["device"], text, data=device)
    yield from _unused_gpu(facts)


def _supported(device: dict[str, Any], architectures: list[str]) -> bool:
    """Whether torch was built for a GPU: for its very architecture or an older one of its generation."""
    own = re.fullmatch(r"sm_(\d+)(\d)", device.get("architecture", ""))
    if own is None:
        return True
    for name in architectures:
        built = re.fullmatch(r"(sm|compute)_(\d+)(\d)[a-z]?", name)
        if built is None:
            continue
        older = (int(built[2]), int(built[3])) <= (int(own[1]), int(own[2]))
        if older and (built[1] == "compute" or built[2] == own[1]):
            return True
    return False


def _unused_gpu(facts: dict[str, Any]) -> Iterator[Finding]:
    """A graphics card that the driver knows and torch does not use."""
    if any(device["device"].startswith("cuda") for device in facts["devices"]["value"]):
        return
    torch = facts["torch"]["value"]
    tool = shutil.which("nvidia-smi")
    if tool is None or torch["rocm"]:
        return
    code, output = _output([tool, "--query-gpu=name,driver_version", "--format=csv,noheader"])
    if code == 0 and output.strip():
        name = "; ".join(output.strip().splitlines())
        if torch["cuda"]:
            text = f"{name}: there, but torch (CUDA {torch['cuda']}) cannot use it"
            fix = "update the NVIDIA driver; if CUDA_VISIBLE_DEVICES is set, unset it"
        else:
            text = f"{name}: there, but this torch was built without CUDA"
            fix = "install the torch build for CUDA: https://pytorch.org/get-started/locally/"
        yield Finding("Devices", "warning", "GPU", text, fix)


def _models(torch_dir: str | None) -> Iterator[Finding]:
    from ..models.catalogue import MODELS, short_name
    from ..models.store import search_folders
    from ..models.verify import status

    bundled = _package_folder() / "preview" / "preview.safetensors"
    preview = bundled.is_file()
    if preview:
        yield Finding("Models", "ok", "preview", f"bundled, {_size(bundled.stat().st_size)}")
    else:
        fix = _pip(f"install --force-reinstall --no-deps {_DISTRIBUTION}")
        yield Finding("Models", "warning", "preview", f"the bundled model {bundled} is missing", fix)
    missing = []
    for model in MODELS:
        name, fix = short_name(model), f"vsdeoldify models --download {short_name(model)}"
        report = status(model, torch_dir)
        if report.path is None:
            missing.append(model)
            continue
        data = {"file": str(report.path), "state": report.state, "detail": report.detail}
        if report.state == "damaged":
            yield Finding("Models", "warning", name, f"{report.path}: {report.detail}", fix, data)
        elif report.state == "unchecked" and report.detail:
            text = f"{report.path}: {report.detail}"
            yield Finding("Models", "warning", name, text, f"vsdeoldify models --verify {name}", data)
        else:
            text = f"{_MODEL_STATES[report.state]}, {report.path}"
            yield Finding("Models", "ok", name, text, data=data)
    if missing:
        names = ", ".join(f"{short_name(model)} ({model.size_text})" for model in missing)
        nothing = len(missing) == len(MODELS)
        level: Level = "error" if nothing and not preview else "note"
        first = "vsdeoldify models --download video" if nothing else None
        yield Finding("Models", level, "not installed", names, first)
    else:
        yield Finding("Models", "note", "verify", "checksums are checked by: vsdeoldify models --verify")
    for number, folder in enumerate(search_folders(torch_dir), 1):
        yield _folder_finding("Models", f"folder {number}", folder, Path(folder).is_dir())


def _vspipe(facts: dict[str, Any]) -> Iterator[Finding]:
    if _error(facts, "vapoursynth"):
        return
    scripts = sysconfig.get_path("scripts")
    beside = Path(scripts) / ("vspipe.exe" if os.name == "nt" else "vspipe")
    on_path = shutil.which("vspipe")
    path = str(beside) if beside.is_file() else on_path
    if path is None:
        text = "not found; your own scripts cannot be rendered without it"
        yield Finding("Tools", "warning", "vspipe", text, _pip("install --upgrade vapoursynth"))
        return
    code, output = _output([path, "--version"])
    core = re.search(r"Core (R\d+)", output)
    data = {"file": path, "exit_code": code}
    if code != 0:
        unset = "vapoursynth config" in output
        fix = (
            str(beside.with_stem("vapoursynth")) + " config"
            if unset
            else _pip("install --upgrade vapoursynth")
        )
        text = f"{path} does not run: {' '.join(output.split())[:300] or f'exit code {code}'}"
        if unset:
            activated = os.environ | {"PATH": os.pathsep.join([scripts, os.environ.get("PATH", "")])}
            if _output([path, "--version"], activated)[0] == 0:
                text = f"{path} runs only while this Python environment is activated"
        yield Finding("Tools", "warning", "vspipe", text, fix, data)
        return
    version = core[1] if core else "version unknown"
    loaded = facts["vapoursynth"]["value"]["version"]
    if core and core[1] != loaded:
        text = f"{path} is {version}, but Python loads VapourSynth {loaded}: two installations are mixed"
        fix = "remove the VapourSynth installation that you do not use"
        yield Finding("Tools", "warning", "vspipe", text, fix, data)
    else:
        yield Finding("Tools", "ok", "vspipe", f"{version}, {path}", data=data)
    if beside.is_file() and on_path and not _same_file(beside, on_path):
        text = f"{on_path} is another one; a plain `vspipe` starts that, not {beside}"
        yield Finding("Tools", "note", "vspipe on PATH", text)


def _source_filter(facts: dict[str, Any]) -> Iterator[Finding]:
    if _error(facts, "vapoursynth"):
        return
    for plugin in facts["vapoursynth"]["value"]["plugins"]:
        if plugin["namespace"] == "bs":
            text = f"bestsource {plugin['version']}, {plugin['file']}"
            yield Finding("Tools", "ok", "source filter", text, data=plugin)
            return
    fix = _pip("install vapoursynth-bestsource")
    text = "bestsource (core.bs) is missing; the command line cannot read films without it"
    yield Finding("Tools", "warning", "source filter", text, fix)


def _ffmpeg(facts: dict[str, Any]) -> Iterator[Finding]:
    found = {"ffmpeg": shutil.which("ffmpeg"), "imageio-ffmpeg": facts.get("imageio_ffmpeg", {}).get("value")}
    working = False
    for name, path in found.items():
        if not path:
            continue
        code, output = _output([path, "-hide_banner", "-version"])
        version = re.match(r"ffmpeg version (\S+)", output)
        data = {"file": path}
        if code != 0 or version is None:
            text = f"{path} does not run: {' '.join(output.split())[:200] or f'exit code {code}'}"
            yield Finding("Tools", "warning", name, text, _pip("install --upgrade imageio-ffmpeg"), data)
            continue
        working = True
        encoders = _output([path, "-hide_banner", "-encoders"])[1]
        lacking = [encoder for encoder in ("libx264", "libx265") if encoder not in encoders]
        text = f"{version[1]}, {path}" + (f", without {' and '.join(lacking)}" if lacking else "")
        yield Finding("Tools", "ok", name, text, data=data | {"version": version[1], "lacking": lacking})
    if not working and not any(found.values()):
        fix = _pip("install imageio-ffmpeg")
        yield Finding("Tools", "warning", "ffmpeg", "not found; films cannot be encoded without it", fix)


def _folders() -> Iterator[Finding]:
    yield _folder_finding("Folders", "temporary files", Path(tempfile.gettempdir()), True)
    yield _folder_finding("Folders", "current folder", Path.cwd(), True)


def _folder_finding(section: str, name: str, folder: Path, exists: bool) -> Finding:
    """Whether a folder, or the nearest one above it that exists, can be written to, and its free space."""
    place = folder
    while not place.is_dir() and place != place.parent:
        place = place.parent
    try:
        free = shutil.disk_usage(place).free
    except OSError:
        free = None
    try:
        with tempfile.TemporaryFile(dir=place):
            writable = True
    except OSError:
        writable = False
    states = [
        "writable" if writable else "read-only",
        *([] if exists else ["not there yet"]),
        *([f"{_size(free)} free"] if free is not None else []),
    ]
    data = {"folder": str(folder), "exists": exists, "writable": writable, "free": free}
    text = f"{folder} ({', '.join(states)})"
    if section == "Folders" and not writable:
        fix = "choose a folder that you may write to"
        return Finding(section, "warning", name, text, fix, data)
    if writable and free is not None and free < _LOW_DISK:
        return Finding(section, "warning", name, text, "delete files on this disk that you do not need", data)
    return Finding(section, "ok", name, text, data=data)


def _proxy() -> Iterator[Finding]:
    proxies = urllib.request.getproxies()
    if not proxies:
        yield Finding("Network", "ok", "proxy", "none")
    for scheme, address in sorted(proxies.items()):
        yield Finding("Network", "note", f"{scheme} proxy", address, data={"proxy": address})


def _self_tests(facts: dict[str, Any]) -> Iterator[Finding]:
    if _error(facts, "devices"):
        reason = "torch does not load" if _error(facts, "torch") else "the devices are not known"
        yield Finding("Self-test", "note", "self-test", f"not done: {reason}")
        return
    for device in facts["devices"]["value"]:
        name = device["device"]
        say(f"doctor: colouring one frame on {name}...")
        result = _probe("test", name, timeout=_TEST_TIMEOUT).get("test", {"error": "no result"})
        if error := result.get("error"):
            fix = _test_fix(error, device)
            yield Finding("Self-test", "error", name, f"failed: {error}", fix, {"error": error})
            continue
        value = result["value"]
        how = "the preview model" if value["network"] == "preview" else "a random network"
        text = f"one frame coloured with {how}, first one after {value['seconds']} s"
        if "difference" in value:
            text += f", largest difference from the CPU {value['difference']:.1%}"
        yield Finding("Self-test", "ok", name, text, data=value)
        # What else is broken has been told already.
        told = _error(facts, _DISTRIBUTION) is not None
        if (why := value.get("why")) and name == "cpu" and not told and "FileNotFoundError" not in why:
            fix = _pip(f"install --force-reinstall --no-deps {_DISTRIBUTION}")
            yield Finding("Self-test", "warning", "preview", f"cannot be used: {why}", fix)


def _test_fix(error: str, device: dict[str, Any]) -> str:
    if "out of memory" in error.lower():
        return "close other programs that use this device, or colour on another one (see Devices)"
    if "no kernel image" in error:
        return "install the torch build for this GPU: https://pytorch.org/get-started/locally/"
    if device["device"] == "cpu":
        return _pip("install --upgrade --force-reinstall torch torchvision timm")
    return "update this device's driver and torch; until then colour with device_index=99 (the CPU)"


def _probe(command: str, *arguments: str, timeout: float) -> dict[str, Any]:
    """Run `probe.py` and collect what it reports, as far as it gets.

    Returns:
        By step: `{"value": …}` or `{"error": text}`.
    """
    script = Path(__file__).with_name("probe.py")
    # -P: this folder's modules must not be taken for others of the same name.
    line = [sys.executable, "-P", str(script), str(_package_folder().parent), command, *arguments]
    failure, output, complaints = "", b"", b""
    try:
        process = subprocess.run(line, capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL)
        output, complaints = process.stdout, process.stderr
        if process.returncode:
            failure = f"the process ended with code {process.returncode}"
    except subprocess.TimeoutExpired as error:
        output = error.stdout or b""
        failure = f"no answer within {timeout:.0f} seconds"
    except OSError as error:
        failure = f"cannot be started: {_one_line(error)}"
    results: dict[str, Any] = {}
    started: str | None = None
    for text in output.decode("utf-8", "replace").splitlines():
        try:
            entry = json.loads(text)
        except ValueError:
            continue
        if "start" in entry:
            started = entry["start"]
        else:
            results[entry["name"]] = entry
            started = None
    if started is not None or not results:
        last = " ".join(complaints.decode("utf-8", "replace").split())[-300:]
        reason = failure or "the process ended early"
        results[started or command] = {"error": f"{reason}: {last}" if last else reason}
    return results


def _error(facts: dict[str, Any], name: str) -> str | None:
    """Why a step has no value, or None where it has."""
    entry = facts.get(name)
    if entry is None:
        return "not looked at, because an earlier check ended the process"
    error: str | None = entry.get("error")
    return error


def _output(command: list[str], environment: dict[str, str] | None = None) -> tuple[int, str]:
    """A program's exit code and all it prints; −1 and the reason where it cannot be run."""
    try:
        result = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=_TOOL_TIMEOUT,
            env=environment,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return -1, _one_line(error)
    return result.returncode, result.stdout.decode("utf-8", "replace")


def _package_folder() -> Path:
    return Path(__file__).resolve().parents[1]


def _pip(arguments: str) -> str:
    found = shutil.which("python")
    if found and _same_file(found, sys.executable):
        return f"python -m pip {arguments}"
    return f"{shlex.quote(sys.executable)} -m pip {arguments}"


def _same_file(first: str | Path, second: str | Path) -> bool:
    try:
        # Not samefile: a virtual environment's python is a link to the system's, yet another one.
        return Path(first).absolute() == Path(second).absolute()
    except OSError:
        return False


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _size(number: float) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.1f} MB"


def _scrub(finding: Finding) -> Finding:
    """The finding without the user's name, home folder and passwords."""
    hide = _hider()

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return hide(value)
        if isinstance(value, dict):
            return {key: clean(item) for key, item in value.items()}
        return [clean(item) for item in value] if isinstance(value, list) else value

    return Finding(
        finding.section,
        finding.level,
        finding.name,
        hide(finding.text),
        None if finding.fix is None else hide(finding.fix),
        clean(finding.data),
    )


def _hider() -> Callable[[str], str]:
    homes = {os.path.expanduser("~"), os.environ.get("HOME", ""), os.environ.get("USERPROFILE", "")}  # noqa: PTH111
    homes |= {os.path.realpath(home) for home in homes if home}
    # A home such as "/" is nobody's name, and taking it out would spoil every path.
    patterns = [re.escape(home.rstrip("/\\")) for home in homes if len(home.rstrip("/\\")) > 2]
    home_pattern = re.compile(
        rf"(?:{'|'.join(sorted(patterns, key=len, reverse=True))})(?![\w.-])", re.IGNORECASE
    )
    try:
        user = getpass.getuser()
    except Exception:
        user = ""
    user_pattern = re.compile(rf"(?<=[/\\]){re.escape(user)}(?=[/\\]|$)", re.IGNORECASE)
    secrets = re.compile(r"(?<=://)[^/@\s]*@")

    def hide(text: str) -> str:
        text = secrets.sub("***@", text)
        if patterns:
            text = home_pattern.sub("~", text)
        return user_pattern.sub("<user>", text) if user else text

    return hide


def _as_text(findings: list[Finding]) -> str:
    lines: list[str] = []
    width = max((len(finding.name) for finding in findings), default=0)
    section = None
    for finding in findings:
        if finding.section != section:
            section = finding.section
            lines += ["", section]
        lines.append(f"  {_MARKS[finding.level]:<5}  {finding.name:<{width}}  {finding.text}")
        if finding.fix:
            lines.append(f"  {'':<5}  {'':<{width}}  -> {finding.fix}")
    errors = sum(finding.level == "error" for finding in findings)
    warnings = sum(finding.level == "warning" for finding in findings)
    counts = f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}"
    verdict = "something needed is broken" if errors else "colouring works here"
    return "\n".join([*lines[1:], "", f"{verdict}: {counts}"])
