"""Names of files as VapourSynth's filters take them."""

import os
from collections.abc import Mapping
from typing import Any


def named(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a filter, with names that are not UTF-8 as the bytes that they are on the disk.

    Args:
        arguments: by their names; Python's text for such names holds characters that no encoding has.
    """
    return {key: value if is_text(value) else os.fsencode(value) for key, value in arguments.items()}


def is_text(value: Any) -> bool:
    """Whether a value is anything but a name that is not UTF-8."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return False
    return True
