"""Parameters of other versions of the plugin: what to write in their place.

Versions 3.0 and 3.1 have the parameters of this one. Versions 1 and 2, and those from 3.5 on, have others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .params import AdaptiveLumaParams, DDColorParams, DDTweakParams, DeOldifyParams

# Of versions 1 and 2: the list, and the place in it, where a value stands now.
_PLACES: dict[str, tuple[str, int]] = {
    "model": ("deoldify_p", 0),
    "render_factor": ("deoldify_p", 1),
    "dd_model": ("ddcolor_p", 0),
    "dd_render_factor": ("ddcolor_p", 1),
    "dd_tweak_bright": ("ddtweak_p", 0),
    "dd_tweak_cont": ("ddtweak_p", 1),
    "dd_tweak_gamma": ("ddtweak_p", 2),
}
# The place of each value of a list of versions 1 and 2; None where the parameter is no list now.
_SPLIT: dict[str, tuple[tuple[str, int | None], ...]] = {
    "sat": (("deoldify_p", 2), ("ddcolor_p", 2)),
    "hue": (("deoldify_p", 3), ("ddcolor_p", 3)),
    "dd_tweak_luma_bind": (("ddtweak_p", 3), ("ddtweak_p", 4), ("ddtweak_p", 5)),
    "dd_method_params": (("alm_p", 0), ("alm_p", 1), ("alm_p", 2), ("cmc_tresh", None), ("cmb_sw", None)),
}
_RENAMED = {
    "dd_weight": "mweight",
    "merge_weight": "mweight",
    "luma_mask": "lmm_p",
    "torch_hub_dir": "torch_dir",
}
# Version 2 numbered the methods in another order.
_METHODS = {0: 0, 1: 1, 2: 2, 3: 5, 4: 3, 5: 4}
_LISTS: dict[str, Sequence[object]] = {
    "deoldify_p": DeOldifyParams(),
    "ddcolor_p": DDColorParams(),
    "ddtweak_p": DDTweakParams(),
    "alm_p": AdaptiveLumaParams(),
}
_WITHOUT_EFFECT = frozenset(
    {"chroma_resize", "color_limiter", "dd_num_streams", "n_threads", "post_process", "stack_frames"}
)
_ADVICE: dict[str, str] = {
    "color_smoothing": "smooth and smooth_p of ddeoldify_stabilizer do this",
    "color_stabilizer": "stab and stab_p of ddeoldify_stabilizer do this",
    "colormap": "colormap of ddeoldify_stabilizer does this",
    "dark_darkness": "dark and dark_p of ddeoldify_stabilizer do this",
    "dd_strength": "the second value of ddcolor_p, DDColor's render factor, does this",
    "degrain_strength": "take the grain out of the clip by another filter before the call",
    "dotweak": "brighten the clip by another filter before the call; DeOldify sees it as it is",
}
_FORMER = frozenset({*_PLACES, *_SPLIT, *_RENAMED, *_WITHOUT_EFFECT, *_ADVICE, "dd_method", "dotweak_p"})


# Where `ddeoldify` has cmc_tresh, a number, version 3.5 has ddtweak, behind two parameters that are gone.
_AFTER_DDCOLOR = 7
# Where `ddeoldify_stabilizer` has render_factor, later versions have colormap, a text.
_AFTER_STAB = 7


def in_this_order(function: str, arguments: Sequence[Any]) -> tuple[Sequence[Any], dict[str, Any]]:
    """Arguments without a name, where later versions have parameters in between.

    Args:
        function: the name of the function.
        arguments: they, with the clip.

    Returns:
        The arguments that may go without a name, and those that need one.

    Raises:
        ValueError: they cannot be told apart by place.
    """
    if function == "ddeoldify" and isinstance(_at(arguments, _AFTER_DDCOLOR), bool):
        raise ValueError(
            "values without a name in the order of version 3.5, which has dotweak and dotweak_p before "
            "ddtweak and degrain_strength behind ddtweak_p; write every parameter's name, and leave out these"
        )
    if function == "ddeoldify_stabilizer" and isinstance(_at(arguments, _AFTER_STAB), str):
        colormap, *rest = arguments[_AFTER_STAB:]
        return [*arguments[:_AFTER_STAB], *rest], {"colormap": colormap}
    return arguments, {}


def _at(arguments: Sequence[Any], place: int) -> Any:
    return arguments[place] if len(arguments) > place else None


def without_former(given: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out parameters of other versions where they ask for nothing.

    Args:
        given: the parameters of a call that the function does not have.

    Returns:
        Those that no version has.

    Raises:
        ValueError: what is to be written in place of those that ask for something.
    """
    left = dict(given)
    if not left.get("dotweak", False):
        left.pop("dotweak", None)
        left.pop("dotweak_p", None)
    if left.get("degrain_strength", 1) == 0:
        del left["degrain_strength"]
    former = {name: value for name, value in left.items() if name in _FORMER}
    if not former:
        return left
    sentence = f"parameters of other versions of the plugin: {', '.join(former)}"
    if written := _written(former):
        sentence += f"; write {written}"
    if dropped := [name for name in former if name in _WITHOUT_EFFECT]:
        sentence += f"; leave out {', '.join(dropped)}"
    advice = [f"{name}: {_ADVICE[name]}" for name in former if name in _ADVICE]
    raise ValueError("; ".join([sentence, *advice]))


def _written(former: Mapping[str, Any]) -> str:
    """The same in this version's words."""
    lists: dict[str, dict[int, object]] = {}
    values: dict[str, object] = {}
    for name, value in former.items():
        if name == "dd_method":
            values["method"] = _METHODS.get(value, value) if isinstance(value, int) else value
        elif name in _RENAMED:
            values[_RENAMED[name]] = value
        items = [value] if name in _PLACES else value if isinstance(value, (list, tuple)) else ()
        places = (_PLACES[name],) if name in _PLACES else _SPLIT.get(name, ())
        for (parameter, place), one in zip(places, items, strict=False):
            if place is None:
                values[parameter] = one
            else:
                lists.setdefault(parameter, {})[place] = one
    if "dd_weight" in former:  # Version 1 mixed, with any weight, in one way only.
        values["method"] = 2 if former["dd_weight"] else 0
    if "ddtweak_p" in lists:
        values["ddtweak"] = True
    for parameter, asked in lists.items():
        defaults = _LISTS[parameter]
        values[parameter] = [asked.get(place, defaults[place]) for place in range(max(asked) + 1)]
    return ", ".join(f"{name}={_text(value)}" for name, value in values.items())


def _text(value: object) -> str:
    """Python text of a value, with double quotes, as people write it."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_text, value))}]"
    return f'"{value}"' if isinstance(value, str) else repr(value)
