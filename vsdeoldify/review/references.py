"""Reference pictures of a film: written with automatic colours, for people to correct."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..film.process import naming, render_process
from ..film.recipe import Recipe
from ..film.scenes import Scene, find_scenes, firsts_on, write_list
from ..film.script import source_arguments
from ..film.source import Film, open_file
from ..film.stills import write_stills
from ..pictures.files import read_picture, to_8_bits, write_picture
from ..pictures.sheet import make_sheet
from ..settings.references import SCENES, picture_name, read_folder
from ..support.errors import FilmError, RequestError
from ..support.reporter import SILENT, Reporter
from ..support.words import clock

SHEET = "sheet.jpg"
"""The name of the picture of all of them: it has no number, so it is taken for no reference."""

# A frame darker or lighter than this in the mean shows nothing that could be coloured.
_BLACK, _WHITE = 0.02, 0.98
# One frame in so many is looked at for what references do not know.
_STEP = 6
# Frames of which less than this share is new are known well enough; chosen ones are so many frames apart.
_KNOWN, _APART = 0.05, 24


def write_references(
    path: Path,
    recipe: Recipe,
    output: Path,
    *,
    bits: int = 8,
    overwrite: bool = False,
    reporter: Reporter = SILENT,
) -> list[Path]:
    """Write one picture of each scene, coloured automatically, a sheet of them, and the list of scenes.

    Args:
        path: the film.
        recipe: how it is coloured, and its scenes.
        output: the folder; it is made where it is not there.
        bits: 8 or 16, of the pictures.
        overwrite: whether pictures of an earlier run may be replaced, also those that somebody changed.
        reporter: told how far it is.

    Returns:
        The pictures, named as `ddeoldify_references` reads them.

    Raises:
        RequestError: a picture is there already, or the list of scenes does not fit the film.
        FilmError: the film cannot be read or coloured, shows nothing but black, or the folder cannot be
            written.
        ModelError: a model file is missing.
        PictureError: the sheet cannot be written.
    """
    recipe.check_models()  # A missing model is named before the film is looked at.
    film, scenes = find_scenes(path, scenes=recipe.scenes, reporter=reporter)
    shown = [scene for scene in scenes if _BLACK <= scene.luma <= _WHITE]
    if not shown:
        raise FilmError(f"{path} shows nothing but black or white")
    if len(shown) < len(scenes):
        reporter.note(f"{len(scenes) - len(shown)} scenes are black or white all over, and have no picture")
    pictures = [output / picture_name(scene.shown) for scene in shown]
    if not overwrite and (there := [picture for picture in pictures if picture.exists()]):
        raise RequestError(
            f"{there[0]} exists: add --overwrite to replace it and all others, with what was changed in "
            "them, or choose another folder with -o"
        )
    try:
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=output) as temporary:
            _make(film, recipe, [scene.shown for scene in shown], Path(temporary), bits, reporter)
            _write_sheet(film, shown, Path(temporary), output / SHEET)
            for scene, picture in zip(shown, pictures, strict=True):
                (Path(temporary) / f"after_{scene.shown}.png").replace(picture)
        write_list(output / SCENES, film, scenes)
    except OSError as error:
        raise FilmError(f"{output}: {error.strerror or error}") from error
    return pictures


def write_next(
    path: Path, recipe: Recipe, output: Path, count: int, *, bits: int = 8, reporter: Reporter = SILENT
) -> list[Path]:
    """Add the frames to a folder of references of which those that are there tell least.

    Args:
        path: the film.
        recipe: how it is coloured, with the folder's pictures.
        output: the folder.
        count: how many at most.
        bits: 8 or 16, of the pictures.
        reporter: told how far it is.

    Returns:
        The new pictures, the least known frame's first.

    Raises:
        RequestError: the folder holds no references.
        FilmError: the film cannot be read or coloured, or the folder cannot be written.
        ModelError: a model file is missing.
    """
    recipe.check_models()
    film = open_file(path, reporter)
    try:
        there = list(read_folder(output, film.frames))
    except ValueError as error:
        raise RequestError(str(error)) from None
    firsts = () if recipe.scenes is None else firsts_on(recipe.scenes, film.frames)
    try:
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=output) as temporary:
            folder = Path(temporary)
            shares = _look(film, there, firsts, folder, reporter)
            chosen = least_known(shares, there, count)
            if chosen:
                _make(film, recipe, chosen, folder, bits, reporter)
            pictures = [output / picture_name(n) for n in chosen]
            for n, picture in zip(chosen, pictures, strict=True):
                (folder / f"after_{n}.png").replace(picture)
    except OSError as error:
        raise FilmError(f"{output}: {error.strerror or error}") from error
    return pictures


def least_known(shares: Mapping[int, float], there: Sequence[int], count: int) -> list[int]:
    """The frames that references know least of, not too near to each other or to a reference.

    Args:
        shares: what share of some frames, by their numbers, is in no reference.
        there: the references' numbers.
        count: how many at most.
    """
    chosen: list[int] = []
    for n in sorted(shares, key=lambda n: (-shares[n], n)):
        if len(chosen) == count or shares[n] < _KNOWN:
            break
        if all(abs(n - other) >= _APART for other in (*there, *chosen)):
            chosen.append(n)
    return chosen


def _look(
    film: Film, there: Sequence[int], firsts: Sequence[int], folder: Path, reporter: Reporter
) -> dict[int, float]:
    numbers = folder / "numbers"
    numbers.write_text(";".join(",".join(map(str, part)) for part in (there, firsts)))
    arguments = json.dumps(source_arguments(film.path, track=film.track))
    shares = {}
    with (
        naming(film.path),
        render_process("unexplained", arguments, numbers, str(_STEP)) as renderer,
        reporter.stage(film.frames, "frames", title="looking for what is new") as stage,
    ):
        for line in renderer.output:
            number, share = line.split()
            shares[int(number)] = float(share)
            stage.update(int(number))
        renderer.finish()
    return shares


def _make(
    film: Film, recipe: Recipe, numbers: Sequence[int], folder: Path, bits: int, reporter: Reporter
) -> None:
    text = recipe.script(film.path, track=film.track)
    with naming(film.path):
        write_stills(text, numbers, folder, reporter, unit="pictures", title="colouring", bits=bits)


def _write_sheet(film: Film, scenes: Sequence[Scene], folder: Path, path: Path) -> None:
    cells = (
        (
            f"{picture_name(scene.shown, '')}, {clock(film.times[scene.shown] / 1e6)}",
            [to_8_bits(read_picture(folder / f"after_{scene.shown}.png"))],
        )
        for scene in scenes
    )
    columns = max(1, round(len(scenes) ** 0.5))
    write_picture(path, make_sheet(cells, film.pixel_aspect, count=len(scenes), columns=columns))
