"""Hue ranges ("300:360,rose") and chroma adjustments ("300:360|0.5,0.0") as text."""

import re
from typing import NamedTuple

#: Named ranges of the original plugin, in degrees.
HUE_NAMES: dict[str, tuple[float, float]] = {
    name: (30.0 * index, 30.0 * index + 30.0)
    for index, name in enumerate(
        (
            "red",
            "orange",
            "yellow",
            "yellow-green",
            "green",
            "blue-green",
            "cyan",
            "blue",
            "blue-violet",
            "violet",
            "red-violet",
            "rose",
        )
    )
}

_RANGE = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*:\s*(\d+(?:\.\d*)?|\.\d+)\s*", re.ASCII)

_NUMBER = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*", re.ASCII)


class HueRanges(NamedTuple):
    """A set of hues.

    Attributes:
        arcs: Disjoint half-open arcs ``(start, end)`` in degrees, ``0 <= start < 360``,
            ``start < end <= start + 360``, sorted by start, none of them touching another. Empty means that
            the range is "none": no restriction, every colour.
    """

    arcs: tuple[tuple[float, float], ...] = ()

    @property
    def everything(self) -> bool:
        """True where every colour is in range: no restriction, or a full circle."""
        return not self.arcs or self.arcs[0][1] - self.arcs[0][0] >= 360.0


class ChromaAdjustment(NamedTuple):
    """What ``"ranges|sat,weight"`` asks for.

    Attributes:
        ranges: The hues that take the whole effect.
        sat: Share of the saturation that is kept there, 0–1.
        weight: Share of the effect that every other colour takes too, 0–1.
    """

    ranges: HueRanges
    sat: float
    weight: float


def _is_none(text: str) -> bool:
    return text.strip().lower() in ("", "none")


def _merge(ranges: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Join overlapping and touching arcs, also across 360 degrees."""
    straight: list[tuple[float, float]] = []
    for start, end in ranges:
        if start < end:
            straight.append((start, end))
        else:
            straight += [(start, 360.0), (0.0, end)]
    merged: list[tuple[float, float]] = []
    for start, end in sorted(arc for arc in straight if arc[0] < arc[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    if len(merged) > 1 and merged[0][0] == 0.0 and merged[-1][1] == 360.0:
        merged[-1] = (merged[-1][0], 360.0 + merged[0][1])
        del merged[0]
    return tuple(merged)


def parse_ranges(text: str) -> HueRanges:
    """Read hue ranges such as ``"290:330,rose"``.

    Args:
        text: Comma-separated ``start:end`` in degrees (0–360, whole or decimal, spaces allowed) or names
            (``HUE_NAMES``, upper or lower case). A range holds its start and not its end; 360 is 0;
            ``330:30`` wraps around; ``0:360`` is every colour. ``"none"`` or an empty text: no restriction.

    Returns:
        The ranges, overlapping ones joined.

    Raises:
        ValueError: The text is anything else; the message says what is wrong.
    """
    if not isinstance(text, str):
        raise ValueError(f'hue ranges must be a text such as "300:360,rose", got {text!r}')
    if _is_none(text):
        return HueRanges()
    ranges: list[tuple[float, float]] = []
    for part in text.split(","):
        name = part.strip().lower()
        if name in HUE_NAMES:
            ranges.append(HUE_NAMES[name])
            continue
        found = _RANGE.fullmatch(part)
        if not found:
            raise ValueError(
                f'"{part.strip()}" is neither a hue range such as 300:360 (degrees) nor one of the names '
                + ", ".join(HUE_NAMES)
            )
        start, end = float(found[1]), float(found[2])
        if start > 360.0 or end > 360.0:
            raise ValueError(f'the hue range "{part.strip()}" must lie in 0–360 degrees')
        if (start - end) % 360.0 == 0.0 and (start, end) != (0.0, 360.0):
            raise ValueError(
                f'the hue range "{part.strip()}" is empty: it starts where it ends (every colour is 0:360)'
            )
        ranges.append((start % 360.0, end if end > 0.0 else 360.0))
    return HueRanges(_merge(ranges))


def parse_adjustment(text: str) -> ChromaAdjustment | None:
    """Read a chroma adjustment such as ``"300:360|0.5,0.0"``.

    Args:
        text: ``"ranges|sat,weight"``: the ranges as in `parse_ranges`; sat, the share of the saturation that
            is kept in these ranges (0–1; more than 1 counts as 1, the filter never adds colour); weight, the
            share of the effect for the rest of the picture (0–1). ``"none"`` or an empty text: no adjustment.

    Returns:
        The adjustment, or None where there is none.

    Raises:
        ValueError: The text is anything else; the message says what is wrong.
    """
    if not isinstance(text, str):
        raise ValueError(f'a chroma adjustment must be a text such as "300:360|0.5,0.0", got {text!r}')
    if _is_none(text):
        return None
    parts = text.split("|")
    numbers = parts[1].split(",") if len(parts) == 2 else []
    if len(numbers) != 2 or not all(_NUMBER.fullmatch(number) for number in numbers):
        raise ValueError(
            f'the chroma adjustment "{text.strip()}" must be written "ranges|saturation,weight", '
            'for example "300:360|0.5,0.0", or "none"'
        )
    sat, weight = (round(float(number), 9) for number in numbers)
    if weight > 1.0:
        raise ValueError(f"the weight of a chroma adjustment must be in 0–1, got {weight:g}")
    return ChromaAdjustment(parse_ranges(parts[0]), min(sat, 1.0), weight)
