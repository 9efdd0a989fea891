"""Presets: named sets of the ordinary parameters of `ddeoldify` and `ddeoldify_stabilizer`.

A preset has two names: how much work per frame ("preview" … "best", from fastest to best) and how strong the
colours ("stable" … "vivid", from steadiest to most colourful). It is nothing but the parameters that
`preset()` returns: whoever wants to go on by hand copies them.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

SPEEDS = ("preview", "fast", "medium", "slow", "best")
COLOURS = ("stable", "balanced", "vivid")

SPEED_HELP = {
    "preview": "the small model of the package itself, at 256 pixels: nothing to download, quick on a CPU",
    "fast": "one small network (DDColor paper_tiny, a download of about 220 MB) at 384 pixels",
    "medium": "DeOldify video and DDColor artistic mixed, at 384 pixels: the defaults of ddeoldify()",
    "slow": "the same two networks at 448 and 512 pixels: finer detail in the colours",
    "best": "the same two networks at 576 and 640 pixels, for large pictures",
}
COLOURS_HELP = {
    "stable": "muted and steady: little DDColor, less saturation, colours averaged over 15 frames",
    "balanced": "between the two: colours averaged over 9 frames",
    "vivid": "strong colours: much DDColor, more saturation, colours averaged over 5 frames only",
}


@dataclass(frozen=True)
class Preset:
    """The parameters that a preset stands for.

    Attributes:
        name: the speed, one of `SPEEDS`.
        colours: one of `COLOURS`.
        ddeoldify: keyword arguments of `vsdeoldify.ddeoldify`.
        stabilizer: keyword arguments of `vsdeoldify.ddeoldify_stabilizer`.
    """

    name: str
    colours: str
    ddeoldify: dict[str, Any]
    stabilizer: dict[str, Any]

    def with_changes(self, **changes: Any) -> Preset:
        """The preset with some parameters replaced.

        Args:
            **changes: parameters of `ddeoldify` or `ddeoldify_stabilizer` by name (the clip excepted).

        Raises:
            TypeError: neither function has a parameter of that name.
        """
        ddeoldify, stabilizer = dict(self.ddeoldify), dict(self.stabilizer)
        for key, value in changes.items():
            if key in ddeoldify_parameters():
                ddeoldify[key] = value
            elif key in stabilizer_parameters():
                stabilizer[key] = value
            else:
                known = ", ".join([*ddeoldify_parameters(), *stabilizer_parameters()])
                raise TypeError(f"there is no parameter {key!r}; there are {known}")
        return replace(self, ddeoldify=ddeoldify, stabilizer=stabilizer)


# Render factors of DeOldify and DDColor; None where the preset does not use that network.
_MODELS: dict[str, tuple[tuple[str, int] | None, tuple[str, int]]] = {
    "preview": (None, ("preview", 16)),
    "fast": (None, ("paper_tiny", 24)),
    "medium": (("video", 24), ("artistic", 24)),
    "slow": (("video", 28), ("artistic", 32)),
    "best": (("video", 36), ("artistic", 40)),
}
_WEIGHT = {"stable": 0.25, "balanced": 0.4, "vivid": 0.65}
_SATURATION = {"stable": 0.85, "balanced": 1.0, "vivid": 1.2}
_AVERAGED_FRAMES = {"stable": 15, "balanced": 9, "vivid": 5}


def preset(name: str = "medium", colours: str = "balanced") -> Preset:
    """The parameters of a preset.

    Args:
        name: "preview", "fast", "medium", "slow" or "best": from fastest to best. "preview" needs no
            downloaded model, "fast" one, the others two.
        colours: "stable", "balanced" or "vivid": from steadiest to most colourful.

    Raises:
        ValueError: there is no preset of that name.
    """
    name = _choice("preset", name, SPEEDS)
    colours = _choice("colours", colours, COLOURS)
    deoldify_model, (ddcolor_model, ddcolor_factor) = _MODELS[name]
    saturation = _SATURATION[colours]
    ddcolor_p = [ddcolor_model, ddcolor_factor, saturation, 0.0]
    ddeoldify: dict[str, Any]
    if deoldify_model is None:
        ddeoldify = {"method": "ddcolor", "ddcolor_p": ddcolor_p}
    else:
        ddeoldify = {
            "method": "simple",
            "mweight": _WEIGHT[colours],
            "deoldify_p": [*deoldify_model, saturation, 0.0],
            "ddcolor_p": ddcolor_p,
        }
    stabilizer = {
        "dark": True,
        "dark_p": [0.2, 0.6 if colours == "vivid" else 0.8],
        "smooth": colours != "vivid",
        "smooth_p": [0.3, 0.7, 0.8 if colours == "stable" else 0.9, 0.05],
        "stab": True,
        "stab_p": [_AVERAGED_FRAMES[colours], "guided"],
        # The colours are no finer than the larger network's square.
        "render_factor": max(ddcolor_factor, deoldify_model[1] if deoldify_model else 0),
    }
    return Preset(name, colours, ddeoldify, stabilizer)


@cache
def ddeoldify_parameters() -> tuple[str, ...]:
    """Names of the parameters of `ddeoldify`, without the clip."""
    from .. import ddeoldify

    return tuple(inspect.signature(ddeoldify).parameters)[1:]


@cache
def stabilizer_parameters() -> tuple[str, ...]:
    """Names of the parameters of `ddeoldify_stabilizer`, without the clip."""
    from .. import ddeoldify_stabilizer

    return tuple(inspect.signature(ddeoldify_stabilizer).parameters)[1:]


def _choice(what: str, value: object, names: tuple[str, ...]) -> str:
    if isinstance(value, str) and value.strip().lower() in names:
        return value.strip().lower()
    raise ValueError(f"{what} must be one of {', '.join(names)}, got {value!r}")
