"""Texts of hue ranges ("300:360"), chroma adjustments ("300:360|0.5,0.0") and colour maps ("blue->brown")."""

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
_SIGNED = re.compile(r"\s*([+-]?)(\d+(?:\.\d*)?|\.\d+)\s*", re.ASCII)
# From here on a number without a sign is no factor on the saturation but degrees, as HAVC reads it.
_LARGEST_FACTOR = 10.0

#: Colour maps by name, as HAVC has them: hues and by how much they turn, and the share that stays.
COLOUR_MAPS: dict[str, tuple[str, float]] = {
    "blue->brown": ("180:280|+140", 0.4),
    "blue->red": ("180:280|+100", 0.4),
    "blue->green": ("180:280|+220", 0.4),
    "green->brown": ("80:180|+260", 0.4),
    "green->red": ("80:180|+220", 0.4),
    "green->blue": ("80:180|+140", 0.4),
    "red->brown": ("320:360|+50", 0.6),
    "red->blue": ("300:360|+260", 0.6),
    "redrose->brown": ("300:360,0:20|+40", 0.6),
    "redrose->blue": ("300:360,0:20|+260", 0.6),
    "yellow->rose": ("30:90|+300", 0.8),
}


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
    """What ``"ranges|sat,weight"`` or ``"ranges|+degrees,weight"`` asks for.

    Attributes:
        ranges: The hues that take the whole effect.
        sat: Share of the saturation that is kept there, 0–1.
        weight: Of a factor on the saturation, the share of the effect that every other colour takes too; of a
            shift, the share of their own colour that the hues in range keep. 0–1.
        shift: By how many degrees the hues in range turn, −360–360; 0 where `sat` is what is asked for.
    """

    ranges: HueRanges
    sat: float
    weight: float
    shift: float = 0.0


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
    """Read a chroma adjustment such as ``"300:360|0.5,0.0"`` or ``"180:280|+140,0.4"``.

    Args:
        text: ``"ranges|sat,weight"``: the ranges as in `parse_ranges`; sat, the share of the saturation that
            is kept in these ranges (0–1; more than 1 counts as 1, the filter never adds colour); weight, the
            share of the effect for the rest of the picture (0–1). With a sign, or above 10, the first number
            is degrees (−360–360) by which the hues in these ranges turn, and weight is the share of their
            own colour that stays. ``"none"`` or an empty text: no adjustment.

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
    first = _SIGNED.fullmatch(numbers[0]) if len(numbers) == 2 else None
    if first is None or not _NUMBER.fullmatch(numbers[1]):
        raise ValueError(
            f'the chroma adjustment "{text.strip()}" must be written "ranges|saturation,weight" or '
            '"ranges|+degrees,weight", for example "300:360|0.5,0.0" or "180:280|+140,0.4", or "none"'
        )
    amount, weight = (round(float(number), 9) for number in numbers)
    if weight > 1.0:
        raise ValueError(f"the weight of a chroma adjustment must be in 0–1, got {weight:g}")
    ranges = parse_ranges(parts[0])
    if not first[1] and amount <= _LARGEST_FACTOR:
        return ChromaAdjustment(ranges, min(amount, 1.0), weight)
    if abs(amount) > 360.0:
        raise ValueError(f"hues turn by −360–360 degrees, got {amount:g}")
    return ChromaAdjustment(ranges, 1.0, weight, amount)


def parse_colour_map(text: str) -> tuple[ChromaAdjustment, ...]:
    """Read a colour map such as ``"blue->brown"`` or ``"180:280|+140,0.4"``.

    Args:
        text: A name (`COLOUR_MAPS`, upper or lower case), a name and the share of their own colour that its
            hues keep (``"blue->brown,0.2"``), or a chroma adjustment as in `parse_adjustment`; several are
            separated by semicolons. ``"none"`` or an empty text: no map.

    Returns:
        The adjustments in their order; none where nothing is asked for.

    Raises:
        ValueError: The text is anything else; the message says what is wrong.
    """
    if _is_none(text):
        return ()
    maps: list[ChromaAdjustment] = []
    for part in text.split(";"):
        name, comma, weight = part.partition(",")
        name = re.sub(r"\s", "", name).lower()
        if name in COLOUR_MAPS:
            turned, kept = COLOUR_MAPS[name]
            part = f"{turned},{weight if comma else kept}"
        elif "|" not in part and not _is_none(part):
            quotes = ' (in a command, put it in quotes: "blue->brown")' if name.endswith("-") else ""
            raise ValueError(
                f'"{part.strip()}" is neither a colour map such as "180:280|+140,0.4" nor one of the names '
                + ", ".join(COLOUR_MAPS)
                + quotes
            )
        if (one := parse_adjustment(part)) is not None:
            maps.append(one)
    return tuple(maps)
