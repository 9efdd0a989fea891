"""A sheet of frames of a film, before and after."""

import math
import tempfile
from pathlib import Path

from ..cli.options import check_models
from ..cli.terminal import Progress, say
from ..pictures.files import read_picture, write_picture
from ..pictures.sheet import make_sheet
from ..settings.presets import Preset
from ..support.words import clock
from . import ffmpeg
from .process import render_process
from .script import make_script
from .source import Film, Point, open_film


def preview_film(
    path: Path, chosen: Preset, count: int, output: Path, start: Point | None, end: Point | None
) -> None:
    """Write a sheet of frames spread over a film, before and after.

    Args:
        path: the film.
        chosen: the parameters.
        count: how many frames.
        output: the picture file to write.
        start: where to begin.
        end: where to stop.
    """
    check_models(chosen)
    film = open_film(path, ffmpeg.contents(ffmpeg.find_ffmpeg(), path))
    numbers = spread(count, *film.range(start, end))
    with tempfile.TemporaryDirectory(prefix="vsdeoldify-") as temporary:
        folder = Path(temporary)
        script = folder / "film.vpy"
        script.write_text(make_script(path, chosen), encoding="utf-8", errors="surrogateescape")
        with (
            render_process("pictures", script, ",".join(map(str, numbers)), folder) as renderer,
            Progress(len(numbers), "frames", title="preview") as progress,
        ):
            # The process writes a line for every frame that is done.
            for done, _ in enumerate(renderer.output, 1):
                progress.update(done)
            renderer.finish()
        rows = [
            (
                _caption(film, n),
                read_picture(folder / f"before_{n}.png"),
                read_picture(folder / f"after_{n}.png"),
            )
            for n in numbers
        ]
    sar = film.properties.get("_SARNum", 1), film.properties.get("_SARDen", 1)
    write_picture(output, make_sheet(rows, sar[0] / sar[1] if min(sar) > 0 else 1.0))
    say(f"{output}: {len(rows)} frames, before and after")


def _caption(film: Film, number: int) -> str:
    return f"frame {number}, {clock(film.times[number] / 1e6)}"


def spread(count: int, start: int, end: int) -> list[int]:
    """Numbers of frames spread evenly over a range, away from its ends."""
    count = min(count, end - start)
    return [start + math.floor((n + 0.5) * (end - start) / count) for n in range(count)]
