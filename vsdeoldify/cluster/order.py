"""What a worker is asked for: a value that means the same on every machine."""

import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from fractions import Fraction
from pathlib import Path, PurePath
from typing import Any

from ..film.job import Job
from ..film.pieces import Plan
from ..film.recipe import Recipe
from ..film.reel import Reel
from ..models.verify import known_sha256
from ..settings.presets import Preset
from ..support.errors import FilmError

_CLASS, _PATH, _MAPPING, _TUPLE = "class", "path", "mapping", "tuple"
"""What an object of JSON stands for, which has none of these."""


@dataclass(frozen=True)
class Wanted:
    """A file that decides on the frames.

    Attributes:
        path: where the client has it.
        sum: its SHA-256 in hex digits; empty where it was not read through yet.
        name: how it is called where its name matters.
    """

    path: str
    sum: str
    name: str


@dataclass(frozen=True)
class Order:
    """A film that is to be made, as it is sent to workers.

    Paths are text: a path of one system cannot be made on another.

    Attributes:
        name: of this run, unlike any other.
        owner: whose film it is: of two orders with the same owner, the earlier one is over.
        job: the job, as JSON.
        recipe: how the film is coloured, by `pack`.
        film: the film where the client has it.
        track: which of its tracks it is.
        rate: frames per second as numerator and denominator, or None for a variable rate.
        times: of a variable rate: microseconds of every frame and of the end.
        suffix: the pieces' container.
        location: where the chroma lies.
        folder: where the client puts the pieces.
        mark: a file in it that shows that it is this very folder, and what that file holds.
        models: model files that are given by their paths, by these.
        references: reference pictures, by the numbers of their frames.
        references_folder: where the client has them; None: there are none.
        weights: SHA-256 of the models in use, by `weights_of`.
        reel: of numbered pictures, which are not sent: their folder, what stands before and behind the number
            in their names, its width, and the numbers; None for a file.
    """

    name: str
    owner: str
    job: str
    recipe: str
    film: str
    track: int | None
    rate: tuple[int, int] | None
    times: tuple[int, ...]
    suffix: str
    location: int
    folder: str
    mark: tuple[str, str]
    models: tuple[Wanted, ...]
    references: tuple[Wanted, ...]
    references_folder: str | None
    weights: Mapping[str, str]
    reel: tuple[str, str, str, int, tuple[int, ...]] | None

    def source(self, moved: str = "") -> Path | Reel:
        """The film on the machine that asks.

        Args:
            moved: where it lies, if not where the client has it.
        """
        if self.reel is None or self.rate is None:
            return Path(moved or self.film)
        folder, before, after, digits, numbers = self.reel
        return Reel(Path(folder), before, digits, after, numbers, Fraction(*self.rate))


def weights_of(recipe: Recipe) -> dict[str, str]:
    """SHA-256 of the models that a recipe uses, by their names or the ends of their paths.

    Raises:
        ModelError: one is missing or cannot be read.
    """
    return {
        f"{parameter} {model.name or PurePath(model.path).name}": known_sha256(model.path)
        for chosen in recipe.in_use()
        for parameter, model in recipe.models(chosen).items()
    }


def motion_of(job: Job) -> str:
    """The version of the plugin for motion that a job uses anywhere; empty where it uses none."""
    of_scenes = [str(own.get("motion", "")) for own in job.own.values()]
    return next(filter(None, [job.motion, str(job.referring.get("motion", "")), *of_scenes]), "")


def precision_of(recipe: Recipe) -> str:
    """The precision of a recipe: "auto" where that is asked for anywhere."""
    asked = {str(chosen.ddeoldify.get("precision", "auto")) for chosen in recipe.in_use()}
    return "auto" if "auto" in asked else asked.pop()


def make_order(
    plan: Plan, recipe: Recipe, name: str, owner: str, folder: Path, mark: tuple[str, str]
) -> Order:
    """The order of a plan.

    Args:
        plan: what is to be made.
        recipe: how it is coloured.
        name: of this run.
        owner: whose film it is.
        folder: where the pieces go.
        mark: a file in it, and what it holds.
    """
    job, place = plan.job, plan.place
    references = []
    if recipe.references is not None:
        from ..settings.references import read_folder

        offset = int(recipe.referring.get("offset", 0))
        pictures = read_folder(recipe.references, job.film.frames, offset)
        references = [
            Wanted(str(path), job.references[str(number)], path.name) for number, path in pictures.items()
        ]
    models = [
        Wanted(str(model.path), known_sha256(model.path), model.path.name)
        for chosen in recipe.in_use()
        for model in recipe.models(chosen).values()
        if model.name is None
    ]
    return Order(
        name=name,
        owner=owner,
        job=job.to_json(),
        recipe=pack(recipe),
        film=str(place.film),
        track=place.track,
        rate=plan.rate,
        times=tuple(plan.times) if plan.rate is None else (),
        suffix=plan.suffix,
        location=plan.location,
        folder=str(folder),
        mark=mark,
        models=tuple(models),
        references=tuple(references),
        references_folder=None if recipe.references is None else str(recipe.references),
        weights=weights_of(recipe),
        reel=None if (reel := place.reel) is None else _reel(reel),
    )


def _reel(reel: Reel) -> tuple[str, str, str, int, tuple[int, ...]]:
    return str(reel.folder), reel.before, reel.after, reel.digits, reel.numbers


def pack(recipe: Recipe) -> str:
    """A recipe as JSON: what it is made of by the names of its classes, paths as text."""
    return json.dumps(_packed(recipe))


def unpack(text: str, moved: Mapping[str, str], device: int | str, torch_dir: str | None) -> Recipe:
    """The recipe that `pack` packed, for this machine.

    Args:
        text: the recipe.
        moved: where this machine has files and folders, by the paths of the other.
        device: what computes here.
        torch_dir: where model files are here, beside the usual places.

    Raises:
        FilmError: this machine does not know such a recipe.
    """
    try:
        recipe = _unpacked(json.loads(text), moved)
    except (ImportError, AttributeError, TypeError) as error:
        raise FilmError(f"it does not know how the film is to be coloured ({error})") from None
    assert isinstance(recipe, Recipe)
    return replace(
        recipe,
        chosen=_here(recipe.chosen, moved, device, torch_dir),
        of_scenes=tuple(_here(chosen, moved, device, torch_dir) for chosen in recipe.of_scenes),
    )


def _here(chosen: Preset, moved: Mapping[str, str], device: int | str, torch_dir: str | None) -> Preset:
    """Parameters with the words of this machine in place of another's."""
    own = {key: value for key, value in chosen.ddeoldify.items() if key != "torch_dir"}
    own["device_index"] = device
    if torch_dir is not None:
        own["torch_dir"] = torch_dir
    for key, value in own.items():
        if isinstance(value, (list, tuple)) and value and value[0] in moved:
            own[key] = [moved[value[0]], *value[1:]]
    return replace(chosen, ddeoldify=own)


def _packed(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        own = {field.name: _packed(getattr(value, field.name)) for field in fields(value)}
        return {_CLASS: [kind.__module__, kind.__qualname__], "fields": own}
    if isinstance(value, PurePath):
        return {_PATH: str(value)}
    if isinstance(value, Mapping):
        return {_MAPPING: [[_packed(key), _packed(item)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {_TUPLE: [_packed(item) for item in value]}
    if isinstance(value, list):
        return [_packed(item) for item in value]
    return value


def _unpacked(value: Any, moved: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_unpacked(item, moved) for item in value]
    if not isinstance(value, dict):
        return value
    if _PATH in value:
        return Path(moved.get(value[_PATH], value[_PATH]))
    if _MAPPING in value:
        return {_unpacked(key, moved): _unpacked(item, moved) for key, item in value[_MAPPING]}
    if _TUPLE in value:
        return tuple(_unpacked(item, moved) for item in value[_TUPLE])
    module, name = value[_CLASS]
    kind = getattr(importlib.import_module(module), name)
    if not (isinstance(kind, type) and is_dataclass(kind)):
        raise TypeError(f"{name} is no value")
    return kind(**{key: _unpacked(item, moved) for key, item in value["fields"].items()})
