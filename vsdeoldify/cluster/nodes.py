"""Dask's scheduler and workers as a cluster of films uses them: quiet, and without any HTTP port.

Only here and where a cluster is really used is Dask imported: it takes a second.
"""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .extra import needed

with needed():
    import dask
    from distributed import Nanny, Scheduler, Worker

WORKER_VARIABLE = "VSDEOLDIFY_WORKER"
"""Environment variable of a worker's process: what the person who started it asked for, as JSON."""
SLOTS = 2
"""Tasks that a worker takes: one renders while the one before is still being encoded and sent."""

_CONFIG = {
    # No login stands before these pages.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # Dask would take the threads of torch away.
    "distributed.nanny.pre-spawn-environ": {},
    # A piece is made where the client wants it.
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.scheduler.worker-ttl": "60s",
    "distributed.worker.profile.enabled": False,
    "distributed.comm.timeouts.connect": "10s",
    "distributed.diagnostics.nvml": False,
    # Idle processes are to be idle.
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.tick.limit": "1h",
    "distributed.admin.system-monitor.interval": "5s",
}


def set_up() -> None:
    """Settings of Dask for this process and the workers that it starts."""
    dask.config.set(_CONFIG)
    quiet()


def quiet() -> None:
    """Leave it to this program to say what happens."""
    for name in ("distributed", "distributed.client", "distributed.gc", "asyncio", "tornado", "bokeh"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


class QuietScheduler(Scheduler):  # type: ignore[misc]
    """A scheduler that opens its one port and no other."""

    def start_http_server(self, *arguments: Any, **options: Any) -> None:
        """Start none: it knows no passwords."""


class QuietWorker(Worker):  # type: ignore[misc]
    """A worker that opens its one port and no other."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        quiet()
        super().__init__(*arguments, **options)

    def start_http_server(self, *arguments: Any, **options: Any) -> None:
        """Start none: it knows no passwords."""


def nanny_options(
    environment: Mapping[str, str], folder: Path, security: Any, host: str | None = None
) -> dict[str, Any]:
    """Arguments of a `Nanny` that keeps one of our workers running.

    Args:
        environment: variables of the worker's process.
        folder: for Dask's files.
        security: as `security_of` gives it.
        host: what it listens on; None: the way to the scheduler.
    """
    return {
        "worker_class": QuietWorker,
        "nthreads": SLOTS,
        "memory_limit": 0,
        "env": dict(environment),
        "local_directory": os.fspath(folder),
        "security": security,
        "dashboard": False,
        "silence_logs": logging.CRITICAL,
        "host": host,
    }


__all__ = ["SLOTS", "WORKER_VARIABLE", "Nanny", "QuietScheduler", "QuietWorker", "nanny_options", "set_up"]
