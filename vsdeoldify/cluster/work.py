"""A worker of a cluster, kept running until its process is told to end."""

import asyncio
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..support.errors import FilmError
from ..support.files import cache_folder
from .bench import Settings
from .extra import needed
from .facts import look_at_device
from .security import Address, Unreachable, check_reachable, own_address, read_certificate, security_of
from .store import Store

_AGAIN = 3.0


def run_worker(
    address: Address,
    certificate: Path | None,
    device: int | str | None,
    say: Callable[[str], None],
    *,
    torch_dir: Path | None = None,
    folder: Path | None = None,
    name: str | None = None,
    host: str | None = None,
    port: int = 0,
) -> None:
    """Work for a cluster until the process is told to end; where the cluster goes away, wait for it.

    Args:
        address: where the scheduler is.
        certificate: the cluster's; None for one without encryption on this computer.
        device: what computes; None: the first GPU, or the CPU where there is none.
        say: told what happens.
        torch_dir: where model files are, beside the usual places.
        folder: where films and pieces go; None: the user's cache folder.
        name: what people call the worker; None: the computer's name and its device.
        host: the address to listen on.
        port: the port to listen on; 0: any.

    Raises:
        FilmError: the certificate or the folder is wrong.
    """
    with needed():
        from .nodes import set_up
    security = None if certificate is None else security_of(read_certificate(certificate))
    set_up()
    found = look_at_device(device)
    if name is None:
        name = f"{platform.node() or 'worker'} ({found.name})" if found.name else platform.node()
    place = folder or cache_folder() or Path(tempfile.gettempdir())
    try:
        Store(place / "cluster" / "files").sweep()
    except OSError as error:
        raise FilmError(
            f"{place} cannot be written ({error.strerror or error}): --folder names another folder"
        ) from error
    settings = Settings(name, found, str(place), None if torch_dir is None else str(torch_dir))
    told = False
    while True:
        try:
            check_reachable(address, certificate)
        except Unreachable as error:
            if not told:
                say(f"{error} Trying again until it does")
            told = True
            time.sleep(_AGAIN)
            continue
        told = False
        with tempfile.TemporaryDirectory(prefix="vsdeoldify-", ignore_cleanup_errors=True) as own:
            way = host or own_address(address.host)
            asyncio.run(_work(str(address), settings, security, Path(own), way, port, say))


async def _work(
    address: str,
    settings: Settings,
    security: Any,
    folder: Path,
    host: str | None,
    port: int,
    say: Callable[[str], None],
) -> None:
    """Work for as long as the scheduler is there."""
    from .nodes import Nanny, nanny_options

    options = nanny_options(settings.to_environment(), folder, security, host)
    try:
        async with Nanny(address, worker_port=port, **options) as nanny:
            say(f"{settings.name} is ready at {address}; Ctrl-C ends it")
            await nanny.finished()
    except (TimeoutError, OSError, RuntimeError) as error:
        say(
            f"the connection to {address} broke ({str(error).splitlines()[0] if str(error) else 'no answer'})"
        )
        await asyncio.sleep(_AGAIN)
        return
    say(f"{address} is gone")
