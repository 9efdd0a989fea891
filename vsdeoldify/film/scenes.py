"""The scenes of a film: found or listed, written as a table that people edit, and shown on a sheet."""

import csv
import io
import json
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median_low

from ..pictures.files import Picture, read_picture, write_picture
from ..pictures.sheet import make_sheet
from ..settings.params import StabParams
from ..settings.scenes import COLUMNS, Scenes
from ..support.errors import FilmError, RequestError
from ..support.files import write_whole
from ..support.reporter import SILENT, Reporter, Stage
from ..support.words import clock
from .process import Process, naming, render_process
from .script import source_arguments, thumbnail_script
from .source import Film, open_file
from .stills import write_stills

# The sheet of a long film has many pictures: smaller ones, and all of it this many pixels at most.
_HIGHEST, _LOWEST = 160, 60
_SHEET = 60e6


@dataclass(frozen=True)
class Scene:
    """A scene of a film.

    Attributes:
        first: its first frame, counted from 0.
        end: the frame after its last.
        luma: its mean luma, 0–1.
        shown: a frame that shows what it is about: neither black nor a flash, unless most of it is.
    """

    first: int
    end: int
    luma: float
    shown: int


def firsts_on(scenes: Scenes, frames: int) -> tuple[int, ...]:
    """The first frames of the scenes of a film, by a list.

    Args:
        scenes: the list.
        frames: how many frames the film has.

    Raises:
        RequestError: the list does not fit the film.
    """
    try:
        return scenes.on(frames)
    except ValueError as error:
        raise RequestError(str(error)) from None


def find_scenes(
    path: Path,
    threshold: float = StabParams().tht_scen,
    scenes: Scenes | None = None,
    reporter: Reporter = SILENT,
) -> tuple[Film, list[Scene]]:
    """The scenes of a film; all its frames are looked at.

    Args:
        path: the film.
        threshold: what makes a cut, as `ddeoldify_scenes` takes it.
        scenes: a list to obey; None finds the scenes.
        reporter: told how far it is.

    Returns:
        The film and its scenes, in order.

    Raises:
        RequestError: the list does not fit the film.
        FilmError: the film cannot be read.
    """
    film = open_file(path, reporter)
    listed = None if scenes is None else firsts_on(scenes, film.frames)
    starts, lumas = _look(film, threshold, reporter)
    firsts = [n for n, start in enumerate(starts) if start] if listed is None else listed
    return film, scenes_of(firsts, lumas)


def scenes_of(firsts: Sequence[int], lumas: Sequence[float]) -> list[Scene]:
    """The scenes of a film.

    Args:
        firsts: their first frames.
        lumas: the mean luma of every frame of the film, 0–1.
    """
    return [_scene(first, end, lumas[first:end]) for first, end in pairwise([*firsts, len(lumas)])]


def _look(film: Film, threshold: float, reporter: Reporter) -> tuple[list[bool], list[float]]:
    """Of every frame: whether a scene begins there, and its mean luma."""
    arguments = source_arguments(film.path, track=film.track)
    with (
        naming(film.path),
        render_process("scenes", json.dumps(arguments), str(threshold)) as renderer,
        reporter.stage(film.frames, "frames", title="looking for scenes") as stage,
    ):
        return read_marks(renderer, film, stage)


def read_marks(process: Process, film: Film, stage: Stage) -> tuple[list[bool], list[float]]:
    """Of every frame, by a process that writes the lines of `render.scene_line`: as `_look` gives it.

    Raises:
        FilmError: the process fails, or not all frames could be read.
    """
    starts, lumas = [], []
    for line in process.output:
        start, luma = line.split()
        starts.append(start == b"1")
        lumas.append(float(luma))
        stage.update(len(lumas))
    process.finish()
    if len(lumas) != film.frames:
        raise FilmError(f"{film.path}: only {len(lumas)} of {film.frames} frames could be read")
    return starts, lumas


def _scene(first: int, end: int, lumas: Sequence[float]) -> Scene:
    length = end - first
    quarter = length // 4
    middle = range(quarter, length - quarter)
    usual = median_low(lumas[n] for n in middle)
    nearest = min(middle, key=lambda n: (lumas[n] != usual, abs(n - length // 2)))
    return Scene(first, end, fmean(lumas), first + nearest)


def write_list(path: Path, film: Film, scenes: Sequence[Scene]) -> None:
    """Write a list of scenes for spreadsheets, whole or not at all.

    Args:
        path: where to; an existing file is replaced.
        film: the film.
        scenes: its scenes.

    Raises:
        FilmError: it cannot be written.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for scene in scenes:
        time = film.times[scene.first] / 1e6
        table.writerow(
            [scene.first, scene.end - 1, scene.end - scene.first, exact_clock(time), f"{scene.luma:.3f}"]
        )
    try:
        write_whole(path, text.getvalue().encode())
    except OSError as error:
        raise FilmError(f"{path} cannot be written: {error.strerror or error}") from error


def exact_clock(seconds: float) -> str:
    """Seconds as ``0:01:02.500``, as spreadsheets read a time."""
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60}:{minutes % 60:02}:{rest / 1000:06.3f}"


def write_sheet(path: Path, film: Film, scenes: Sequence[Scene], reporter: Reporter = SILENT) -> None:
    """Write a picture of all scenes, each with its number, its first frame and its time.

    Args:
        path: the picture file; an existing one is replaced.
        film: the film.
        scenes: its scenes.
        reporter: told how far it is.

    Raises:
        FilmError: the film cannot be read.
        PictureError: the sheet cannot be written.
    """
    aspect = film.width / film.height * film.pixel_aspect
    highest = math.sqrt(_SHEET / len(scenes) / aspect)
    # Every chroma format has sides of multiples of 4.
    height = max(4, round(min(_HIGHEST, max(_LOWEST, highest)) / 4) * 4)
    size = max(4, round(height * aspect / 4) * 4), height
    with tempfile.TemporaryDirectory(prefix="vsdeoldify-") as temporary:
        folder = Path(temporary)
        text = thumbnail_script(film.path, size, film.track)
        shown = [scene.shown for scene in scenes]
        write_stills(text, shown, folder, reporter, unit="scenes", title="sheet")
        columns = max(1, round(math.sqrt(len(scenes) * 2 / aspect)))
        sheet = make_sheet(_cells(film, scenes, folder), 1.0, count=len(scenes), columns=columns)
    write_picture(path, sheet)


def _cells(film: Film, scenes: Sequence[Scene], folder: Path) -> Iterator[tuple[str, list[Picture]]]:
    for number, scene in enumerate(scenes, 1):
        time = clock(film.times[scene.first] / 1e6)
        picture = folder / f"after_{scene.shown}.png"
        yield f"{number}: frame {scene.first}, {time}", [read_picture(picture)]
