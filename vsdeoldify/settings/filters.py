"""The table of filters that calm the colours: what turns each on, its parameters, where it is made.

A new filter is one file in `vsutils/filters` and one row here. `ddeoldify_stabilizer()`, `colorize()`, the
presets, the scripts, the command line and the tests of the documentation read this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .params import DARK, SMOOTH, STAB, Group
from .values import ColourMap, Kind, Switch

_SWITCH = Switch()


@dataclass(frozen=True, slots=True)
class Filter:
    """A row of the table: a switch with a list of parameters, or one parameter that is both.

    Attributes:
        switch: the parameter that turns it on: "dark".
        note: what it does, in a few words.
        group: its list of parameters; None where the switch says all.
        group_note: what stands in that list, in a few words.
        module: the module in `vsutils/filters` whose function `apply` makes it. Filters side by side that
            share one are made together.
        kind: what the switch takes; what it makes of a switch that is off is empty.
    """

    switch: str
    note: str
    group: Group | None
    group_note: str
    module: str
    kind: Kind = _SWITCH

    def names(self) -> tuple[str, ...]:
        """Its parameters: the switch, and the list where there is one."""
        return (self.switch,) if self.group is None else (self.switch, self.group.parameter)

    def check(self, given: Mapping[str, Any]) -> Any | None:
        """Check its parameters.

        Args:
            given: parameters by name; what is not named is off, or has its defaults.

        Returns:
            What the module's `apply` takes; None where the filter is off.

        Raises:
            TypeError: a value's type is wrong.
            ValueError: a value is wrong.
        """
        used = self.kind.check(self.switch, given.get(self.switch, False), {})
        asked = used if self.group is None else self.group.check(given.get(self.group.parameter, ()))
        return asked if used else None


def is_off(value: object) -> bool:
    """Whether the value of a switch leaves its filter off."""
    return not value or (isinstance(value, str) and value.strip().lower() in ("", "none"))


FILTERS: dict[str, Filter] = {
    row.switch: row
    for row in (
        Filter(
            "dark",
            "take colour out of dark areas",
            DARK,
            "up to this luma (0 to 1), this much (0 to 1)",
            module="fade",
        ),
        Filter(
            "smooth",
            "soften the colours from dark to bright",
            SMOOTH,
            "full effect below, none above this luma; kept saturation; taken brightness",
            module="fade",
        ),
        Filter("colormap", "turn some colours into others", None, "", module="hue", kind=ColourMap()),
        Filter(
            "stab",
            "average the colours over neighbouring frames of a scene",
            STAB,
            "number of frames, and how they are weighed",
            module="stabilize",
        ),
    )
}
"""The filters by their switches, in the order in which they are applied."""
