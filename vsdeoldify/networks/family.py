"""The families of networks that can colour: what each is called, which models it has, where its code lies.

A new family is its folder and one row of `FAMILIES`. This module is light: torch is imported when a network
is built, not before.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """One family of networks.

    Attributes:
        name: short, unique: "deoldify".
        title: what people call it: "DeOldify".
        parameter: the parameter of `ddeoldify()` that names its models: "deoldify_p" or "ddcolor_p".
        models: the names that this parameter takes for it; those with a number of the original first, in the
            order of the numbers.
        numbered: how many of them have a number.
        stride: the side of a square that it takes is a multiple of this many pixels.
    """

    name: str
    title: str
    parameter: str
    models: tuple[str, ...]
    numbered: int
    stride: int


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family("deoldify", "DeOldify", "deoldify_p", ("video", "stable", "artistic"), 3, 16),
        Family("ddcolor", "DDColor", "ddcolor_p", ("modelscope", "artistic", "paper_tiny"), 2, 32),
        Family("preview", "the bundled model", "ddcolor_p", ("preview",), 0, 32),
    )
}


def families_of(parameter: str) -> list[Family]:
    """The families whose models a parameter ("deoldify_p", "ddcolor_p") takes, in the table's order."""
    return [family for family in FAMILIES.values() if family.parameter == parameter]


def model_names(parameter: str) -> tuple[str, ...]:
    """The names of models that a parameter takes: those with a number first, in the order of the numbers."""
    families = families_of(parameter)
    numbered = [name for family in families for name in family.models[: family.numbered]]
    return (*numbered, *(name for family in families for name in family.models[family.numbered :]))


def family_of(parameter: str, model: str) -> Family:
    """The family of a model's name; a path, which no family knows by name, belongs to the parameter's first.

    Raises:
        ValueError: no family takes models by this parameter.
    """
    families = families_of(parameter)
    if not families:
        raise ValueError(f"no network is named by {parameter}")
    return next((family for family in families if model in family.models), families[0])
