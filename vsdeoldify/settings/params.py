"""The lists of parameters: named tuples with defaults as people write them, their ranges, their checks.

A plain list or tuple is accepted wherever a named tuple is; what a shorter one leaves out keeps its default.
A check turns what was written into its frozen twin, whose types are narrow: names of models instead of
numbers, hue ranges instead of texts. It raises `ValueError` (wrong value) or `TypeError` (wrong type) with a
sentence that names the parameter; the public functions turn both into `vs.Error`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast

from .hues import ChromaAdjustment, HueRanges
from .values import MODEL_FILE_SUFFIXES as MODEL_FILE_SUFFIXES
from .values import Adjustment, FadingHues, Hues, Kind, Models, Number, Switch, Whole, integer

type Mode = Literal["A", "W", "G", "M"]

STAB_MODES: dict[str, Mode] = {
    "a": "A",
    "arithmetic": "A",
    "center": "A",
    "w": "W",
    "weighted": "W",
    "left": "W",
    "right": "W",
    "g": "G",
    "guided": "G",
    "m": "M",
    "motion": "M",
}
MAX_FRAMES: dict[Mode, int] = {"A": 15, "W": 15, "G": 31, "M": 31}
LARGEST_CUT_THRESHOLD = 0.5
"""From here on `tht_scen` is no luma difference that cuts of films have."""


class DeOldifyParams(NamedTuple):
    """`deoldify_p`: how DeOldify colours.

    Attributes:
        model: 0 or "video", 1 or "stable", 2 or "artistic", or the path of a DeOldify file (.pth).
        render_factor: side of the network's square input in units of 16 pixels, 10–44.
        saturation: factor on the colours DeOldify gives, 0–10; 1 leaves them.
        hue: rotation of these colours in degrees, −360–360; 0 leaves them.
    """

    model: int | str = 0
    render_factor: int = 24
    saturation: float = 1.0
    hue: float = 0.0


class DDColorParams(NamedTuple):
    """`ddcolor_p`: how DDColor (or the bundled preview model) colours.

    Attributes:
        model: 0 or "modelscope", 1 or "artistic", "paper_tiny", "preview" (the bundled small model), or the
            path of a DDColor file (.pth).
        render_factor: side of the network's square input in units of 16 pixels (odd values are rounded
            down to even ones), 10–64; 0 chooses by the clip's width.
        saturation: factor on the colours DDColor gives, 0–10; 1 leaves them.
        hue: rotation of these colours in degrees, −360–360; 0 leaves them.
        half: compute in half precision where the device is faster for it.
    """

    model: int | str = 1
    render_factor: int = 24
    saturation: float = 1.0
    hue: float = 0.0
    half: bool = True


class DDTweakParams(NamedTuple):
    """`ddtweak_p`: how the gray picture is brightened before DDColor sees it, and its colours adjusted.

    Attributes:
        bright: added to the luma (0–1 scale), −10–10.
        contrast: factor on the luma, 0–10.
        gamma: luma becomes `luma ** (1/gamma)`, 0.01–10; above 1 brightens.
        luma_constrained: apply the lift of `luma_min`, and gamma only on dark frames.
        luma_min: frames whose mean luma is below this are lifted to it, 0–1.
        gamma_luma_min: gamma acts on frames whose mean luma is below this, 0–1.
        gamma_alpha: exponent that weakens gamma as the frame gets darker, 0–10; 0 keeps it constant.
        gamma_min: lower bound of the weakened gamma, 0.01–10.
        hue_adjust: chroma adjustment `"ranges|saturation,weight"` on DDColor's colours, or "none".
    """

    bright: float = 0.0
    contrast: float = 1.0
    gamma: float = 2.5
    luma_constrained: bool = True
    luma_min: float = 0.2
    gamma_luma_min: float = 0.5
    gamma_alpha: float = 1.5
    gamma_min: float = 0.5
    hue_adjust: str | None = "300:360|0.3,0.2"


class LumaMaskedParams(NamedTuple):
    """`lmm_p`: the luma masked merge (method 4).

    Attributes:
        luma_black_limit: below this luma (0–1) a pixel is dark and takes DeOldify's colour.
        luma_white_limit: above this luma (0–1) a pixel is bright and takes DDColor's colour.
        luma_mask_sat: factor on DeOldify's colours in the dark, 0–1.
    """

    luma_black_limit: float = 0.2
    luma_white_limit: float = 0.8
    luma_mask_sat: float = 1.0


class AdaptiveLumaParams(NamedTuple):
    """`alm_p`: the adaptive luma merge (method 5).

    Attributes:
        luma_threshold: frames whose mean luma is below this (0–1) give DDColor less weight.
        alpha: exponent of that decrease, 0–10.
        min_weight: DDColor's smallest weight on such frames, 0–1.
    """

    luma_threshold: float = 0.8
    alpha: float = 1.0
    min_weight: float = 0.15


class DarkParams(NamedTuple):
    """`dark_p`: take colour out of dark areas.

    Attributes:
        threshold: luma up to which a pixel counts as dark, 0–1 (acts as 0.1–0.5).
        amount: how much colour is taken, 0–1 (0 is not off: it still takes about a third).
        hue_range: the hues it acts on, or "none" for every colour.
    """

    threshold: float = 0.2
    amount: float = 0.8
    hue_range: str | None = "0:30,300:360"


class SmoothParams(NamedTuple):
    """`smooth_p`: soften colours from dark to bright.

    Attributes:
        dark_threshold: luma (0–1) below which the filter acts fully.
        white_threshold: luma (0–1) above which it does not act.
        dark_sat: share of the colour that is kept in the dark, 0–1.
        dark_bright: share of the brightness that is taken from it, 0–1.
        hue_range: the hues it acts on, or "none" for every colour. A chroma adjustment
            `"ranges|saturation,weight"` keeps less of the colour of these hues, and fades all others, too.
    """

    dark_threshold: float = 0.3
    white_threshold: float = 0.7
    dark_sat: float = 0.9
    dark_bright: float = 0.05
    hue_range: str | None = "none"


class StabParams(NamedTuple):
    """`stab_p`: average the colours over neighbouring frames.

    Attributes:
        frames: number of frames averaged, 3–15 (3–31 in the modes G and M); even numbers count as the next
            odd one.
        mode: "A" (arithmetic), "W" (weighted), "G" (guided by luma: no ghosts) or "M" (along motion, too;
            needs the plugin vapoursynth-mvutensils).
        sat: factor on the colour that fills a neighbour's gray pixels, 0–1.
        tht: a neighbour's pixel is gray when its HSV saturation is below this, 0–255; 0 restores nothing.
        weight: share of the neighbour's own colour that remains in its restored pixels, 0–1.
        tht_scen: mean luma difference (0–0.5) of two frames above which a scene cut lies between them;
            0 trusts the clip's own scene change properties only. 0.5–1 counts as 0.15, and so does 0 where
            `tht` and `weight` are 0, too: these are HAVC's values, which mean something else.
        hue_adjust: chroma adjustment `"ranges|saturation,weight"` on the result, or "none".
    """

    frames: int = 5
    mode: str = "A"
    sat: float = 1.0
    tht: float = 15
    weight: float = 0.2
    tht_scen: float = 0.15
    hue_adjust: str | None = "300:360|0.5,0.0"


class DeOldify(NamedTuple):
    """`DeOldifyParams`, checked: the model is its name or the path of its file."""

    model: str
    render_factor: int
    saturation: float
    hue: float


class DDColor(NamedTuple):
    """`DDColorParams`, checked: the model is its name or the path of its file."""

    model: str
    render_factor: int
    saturation: float
    hue: float
    half: bool


class DDTweak(NamedTuple):
    """`DDTweakParams`, checked; a `hue_adjust` of None is no adjustment."""

    bright: float
    contrast: float
    gamma: float
    luma_constrained: bool
    luma_min: float
    gamma_luma_min: float
    gamma_alpha: float
    gamma_min: float
    hue_adjust: ChromaAdjustment | None


class LumaMask(NamedTuple):
    """`LumaMaskedParams`, checked: the black limit is not above the white one."""

    luma_black_limit: float
    luma_white_limit: float
    luma_mask_sat: float


class AdaptiveLuma(NamedTuple):
    """`AdaptiveLumaParams`, checked."""

    luma_threshold: float
    alpha: float
    min_weight: float


class Dark(NamedTuple):
    """`DarkParams`, checked."""

    threshold: float
    amount: float
    hue_range: HueRanges


class Smooth(NamedTuple):
    """`SmoothParams`, checked: the dark threshold is not above the white one.

    A `hue_range` that was written without a saturation and a weight has 1 and 0 of them.
    """

    dark_threshold: float
    white_threshold: float
    dark_sat: float
    dark_bright: float
    hue_range: ChromaAdjustment


class Stab(NamedTuple):
    """`StabParams`, checked: `frames` is odd; a `hue_adjust` of None is no adjustment."""

    frames: int
    mode: Mode
    sat: float
    tht: float
    weight: float
    tht_scen: float
    hue_adjust: ChromaAdjustment | None


@dataclass(frozen=True, slots=True)
class _ModeNames:
    """The names of the ways to average."""

    def check(self, name: str, value: object, checked: Mapping[str, Any]) -> Mode:
        mode = STAB_MODES.get(value.strip().lower()) if isinstance(value, str) else None
        if mode is None:
            raise ValueError(f"{name} must be one of {', '.join(STAB_MODES)}, got {value!r}")
        return mode


@dataclass(frozen=True, slots=True)
class _Frames:
    """How many frames are averaged: from 3 to what the mode allows, and odd."""

    def check(self, name: str, value: object, checked: Mapping[str, Any]) -> int:
        return integer(name, value, 3, MAX_FRAMES[checked["mode"]]) | 1


@dataclass(frozen=True, slots=True)
class _CutThreshold:
    """The luma difference of two frames that makes a cut.

    HAVC's scripts have a share of gray pixels in its place: 0.8, or 0 behind two more zeros. As luma
    differences these would let colours cross every cut, so they count as the default.
    """

    def check(self, name: str, value: object, checked: Mapping[str, Any]) -> float:
        difference = SHARE.check(name, value, checked)
        zeros = difference == checked["tht"] == checked["weight"] == 0.0
        return StabParams().tht_scen if zeros or difference >= LARGEST_CUT_THRESHOLD else difference


@dataclass(frozen=True)
class Group:
    """A list of parameters: what people write, and what the check makes of it.

    Attributes:
        parameter: the name of the functions' parameter: "dark_p".
        written: the named tuple with the defaults, as people write it.
        checked: its frozen twin: a named tuple with the same fields in narrow types.
        kinds: what each field takes, in the order in which they are checked.
        ordered: two fields of which the first must not be above the second.
    """

    parameter: str
    written: type[Any]
    checked: type[Any]
    kinds: dict[str, Kind]
    ordered: tuple[str, str] | None = None

    def check(self, value: object, **kinds: Kind) -> Any:
        """Check a list.

        Args:
            value: the start of a list, a named tuple, or what an earlier check gave.
            **kinds: what fields take that is known to the caller only.

        Returns:
            A value of the type `checked`.

        Raises:
            TypeError: it is no list, or an element's type is wrong.
            ValueError: it is too long, or an element is wrong.
        """
        if isinstance(value, self.checked):
            return value
        written = self._written(value)._asdict()
        done: dict[str, Any] = {}
        for field, kind in (self.kinds | kinds).items():
            done[field] = kind.check(f"{self.parameter} {field}", written[field], done)
        if self.ordered is not None:
            low, high = self.ordered
            if done[low] > done[high]:
                raise ValueError(
                    f"{self.parameter} {low} must not be above {high}, got {done[low]:g} and {done[high]:g}"
                )
        return self.checked(**done)

    def _written(self, value: object) -> Any:
        """The named tuple of whatever sequence the caller gave."""
        fields: tuple[str, ...] = self.written._fields
        if isinstance(value, self.written):
            return value
        if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
            raise TypeError(f"{self.parameter} must be a list [{', '.join(fields)}], got {value!r}")
        if len(value) > len(fields):
            raise ValueError(
                f"{self.parameter} takes at most {len(fields)} values [{', '.join(fields)}], got {len(value)}"
            )
        return self.written(*value)


_NO_MODELS = Models((), 0)
SHARE = Number(0, 1)
WEIGHT = SHARE
"""`mweight`."""
CMC_THRESHOLD = SHARE
"""`cmc_tresh`."""
BATCH_SIZE = Whole(1, 64)
EVERY = Whole(1, 40)
STABILIZER_RENDER_FACTOR = Whole(10, 64, also=(0,))

DEOLDIFY = Group(
    "deoldify_p",
    DeOldifyParams,
    DeOldify,
    {
        "model": _NO_MODELS,
        "render_factor": Whole(10, 44),
        "saturation": Number(0, 10),
        "hue": Number(-360, 360),
    },
)
DDCOLOR = Group(
    "ddcolor_p",
    DDColorParams,
    DDColor,
    {
        "model": _NO_MODELS,
        "render_factor": Whole(10, 64, also=(0,)),
        "saturation": Number(0, 10),
        "hue": Number(-360, 360),
        "half": Switch(),
    },
)
DDTWEAK = Group(
    "ddtweak_p",
    DDTweakParams,
    DDTweak,
    {
        "bright": Number(-10, 10),
        "contrast": Number(0, 10),
        "gamma": Number(0.01, 10),
        "luma_constrained": Switch(),
        "luma_min": SHARE,
        "gamma_luma_min": SHARE,
        "gamma_alpha": Number(0, 10),
        "gamma_min": Number(0.01, 10),
        "hue_adjust": Adjustment(),
    },
)
LUMA_MASK = Group(
    "lmm_p",
    LumaMaskedParams,
    LumaMask,
    {"luma_black_limit": SHARE, "luma_white_limit": SHARE, "luma_mask_sat": SHARE},
    ordered=("luma_black_limit", "luma_white_limit"),
)
ADAPTIVE_LUMA = Group(
    "alm_p",
    AdaptiveLumaParams,
    AdaptiveLuma,
    {"luma_threshold": SHARE, "alpha": Number(0, 10), "min_weight": SHARE},
)
DARK = Group(
    "dark_p",
    DarkParams,
    Dark,
    {"threshold": SHARE, "amount": SHARE, "hue_range": Hues()},
)
SMOOTH = Group(
    "smooth_p",
    SmoothParams,
    Smooth,
    {
        "dark_threshold": SHARE,
        "white_threshold": SHARE,
        "dark_sat": SHARE,
        "dark_bright": SHARE,
        "hue_range": FadingHues(),
    },
    ordered=("dark_threshold", "white_threshold"),
)
STAB = Group(
    "stab_p",
    StabParams,
    Stab,
    {
        "mode": _ModeNames(),
        "frames": _Frames(),
        "sat": SHARE,
        "tht": Number(0, 255),
        "weight": SHARE,
        "tht_scen": _CutThreshold(),
        "hue_adjust": Adjustment(),
    },
)


def deoldify_params(value: object, models: Models) -> DeOldify:
    """Check `deoldify_p`.

    Args:
        value: what the caller gave.
        models: the names that it takes.
    """
    return cast(DeOldify, DEOLDIFY.check(value, model=models))


def ddcolor_params(value: object, models: Models) -> DDColor:
    """Check `ddcolor_p`.

    Args:
        value: what the caller gave.
        models: the names that it takes.
    """
    return cast(DDColor, DDCOLOR.check(value, model=models))


def ddtweak_params(value: object) -> DDTweak:
    """Check `ddtweak_p`."""
    return cast(DDTweak, DDTWEAK.check(value))


def luma_masked_params(value: object) -> LumaMask:
    """Check `lmm_p`."""
    return cast(LumaMask, LUMA_MASK.check(value))


def adaptive_luma_params(value: object) -> AdaptiveLuma:
    """Check `alm_p`."""
    return cast(AdaptiveLuma, ADAPTIVE_LUMA.check(value))


def dark_params(value: object) -> Dark:
    """Check `dark_p`."""
    return cast(Dark, DARK.check(value))


def smooth_params(value: object) -> Smooth:
    """Check `smooth_p`."""
    return cast(Smooth, SMOOTH.check(value))


def stab_params(value: object) -> Stab:
    """Check `stab_p`."""
    return cast(Stab, STAB.check(value))


def ddcolor_render_factor(render_factor: int, width: int) -> int:
    """DDColor's render factor, chosen by the clip's width where it is 0."""
    return render_factor or min(max(int(0.4 * width / 16), 16), 48)


def stabilizer_render_factor(render_factor: int, width: int) -> int:
    """The stabilizer's render factor, chosen by the clip's width where it is 0."""
    return render_factor or min(max(int(0.4 * width / 16), 16), 64)
