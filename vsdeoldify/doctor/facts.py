"""What the other process reports of the native libraries (`probe.py`), step by step."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from .surroundings import one_line, package_folder


class Plugin(TypedDict):
    """A plugin of VapourSynth."""

    namespace: str
    version: str
    file: str | None


class VapourSynth(TypedDict):
    """VapourSynth's core."""

    version: str
    core: list[str]
    threads: int
    file: str
    plugins: list[Plugin]


class Torch(TypedDict):
    """torch and the libraries it was built with."""

    version: str
    cuda: str | None
    rocm: str | None
    cudnn: int | None
    architectures: list[str]
    threads: int
    file: str


class Device(TypedDict):
    """Something that torch can compute on; memory in bytes."""

    device: str
    index: str
    name: str
    precisions: list[str]
    memory: NotRequired[int]
    free: NotRequired[int]
    capability: NotRequired[str]
    architecture: NotRequired[str]
    problem: NotRequired[str]


class Facts:
    """What the steps of the probe found.

    Args:
        results: by step `{"value": …}` or `{"error": text}`; none yet by default.
    """

    def __init__(self, results: dict[str, dict[str, Any]] | None = None) -> None:
        self._results = dict(results or {})

    def collect(self, timeout: float) -> None:
        """Load the libraries in another process and take up what it reports, as far as it gets.

        Args:
            timeout: seconds to wait.
        """
        self._results.update(probe("libraries", timeout=timeout))

    def error(self, name: str) -> str | None:
        """Why a step has no value, or None where it has."""
        entry = self._results.get(name)
        if entry is None:
            return "not looked at, because an earlier check ended the process"
        error: str | None = entry.get("error")
        return error

    def version(self, name: str) -> dict[str, Any]:
        """Version and file of a library that loads."""
        value: dict[str, Any] = self._results[name]["value"]
        return value

    @property
    def vapoursynth(self) -> VapourSynth:
        """VapourSynth's core; only where `error("vapoursynth")` is None."""
        value: VapourSynth = self._results["vapoursynth"]["value"]
        return value

    @property
    def torch(self) -> Torch:
        """torch; only where `error("torch")` is None."""
        value: Torch = self._results["torch"]["value"]
        return value

    @property
    def devices(self) -> list[Device]:
        """The devices; only where `error("devices")` is None."""
        value: list[Device] = self._results["devices"]["value"]
        return value

    @property
    def bundled_ffmpeg(self) -> str | None:
        """The path of imageio-ffmpeg's program, or None where there is none."""
        path: str | None = self._results.get("imageio_ffmpeg", {}).get("value")
        return path


def probe(command: str, *arguments: str, timeout: float) -> dict[str, dict[str, Any]]:
    """Run `probe.py` and collect what it reports, as far as it gets.

    Args:
        command: "libraries" or "test".
        *arguments: of the command.
        timeout: seconds to wait.

    Returns:
        By step: `{"value": …}` or `{"error": text}`.
    """
    script = Path(__file__).with_name("probe.py")
    # -P: this folder's modules must not be taken for others of the same name.
    line = [sys.executable, "-P", str(script), str(package_folder().parent), command, *arguments]
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
        failure = f"cannot be started: {one_line(error)}"
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
