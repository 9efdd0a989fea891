"""This computer: Python, memory, environment variables, folders, proxy."""

import os
import platform
import shutil
import struct
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from .findings import Finding
from .surroundings import DISTRIBUTION, package_folder, pip, size

_LOW_DISK = 2_000_000_000

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


def system() -> Iterator[Finding]:
    own = package_folder()
    try:
        version = metadata.version(DISTRIBUTION)
        text = f"{version} in {own}"
        yield Finding("System", "ok", "vsdeoldify", text, data={"version": version, "folder": str(own)})
    except metadata.PackageNotFoundError:
        fix = pip(f'install -e "{own.parent}"')
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
    text = f"{cores} cores, " + (f"{size(memory)} memory" if memory else "memory unknown")
    yield Finding("System", "ok", "computer", text, data={"cores": cores, "memory": memory})


def _memory() -> int | None:
    if sys.platform == "win32":
        return None
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def environment() -> Iterator[Finding]:
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


def folders() -> Iterator[Finding]:
    yield folder_finding("Folders", "temporary files", Path(tempfile.gettempdir()), True)
    yield folder_finding("Folders", "current folder", Path.cwd(), True)


def folder_finding(section: str, name: str, folder: Path, exists: bool) -> Finding:
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
        *([f"{size(free)} free"] if free is not None else []),
    ]
    data = {"folder": str(folder), "exists": exists, "writable": writable, "free": free}
    text = f"{folder} ({', '.join(states)})"
    if section == "Folders" and not writable:
        fix = "choose a folder that you may write to"
        return Finding(section, "warning", name, text, fix, data)
    if writable and free is not None and free < _LOW_DISK:
        return Finding(section, "warning", name, text, "delete files on this disk that you do not need", data)
    return Finding(section, "ok", name, text, data=data)


def proxy() -> Iterator[Finding]:
    proxies = urllib.request.getproxies()
    if not proxies:
        yield Finding("Network", "ok", "proxy", "none")
    for scheme, address in sorted(proxies.items()):
        yield Finding("Network", "note", f"{scheme} proxy", address, data={"proxy": address})
