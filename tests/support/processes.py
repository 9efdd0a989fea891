"""Programs that run on this machine (Linux)."""

import time
from pathlib import Path


def programs_with(text: str) -> dict[int, str]:
    """Numbers and command lines of the running programs that mention a text."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line:
            found[int(path.parent.name)] = line
    return found


def left_running(text: str, seconds: float = 10) -> list[str]:
    """Command lines of programs that mention a text and still run after so many seconds."""
    deadline = time.monotonic() + seconds
    while programs_with(text) and time.monotonic() < deadline:
        time.sleep(0.02)
    return list(programs_with(text).values())
