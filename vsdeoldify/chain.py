"""The graph of a call: gray → networks → merge → filters → chroma back, with one way in and one way out.

Everything here works on requests that have been checked, see `settings.requests`; what only the source or
the machine can tell (a clip that cannot be used, a device that is not there, a model file that is missing) is
an error when the graph is built. Building it runs no network.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import vapoursynth as vs

from .settings.params import StabParams, ddcolor_render_factor, stabilizer_render_factor
from .settings.references import read_folder
from .settings.requests import Calming, Colouring, Network, Referring
from .vsutils import formats, inference
from .vsutils.filters import apply_filters, hue, merge, tweak
from .vsutils.planes import scale_canvas, with_chroma
from .vsutils.propagation import folder, keyframes, motion
from .vsutils.propagation.references import Referred, apply_references
from .vsutils.scenes import Cuts, find_cuts, listed_cuts, mark_scenes

if TYPE_CHECKING:
    from .runtime.runner import Runner


def build(
    clip: vs.VideoNode,
    colouring: Colouring | None,
    calming: Calming | None,
    referring: Referring | None = None,
) -> vs.VideoNode:
    """Colour a clip, correct its colours by references, calm them, or all of it on one canvas.

    Args:
        clip: a clip that `formats.check_clip` has let through; with colours where `colouring` is None.
        colouring: how the networks colour it; None keeps its own colours.
        calming: the filters; without any, the colours stay as they are.
        referring: the references, if any.

    Returns:
        The clip in its own format (gray becomes YUV444) with its own luma and frame properties.

    Raises:
        ValueError, TypeError, MemoryError, ImportError, OSError, ModelError: the networks cannot run, or the
            references cannot be used.
    """
    filters = calming.filters if calming is not None else ()
    canvas = None if colouring is None else _coloured(clip, colouring)
    if referring is not None:
        if canvas is None:
            canvas = formats.to_canvas(
                clip, 16 * stabilizer_render_factor(referring.render_factor, clip.width)
            )
        coloured = colouring is not None or clip.format.color_family != vs.GRAY
        canvas = _referred(clip, canvas, coloured, referring)
    if calming is not None and filters:
        size = 16 * stabilizer_render_factor(calming.render_factor, clip.width)
        if canvas is None:
            canvas = formats.to_canvas(clip, size)
        elif canvas.width != size:
            # The filters look at the luma, which the source has at any size.
            canvas = with_chroma(formats.to_gray(clip, size), scale_canvas(canvas, size))
        # What decides on cuts is the source's luma, far around a frame: it must not cost colours.
        canvas = apply_filters(canvas, filters, Cuts(formats.to_gray_as_filmed(clip, size)))
    return clip if canvas is None else formats.restore(clip, canvas)


def _referred(clip: vs.VideoNode, canvas: vs.VideoNode, coloured: bool, request: Referring) -> vs.VideoNode:
    """The canvas, coloured or corrected by references."""
    motion.require("colours that follow references need")
    given, size = request.references, canvas.width
    # The luma and the cuts are looked at in many frames; the networks must not run for them.
    gray = formats.to_gray_as_filmed(clip, size)
    canvas = with_chroma(gray, canvas)
    if isinstance(given, vs.VideoNode):
        master = formats.check_clip(given, gray=False)
        if len(master) != len(clip):
            raise ValueError(
                f"references, as a clip, must have as many frames as the clip: {len(clip)}, not {len(master)}"
            )
        references = Referred(formats.to_canvas(master, size), None)
    else:
        pictures = read_folder(Path(str(given)), len(clip), request.offset)
        folder.check_pictures(gray, pictures)
        references = Referred(folder.pictures_clip(gray, pictures), list(pictures))
    return apply_references(
        gray,
        canvas,
        references,
        Cuts(gray).above(StabParams().tht_scen),
        coloured=coloured,
        reach=request.reach,
        strength=request.strength,
    )


# Scenes are looked for in a picture of this size, which the other functions have by default.
_SCENES_SIZE = 16 * 24


def marked(clip: vs.VideoNode, threshold: float, firsts: Sequence[int] | None) -> vs.VideoNode:
    """Mark the scenes of a clip.

    Args:
        clip: a clip that `formats.check_clip` has let through.
        threshold: what makes a cut, see `scenes.find_cuts`.
        firsts: the first frames of the scenes; None finds them.

    Returns:
        The clip with the properties that `scenes.mark_scenes` sets.
    """
    if firsts is None:
        cuts = find_cuts(formats.to_gray_as_filmed(clip, _SCENES_SIZE), threshold)
    else:
        cuts = listed_cuts(clip, firsts)

    def mark(one: vs.VideoNode) -> vs.VideoNode:
        return mark_scenes(one, cuts)

    return formats.same_picture(mark(clip), clip, mark)


def _coloured(clip: vs.VideoNode, request: Colouring) -> vs.VideoNode:
    """The clip on the canvas, coloured by the networks."""
    sizes = [_size(network, clip.width) for network in request.networks]
    grays = {size: formats.to_gray(clip, size) for size in sizes}
    # Both networks have the same key frames, for their cuts are found in the first one's picture.
    cuts = Cuts(grays[sizes[0]]).above(StabParams().tht_scen) if request.every > 1 else None
    colourings = [
        _by_network(grays[size], network, runner, request, cuts)
        for network, size, runner in zip(request.networks, sizes, _runners(request, sizes), strict=True)
    ]
    canvases = [scale_canvas(canvas, max(sizes)) for canvas in colourings]
    if len(canvases) == 1:
        return canvases[0]
    if request.merging.swap:
        canvases.reverse()
    first, second = canvases
    return merge.MERGES[request.method.name](first, second, request.merging)


def _by_network(
    gray: vs.VideoNode, network: Network, runner: Runner, request: Colouring, cuts: vs.VideoNode | None
) -> vs.VideoNode:
    """The colours that one network gives a gray clip, with the changes that its own parameters ask for."""
    if network.tweak is None:
        canvas = _run(gray, runner, request, cuts)
    else:
        canvas = _run(tweak.tweak_luma(gray, network.tweak), runner, request, cuts)
        canvas = hue.adjust_chroma(with_chroma(gray, canvas), network.tweak.hue_adjust)
    return merge.rotate(canvas, network.saturation, network.hue)


def _run(gray: vs.VideoNode, runner: Runner, request: Colouring, cuts: vs.VideoNode | None) -> vs.VideoNode:
    batch_size = request.batch_size or runner.batch_size(gray.width)
    if cuts is None:
        return inference.colorize_clip(gray, runner, batch_size)
    return keyframes.colorize_every(gray, runner, batch_size, request.every, cuts)


def _size(network: Network, width: int) -> int:
    """The side of the square that a network sees, in pixels."""
    from .networks.family import family_of

    factor = network.render_factor
    if factor == 0:
        factor = ddcolor_render_factor(factor, width)
    stride = family_of(network.parameter, network.model).stride
    return 16 * factor // stride * stride


def _runners(request: Colouring, sizes: Sequence[int]) -> list[Runner]:
    """A runner for each network of a request, on its device, for pictures of its size.

    Raises:
        ValueError: there is no such device, or it cannot compute so.
        ModelError: a model file is missing or damaged.
    """
    from .networks.family import family_of
    from .networks.loading import choose_precision, load_runner
    from .runtime.device import choose_backend, resolve_device

    device = resolve_device(request.device)
    families = [family_of(network.parameter, network.model).name for network in request.networks]
    precisions = [
        choose_precision(
            device, family, half=network.half, precision=request.precision, backend=request.backend
        )
        for family, network in zip(families, request.networks, strict=True)
    ]
    backend = choose_backend(device, precisions, request.backend)
    runners = []
    for family, network, precision, size in zip(families, request.networks, precisions, sizes, strict=True):
        runner = load_runner(
            family,
            network.model,
            request.models_folder,
            device,
            precision=precision,
            chosen=request.precision != "auto",
            backend=backend,
            size=size,
        )
        _close_with_core(runner)
        runners.append(runner)
    return runners


def _close_with_core(runner: Runner) -> None:
    """Give the device memory back when the core is freed: script variables are gone by then."""
    reference = weakref.ref(runner)

    def close() -> None:
        if (alive := reference()) is not None:
            alive.close()

    vs.register_on_destroy(close)
