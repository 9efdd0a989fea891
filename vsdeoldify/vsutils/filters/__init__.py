"""Filters on the canvas: canvas in, canvas out, one file each; the table of them is `settings.filters`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ...settings.filters import Filter

if TYPE_CHECKING:
    import vapoursynth as vs

    from ..scenes import Cuts


def apply_filters(canvas: vs.VideoNode, filters: Sequence[tuple[Filter, Any]], cuts: Cuts) -> vs.VideoNode:
    """Apply filters one after the other.

    Args:
        canvas: YUV444PS, BT.601, full range, coloured.
        filters: rows of the table, each with its checked parameters. Those side by side that share a module
            are made together.
        cuts: the scene cuts, for filters that look at other frames.

    Returns:
        The canvas with its luma and its properties untouched.
    """
    for module, rows in groupby(filters, key=lambda row: row[0].module):
        make = import_module(f".{module}", __name__)
        canvas = make.apply(canvas, [params for _, params in rows], cuts)
    return canvas
