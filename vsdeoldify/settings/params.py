"""The parameters of the public functions: named tuples with defaults, and the checks of every value.

A plain list or tuple is accepted wherever a named tuple is; what a shorter one leaves out keeps its default.
All checks raise `ValueError` (wrong value) or `TypeError` (wrong type) with a sentence that names the
parameter; the public functions turn both into `vs.Error`.
"""

import math
import operator
import os
from collections.abc import Sequence
from typing import Any, NamedTuple, SupportsFloat, SupportsIndex

from .hues import ChromaAdjustment, HueRanges, parse_adjustment, parse_ranges

MODEL_FILE_SUFFIXES = (".pth", ".pt", ".safetensors")
DEOLDIFY_MODELS = ("video", "stable", "artistic")
DDCOLOR_MODELS = ("modelscope", "artistic", "paper_tiny", "preview")
METHODS = ("deoldify", "ddcolor", "simple", "constrained_chroma", "luma_masked", "adaptive_luma")
STAB_MODES = {
    "a": "A",
    "arithmetic": "A",
    "center": "A",
    "w": "W",
    "weighted": "W",
    "left": "W",
    "right": "W",
    "g": "G",
    "guided": "G",
}
MAX_FRAMES = {"A": 15, "W": 15, "G": 31}
_LEAST = 1e-9


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
    hue_adjust: str | ChromaAdjustment | None = "300:360|0.3,0.2"


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
    hue_range: str | HueRanges | None = "0:30,300:360"


class SmoothParams(NamedTuple):
    """`smooth_p`: soften colours from dark to bright.

    Attributes:
        dark_threshold: luma (0–1) below which the filter acts fully.
        white_threshold: luma (0–1) above which it does not act.
        dark_sat: share of the colour that is kept in the dark, 0–1.
        dark_bright: share of the brightness that is taken from it, 0–1.
        hue_range: the hues it acts on, or "none" for every colour.
    """

    dark_threshold: float = 0.3
    white_threshold: float = 0.7
    dark_sat: float = 0.9
    dark_bright: float = 0.05
    hue_range: str | HueRanges | None = "none"


class StabParams(NamedTuple):
    """`stab_p`: average the colours over neighbouring frames.

    Attributes:
        frames: number of frames averaged, 3–15 (3–31 in mode G); even numbers count as the next odd one.
        mode: "A" (arithmetic), "W" (weighted) or "G" (guided by luma: no ghosts).
        sat: factor on the colour that fills a neighbour's gray pixels, 0–1.
        tht: a neighbour's pixel is gray when its HSV saturation is below this, 0–255; 0 restores nothing.
        weight: share of the neighbour's own colour that remains in its restored pixels, 0–1.
        tht_scen: mean luma difference (0–1) of two frames above which a scene cut lies between them;
            0 trusts the clip's own scene change properties only.
        hue_adjust: chroma adjustment `"ranges|saturation,weight"` on the result, or "none".
    """

    frames: int = 5
    mode: str = "A"
    sat: float = 1.0
    tht: float = 15
    weight: float = 0.2
    tht_scen: float = 0.15
    hue_adjust: str | ChromaAdjustment | None = "300:360|0.5,0.0"


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


def _model(name: str, value: object, names: Sequence[str], numbered: int | None = None) -> str:
    """A model's name, or the path of a file of weights."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, str) and value.lower().endswith(MODEL_FILE_SUFFIXES):
        return value
    return choice(name, value, names, numbered)


def ddcolor_render_factor(p: DDColorParams, width: int) -> int:
    """DDColor's render factor, chosen by the clip's width where it is 0."""
    return p.render_factor or min(max(int(0.4 * width / 16), 16), 48)


def stabilizer_render_factor(value: object, width: int) -> int:
    """Check the stabilizer's render factor; 0 chooses by the clip's width."""
    checked = integer("render_factor", value, 10, 64, also=(0,))
    return checked or min(max(int(0.4 * width / 16), 16), 64)


def _fill[Params: tuple[Any, ...]](kind: type[Params], name: str, value: object) -> Params:
    """Make the named tuple from whatever sequence the caller gave."""
    fields: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]
    if isinstance(value, kind):
        return value
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise TypeError(f"{name} must be a list [{', '.join(fields)}], got {value!r}")
    if len(value) > len(fields):
        raise ValueError(f"{name} takes at most {len(fields)} values [{', '.join(fields)}], got {len(value)}")
    return kind(*value)


def _hues(name: str, value: Any) -> HueRanges | None:
    if value is None or isinstance(value, HueRanges):
        return value
    if not isinstance(value, str):
        raise TypeError(f'{name} must be hue ranges such as "290:330,rose" or "none", got {value!r}')
    try:
        return parse_ranges(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _adjustment(name: str, value: Any) -> ChromaAdjustment | None:
    if value is None or isinstance(value, ChromaAdjustment):
        return value
    if not isinstance(value, str):
        raise TypeError(
            f'{name} must be a chroma adjustment such as "300:360|0.3,0.2" or "none", got {value!r}'
        )
    try:
        return parse_adjustment(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _limits(name: str, low_name: str, low: float, high_name: str, high: float) -> None:
    if low > high:
        raise ValueError(f"{name} {low_name} must not be above {high_name}, got {low:g} and {high:g}")


def deoldify_params(value: object) -> DeOldifyParams:
    """Check `deoldify_p`; the model comes back as its name."""
    p = _fill(DeOldifyParams, "deoldify_p", value)
    return DeOldifyParams(
        _model("deoldify_p model", p.model, DEOLDIFY_MODELS),
        integer("deoldify_p render_factor", p.render_factor, 10, 44),
        number("deoldify_p saturation", p.saturation, 0, 10),
        number("deoldify_p hue", p.hue, -360, 360),
    )


def ddcolor_params(value: object) -> DDColorParams:
    """Check `ddcolor_p`; the model comes back as its name."""
    p = _fill(DDColorParams, "ddcolor_p", value)
    return DDColorParams(
        _model("ddcolor_p model", p.model, DDCOLOR_MODELS, numbered=2),
        integer("ddcolor_p render_factor", p.render_factor, 10, 64, also=(0,)),
        number("ddcolor_p saturation", p.saturation, 0, 10),
        number("ddcolor_p hue", p.hue, -360, 360),
        boolean("ddcolor_p half", p.half),
    )


def ddtweak_params(value: object) -> DDTweakParams:
    """Check `ddtweak_p`."""
    p = _fill(DDTweakParams, "ddtweak_p", value)
    return DDTweakParams(
        number("ddtweak_p bright", p.bright, -10, 10),
        number("ddtweak_p contrast", p.contrast, 0, 10),
        number("ddtweak_p gamma", p.gamma, 0.01, 10),
        boolean("ddtweak_p luma_constrained", p.luma_constrained),
        number("ddtweak_p luma_min", p.luma_min, 0, 1),
        number("ddtweak_p gamma_luma_min", p.gamma_luma_min, 0, 1),
        number("ddtweak_p gamma_alpha", p.gamma_alpha, 0, 10),
        number("ddtweak_p gamma_min", p.gamma_min, 0.01, 10),
        _adjustment("ddtweak_p hue_adjust", p.hue_adjust),
    )


def luma_masked_params(value: object) -> LumaMaskedParams:
    """Check `lmm_p`."""
    p = _fill(LumaMaskedParams, "lmm_p", value)
    checked = LumaMaskedParams(
        number("lmm_p luma_black_limit", p.luma_black_limit, 0, 1),
        number("lmm_p luma_white_limit", p.luma_white_limit, 0, 1),
        number("lmm_p luma_mask_sat", p.luma_mask_sat, 0, 1),
    )
    _limits("lmm_p", "luma_black_limit", checked[0], "luma_white_limit", checked[1])
    return checked


def adaptive_luma_params(value: object) -> AdaptiveLumaParams:
    """Check `alm_p`."""
    p = _fill(AdaptiveLumaParams, "alm_p", value)
    return AdaptiveLumaParams(
        number("alm_p luma_threshold", p.luma_threshold, 0, 1),
        number("alm_p alpha", p.alpha, 0, 10),
        number("alm_p min_weight", p.min_weight, 0, 1),
    )


def dark_params(value: object) -> DarkParams:
    """Check `dark_p`."""
    p = _fill(DarkParams, "dark_p", value)
    return DarkParams(
        number("dark_p threshold", p.threshold, 0, 1),
        number("dark_p amount", p.amount, 0, 1),
        _hues("dark_p hue_range", p.hue_range),
    )


def smooth_params(value: object) -> SmoothParams:
    """Check `smooth_p`."""
    p = _fill(SmoothParams, "smooth_p", value)
    checked = SmoothParams(
        number("smooth_p dark_threshold", p.dark_threshold, 0, 1),
        number("smooth_p white_threshold", p.white_threshold, 0, 1),
        number("smooth_p dark_sat", p.dark_sat, 0, 1),
        number("smooth_p dark_bright", p.dark_bright, 0, 1),
        _hues("smooth_p hue_range", p.hue_range),
    )
    _limits("smooth_p", "dark_threshold", checked[0], "white_threshold", checked[1])
    return checked


def stab_params(value: object) -> StabParams:
    """Check `stab_p`; the number of frames comes back odd, the mode as "A", "W" or "G"."""
    p = _fill(StabParams, "stab_p", value)
    mode = STAB_MODES.get(p.mode.strip().lower()) if isinstance(p.mode, str) else None
    if mode is None:
        raise ValueError(f"stab_p mode must be one of {', '.join(STAB_MODES)}, got {p.mode!r}")
    return StabParams(
        integer("stab_p frames", p.frames, 3, MAX_FRAMES[mode]) | 1,
        mode,
        number("stab_p sat", p.sat, 0, 1),
        number("stab_p tht", p.tht, 0, 255),
        number("stab_p weight", p.weight, 0, 1),
        number("stab_p tht_scen", p.tht_scen, 0, 1),
        _adjustment("stab_p hue_adjust", p.hue_adjust),
    )
