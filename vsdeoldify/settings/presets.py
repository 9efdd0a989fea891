"""Presets: named sets of the ordinary parameters of `ddeoldify` and `ddeoldify_stabilizer`.

A preset has two names: how much work per frame ("preview" … "best", from fastest to best) and how strong the
colours ("stable" … "vivid", from steadiest to most colourful). It is nothing but the parameters that
`preset()` returns: whoever wants to go on by hand copies them. A new one is a row of its table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .methods import find_method, unused_parameters
from .parameters import colouring_names, stabilizing_names


@dataclass(frozen=True, slots=True)
class _Speed:
    """How much work per frame.

    Attributes:
        help: what it is, for people.
        ddcolor: model and render factor of `ddcolor_p`.
        deoldify: the same of `deoldify_p`, where that network is used.
        every: distance of the key frames; None leaves it to whoever uses the preset, see `usual_every`.
    """

    help: str
    ddcolor: tuple[str, int]
    deoldify: tuple[str, int] | None = None
    every: int | None = None


@dataclass(frozen=True, slots=True)
class _Strength:
    """How strong the colours are.

    Attributes:
        help: what it is, for people.
        weight: DDColor's share in a mix.
        saturation: factor on the networks' colours.
        frames: how many frames the colours are averaged over.
        dark: how much colour is taken out of dark areas.
        smooth: whether colours are softened from dark to bright.
        smooth_saturation: share of the colour that this keeps in the dark.
    """

    help: str
    weight: float
    saturation: float
    frames: int
    dark: float
    smooth: bool
    smooth_saturation: float


_SPEEDS: dict[str, _Speed] = {
    "preview": _Speed(
        "the small model of the package itself, at 256 pixels: nothing to download, quick on a CPU",
        ddcolor=("preview", 16),
    ),
    "fast": _Speed(
        "one small network (DDColor paper_tiny, a download of about 220 MB) at 384 pixels",
        ddcolor=("paper_tiny", 24),
    ),
    "medium": _Speed(
        "DeOldify video and DDColor artistic mixed, at 384 pixels: the defaults of ddeoldify()",
        ddcolor=("artistic", 24),
        deoldify=("video", 24),
    ),
    "slow": _Speed(
        "the same two networks at 448 and 512 pixels: finer detail in the colours",
        ddcolor=("artistic", 32),
        deoldify=("video", 28),
    ),
    "best": _Speed(
        "the same two networks at 576 and 640 pixels, for large pictures",
        ddcolor=("artistic", 40),
        deoldify=("video", 36),
    ),
    "overnight": _Speed(
        "the networks of medium on every 40th frame, colours carried along motion between: whole films "
        "without a GPU",
        ddcolor=("artistic", 24),
        deoldify=("video", 24),
        every=40,
    ),
}

USUAL_EVERY = 10
"""Distance of the key frames in films that the commands colour, where the plugin for motion is there.

Measured in docs/propagation.md: such a film flickers less than one whose every frame is coloured, and with
true colours on the key frames those between are 0.5 (mean CIEDE2000) from the true ones.
"""

_WITHOUT_MOTION = 3
_STRENGTHS: dict[str, _Strength] = {
    "stable": _Strength(
        "muted and steady: little DDColor, less saturation, colours averaged over 15 frames",
        weight=0.25,
        saturation=0.85,
        frames=15,
        dark=0.8,
        smooth=True,
        smooth_saturation=0.8,
    ),
    "balanced": _Strength(
        "between the two: colours averaged over 9 frames",
        weight=0.4,
        saturation=1.0,
        frames=9,
        dark=0.8,
        smooth=True,
        smooth_saturation=0.9,
    ),
    "vivid": _Strength(
        "strong colours: much DDColor, more saturation, colours averaged over 5 frames only",
        weight=0.65,
        saturation=1.2,
        frames=5,
        dark=0.6,
        smooth=False,
        smooth_saturation=0.9,
    ),
}

SPEEDS = tuple(_SPEEDS)
COLOURS = tuple(_STRENGTHS)
SPEED_HELP = {name: speed.help for name, speed in _SPEEDS.items()}
COLOURS_HELP = {name: strength.help for name, strength in _STRENGTHS.items()}


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
            if key in colouring_names():
                ddeoldify[key] = value
            elif key in stabilizing_names():
                stabilizer[key] = value
            else:
                known = ", ".join([*colouring_names(), *stabilizing_names()])
                raise TypeError(f"there is no parameter {key!r}; there are {known}")
        return replace(self, ddeoldify=ddeoldify, stabilizer=stabilizer)

    def of_use(self) -> Preset:
        """The preset without the parameters of a network that its method does not use."""
        try:
            method = find_method(self.ddeoldify["method"])
        except ValueError:
            return self  # The function says what is wrong with it.
        if len(method.networks) > 1:
            return self
        unused = unused_parameters(method)
        used = {key: value for key, value in self.ddeoldify.items() if key not in unused}
        return replace(self, ddeoldify=used)


def preset(name: str = "medium", colours: str = "balanced") -> Preset:
    """The parameters of a preset.

    Args:
        name: "preview", "fast", "medium", "slow" or "best": from fastest to best; or "overnight". "preview"
            needs no downloaded model, "fast" one, the others two.
        colours: "stable", "balanced" or "vivid": from steadiest to most colourful.

    Raises:
        ValueError: there is no preset of that name.
    """
    name = _choice("preset", name, SPEEDS)
    colours = _choice("colours", colours, COLOURS)
    speed, strength = _SPEEDS[name], _STRENGTHS[colours]
    ddcolor_p = [*speed.ddcolor, strength.saturation, 0.0]
    ddeoldify: dict[str, Any]
    if speed.deoldify is None:
        ddeoldify = {"method": "ddcolor", "ddcolor_p": ddcolor_p}
    else:
        ddeoldify = {
            "method": "simple",
            "mweight": strength.weight,
            "deoldify_p": [*speed.deoldify, strength.saturation, 0.0],
            "ddcolor_p": ddcolor_p,
        }
    if speed.every is not None:
        ddeoldify["every"] = speed.every
    stabilizer = {
        "dark": True,
        "dark_p": [0.2, strength.dark],
        "smooth": strength.smooth,
        "smooth_p": [0.3, 0.7, strength.smooth_saturation, 0.05],
        "stab": True,
        "stab_p": [strength.frames, "guided"],
        # The colours are no finer than the larger network's square.
        "render_factor": max(factor for _, factor in filter(None, (speed.deoldify, speed.ddcolor))),
    }
    return Preset(name, colours, ddeoldify, stabilizer)


def usual_every(chosen: Preset, *, motion: bool) -> int:
    """Distance of the key frames in a film that is coloured by a preset, where nobody has asked for another.

    Args:
        chosen: the preset.
        motion: whether the plugin is there that carries colours along motion.
    """
    own: int = chosen.ddeoldify.get("every", 1)
    if motion:
        return max(own, USUAL_EVERY)
    return min(own, _WITHOUT_MOTION)


def _choice(what: str, value: object, names: tuple[str, ...]) -> str:
    if isinstance(value, str) and value.strip().lower() in names:
        return value.strip().lower()
    raise ValueError(f"{what} must be one of {', '.join(names)}, got {value!r}")
