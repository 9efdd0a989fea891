"""Clusters for tests: a scheduler, workers and films as processes of their own, on this machine."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from cheap_vsdeoldify import DELAY, HERE
from films import FFMPEG

PROGRAM = [sys.executable, str(HERE / "cheap_vsdeoldify.py")]
WAIT = 120.0


def frames(path: Path, kind: str = "v") -> list[str]:
    """Sums of a film's decoded pictures, or of its sound, each with its time."""
    command = [FFMPEG, "-v", "error", "-i", str(path), "-map", f"0:{kind}", "-f", "framemd5", "-"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line for line in text.splitlines() if not line.startswith("#")]


def wait_for(found: Callable[[], Any], what: str) -> Any:
    """Wait until something is so."""
    deadline = time.monotonic() + WAIT
    while not (value := found()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)
    return value


@dataclass
class Running:
    """A command that runs in the background, all that it says in a file."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def said(self) -> str:
        """What it has said so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def says(self, text: str) -> None:
        """Wait until it says something."""

        def found() -> bool:
            assert text in self.said() or self.process.poll() is None, self.said()
            return text in self.said()

        wait_for(found, f"{text!r} in {self.said()!r}")

    def end(self) -> int:
        """Wait for its end."""
        return self.process.wait(timeout=WAIT)

    def stop(self) -> None:
        """End it and all that it has started."""
        try:
            family = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            family = []
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        for one in family:
            try:
                one.kill()
            except psutil.NoSuchProcess:
                continue
        self.process.wait()

    @property
    def worker(self) -> psutil.Process:
        """Of a worker's command: the process that does the work."""
        for child in psutil.Process(self.process.pid).children():
            if "spawn_main" in " ".join(child.cmdline()):
                return child
        raise AssertionError("no worker runs")


@dataclass
class Cluster:
    """A scheduler with its certificate, and workers by their names."""

    folder: Path
    port: int
    scheduler: Running
    workers: dict[str, Running] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"tls://127.0.0.1:{self.port}"

    @property
    def certificate(self) -> Path:
        return self.folder / "cluster.pem"

    @property
    def options(self) -> list[str]:
        """Those of a film that is made here."""
        return ["--cluster", self.address, "--certificate", str(self.certificate)]

    def add(
        self, name: str, *, inside: Sequence[str] = (), folder: Path | None = None, **env: str
    ) -> Running:
        """Start a worker."""
        own = folder or self.folder / name
        command = [*PROGRAM, "worker", self.address, "--certificate", str(self.certificate)]
        command += ["--name", name, "--folder", str(own)]
        running = start([*inside, *command], self.folder / f"{name}.log", **env)
        self.workers[name] = running
        return running

    def start_scheduler(self) -> None:
        """Start another scheduler in the place of one that has ended."""
        self.scheduler.end()
        self.scheduler = _scheduler(self.folder, self.port)
        self.scheduler.says("Ctrl-C ends it")

    def drop(self, name: str) -> None:
        """End a worker."""
        self.workers.pop(name).stop()


def start(command: Sequence[str | Path], log: Path, **env: str) -> Running:
    """Start a command in the background."""
    environment = os.environ | {"PYTHONUTF8": "1", "PYTHONPATH": os.pathsep.join(paths())} | env
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*map(str, command)], stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment
        )
    return Running(process, log)


def paths() -> list[str]:
    """Where Python finds this package and the cheap filters."""
    return [str(HERE), str(HERE.parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]


def _scheduler(folder: Path, port: int) -> Running:
    command = [*PROGRAM[:1], "-m", "vsdeoldify", "cluster", "start", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--certificate", str(folder / "cluster.pem")]
    return start(command, folder / "scheduler.log")


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """A scheduler without workers; all that belongs to it ends with the block."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    cluster = Cluster(folder, port, _scheduler(folder, port))
    try:
        cluster.scheduler.says("Ctrl-C ends it")
        yield cluster
    finally:
        for running in [*cluster.workers.values(), cluster.scheduler]:
            running.stop()


@dataclass
class Film:
    """A film that is being made by a process of its own."""

    running: Running
    output: Path

    def events(self) -> list[dict[str, Any]]:
        """What it has reported so far."""
        lines = self.running.said().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    @property
    def messages(self) -> str:
        """What it has said in sentences."""
        return "\n".join(str(event["text"]) for event in self.events() if "text" in event)

    @property
    def pieces(self) -> list[Path]:
        """Those that are finished."""
        return sorted(self.output.with_name(f"{self.output.name}.unfinished").glob("0*-*[0-9a-f].m*"))

    def until(self, found: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """Wait for a report."""
        event: dict[str, Any] = wait_for(lambda: next(filter(found, self.events()), None), what)
        return event

    def works(self, name: str) -> dict[str, Any]:
        """Wait until a worker is in the middle of a piece."""
        return self.until(
            lambda event: event["event"] == "worker" and event["name"] == name and event["done"] > 0,
            f"{name} at work",
        )

    def finished(self) -> str:
        """Wait for its end, which must be a good one.

        Returns:
            What was said.
        """
        assert self.running.end() == 0, self.running.said()
        assert not self.output.with_name(f"{self.output.name}.unfinished").exists()
        return self.messages


def begin(film: Path, output: Path, *options: str | Path, **env: str) -> Film:
    """Begin to make a film."""
    command: list[str | Path] = [*PROGRAM, "colorize", film, "-o", output]
    # A project says itself how its film is coloured.
    command += [] if "--project" in options else ["--no-stabilizer"]
    command += ["--encoder-options", "-c:v ffv1", "--segment", "10", *options, "--progress", "json"]
    return Film(start(command, output.with_suffix(".log"), **env), output)


def slow(seconds: float) -> dict[str, str]:
    """The environment in which every frame takes so long."""
    return {DELAY: str(seconds)}
