"""The command line with quick native filters in place of the networks; all else is the real thing.

Run as ``python cheap_vsdeoldify.py COMMAND …``. The scripts that it makes import `colorize` from here.
"""

import os
import sys
import time
from pathlib import Path

import vapoursynth as vs

from vsdeoldify.film.recipe import Recipe
from vsdeoldify.networks.files import UsedModel
from vsdeoldify.settings.presets import Preset
from vsdeoldify.support.errors import ModelError

HERE = Path(__file__).resolve().parent
DELAY = "CHEAP_DELAY"
"""Environment variable: seconds that every frame takes."""
BROKEN_FRAME = "CHEAP_BROKEN_FRAME"
"""Environment variable: a frame that cannot be coloured."""


def ddeoldify(clip: vs.VideoNode, **parameters: object) -> vs.VideoNode:
    """Blue to red by brightness, on the real canvas."""
    from vsdeoldify.vsutils import formats, planes

    gray = formats.to_gray(clip, 64)
    luma = vs.core.std.ShufflePlanes(gray, [0, 0, 0], vs.YUV)
    canvas = vs.core.std.Expr([planes.colourless(gray), luma], ["", "0.4 y 0.8 * -", "y 0.6 * 0.3 -"])
    delay, broken = float(os.environ.get(DELAY, 0)), int(os.environ.get(BROKEN_FRAME, -1))

    def slow(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        time.sleep(delay)
        if n == broken:
            raise vs.Error("ddeoldify: out of memory on cuda:0; use a smaller render factor")
        return f

    return formats.restore(clip, canvas.std.ModifyFrame(canvas, slow))


def colorize(
    clip: vs.VideoNode,
    preset: str,
    colours: str,
    *,
    references: str | None = None,
    strength: float = 1.0,
    **changes: object,
) -> vs.VideoNode:
    """`vsdeoldify.colorize` with the cheap colours."""
    import vsdeoldify

    chosen = vsdeoldify.preset(preset, colours).with_changes(**changes)
    coloured = ddeoldify(clip, **chosen.ddeoldify)
    if references is not None:
        coloured = vsdeoldify.ddeoldify_references(coloured, references, strength=strength, render_factor=10)
    return vsdeoldify.ddeoldify_stabilizer(coloured, **chosen.stabilizer)


class CheapRecipe(Recipe):
    """Films are coloured by `colorize` of this file."""

    def script(self, source: Path, *, cache: Path | None = None, track: int | None = None) -> str:
        """The real script with another import."""
        text = super().script(source, cache=cache, track=track)
        line = "from vsdeoldify import colorize\n"
        assert line in text
        return text.replace(line, "from cheap_vsdeoldify import colorize\n")

    def models(self, chosen: Preset | None = None) -> dict[str, UsedModel]:
        """The models that are there; none is needed."""
        try:
            return super().models(chosen)
        except ModelError:
            return {}


def main() -> int:
    """The command line."""
    # By this module's name, under which workers find it too.
    from cheap_vsdeoldify import CheapRecipe

    from vsdeoldify.cli import main

    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    return main([*sys.argv[1:], "--device", "cpu"], recipe=CheapRecipe)


if __name__ == "__main__":
    sys.exit(main())
