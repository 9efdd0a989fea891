"""Workers on this computer, for as long as a film takes."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from .bench import Settings
from .extra import needed
from .facts import Device
from .security import make_certificate, security_of

_WAITING = "OMP_WAIT_POLICY"
"""What torch's threads do while they wait for each other."""


@contextmanager
def local_cluster(
    devices: list[Device], torch_dir: str | None
) -> Iterator[Callable[[], AbstractContextManager[Any]]]:
    """Workers on this computer that do not outlive the block.

    The connections between them are encrypted as well: a port of this computer is open to all who use it.

    Args:
        devices: one for each worker.
        torch_dir: where model files are, beside the usual places.

    Yields:
        What gives a client.
    """
    with needed():
        from distributed import Client, SpecCluster

        from .nodes import Nanny, QuietScheduler, nanny_options, set_up
    set_up()
    security = security_of(make_certificate())
    with tempfile.TemporaryDirectory(prefix="vsdeoldify-", ignore_cleanup_errors=True) as folder:
        workers = {}
        for number, device in enumerate(devices):
            name = f"worker {number + 1}"
            settings = Settings(
                name if not device.name else f"{name} ({device.name})",
                device,
                folder,
                torch_dir,
                tuple(_side_by_side(device, devices).items()),
                local=True,
            )
            options = nanny_options(settings.to_environment(), Path(folder), security, "127.0.0.1")
            workers[number] = {"cls": Nanny, "options": options}
        cluster = SpecCluster(
            workers=workers,
            scheduler={
                "cls": QuietScheduler,
                "options": {
                    "host": "127.0.0.1",
                    "port": 0,
                    "protocol": "tls",
                    "security": security,
                    "dashboard": False,
                },
            },
            security=security,
            silence_logs=False,
            name="vsdeoldify",
        )
        try:
            client = Client(cluster, set_as_default=False, direct_to_workers=False)
            try:
                yield lambda: nullcontext(client)
            finally:
                with suppress(Exception):
                    client.close(timeout=3)
        finally:
            with suppress(Exception):
                cluster.close(timeout=5)


def _side_by_side(device: Device, devices: list[Device]) -> dict[str, str]:
    """Variables by which workers on the processor do not hold each other up; one that was set before stays.

    Each has as many threads as one alone would have: with fewer, torch adds up in another order, which may
    change a colour by the smallest step. Instead, a thread that waits for the others lets go of its core.
    """
    alike = sum(other.index == device.index for other in devices)
    if device.index != "cpu" or alike < 2 or _WAITING in os.environ:
        return {}
    return {_WAITING: "PASSIVE"}
