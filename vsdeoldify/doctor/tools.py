"""The programs and plugins beside this one: vspipe, the source filter, ffmpeg."""

import os
import re
import shutil
import sysconfig
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..settings.presets import USUAL_EVERY
from .facts import Facts
from .findings import Finding
from .packages import installed_version
from .surroundings import DISTRIBUTION, output_of, pip, same_file


def vspipe(facts: Facts) -> Iterator[Finding]:
    if facts.error("vapoursynth"):
        return
    scripts = sysconfig.get_path("scripts")
    beside = Path(scripts) / ("vspipe.exe" if os.name == "nt" else "vspipe")
    on_path = shutil.which("vspipe")
    path = str(beside) if beside.is_file() else on_path
    if path is None:
        text = "not found; your own scripts cannot be rendered without it"
        yield Finding("Tools", "warning", "vspipe", text, pip("install --upgrade vapoursynth"))
        return
    code, output = output_of([path, "--version"])
    core = re.search(r"Core (R\d+)", output)
    data = {"file": path, "exit_code": code}
    if code != 0:
        unset = "vapoursynth config" in output
        fix = (
            str(beside.with_stem("vapoursynth")) + " config"
            if unset
            else pip("install --upgrade vapoursynth")
        )
        text = f"{path} does not run: {' '.join(output.split())[:300] or f'exit code {code}'}"
        if unset:
            activated = os.environ | {"PATH": os.pathsep.join([scripts, os.environ.get("PATH", "")])}
            if output_of([path, "--version"], activated)[0] == 0:
                text = f"{path} runs only while this Python environment is activated"
        yield Finding("Tools", "warning", "vspipe", text, fix, data)
        return
    version = core[1] if core else "version unknown"
    loaded = facts.vapoursynth["version"]
    if core and core[1] != loaded:
        text = f"{path} is {version}, but Python loads VapourSynth {loaded}: two installations are mixed"
        fix = "remove the VapourSynth installation that you do not use"
        yield Finding("Tools", "warning", "vspipe", text, fix, data)
    else:
        yield Finding("Tools", "ok", "vspipe", f"{version}, {path}", data=data)
    if beside.is_file() and on_path and not same_file(beside, on_path):
        text = f"{on_path} is another one; a plain `vspipe` starts that, not {beside}"
        yield Finding("Tools", "note", "vspipe on PATH", text)


def source_filter(facts: Facts) -> Iterator[Finding]:
    """The plugin that reads films."""
    text = "bestsource (core.bs) is missing; the command line cannot read films without it"
    fix = pip("install vapoursynth-bestsource")
    yield from _plugin(facts, "bs", "bestsource", Finding("Tools", "warning", "source filter", text, fix))


def motion(facts: Facts) -> Iterator[Finding]:
    """The plugin that carries colours along motion."""
    text = (
        "mvutensils (core.mvu) is missing; the commands colour every frame of a film instead of every "
        f"{USUAL_EVERY}th, and `every` carries colours on the spot, not along motion"
    )
    fix = pip("install vapoursynth-mvutensils")
    yield from _plugin(facts, "mvu", "mvutensils", Finding("Tools", "note", "motion", text, fix))


def cluster() -> Iterator[Finding]:
    """What several machines need to make one film."""
    found = {name: installed_version(name) for name in ("distributed", "cryptography")}
    if None in found.values():
        text = "not installed; only films on several machines or graphics cards need it"
        yield Finding("Tools", "note", "cluster", text, pip(f'install "{DISTRIBUTION}[cluster]"'), found)
    else:
        text = ", ".join(f"{name} {version}" for name, version in found.items())
        yield Finding("Tools", "ok", "cluster", text, data=found)


def _plugin(facts: Facts, namespace: str, title: str, missing: Finding) -> Iterator[Finding]:
    """Where a plugin of VapourSynth lies, or that it is missing; nothing without VapourSynth."""
    if facts.error("vapoursynth"):
        return
    for plugin in facts.vapoursynth["plugins"]:
        if plugin["namespace"] == namespace:
            text = f"{title} {plugin['version']}, {plugin['file']}"
            yield Finding(missing.section, "ok", missing.name, text, data=plugin)
            return
    yield missing


def ffmpeg(facts: Facts) -> Iterator[Finding]:
    found = {"ffmpeg": shutil.which("ffmpeg"), "imageio-ffmpeg": facts.bundled_ffmpeg}
    working = False
    broken: list[Finding] = []
    for name, path in found.items():
        if not path:
            continue
        code, output = output_of([path, "-hide_banner", "-version"])
        version = re.match(r"ffmpeg version (\S+)", output)
        data = {"file": path}
        if code != 0 or version is None:
            text = f"{path} does not run: {' '.join(output.split())[:200] or f'exit code {code}'}"
            fix = pip("install --upgrade imageio-ffmpeg")
            broken.append(Finding("Tools", "warning", name, text, fix, data))
            continue
        working = True
        encoders = output_of([path, "-hide_banner", "-encoders"])[1]
        lacking = [encoder for encoder in ("libx264", "libx265") if encoder not in encoders]
        text = f"{version[1]}, {path}" + (f", without {' and '.join(lacking)}" if lacking else "")
        if "libx264" in lacking and not found["imageio-ffmpeg"]:
            text += ", which films are encoded with by default"
            fix = pip("install imageio-ffmpeg")
            yield Finding(
                "Tools", "warning", name, text, fix, data | {"version": version[1], "lacking": lacking}
            )
            continue
        yield Finding("Tools", "ok", name, text, data=data | {"version": version[1], "lacking": lacking})
    # Without one that works no film can be written.
    yield from (finding if working else replace(finding, level="error") for finding in broken)
    if not any(found.values()):
        fix = pip("install imageio-ffmpeg")
        yield Finding("Tools", "warning", "ffmpeg", "not found; films cannot be encoded without it", fix)
