"""Which files of weights a call of `ddeoldify()` reads."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..models.catalogue import BUNDLED_MODEL, find_model
from ..models.store import locate
from ..settings.methods import METHODS, find_method
from ..settings.params import DDColorParams, DeOldifyParams
from ..settings.values import MODEL_FILE_SUFFIXES

_BUNDLED_FILE = Path(__file__).parents[1] / "preview" / "preview.safetensors"


def model_files(parameters: Mapping[str, Any]) -> dict[str, Path]:
    """The files of weights that a call of `ddeoldify()` reads, before anything long is begun.

    Args:
        parameters: the keyword arguments of the call. Values that are wrong are passed over: the call itself
            says what is wrong with them.

    Returns:
        The file by the model's name with its family: "deoldify-video"; of a model that is given by its path
        by the family alone: "ddcolor".

    Raises:
        ModelError: a named model is not installed; the message says how to get it.
    """
    try:
        method = find_method(parameters.get("method", "simple"))
    except ValueError:
        method = METHODS["simple"]
    used: list[tuple[str, str, Sequence[Any]]] = []
    if "deoldify_p" in method.networks:
        used.append(("deoldify", "deoldify_p", DeOldifyParams()))
    if "ddcolor_p" in method.networks:
        used.append(("ddcolor", "ddcolor_p", DDColorParams()))
    files: dict[str, Path] = {}
    for family, key, default in used:
        values = parameters.get(key)
        model = values[0] if isinstance(values, (list, tuple)) and values else default[0]
        if isinstance(model, str) and model.lower().endswith(MODEL_FILE_SUFFIXES):
            files[family] = Path(model)
        elif isinstance(model, str) and model.strip().lower() == BUNDLED_MODEL:
            files[f"{family}-{BUNDLED_MODEL}"] = _BUNDLED_FILE
        else:
            try:
                known = find_model(family, model)
            except (TypeError, ValueError):
                continue
            files[known.full_name] = locate(known, parameters.get("torch_dir"))
    return files
