"""Projects and films: is this project this film's, and how is the film coloured by it."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..functions import check_parameters
from ..settings.project import FilmIdentity, Project, ProjectReferences, check_values
from ..settings.project_file import read_project, write_project
from ..support.errors import FilmError, RequestError
from .recipe import Recipe
from .reel import Reel


def open_project(path: Path) -> Project:
    """The project in a file, all of it checked but for the film.

    Raises:
        RequestError: it cannot be read, is no project, or something in it is wrong; the message says where.
    """
    try:
        project = read_project(path)
        check_values(project, check_parameters, path.name)
    except ValueError as error:
        raise RequestError(str(error)) from None
    return project


def save_project(project: Project, path: Path | None = None) -> Path:
    """Write a project, after the same checks, whole or not at all.

    Args:
        project: the project.
        path: where to; None: where it was read from.

    Returns:
        The file.

    Raises:
        RequestError: a value of its settings is wrong; nothing is written.
        FilmError: it cannot be written; what was there stays.
    """
    try:
        check_values(project, check_parameters)
        return write_project(project, path)
    except ValueError as error:
        raise RequestError(str(error)) from None
    except OSError as error:
        raise FilmError(f"{path or project.path} cannot be written: {error.strerror or error}") from error


def identity_of(film: Path | Reel, frames: int) -> FilmIdentity:
    """What a project says of its film.

    Args:
        film: the film.
        frames: how many frames it has.

    Raises:
        FilmError: it cannot be read.
    """
    if isinstance(film, Reel):
        return FilmIdentity(film.folder.name, film.mark()[0], frames)
    try:
        return FilmIdentity(film.name, film.stat().st_size, frames)
    except OSError as error:
        raise FilmError(f"{film} cannot be read: {error.strerror or error}") from error


def check_film(project: Project, film: FilmIdentity) -> None:
    """Refuse a film that is not the project's; it may have another name by now.

    Raises:
        RequestError: it is another film.
    """
    own = project.film
    if (own.size, own.frames) == (film.size, film.frames):
        return
    which = "the project" if project.path is None else project.path.name
    differences = [
        f"{then} {what} then, {now} now"
        for what, then, now in (("bytes", own.size, film.size), ("frames", own.frames, film.frames))
        if then != now
    ]
    raise RequestError(
        f"{which} was made for another film, {own.name} ({'; '.join(differences)}): give that film, or "
        f"make a new project for {film.name}"
    )


def recipe_of(project: Project, machine: Mapping[str, Any], recipe: Recipe | None = None) -> Recipe:
    """How a film is coloured by a project.

    Args:
        project: the project.
        machine: parameters that say where to compute: those of `MACHINE_WORDS`.
        recipe: by what means; None: by the networks.

    Raises:
        RequestError: the folder of references is not there, or a preset is unknown.
    """
    folder = project.references_folder()
    if folder is not None and not folder.is_dir():
        which = "the project" if project.path is None else project.path.name
        raise RequestError(f"{which}: references: the folder {folder} does not exist")
    try:
        chosen = project.preset().with_changes(**machine)
        of_scenes = [
            project.preset(n).with_changes(**machine) if scene.settings else chosen
            for n, scene in enumerate(project.scenes)
        ]
    except ValueError as error:
        raise RequestError(str(error)) from None
    return replace(
        recipe or Recipe(chosen),
        chosen=chosen,
        scenes=project.listed(),
        references=folder,
        referring=_referring(project.references),
        of_scenes=tuple(of_scenes),
    )


def _referring(references: ProjectReferences | None) -> dict[str, Any]:
    """How references act, where it is not as usual."""
    if references is None:
        return {}
    usual = ProjectReferences(references.folder)
    return {name: value for name, value in asdict(references).items() if value != getattr(usual, name)}
