"""The public functions: they check what they are given, hand it to `chain`, and say what is wrong.

VapourSynth is imported when one of them is called, so that `import vsdeoldify` is light, and so that
`vsdeoldify doctor` can say what is wrong with a VapourSynth that does not load.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

from .settings.former import in_this_order, without_former
from .settings.params import (
    AdaptiveLumaParams,
    DarkParams,
    DDColorParams,
    DDTweakParams,
    DeOldifyParams,
    LumaMaskedParams,
    SmoothParams,
    StabParams,
)
from .settings.presets import Preset
from .settings.presets import preset as _preset
from .settings.requests import (
    Calming,
    Colouring,
    Referring,
    check_calming,
    check_colouring,
    check_referring,
)
from .settings.scenes import check_scenes
from .settings.values import Models, number
from .support.errors import ModelError

if TYPE_CHECKING:
    import vapoursynth as vs


@contextmanager
def _errors_as(function: str) -> Iterator[None]:
    """Turn what is wrong with a call into VapourSynth's error, under the function's name."""
    import vapoursynth as vs

    try:
        yield
    except (TypeError, ValueError, ModelError, MemoryError, ImportError, OSError) as error:
        raise vs.Error(f"{function}: {error}") from error


def _of_any_version[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Tell a call that was written for another version of the plugin what to write here."""
    parameters = inspect.signature(function).parameters.values()
    own = {one.name for one in parameters if one.kind is not one.VAR_KEYWORD}
    without_name = sum(one.kind is one.POSITIONAL_OR_KEYWORD for one in parameters)
    takes_others = len(own) < len(parameters)

    @wraps(function)
    def called(*arguments: P.args, **given: P.kwargs) -> R:
        with _errors_as(function.__name__):
            here, named = in_this_order(function.__name__, arguments)
            if twice := named.keys() & given.keys():
                raise TypeError(f"{min(twice)} is given twice")
            if len(here) > without_name:
                raise TypeError(
                    f"at most {without_name} values go without a name, the clip among them, got {len(here)}"
                )
            asked = {**named, **given}
            others = without_former({name: value for name, value in asked.items() if name not in own})
            if others and not takes_others:
                raise TypeError(f"there is no parameter {min(others)!r}")
            asked = {name: value for name, value in asked.items() if name in own} | others
        return function(*here, **asked)

    return called


def _models() -> dict[str, Models]:
    """For each parameter that names a network, the names that it takes."""
    from .networks.family import FAMILIES, families_of, model_names

    parameters = {family.parameter for family in FAMILIES.values()}
    return {
        parameter: Models(model_names(parameter), sum(family.numbered for family in families_of(parameter)))
        for parameter in parameters
    }


def _warn_of_last_values(function: str, given: Mapping[str, object]) -> None:
    """Say what stands last in lists that lack just this: other versions mean "none" by it."""
    import vapoursynth as vs

    for switch, name, written in (
        ("dark", "dark_p", DarkParams),
        ("stab", "stab_p", StabParams),
        ("ddtweak", "ddtweak_p", DDTweakParams),
    ):
        value, defaults = given.get(name), written()
        if not given.get(switch) or isinstance(value, written) or not isinstance(value, Sequence):
            continue
        if len(value) == len(defaults) - 1:
            vs.core.log_message(
                vs.MESSAGE_TYPE_WARNING,
                f'{function}: {name} of {len(value)} values has "{defaults[-1]}" as its last, '
                f"{defaults._fields[-1]}; in scripts written for version 3.1 or for HAVC the same list has "
                'none: write "none" behind its values for this, or what you mean',
            )


def _build(
    clip: object,
    colouring: Colouring | None,
    calming: Calming | None,
    referring: Referring | None = None,
) -> vs.VideoNode:
    from . import chain
    from .vsutils import formats

    gray = colouring is not None or referring is not None
    return chain.build(formats.check_clip(clip, gray=gray), colouring, calming, referring)


@_of_any_version
def ddeoldify(
    clip: vs.VideoNode,
    method: int | str = 2,
    mweight: float = 0.4,
    deoldify_p: DeOldifyParams | Sequence[object] = DeOldifyParams(),
    ddcolor_p: DDColorParams | Sequence[object] = DDColorParams(),
    ddtweak: bool = False,
    ddtweak_p: DDTweakParams | Sequence[object] = DDTweakParams(),
    cmc_tresh: float = 0.2,
    lmm_p: LumaMaskedParams | Sequence[object] = LumaMaskedParams(),
    alm_p: AdaptiveLumaParams | Sequence[object] = AdaptiveLumaParams(),
    cmb_sw: bool = False,
    device_index: int | str = 0,
    torch_dir: str | os.PathLike[str] | None = None,
    *,
    batch_size: int | None = None,
    precision: str = "auto",
    backend: str = "auto",
    every: int = 1,
) -> vs.VideoNode:
    """Colour a clip with DeOldify, DDColor or both.

    Args:
        clip: any constant format (gray, YUV or RGB, 8–16-bit integer, half or single float) and size from
            16×16. Only its luma is looked at.
        method: 0 or "deoldify": DeOldify alone. 1 or "ddcolor": DDColor alone. 2 or "simple": both, mixed by
            `mweight`. 3 or "constrained_chroma": DDColor's colours held near DeOldify's. 4 or "luma_masked":
            DeOldify in the dark, DDColor in the light. 5 or "adaptive_luma": less DDColor in dark frames.
        mweight: weight of DDColor in methods 2–5, 0–1.
        deoldify_p: `DeOldifyParams` or the start of a list [model, render_factor, saturation, hue].
        ddcolor_p: `DDColorParams` or the start of a list [model, render_factor, saturation, hue, half].
        ddtweak: brighten the picture that DDColor sees, and adjust its colours, after `ddtweak_p`.
        ddtweak_p: `DDTweakParams` or the start of a list.
        cmc_tresh: method 3: how far DDColor's chroma may leave DeOldify's, 0–1.
        lmm_p: method 4: `LumaMaskedParams` or the start of a list.
        alm_p: method 5: `AdaptiveLumaParams` or the start of a list.
        cmb_sw: exchange the roles of the two models in methods 2–5.
        device_index: 0–7 a GPU, 99 the CPU, or a torch device name ("cpu", "cuda:1", "mps", "xpu").
        torch_dir: folder of the model files, searched before `$VSDEOLDIFY_MODELS`, the package's models
            folder and the user's cache folder.
        batch_size: frames per network call, 1–64; None chooses: 1 on the CPU, more on a GPU.
        precision: "auto" (half precision on GPUs made for it), "float32", "bfloat16" or "float16".
        backend: "torch", "openvino" (CPU only, twice as fast; the extra `openvino`), or "auto": OpenVINO
            where it is installed and of use.
        every: run the models on every so many frames only, 1–40, and on the first frame of each scene; the
            frames between take the colours of the nearest two. With the plugin for motion (the extra
            `motion`) the colours follow what moves, and frames that resemble neither of the two get the
            models' own; without it, 3 is hardly to be told from 1.

    Returns:
        The coloured clip in the input's format; gray becomes YUV444 of the same sample type. The luma is the
        input's, bit for bit in YUV and gray, up to rounding in RGB. Frame properties pass through.

    Raises:
        vs.Error: at call time, for every wrong parameter, missing device, missing or damaged model file.
    """
    given = locals()
    with _errors_as("ddeoldify"):
        colouring = check_colouring(given, _models())
        _warn_of_last_values("ddeoldify", given)
        return _build(clip, colouring, None)


@_of_any_version
def ddeoldify_stabilizer(
    clip: vs.VideoNode,
    dark: bool = False,
    dark_p: DarkParams | Sequence[object] = DarkParams(),
    smooth: bool = False,
    smooth_p: SmoothParams | Sequence[object] = SmoothParams(),
    stab: bool = False,
    stab_p: StabParams | Sequence[object] = StabParams(),
    render_factor: int = 24,
    *,
    colormap: str | bool | None = "none",
    **others: Any,
) -> vs.VideoNode:
    """Calm the colours of a clip: in dark areas, from dark to bright, and over time, in this order.

    Between the last two, `colormap` turns some of them into others.

    Args:
        clip: a clip in colour, in any constant format that `ddeoldify` takes.
        dark: take colour out of dark areas.
        dark_p: `DarkParams` or the start of a list [threshold, amount, hue_range].
        smooth: soften colours from dark to bright.
        smooth_p: `SmoothParams` or the start of a list
            [dark_threshold, white_threshold, dark_sat, dark_bright, hue_range].
        stab: average colours over neighbouring frames, never across a scene cut.
        stab_p: `StabParams` or the start of a list [frames, mode, sat, tht, weight, tht_scen, hue_adjust].
        render_factor: side of the square the colours are worked on in units of 16 pixels, 10–64; 0 chooses
            by the clip's width.
        colormap: turn some colours into others: a name ("blue->brown"), a name and the share of the old
            colour that stays ("blue->brown,0.2"), or hue ranges with the degrees they turn by and that share
            ("180:280|+140,0.4"); several are separated by semicolons. "none" (or False) turns none.
        **others: the switches and parameters of further filters of the table `settings.filters`.

    Returns:
        The clip in its own format with its own luma (bit for bit in YUV, up to rounding in RGB) and its frame
        properties.

    Raises:
        vs.Error: at call time, for every wrong parameter and for a gray clip.
    """
    given = {name: value for name, value in locals().items() if name not in ("clip", "others")}
    with _errors_as("ddeoldify_stabilizer"):
        calming = check_calming(given | others)
        _warn_of_last_values("ddeoldify_stabilizer", given)
        return _build(clip, None, calming)


def ddeoldify_scenes(
    clip: vs.VideoNode,
    threshold: float = 0.15,
    scenes: str | os.PathLike[str] | Sequence[int] | Sequence[tuple[int, int]] | None = None,
) -> vs.VideoNode:
    """Mark the scenes of a clip, for the other functions and for all filters that know scene changes.

    Args:
        clip: a clip that `ddeoldify` takes; with scenes that are marked already, these stay.
        threshold: mean luma difference of two frames, 0–1, above which there is a cut between them; 0: only
            the clip's own marks count.
        scenes: None: find them. The path of a list that `vsdeoldify scenes` wrote and somebody changed, or a
            sequence of first frames or of pairs (first, last): obey it, whatever the clip's own marks say.

    Returns:
        The clip, unchanged but for two frame properties that every frame has: `_SceneChangePrev` is 1 on the
        first frame of a scene, `_SceneChangeNext` on the last, else both are 0.

    Raises:
        vs.Error: at call time, for a wrong parameter, for a list that cannot be read, and for scenes that
            overlap, leave frames out, are not in order, or do not fit the clip's length.
    """
    with _errors_as("ddeoldify_scenes"):
        from . import chain
        from .vsutils import formats

        limit = number("threshold", threshold, 0.0, 1.0)
        listed = None if scenes is None else check_scenes(scenes)
        clip = formats.check_clip(clip)
        return chain.marked(clip, limit, None if listed is None else listed.on(len(clip)))


def ddeoldify_references(
    clip: vs.VideoNode,
    references: str | os.PathLike[str] | vs.VideoNode,
    reach: str | int = "scene",
    strength: float = 1.0,
    offset: int = 0,
    *,
    render_factor: int = 24,
) -> vs.VideoNode:
    """Colour a clip, or correct its colours, by coloured pictures of some of its frames.

    The pictures' colours follow what moves, forwards and back, up to the ends of the scene; several pictures
    of a scene share it. Needs VapourSynth's plugin mvutensils (the extra `motion`), and for pictures pyvips
    (the extra `cli`).

    Args:
        clip: any constant format and size that `ddeoldify` takes. Where it is gray, its only colours are the
            references'. Where it has colours, these are corrected: what a picture shows in the clip's own
            colours keeps them in all frames, what somebody changed in it takes the picture's.
        references: a folder of pictures of any size with the number of the frame, counted from 0, in their
            names (`ref_000123.png`, also jpg, tif, webp, avif, bmp; text after the number is allowed); or a
            clip of the same length whose frames show the same in colour.
        reach: "scene", or the number of frames that a picture reaches, within its scene.
        strength: weight of the references, 0–1.
        offset: added to the number in a name to get the frame's.
        render_factor: side of the square the colours are worked on in units of 16 pixels, 10–64; 0 chooses
            by the clip's width.

    Returns:
        The clip in its own format with its own luma (bit for bit in YUV and gray); gray becomes YUV444.

    Raises:
        vs.Error: at call time, for every wrong parameter, a missing plugin, a folder without pictures, a
            number that the clip does not have, two pictures for one frame, and pictures that cannot be read
            or show another frame (of many, some are looked at; the others when their frames are made).
    """
    with _errors_as("ddeoldify_references"):
        request = check_referring(references, reach, strength, offset, render_factor)
        return _build(clip, None, None, request)


def colorize(
    clip: vs.VideoNode,
    preset: str = "medium",
    colours: str = "balanced",
    *,
    references: str | os.PathLike[str] | vs.VideoNode | None = None,
    reach: str | int = "scene",
    strength: float = 1.0,
    offset: int = 0,
    **changes: Any,
) -> vs.VideoNode:
    """Colour a clip and calm its colours with the parameters of a preset.

    What `ddeoldify()` and `ddeoldify_stabilizer()` do, with what `preset()` returns, but in one go: between
    the two the colours are not rounded to the clip's format, nor resized to its size and back::

        clip = colorize(clip, "fast", "stable", device_index=99)

    Args:
        clip: any constant format and size that `ddeoldify` takes.
        preset: "preview" (no download needed), "fast", "medium", "slow", "best" or "overnight".
        colours: "stable", "balanced" or "vivid".
        references: pictures or a clip that correct the networks' colours before these are calmed, as
            `ddeoldify_references` takes them.
        reach: how far the references reach, as that function takes it.
        strength: weight of the references, 0–1.
        offset: added to the numbers in the references' names.
        **changes: parameters of `ddeoldify` or `ddeoldify_stabilizer` that replace the preset's.

    Returns:
        The clip in its own format with its own luma; gray becomes YUV444.

    Raises:
        vs.Error: at call time, for an unknown preset or parameter, and for all that the two functions
            refuse.
    """
    with _errors_as("colorize"):
        chosen = _preset(preset, colours).with_changes(**changes)
        given = _defaults() | chosen.ddeoldify
        referring = None if references is None else check_referring(references, reach, strength, offset)
        return _build(clip, check_colouring(given, _models()), check_calming(chosen.stabilizer), referring)


def check_parameters(parameters: Preset) -> None:
    """Check parameters as `colorize` does, without a clip.

    Raises:
        TypeError: a value's type is wrong.
        ValueError: a value is wrong.
    """
    check_colouring(_defaults() | parameters.ddeoldify, _models())
    check_calming(parameters.stabilizer)


def _defaults() -> dict[str, Any]:
    """The defaults of `ddeoldify`."""
    parameters = inspect.signature(ddeoldify).parameters.values()
    return {one.name: one.default for one in parameters if one.default is not one.empty}
