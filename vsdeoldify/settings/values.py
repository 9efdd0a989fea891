"""Checks of single values: what is accepted, and the sentence that every other value gets.

A check raises `ValueError` (wrong value) or `TypeError` (wrong type) with a message that names the
parameter; the public functions turn both into `vs.Error`.
"""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, SupportsFloat, SupportsIndex

from .hues import ChromaAdjustment, HueRanges, parse_adjustment, parse_colour_map, parse_ranges

MODEL_FILE_SUFFIXES = (".pth", ".pt", ".safetensors")
_LEAST = 1e-9


class Kind(Protocol):
    """What values a parameter, or an element of one, takes."""

    def check(self, name: str, value: Any, checked: Mapping[str, Any]) -> Any:
        """Return the value in its narrow type.

        Args:
            name: what the message calls it.
            value: what the caller gave.
            checked: the elements of the same list that have been checked before this one.

        Raises:
            TypeError: the value's type is wrong.
            ValueError: the value is wrong.
        """


@dataclass(frozen=True, slots=True)
class Number:
    """A number from `low` to `high`."""

    low: float
    high: float

    def check(self, name: str, value: object, checked: Mapping[str, Any]) -> float:
        """Return the value as a float."""
        return number(name, value, self.low, self.high)


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `low` to `high`, or one of `also`."""

    low: int
    high: int
    also: tuple[int, ...] = ()

    def check(self, name: str, value: object, checked: Mapping[str, Any]) -> int:
        """Return the value as an int."""
        return integer(name, value, self.low, self.high, also=self.also)


@dataclass(frozen=True, slots=True)
class Switch:
    """True or False."""

    def check(self, name: str, value: object, checked: Mapping[str, Any]) -> bool:
        """Return the value as a bool."""
        return boolean(name, value)


@dataclass(frozen=True, slots=True)
class Hues:
    """Hue ranges as text."""

    def check(self, name: str, value: object, checked: Mapping[str, Any]) -> HueRanges:
        """Return the ranges; an empty set of them is no restriction."""
        return hues(name, value)


@dataclass(frozen=True, slots=True)
class FadingHues:
    """Hue ranges as text, or a chroma adjustment that fades."""

    def check(self, name: str, value: object, checked: Mapping[str, Any]) -> ChromaAdjustment:
        """Return the adjustment; of ranges alone, one that fades nothing by itself."""
        if not isinstance(value, str) or "|" not in value:
            return ChromaAdjustment(hues(name, value), 1.0, 0.0)
        asked = adjustment(name, value)
        assert asked is not None
        if asked.shift:
            raise ValueError(f"{name} turns no hues, but colormap does, got {value!r}")
        return asked


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A chroma adjustment as text."""

    def check(
        self,
        name: str,
        value: object,
        checked: Mapping[str, Any],
    ) -> ChromaAdjustment | None:
        """Return the adjustment, or None where there is none."""
        return adjustment(name, value)


@dataclass(frozen=True, slots=True)
class ColourMap:
    """A colour map as text; False and None are none."""

    def check(self, name: str, value: object, checked: Mapping[str, Any]) -> tuple[ChromaAdjustment, ...]:
        """Return the adjustments in their order."""
        return colour_map(name, value)


@dataclass(frozen=True, slots=True)
class Models:
    """The names of the models that a parameter takes, beside paths of files.

    Attributes:
        names: those with a number first, in the order of the numbers.
        numbered: how many of them have a number.
    """

    names: tuple[str, ...]
    numbered: int

    def check(self, name: str, value: object, checked: Mapping[str, Any]) -> str:
        """Return the model's name, or the path of a file of weights."""
        if isinstance(value, os.PathLike):
            value = os.fspath(value)
        if isinstance(value, str) and value.lower().endswith(MODEL_FILE_SUFFIXES):
            return value
        return choice(name, value, self.names, self.numbered)


def number(name: str, value: object, low: float, high: float) -> float:
    """Return `value` as a float, or say why it is not a number in low–high."""
    if isinstance(value, (str, bytes)) or not isinstance(value, SupportsFloat):
        raise TypeError(f"{name} must be a number in {low:g}–{high:g}, got {value!r}")
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{name} must be a number in {low:g}–{high:g}, got {value!r}") from None
    if math.isnan(result) or not low <= result <= high:
        raise ValueError(f"{name} must be in {low:g}–{high:g}, got {value}")
    # Less has no effect on a picture, and products of it would be beyond what a filter's float holds.
    return result if abs(result) >= _LEAST else 0.0


def integer(name: str, value: object, low: int, high: int, *, also: Sequence[int] = ()) -> int:
    """Return `value` as an int; whole floats such as 24.0 pass, as GUIs send them."""
    allowed = f"a whole number in {low}–{high}" + "".join(f" or {n}" for n in also)
    if isinstance(value, SupportsIndex):
        result = operator.index(value)
    elif isinstance(value, SupportsFloat) and float(value).is_integer():
        result = int(float(value))
    elif isinstance(value, (str, bytes)) or not isinstance(value, SupportsFloat):
        raise TypeError(f"{name} must be {allowed}, got {value!r}")
    else:
        raise ValueError(f"{name} must be {allowed}, got {value}")
    if result not in also and not low <= result <= high:
        raise ValueError(f"{name} must be {allowed}, got {result}")
    return result


def boolean(name: str, value: object) -> bool:
    """Return `value` as a bool; 0 and 1 pass, as GUIs send them."""
    if isinstance(value, (str, bytes)) or value not in (0, 1):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def choice(name: str, value: object, names: Sequence[str], numbered: int | None = None) -> str:
    """Return the name that `value`, a name or its number, stands for.

    Args:
        name: the parameter's name, for the message.
        value: what the caller gave.
        names: the names, in the order of their numbers.
        numbered: how many of them have a number; all where None.
    """
    count = len(names) if numbered is None else numbered
    listed = ", ".join(f"{i} ({n})" if i < count else n for i, n in enumerate(names))
    if isinstance(value, str):
        if value.strip().lower() in names:
            return value.strip().lower()
        raise ValueError(f"{name} must be one of {listed}, got {value!r}")
    try:
        return names[integer(name, value, 0, count - 1)]
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be one of {listed}, got {value!r}") from None


def folder(name: str, value: object) -> str | None:
    """Return a folder's path, or None where the caller names none."""
    if value is None:
        return None
    if not isinstance(value, (str, os.PathLike)) or not isinstance(os.fspath(value), str):
        raise TypeError(f"{name} must be the path of a folder, got {value!r}")
    path: str = os.fspath(value)
    if "\0" in path:
        raise ValueError(f"{name} must be the path of a folder, got {value!r}")
    return path


def hues(name: str, value: object) -> HueRanges:
    """Return the hue ranges of a text; None is no restriction."""
    if value is None:
        return HueRanges()
    return _parsed(name, value, 'hue ranges such as "290:330,rose" or "none"', parse_ranges)


def adjustment(name: str, value: object) -> ChromaAdjustment | None:
    """Return the chroma adjustment of a text, or None where there is none."""
    if value is None:
        return None
    return _parsed(name, value, 'a chroma adjustment such as "300:360|0.3,0.2" or "none"', parse_adjustment)


def colour_map(name: str, value: object) -> tuple[ChromaAdjustment, ...]:
    """Return the adjustments of a colour map's text; None and False are none."""
    if value is None or value is False:
        return ()
    return _parsed(
        name, value, 'a colour map ("blue->brown", "180:280|+140,0.4") or "none"', parse_colour_map
    )


def _parsed[T](name: str, value: object, what: str, parse: Callable[[str], T]) -> T:
    """Return what a text says; `what` is what it must be."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be {what}, got {value!r}")
    try:
        return parse(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
