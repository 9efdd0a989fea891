"""Reference pictures of a film: written with automatic colours, for people to correct."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..pictures.files import read_picture, to_8_bits, write_picture
from ..pictures.sheet import make_sheet
from ..settings.references import picture_name
from ..support.errors import FilmError, RequestError
from ..support.reporter import SILENT, Reporter
from ..support.words import clock
from .process import render_process
from .recipe import Recipe
from .scenes import Scene, find_scenes, write_list
from .source import Film

SHEET = "sheet.jpg"
"""The name of the picture of all of them: it has no number, so it is taken for no reference."""
SCENES = "scenes.csv"
"""The name of the list of scenes beside them."""

# A frame darker or lighter than this in the mean shows nothing that could be coloured.
_BLACK, _WHITE = 0.02, 0.98


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
    recipe.models()  # A missing model is named before the film is looked at.
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
            _make(film, recipe, shown, Path(temporary), bits, reporter)
            _write_sheet(film, shown, Path(temporary), output / SHEET)
            for scene, picture in zip(shown, pictures, strict=True):
                (Path(temporary) / f"after_{scene.shown}.png").replace(picture)
        write_list(output / SCENES, film, scenes)
    except OSError as error:
        raise FilmError(f"{output}: {error.strerror or error}") from error
    return pictures


def _make(
    film: Film, recipe: Recipe, scenes: Sequence[Scene], folder: Path, bits: int, reporter: Reporter
) -> None:
    script = folder / "film.vpy"
    script.write_text(recipe.script(film.path, track=film.track), encoding="utf-8", errors="surrogateescape")
    numbers = folder / "numbers"
    numbers.write_text(",".join(str(scene.shown) for scene in scenes))
    with (
        render_process("pictures", script, f"@{numbers}", folder, str(bits)) as renderer,
        reporter.stage(len(scenes), "pictures", title="colouring") as stage,
    ):
        for done, _ in enumerate(renderer.output, 1):
            stage.update(done)
        renderer.finish()


def _write_sheet(film: Film, scenes: Sequence[Scene], folder: Path, path: Path) -> None:
    sar = film.properties.get("_SARNum", 1), film.properties.get("_SARDen", 1)
    cells = (
        (
            f"{picture_name(scene.shown, '')}, {clock(film.times[scene.shown] / 1e6)}",
            [to_8_bits(read_picture(folder / f"after_{scene.shown}.png"))],
        )
        for scene in scenes
    )
    columns = max(1, round(len(scenes) ** 0.5))
    aspect = sar[0] / sar[1] if min(sar) > 0 else 1.0
    write_picture(path, make_sheet(cells, aspect, count=len(scenes), columns=columns))
