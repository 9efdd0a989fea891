"""The tables of the settings: their lists of parameters ready to be checked, and what a page leaves out."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from vsdeoldify.networks.family import families_of, model_names
from vsdeoldify.settings.methods import METHODS
from vsdeoldify.settings.parameters import (
    COLOURING,
    Parameter,
    colouring_names,
    stabilizing,
    stabilizing_names,
)
from vsdeoldify.settings.values import Models


def models(parameter: str) -> Models:
    """The names of models that a parameter takes, as the public functions hand them to its check."""
    return Models(model_names(parameter), sum(family.numbered for family in families_of(parameter)))


def lists() -> dict[str, tuple[Callable[[object], Any], Any]]:
    """Name → the check, and the defaults as people write them, of every parameter that is a list."""
    return {
        one.name: (_check(one), one.group.written())
        for one in (*COLOURING, *stabilizing())
        if one.group is not None
    }


def _check(parameter: Parameter) -> Callable[[object], Any]:
    group = parameter.group
    assert group is not None
    return partial(group.check, model=models(parameter.name)) if "model" in group.kinds else group.check


def undescribed(page: str) -> list[str]:
    """Names of the tables (parameters, filters, methods) that a reference page leaves out."""
    titles = re.findall(r"^### `(\w+)` \(", page, re.MULTILINE)
    methods = re.findall(r'^\| \d+ \| `"(\w+)"` \|', page, re.MULTILINE)
    missing = [name for name in (*colouring_names(), *stabilizing_names()) if name not in titles]
    return missing + [name for name in METHODS if name not in methods]
