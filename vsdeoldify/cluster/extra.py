"""The packages that only a cluster needs."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..support.errors import FilmError

GET = 'pip install "vsdeoldify[cluster]"'


@contextmanager
def needed() -> Iterator[None]:
    """Import what a cluster needs, or say how to get it.

    Raises:
        FilmError: a package is missing, or does not load.
    """
    try:
        yield
    except ImportError as error:
        raise FilmError(f"a cluster needs packages that are not installed ({error}): {GET}") from error
