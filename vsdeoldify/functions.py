"""The public functions: parameters checked, then the canvas, the networks, the merges and the filters."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import vapoursynth as vs

from .settings import params
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
from .settings.presets import preset
from .vsutils import formats, inference, scenes
from .vsutils.filters import fade as smoothing
from .vsutils.filters import hue, merge, stabilize, tweak
from .vsutils.propagation import keyframes

if TYPE_CHECKING:
    from .runtime.runner import Runner


@contextmanager
def _errors_as(function: str) -> Iterator[None]:
    """Turn what is wrong with a call into VapourSynth's error, under the function's name."""
    from .support.errors import ModelError

    try:
        yield
    except (TypeError, ValueError, ModelError, MemoryError, ImportError, OSError) as error:
        raise vs.Error(f"{function}: {error}") from error


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
        every: run the models on every so many frames only, 1–16, and on the first frame of each scene; the
            frames between take the colours of the nearest two. 3 is hardly to be told from 1, and about
            three times as fast.

    Returns:
        The coloured clip in the input's format; gray becomes YUV444 of the same sample type. The luma is the
        input's, bit for bit in YUV and gray, up to rounding in RGB. Frame properties pass through.

    Raises:
        vs.Error: at call time, for every wrong parameter, missing device, missing or damaged model file.
    """
    with _errors_as("ddeoldify"):
        clip = formats.check_clip(clip)
        method = params.METHODS.index(params.choice("method", method, params.METHODS))
        weight = params.number("mweight", mweight, 0, 1)
        deoldify = params.deoldify_params(deoldify_p)
        ddcolor = params.ddcolor_params(ddcolor_p)
        tweaked = params.boolean("ddtweak", ddtweak)
        tweaks = params.ddtweak_params(ddtweak_p)
        threshold = params.number("cmc_tresh", cmc_tresh, 0, 1)
        luma_masked = params.luma_masked_params(lmm_p)
        adaptive_luma = params.adaptive_luma_params(alm_p)
        swap = params.boolean("cmb_sw", cmb_sw)
        models_folder = params.folder("torch_dir", torch_dir)
        if batch_size is not None:
            batch_size = params.integer("batch_size", batch_size, 1, 64)
        every = params.integer("every", every, 1, keyframes.MAX_EVERY)

        from .networks.family import family_of
        from .networks.loading import choose_precision, load_runner
        from .runtime.device import choose_backend, resolve_device

        device = resolve_device(device_index)
        deoldify_dtype = choose_precision(device, "deoldify", half=True, precision=precision)
        ddcolor_family = family_of("ddcolor_p", str(ddcolor.model)).name
        ddcolor_dtype = choose_precision(device, ddcolor_family, half=ddcolor.half, precision=precision)
        dtypes = [deoldify_dtype] * (method != 1) + [ddcolor_dtype] * (method != 0)
        backend = choose_backend(device, dtypes, backend)

        deoldify_size = 16 * deoldify.render_factor
        ddcolor_size = 32 * (params.ddcolor_render_factor(ddcolor, clip.width) // 2)
        size = max([deoldify_size] * (method != 1) + [ddcolor_size] * (method != 0))

        grays = {side: formats.to_gray(clip, side) for side in (deoldify_size, ddcolor_size)}
        cuts = None
        if every > 1:
            # In one network's picture for both, so that they have the same key frames.
            gray = grays[ddcolor_size if method == 1 else deoldify_size]
            cuts = scenes.find_cuts(gray, StabParams().tht_scen)
        a = b = None
        if method != 1:
            runner = load_runner(
                "deoldify",
                str(deoldify.model),
                models_folder,
                device,
                dtype=deoldify_dtype,
                backend=backend,
            )
            a = _colorize(grays[deoldify_size], runner, batch_size, every, cuts)
            a = formats.scale_canvas(merge.rotate(a, deoldify.saturation, deoldify.hue), size)
        if method != 0:
            runner = load_runner(
                ddcolor_family,
                str(ddcolor.model),
                models_folder,
                device,
                dtype=ddcolor_dtype,
                backend=backend,
            )
            gray = grays[ddcolor_size]
            if tweaked:
                assert not isinstance(tweaks.hue_adjust, str)
                b = _colorize(tweak.tweak_luma(gray, tweaks), runner, batch_size, every, cuts)
                b = hue.adjust_chroma(formats.with_chroma(gray, b), tweaks.hue_adjust)
            else:
                b = _colorize(gray, runner, batch_size, every, cuts)
            b = formats.scale_canvas(merge.rotate(b, ddcolor.saturation, ddcolor.hue), size)

        if a is None or b is None:
            return formats.restore(clip, b if a is None else a)
        if swap:
            a, b = b, a
        if method == 2:
            canvas = merge.simple(a, b, weight)
        elif method == 3:
            canvas = merge.constrained_chroma(a, b, threshold, weight)
        elif method == 4:
            canvas = merge.luma_masked(a, b, luma_masked, weight)
        else:
            canvas = merge.adaptive_luma(a, b, adaptive_luma, weight)
        return formats.restore(clip, canvas)


def _colorize(
    gray: vs.VideoNode, runner: Runner, batch_size: int | None, every: int, cuts: vs.VideoNode | None
) -> vs.VideoNode:
    # Script variables are gone when the core is freed, so the device memory is given back by the library.
    reference = weakref.ref(runner)

    def close() -> None:
        if (alive := reference()) is not None:
            alive.close()

    vs.register_on_destroy(close)
    batch_size = batch_size or runner.batch_size(gray.width)
    if cuts is None:
        return inference.colorize_clip(gray, runner, batch_size)
    return keyframes.colorize_every(gray, runner, batch_size, every, cuts)


def ddeoldify_stabilizer(
    clip: vs.VideoNode,
    dark: bool = False,
    dark_p: DarkParams | Sequence[object] = DarkParams(),
    smooth: bool = False,
    smooth_p: SmoothParams | Sequence[object] = SmoothParams(),
    stab: bool = False,
    stab_p: StabParams | Sequence[object] = StabParams(),
    render_factor: int = 24,
) -> vs.VideoNode:
    """Calm the colours of a clip: in dark areas, from dark to bright, and over time, in this order.

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

    Returns:
        The clip in its own format with its own luma (bit for bit in YUV, up to rounding in RGB) and its frame
        properties.

    Raises:
        vs.Error: at call time, for every wrong parameter and for a gray clip.
    """
    with _errors_as("ddeoldify_stabilizer"):
        clip = formats.check_clip(clip, gray=False)
        use_dark = params.boolean("dark", dark)
        use_smooth = params.boolean("smooth", smooth)
        use_stab = params.boolean("stab", stab)
        darks = params.dark_params(dark_p)
        smooths = params.smooth_params(smooth_p)
        stabs = params.stab_params(stab_p)
        size = 16 * params.stabilizer_render_factor(render_factor, clip.width)
        if not (use_dark or use_smooth or use_stab):
            return clip
        canvas = formats.to_canvas(clip, size)
        if use_stab:
            cuts = scenes.find_cuts(canvas, stabs.tht_scen)
        fades = [smoothing.dark(darks)] * use_dark + [smoothing.smooth(smooths)] * use_smooth
        canvas = smoothing.fade(canvas, *fades)
        if use_stab:
            canvas = stabilize.stabilize(canvas, stabs, cuts)
        return formats.restore(clip, canvas)


# `colorize` has a parameter of the same name.
_preset = preset


def colorize(
    clip: vs.VideoNode, preset: str = "medium", colours: str = "balanced", **overrides: Any
) -> vs.VideoNode:
    """Colour a clip and calm its colours with the parameters of a preset.

    The same as `ddeoldify()` followed by `ddeoldify_stabilizer()`, with what `presets.preset()` returns::

        clip = colorize(clip, "fast", "stable", device_index=99)

    Args:
        clip: any constant format and size that `ddeoldify` takes.
        preset: "preview" (no download needed), "fast", "medium", "slow" or "best".
        colours: "stable", "balanced" or "vivid".
        **overrides: parameters of `ddeoldify` or `ddeoldify_stabilizer` that replace the preset's.

    Returns:
        The clip in its own format with its own luma; gray becomes YUV444.

    Raises:
        vs.Error: at call time, for an unknown preset or parameter, and for all that the two functions
            refuse.
    """
    try:
        chosen = _preset(preset, colours).with_changes(**overrides)
    except (TypeError, ValueError) as error:
        raise vs.Error(f"colorize: {error}") from None
    return ddeoldify_stabilizer(ddeoldify(clip, **chosen.ddeoldify), **chosen.stabilizer)
