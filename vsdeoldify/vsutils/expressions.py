"""Texts for `std.Expr`: its inputs by name, and the pieces that several filters are made of."""

from __future__ import annotations

from collections.abc import Sequence

import vapoursynth as vs

from ..support.h273 import BLUE_OF_U, GREEN_OF_U, GREEN_OF_V, RED_OF_V

LETTERS = "xyzabcdefghijklmnopqrstuvw"
"""What `std.Expr` calls its inputs, in their order."""
NARROWEST_RAMP = 1e-6
"""A ramp over less than this is a step; its slope could be beyond what a float holds."""


class Inputs:
    """The input clips of an Expr, in the order in which they were added.

    Attributes:
        clips: the clips, for `std.Expr`.
    """

    def __init__(self) -> None:
        self.clips: list[vs.VideoNode] = []

    def add(self, clip: vs.VideoNode) -> str:
        """Add a clip and return what the text of the Expr calls it."""
        if not self.room:
            raise ValueError(f"an Expr takes {len(LETTERS)} clips at most")
        self.clips.append(clip)
        return LETTERS[len(self.clips) - 1]

    @property
    def room(self) -> int:
        """How many more clips can be added."""
        return len(LETTERS) - len(self.clips)

    def expr(self, texts: Sequence[str]) -> vs.VideoNode:
        """The clip that these texts, one for each plane, make of the inputs."""
        return vs.core.std.Expr(self.clips, list(texts))


def ramp(low: float, high: float, of: str, bottom: float = 0.0, *, digits: int = 9) -> str:
    """Expr text: `bottom` up to `low`, 1 from `high` on, linear between.

    Args:
        low: where the ramp begins.
        high: where it ends; where it is not (or hardly) above `low`, all above `low` is 1.
        of: the text of the value that is looked at.
        bottom: the value at the ramp's foot.
        digits: how exactly the numbers are written; 9 are a float's, which std.Expr computes in.
    """
    foot, slope = (f"{value:.{digits}g}" for value in (bottom, (1.0 - bottom) / max(high - low, 1e-9)))
    if high - low < NARROWEST_RAMP:
        return f"{of} {low:.{digits}g} > 1 {foot} ?"
    return f"{of} {low:.{digits}g} - {slope} * {foot} + {foot} max 1 min"


def falling_ramp(low: float, high: float, of: str) -> str:
    """Expr text: 1 up to `low`, 0 from `high` on, linear between; `low` is below `high`."""
    return f"{high:.9g} {of} - {1.0 / (high - low):.9g} * 0 max 1 min"


def differences(u: str, v: str) -> tuple[str, str, str]:
    """Expr texts of R − Y, G − Y and B − Y of a colour on the canvas.

    Args:
        u: what the Expr calls U.
        v: what it calls V.
    """
    return (
        f"{v} {RED_OF_V} *",
        f"{u} {GREEN_OF_U:.6f} * {v} {GREEN_OF_V:.6f} * +",
        f"{u} {BLUE_OF_U} *",
    )
