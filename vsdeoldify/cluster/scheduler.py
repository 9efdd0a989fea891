"""The meeting point of a cluster: it hands pieces on and computes nothing."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from ..support.errors import FilmError, RequestError
from .extra import needed
from .security import Address, own_address, read_certificate, security_of, write_certificate


def run_scheduler(host: str, port: int, certificate: Path, say: Callable[[str], None]) -> None:
    """Run a scheduler until the process is told to end.

    Args:
        host: the address to listen on; "0.0.0.0" for all.
        port: the port to listen on.
        certificate: the file of the certificate, made if it is not there.
        say: told what a person should do next.

    Raises:
        RequestError: there is no such port.
        FilmError: the certificate cannot be written, or the port is taken.
    """
    if not 0 < port < 1 << 16:
        raise RequestError(f"--port is 1 to 65535, got {port}")
    with needed():
        from .nodes import QuietScheduler, set_up
    if write_certificate(certificate):
        say(
            f"{certificate} is new: copy it to the other computers. Whoever has it can run programs on all "
            "of them, so give it to nobody else"
        )
    set_up()
    security = security_of(read_certificate(certificate))
    address = Address("tls", own_address() if host in ("0.0.0.0", "::") else host, port)

    async def serve() -> None:
        scheduler = QuietScheduler(
            host=host, port=port, protocol="tls", security=security, dashboard=False, dashboard_address=None
        )
        try:
            await scheduler
        except (OSError, RuntimeError) as error:
            raise FilmError(
                f"{address} cannot be opened ({error}): is another vsdeoldify cluster start running? --port "
                "takes another port"
            ) from None
        try:
            with_it = f"{address} --certificate {certificate.name}"
            say(f"the cluster is at {address}")
            say(f"on each computer:  vsdeoldify worker {with_it}")
            say(f"for a film:        vsdeoldify colorize FILM --cluster {with_it}")
            say("Ctrl-C ends it")
            await scheduler.finished()
        finally:
            await scheduler.close()

    asyncio.run(serve())
