"""Do the libraries load?"""

import re
from collections.abc import Iterator

from .facts import Facts
from .findings import Finding
from .packages import installed_version
from .surroundings import DISTRIBUTION, pip

_LIBRARIES_TIMEOUT = 300

_CLI_MODULES = {
    "pyvips": "pyvips",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "imageio_ffmpeg": "imageio-ffmpeg",
}


def libraries(facts: Facts) -> Iterator[Finding]:
    facts.collect(_LIBRARIES_TIMEOUT)
    yield from _numpy(facts)
    yield from _vapoursynth(facts)
    yield from _torch(facts)
    for name, package in (
        ("torchvision", "torch torchvision"),
        ("timm", "timm"),
        ("safetensors", "safetensors"),
    ):
        # Without torch none of them can work, and the cure is the same.
        if (error := facts.error(name)) and not facts.error("torch"):
            fix = pip(f"install --upgrade --force-reinstall {package}")
            yield Finding("Libraries", "error", name, f"does not load: {error}", fix)
    if (error := facts.error(DISTRIBUTION)) and not facts.error("vapoursynth"):
        fix = "report this as a bug, with the whole output"
        yield Finding("Libraries", "error", DISTRIBUTION, f"does not load: {error}", fix)
    for module, package in _CLI_MODULES.items():
        if (error := facts.error(module)) and installed_version(package) is not None:
            fix = pip(f"install --upgrade --force-reinstall {package}")
            yield Finding("Libraries", "warning", package, f"is installed but does not load: {error}", fix)


def _numpy(facts: Facts) -> Iterator[Finding]:
    if error := facts.error("numpy"):
        fix = pip("install --upgrade --force-reinstall numpy")
        yield Finding("Libraries", "error", "numpy", f"does not load: {error}", fix)
    else:
        value = facts.version("numpy")
        yield Finding("Libraries", "ok", "numpy", str(value["version"]), data=value)


def _vapoursynth(facts: Facts) -> Iterator[Finding]:
    if error := facts.error("vapoursynth"):
        fix = pip("install --upgrade --force-reinstall vapoursynth")
        yield Finding("Libraries", "error", "VapourSynth", f"does not load: {error}", fix)
        return
    value = facts.vapoursynth
    details = ", ".join(line.strip() for line in value["core"][2:] if line.strip() not in ("", "Options: -"))
    plugins = ", ".join(f"{plugin['namespace']} {plugin['version']}" for plugin in value["plugins"])
    yield Finding("Libraries", "ok", "VapourSynth", f"{value['version']} ({details})", data=value)
    yield Finding("Libraries", "ok", "plugins", plugins)
    release = re.match(r"R(\d+)", value["version"])
    if release and int(release[1]) < 80:
        text = "in scripts of your own it may never end before VapourSynth R80; vspipe is not affected"
        yield Finding("Libraries", "note", "clip.frames()", text, pip("install --upgrade vapoursynth"))


def _torch(facts: Facts) -> Iterator[Finding]:
    reinstall = pip("install --upgrade --force-reinstall torch torchvision")
    if error := facts.error("torch"):
        yield Finding("Libraries", "error", "torch", f"does not load: {error}", reinstall)
        return
    value = facts.torch
    if value["rocm"]:
        build = f"ROCm {value['rocm']}"
    elif value["cuda"]:
        build = f"CUDA {value['cuda']}, cuDNN {value['cudnn'] or 'missing'}"
    else:
        build = "without CUDA and ROCm"
    text = f"{value['version']} ({build}, {value['threads']} CPU threads)"
    yield Finding("Libraries", "ok", "torch", text, data=value)
