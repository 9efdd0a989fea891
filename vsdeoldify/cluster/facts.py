"""What must be alike on all machines so that they make the same frames, and how to make it so."""

import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from ..settings.version import CHAIN_VERSION
from .extra import GET

_PACKAGES = {
    "vsdeoldify": "vsdeoldify",
    "vapoursynth": "VapourSynth",
    "vapoursynth-bestsource": "the source filter",
    "torch": "torch",
    "distributed": "Dask",
}
_MOTION = "vapoursynth-mvutensils"

_DEVICES = """
import json
from vsdeoldify.runtime.device import available_devices, default_device_index
print(json.dumps([default_device_index(), available_devices()]))
"""


@dataclass(frozen=True)
class Facts:
    """What a machine says of itself.

    Attributes:
        host: its name.
        system: its system.
        device: what computes, as `ddeoldify()` takes it.
        device_name: the same for people.
        half: whether it computes in half precision where precision is "auto".
        versions: of the packages that decide on the frames; None where one is not installed.
        chain: `CHAIN_VERSION`.
    """

    host: str
    system: str
    device: int | str
    device_name: str
    half: bool
    versions: Mapping[str, str | None] = field(default_factory=dict)
    chain: int = CHAIN_VERSION


@dataclass(frozen=True)
class Device:
    """What computes on a machine.

    Attributes:
        index: as `ddeoldify()` takes it.
        name: for people.
        half: whether it computes in half precision where precision is "auto".
    """

    index: int | str
    name: str
    half: bool


def facts_of(device: Device) -> Facts:
    """What this machine says of itself."""
    return Facts(
        platform.node() or "this computer",
        sys.platform,
        device.index,
        device.name,
        device.half,
        {name: _version(name) for name in (*_PACKAGES, _MOTION)},
    )


def look_at_device(wanted: int | str | None) -> Device:
    """What a device is.

    Args:
        wanted: as `ddeoldify()` takes it; None: the first GPU, or the CPU where there is none.
    """
    if wanted in (99, "cpu"):
        return Device("cpu", "CPU", half=False)
    # In a process of its own: asking takes seconds, and memory of the GPU for as long as the process lives.
    done = subprocess.run([sys.executable, "-c", _DEVICES], capture_output=True, text=True, check=False)
    try:
        import json

        usual, found = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        return Device(99 if wanted is None else wanted, "", half=False)
    index = usual if wanted is None else wanted
    name = "cpu" if index == 99 else f"cuda:{index}" if isinstance(index, int) else index
    return Device(index, found.get(name, name), half=name.startswith("cuda"))


def differences(own: Facts, other: Facts, *, precision: str, half: bool | None, motion: str) -> list[str]:
    """What keeps a worker from making the same frames, each with what cures it.

    Args:
        own: of the machine that leads.
        other: the worker's.
        precision: as the job has it, "auto" or a format's name.
        half: whether the workers that take part already compute in half precision; None: there are none yet.
        motion: the version of the plugin for motion that the job uses; empty: none.
    """
    found = []
    names = dict(_PACKAGES)
    if motion:
        names[_MOTION] = "the plugin for motion"
    for package, words in names.items():
        here, there = own.versions.get(package), other.versions.get(package)
        if _public(here) == _public(there):
            continue
        install = f"{package}=={_public(here)}" if here else package
        cure = f'pip install "{install}" there' if here else f"pip uninstall {package} there"
        if package == "distributed" and there is None:
            cure = f"{GET} there"
        found.append(f"{words} is {there or 'missing'} there and {here or 'missing'} here: {cure}")
    if own.chain != other.chain:
        found.append(
            f"vsdeoldify's colours are of version {other.chain} there and {own.chain} here: install the same "
            "vsdeoldify on both"
        )
    if precision == "auto" and half is not None and half != other.half:
        there, here = ("half" if is_half else "full" for is_half in (other.half, half))
        found.append(
            f"it computes in {there} precision and the others in {here}: with --set precision=float32 all "
            "compute alike"
        )
    return found


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _public(version: str | None) -> str | None:
    """A version without what the build adds: torch for a GPU and torch for the CPU are one."""
    return None if version is None else re.sub(r"\+.*", "", version)


def as_text(facts: Facts) -> dict[str, Any]:
    """The facts for a program's log."""
    return {"host": facts.host, "device": facts.device_name, **facts.versions}
