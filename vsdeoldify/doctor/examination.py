"""Look at everything, in the order of the report.

Nothing here may stop the report: every check is guarded, and libraries that can end the process are loaded
in another one (`probe.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from .devices import devices, self_tests
from .facts import Facts
from .findings import Finding
from .libraries import libraries
from .models import models
from .packages import conflicts, packages
from .surroundings import one_line
from .system import environment, folders, proxy, system
from .tools import cluster, ffmpeg, motion, source_filter, vspipe


def examine(torch_dir: str | None, *, test: bool, say: Callable[[str], None]) -> Iterator[Finding]:
    """Look for everything that can be wrong with this installation.

    Args:
        torch_dir: a folder of models to look into as well.
        test: colour one frame on each device.
        say: takes a sentence before each part that takes long.

    Yields:
        The findings, section by section.
    """
    facts = Facts()
    yield from _guarded("System", "system", system)
    yield from _guarded("System", "environment", environment)
    yield from _guarded("Packages", "packages", packages)
    yield from _guarded("Packages", "conflicts", conflicts)
    say("loading the libraries...")
    yield from _guarded("Libraries", "libraries", lambda: libraries(facts))
    yield from _guarded("Devices", "devices", lambda: devices(facts))
    yield from _guarded("Models", "models", lambda: models(torch_dir))
    yield from _guarded("Tools", "vspipe", lambda: vspipe(facts))
    yield from _guarded("Tools", "source filter", lambda: source_filter(facts))
    yield from _guarded("Tools", "motion", lambda: motion(facts))
    yield from _guarded("Tools", "ffmpeg", lambda: ffmpeg(facts))
    yield from _guarded("Tools", "cluster", cluster)
    yield from _guarded("Folders", "folders", folders)
    yield from _guarded("Network", "proxy", proxy)
    if test:
        yield from _guarded("Self-test", "self-test", lambda: self_tests(facts, say))


def _guarded(section: str, name: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """A check's findings; one that fails becomes a finding itself."""
    try:
        yield from check()
    except Exception as error:
        text = f"this check failed: {one_line(error)}"
        yield Finding(section, "warning", name, text, "report this as a bug, with the whole output")
