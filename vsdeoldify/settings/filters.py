"""The table of filters that calm the colours: what turns each on, its parameters, where it is made.

A new filter is one file in `vsutils/filters` and one row here. `ddeoldify_stabilizer()`, `colorize()`, the
presets, the scripts, the command line and the tests of the documentation read this table.
"""

from __future__ import annotations

from dataclasses import dataclass

from .params import DARK, SMOOTH, STAB, Group


@dataclass(frozen=True, slots=True)
class Filter:
    """A row of the table.

    Attributes:
        switch: the parameter that turns it on: "dark".
        note: what it does, in a few words.
        group: its list of parameters.
        group_note: what stands in that list, in a few words.
        module: the module in `vsutils/filters` whose function `apply` makes it. Filters side by side that
            share one are made together.
    """

    switch: str
    note: str
    group: Group
    group_note: str
    module: str


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
