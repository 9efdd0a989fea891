"""The library that pictures are read and written with, loaded when it is first needed."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from ..support.errors import PictureError

_CUT_OFF = (
    "premature",
    "truncated",
    "unexpected end",
    "end of file",
    "not enough",
    "read error",
    "too short",
)
_MEMORY = ("out of memory", "unable to allocate", "cannot allocate", "failed to allocate")
_UNREAD = ("samples out of range", "unsupported", "not supported", "not a supported", "unknown", "bits per")


@cache
def library() -> Any:
    """The module `pyvips`.

    Raises:
        PictureError: it is not installed, or does not load.
    """
    # Warnings of the decoders would reach the terminal raw; what matters in them comes as an error, too.
    logging.getLogger("pyvips").addHandler(logging.NullHandler())
    logging.getLogger("pyvips").propagate = False
    try:
        import pyvips
    except (ImportError, OSError) as error:
        raise PictureError(
            f'pictures need the library pyvips, which does not load ({error}): pip install "vsdeoldify[cli]"'
        ) from None
    # A file that has changed since it was last read must be read again.
    pyvips.cache_set_max(0)
    return pyvips


@contextmanager
def reading(name: str, kind: str) -> Iterator[None]:
    """Put what the decoders say of a picture into one sentence that names it.

    Raises:
        PictureError: something within failed.
    """
    try:
        yield
    except MemoryError:
        raise PictureError(f"{name} does not fit into the memory that is free") from None
    except library().Error as error:
        raise PictureError(_sentence(name, kind, str(error).lower())) from None


def _sentence(name: str, kind: str, text: str) -> str:
    if any(words in text for words in _MEMORY):
        return f"{name} does not fit into the memory that is free"
    if any(words in text for words in _CUT_OFF):
        return f"{name} is cut off or damaged: a part of the {kind} data is missing; copy it again"
    if any(words in text for words in _UNREAD):
        return f"{name} is a {kind} file of a kind that is not read; save it with 8 or 16 bits as TIFF or PNG"
    return (
        f"{name} is damaged, or a kind of {kind} that is not read; copy it again, or save it as TIFF or PNG"
    )


@contextmanager
def writing(name: str) -> Iterator[None]:
    """The same for what the encoders say of a file that is being written."""
    try:
        yield
    except MemoryError:
        raise PictureError(f"{name} cannot be written: the memory does not suffice") from None
    except library().Error as error:
        text = str(error).lower()
        if any(words in text for words in _MEMORY):
            raise PictureError(f"{name} cannot be written: the memory does not suffice") from None
        if "space" in text:
            raise PictureError(f"{name} cannot be written: no space is left there") from None
        raise PictureError(f"{name} cannot be written; try another format or folder") from None
