"""Which files of weights a call of `ddeoldify()` reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..models.catalogue import find_model
from ..models.store import locate
from ..settings.methods import METHODS, find_method
from ..settings.params import DDColorParams, DeOldifyParams
from ..settings.values import MODEL_FILE_SUFFIXES
from .family import family_of, model_names

_DEFAULTS: dict[str, Any] = {"deoldify_p": DeOldifyParams().model, "ddcolor_p": DDColorParams().model}


@dataclass(frozen=True, slots=True)
class UsedModel:
    """A model that a call uses.

    Attributes:
        name: its name, "artistic"; None where it is given by its path.
        path: its file.
    """

    name: str | None
    path: Path


def used_models(parameters: Mapping[str, Any]) -> dict[str, UsedModel]:
    """The models that a call of `ddeoldify()` uses, found before anything long is begun.

    Args:
        parameters: the keyword arguments of the call. Values that are wrong are passed over: the call itself
            says what is wrong with them.

    Returns:
        The models by the parameters that name them, "deoldify_p" and "ddcolor_p".

    Raises:
        ModelError: a named model is not installed; the message says how to get it.
    """
    try:
        method = find_method(parameters.get("method", "simple"))
    except (TypeError, ValueError):
        method = METHODS["simple"]
    found: dict[str, UsedModel] = {}
    for parameter in method.networks:
        values = parameters.get(parameter)
        model = values[0] if isinstance(values, (list, tuple)) and values else _DEFAULTS[parameter]
        if isinstance(model, str) and model.lower().endswith(MODEL_FILE_SUFFIXES):
            found[parameter] = UsedModel(None, Path(model))
        elif (name := _name(parameter, model)) is not None:
            family = family_of(parameter, name)
            path = family.bundled_file() or locate(find_model(family.name, name), parameters.get("torch_dir"))
            found[parameter] = UsedModel(name, path)
    return found


def _name(parameter: str, model: object) -> str | None:
    names = model_names(parameter)
    if isinstance(model, int) and not isinstance(model, bool) and 0 <= model < len(names):
        return names[model]
    if isinstance(model, str) and model.strip().lower() in names:
        return model.strip().lower()
    return None
