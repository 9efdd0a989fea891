"""The functions of HAVC, the original's successor, for scripts that were written for it.

The package looks a name up here when a script asks for it. What means the same here runs: the tables of
`settings.havc` bring HAVC's words and lists to our parameters. All else is an error that says what to write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import vapoursynth as vs

from .functions import _build, _defaults, _errors_as, _models, ddeoldify_scenes
from .settings import havc as tables
from .settings.params import StabParams
from .settings.requests import check_calming, check_colouring, check_referring
from .settings.values import integer
from .vsutils import formats
from .vsutils.filters.merge import MERGES
from .vsutils.planes import colourless, with_chroma

type Words = dict[str, Any]

_LARGEST_CANVAS = 1024
_CALMING = ("dark", "dark_p", "smooth", "smooth_p", "stab", "stab_p", "colormap", "render_factor")


def named(name: str) -> Callable[..., Any]:
    """The function of HAVC of that name: it runs, or says what to write instead."""

    def called(*arguments: Any, **given: Any) -> Any:
        with _errors_as(name):
            if name not in _MAKERS:
                advice = tables.INSTEAD.get(name, "docs/hybrid.md lists what there is")
                raise ValueError(f"this function of another version of the plugin is not here; {advice}")
            return _MAKERS[name](name, _words(name, arguments, given))

    called.__name__ = called.__qualname__ = name
    called.__doc__ = f"`{name}` of another version of the plugin, as far as it is here."
    return called


def _words(function: str, arguments: Sequence[Any], given: Mapping[str, Any]) -> Words:
    """All parameters of a call, by name."""
    defaults = tables.PARAMETERS[function]
    if len(arguments) > len(defaults):
        raise TypeError(f"it takes at most {len(defaults)} values, got {len(arguments)}")
    asked = dict(zip(defaults, arguments, strict=False))
    if twice := asked.keys() & given.keys():
        raise TypeError(f"{min(twice)} is given twice")
    if unknown := given.keys() - defaults.keys():
        raise TypeError(f"there is no parameter {min(unknown)!r}; there are {', '.join(defaults)}")
    asked |= given
    idle = [
        name for name in asked if name in tables.WITHOUT_EFFECT and not _same(asked[name], defaults[name])
    ]
    if asked.get("EnableDeepEx"):
        idle = [name for name in idle if name not in ("DeepExMethod", "DeepExOnlyRefFrames", "ScFrameDir")]
    if idle:
        _say(function, f"without effect here: {', '.join(idle)}")
    return defaults | asked


def _same(value: object, default: object) -> bool:
    if isinstance(value, str) and isinstance(default, str):
        return value.strip().lower() == default.lower()
    return type(value) in (bool, int, float, str, tuple, type(None)) and value == default


def _say(function: str, text: str) -> None:
    vs.core.log_message(vs.MESSAGE_TYPE_WARNING, f"{function}: {text}")


def _film(
    clip: object, colouring: Words | None, calming: Words | None, references: object = None
) -> vs.VideoNode:
    return _build(
        clip,
        None if colouring is None else check_colouring(_defaults() | colouring, _models()),
        None if calming is None else check_calming(calming),
        None if references is None else check_referring(references),
    )


def _without_colours(clip: object) -> vs.VideoNode:
    """The clip in its own format without its colours, so that references alone decide on them."""
    source = formats.check_clip(clip)
    if source.format.color_family == vs.GRAY:
        return source
    return formats.restore(source, colourless(formats.to_gray(source, formats.MIN_SIZE)))


def _main(function: str, words: Words) -> vs.VideoNode:
    """Presets in words."""
    words = tables.PARAMETERS["HAVC_main"] | words
    preset = _word("Preset", words, tables.RENDER_FACTORS)
    factor = tables.RENDER_FACTORS[preset]
    deoldify, ddcolor = _networks(words["ColorModel"])
    combination = _word("CombMethod", words, tables.COMBINATIONS)
    weight = tables.WEIGHTS[_word("VideoTune", words, tables.WEIGHTS)]
    tune, fix = _word("ColorTune", words, tables.FADED), _word("ColorFix", words, tables.FIXED_HUES)
    kept = tables.FADED["medium" if fix == "retinex/red" and tune != "none" else tune]
    hues = tables.FIXED_HUES[fix] if kept else "none"
    steady = _word("ColorTemp", words, tables.STEADINESS) != "none"
    deep = integer("DeepExMethod", words["DeepExMethod"], 0, 6) if words["EnableDeepEx"] else None
    references = None if deep is None else _references(function, deep, words)
    both = deoldify is not None and ddcolor is not None
    method = tables.COMBINATIONS[combination] if both else 0 if ddcolor is None else 1
    fading = _adjustment(hues, kept.get(ddcolor or "artistic"))
    colouring = _merging(tables.MERGING | {"method": method, "mweight": weight})
    colouring |= {
        "deoldify_p": [deoldify or "video", factor],
        "ddcolor_p": [ddcolor or "artistic", factor, 1.0, 0.0, words["enable_fp16"]],
        "ddtweak": bool(kept),
        "ddtweak_p": [*tables.TWEAK, fading],
        "every": integer("FrameInterp", words["FrameInterp"], 0, 10) or 1,
        "device_index": words["device_index"],
        "torch_dir": words["torch_dir"],
    }
    filtered = preset not in tables.UNFILTERED or deep is not None
    stab: list[object] = [15, "G", *tables.STAB[2:]] if steady else [*tables.STAB]
    if deep is not None and not steady:
        stab = [3, "A", 1, 0, 0, tables.STAB[5]]
    calming = {
        "dark": filtered,
        "dark_p": [*tables.DARK, "none"],
        "smooth": filtered,
        "smooth_p": tables.SMOOTH,
        "stab": steady or (filtered and (method != 0 or deep is not None) and bool(kept)),
        "stab_p": [*stab, _adjustment(hues, kept.get("stab")) if preset in tables.FADING else "none"],
        "colormap": words["ColorMap"],
    }
    if deep in (3, 4):
        return _film(_without_colours(words["clip"]), None, calming | {"stab": steady}, references)
    return _film(words["clip"], colouring, calming, references)


def _references(function: str, method: int, words: Words) -> object:
    """What carries colours on in a call with `EnableDeepEx`: a folder of pictures, or nothing."""
    if words["DeepExOnlyRefFrames"]:
        raise ValueError(tables.NO_PICTURES)
    if method in (5, 6):
        raise ValueError(f"DeepExMethod {method} {tables.IN_STEP}")
    if method == 0:
        _say(function, "EnableDeepEx has no effect here: every frame is coloured, none from another one")
        return None
    if words["ScFrameDir"] is None:
        raise ValueError(f"ScFrameDir {tables.NO_FOLDER}")
    return words["ScFrameDir"]


def _word(name: str, words: Words, table: Mapping[str, Any] | Sequence[str]) -> str:
    """The word of a table that was written, in any capitals and with any spaces."""
    value = "none" if words[name] is None else words[name]
    if isinstance(value, str) and (word := re.sub(r"\s", "", value).lower()) in table:
        return word
    raise ValueError(f"{name} must be one of {', '.join(table)}, got {words[name]!r}")


def _networks(text: object) -> tuple[str | None, str | None]:
    """DeOldify's and DDColor's models of a `ColorModel`: "Video+Artistic", "DeOldify(Video)"."""
    word = re.sub(r"\s", "", text).lower() if isinstance(text, str) else ""
    deoldify = ddcolor = None
    if mixed := re.fullmatch(r"(\w+)\+(\w+)", word):
        deoldify, ddcolor = mixed[1], mixed[2]
    elif alone := re.fullmatch(r"(deoldify|ddcolor|zhang)\((\w+)\)", word):
        deoldify, ddcolor = (alone[2], None) if alone[1] == "deoldify" else (None, alone[2])
    if ddcolor in tables.ZHANG_MODELS:
        raise ValueError(f"ColorModel {text!r}: {tables.NO_ZHANG}")
    known = deoldify in (None, *tables.DEOLDIFY_MODELS) and ddcolor in (None, *tables.DDCOLOR_MODELS)
    if known and (deoldify or ddcolor):
        return deoldify, ddcolor
    raise ValueError(
        'ColorModel must be two models such as "Video+Artistic" or "Stable+ModelScope", or one such as '
        f'"DeOldify(Video)" or "DDColor(Artistic)", got {text!r}'
    )


def _adjustment(hues: str, kept: str | None) -> str:
    return "none" if kept is None or hues == "none" else f"{hues}|{kept}"


def _colorizer(function: str, words: Words) -> vs.VideoNode:
    """The networks, by numbers."""
    if words.get("sc_threshold") or words.get("sc_min_freq"):
        raise ValueError(tables.NO_CHOICE)
    model = words["ddcolor_p"]
    if isinstance(model, Sequence) and model and model[0] in (2, 3):
        raise ValueError(f"ddcolor_p model {model[0]}: {tables.NO_ZHANG}")
    switch, tweak = words["ddtweak"], words["ddtweak_p"]
    if isinstance(switch, Sequence) and switch:
        if any(switch[1:]):
            _say(function, "without effect here: all of ddtweak but its first value")
        switch = switch[0]
    if isinstance(tweak, Sequence) and tweak and isinstance(tweak[0], Sequence):
        tweak = [*tweak[0], *tweak[1:]]
    colouring = _merging(tables.MERGING | words) | {
        "deoldify_p": words["deoldify_p"],
        "ddcolor_p": model,
        "ddtweak": switch,
        "ddtweak_p": _with_none(tweak, len(tables.TWEAK)),
        "cmb_sw": words.get("cmb_sw", False),
        "device_index": words.get("device_index", 0),
        "torch_dir": words.get("torch_dir"),
        "every": words.get("frame_interp", 1),
    }
    calming = {"colormap": words["chroma_adjust"]} if "chroma_adjust" in words else None
    return _film(words["clip"], colouring, calming)


def _merging(words: Words) -> Words:
    """How two networks are mixed; HAVC takes weights of 0 and 1 for one network alone."""
    method, weight, limits = words["method"], words["mweight"], words["cmc_p"]
    if method in (6, 7):
        raise ValueError(f"method {method} is not here; take 2 (simple) or 3 (constrained_chroma)")
    if method not in (0, 1) and weight in (0, 1):
        method = int(weight)
    limit = words.get("cmc_tresh")
    if limit is None:
        limit = limits[0] if isinstance(limits, Sequence) and limits else limits
    return {
        "method": method,
        "mweight": weight,
        "cmc_tresh": limit,
        "lmm_p": words["lmm_p"],
        "alm_p": words["alm_p"],
    }


def _stabilizer(function: str, words: Words) -> vs.VideoNode:
    """The filters, with what HAVC means by its lists."""
    calming = _lists({name: words[name] for name in _CALMING})
    stab = words["stab_p"]
    if isinstance(stab, Sequence) and len(stab) > 5:
        # A share of gray pixels; cuts are always found here.
        stab = [*stab[:5], StabParams().tht_scen, *stab[6:]]
    return _film(words["clip"], None, calming | {"stab_p": _with_none(stab, 6)})


def _lists(calming: Words) -> Words:
    """The lists of filters, with all hues where they name none."""
    dark, smooth = _with_none(calming["dark_p"], 2), _with_none(calming["smooth_p"], 4)
    return calming | {"dark_p": dark, "smooth_p": smooth}


def _deepex(function: str, words: Words) -> vs.VideoNode:
    """The colours of pictures, or of another clip, carried on."""
    if words["only_ref_frames"]:
        raise ValueError(tables.NO_PICTURES)
    method = integer("method", words["method"], 0, 6)
    if method < 3:
        raise ValueError(tables.NO_CHOICE)
    if method == 6:
        raise ValueError(f"method 6 {tables.IN_STEP}")
    name = "clip_ref" if method == 5 else "sc_framedir"
    if words[name] is None:
        raise ValueError(f"{name} must be a clip in colour" if method == 5 else f"{name} {tables.NO_FOLDER}")
    calming = _lists({name: words[name] for name in _CALMING if name in words})
    return _film(_without_colours(words["clip"]), None, calming, words[name])


def _restored(function: str, words: Words) -> vs.VideoNode:
    """The colours of another clip."""
    if words["method"] != 5:
        raise ValueError(f"method {words['method']} {tables.IN_STEP}")
    if words["clip_ref"] is None:
        raise ValueError("clip_ref must be a clip in colour")
    return _film(_without_colours(words["clip"]), None, None, words["clip_ref"])


def _remastered(function: str, words: Words) -> vs.VideoNode:
    """The colours of pictures."""
    if words["ref_dir"] is None:
        raise ValueError(f"ref_dir {tables.NO_FOLDER}")
    return _film(_without_colours(words["clip"]), None, None, words["ref_dir"])


def _with_none(values: Any, length: int) -> Any:
    """A list with "none" behind it where HAVC takes its last value for that: where it is missing."""
    alone = isinstance(values, Sequence) and not isinstance(values, str) and len(values) == length
    return [*values, "none"] if alone else values


def _merge(function: str, words: Words) -> vs.VideoNode:
    """The colours of two clips as one."""
    luma = words["clipa"] if words["clip_luma"] is None else words["clip_luma"]
    clips = [formats.check_clip(clip) for clip in (luma, words["clipa"], words["clipb"])]
    if len({(clip.width, clip.height, clip.num_frames) for clip in clips}) > 1:
        raise ValueError("the clips must be of the same size and length")
    asked = _merging(words | {"mweight": words["weight"]})
    request = check_colouring(_defaults() | asked, _models())
    luma, first, second = clips
    size = min(_LARGEST_CANVAS, max(luma.width, luma.height))
    gray = formats.to_gray(luma, size)
    canvases = [with_chroma(gray, formats.to_canvas(clip, size)) for clip in (first, second)]
    if request.method.number in (0, 1):
        return formats.restore(luma, canvases[request.method.number])
    return formats.restore(luma, MERGES[request.method.name](canvases[0], canvases[1], request.merging))


def _scenes(function: str, words: Words) -> vs.VideoNode:
    """The cuts; HAVC marks reference frames, which stand at the cuts."""
    edges = function == "HAVC_SceneDetectEdges"
    return ddeoldify_scenes(words["clip"], StabParams().tht_scen if edges else words["sc_threshold"])


def _nothing(function: str, words: Words) -> None:
    """What HAVC only says to itself."""


_MAKERS: dict[str, Callable[[str, Words], vs.VideoNode | None]] = {
    "HAVC_main": _main,
    "ddeoldify_main": _main,
    "HAVC_ddeoldify": _colorizer,
    "HAVC_colorizer": _colorizer,
    "HAVC_colorizer_fast": _colorizer,
    "HAVC_stabilizer": _stabilizer,
    "HAVC_merge": _merge,
    "HAVC_deepex": _deepex,
    "HAVC_restore_video": _restored,
    "HAVC_DeepRemaster": _remastered,
    "HAVC_SceneDetect": _scenes,
    "HAVC_SceneDetectEdges": _scenes,
    "HAVC_set_debug_level": _nothing,
    "disable_warnings": _nothing,
}
