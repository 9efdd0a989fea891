"""What several checks need: this package's folder, the pip command of this Python, other programs."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

_TOOL_TIMEOUT = 30

DISTRIBUTION = "vsdeoldify"


def output_of(command: list[str], environment: dict[str, str] | None = None) -> tuple[int, str]:
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
        return -1, one_line(error)
    return result.returncode, result.stdout.decode("utf-8", "replace")


def package_folder() -> Path:
    return Path(__file__).resolve().parents[1]


def pip(arguments: str) -> str:
    found = shutil.which("python")
    if found and same_file(found, sys.executable):
        return f"python -m pip {arguments}"
    return f"{shlex.quote(sys.executable)} -m pip {arguments}"


def same_file(first: str | Path, second: str | Path) -> bool:
    try:
        # Not samefile: a virtual environment's python is a link to the system's, yet another one.
        return Path(first).absolute() == Path(second).absolute()
    except OSError:
        return False


def one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def size(number: float) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.1f} MB"
