"""Find model files on disk, and say how to get one that is not there."""

import os
from pathlib import Path

from ..support.errors import ModelError
from ..support.files import cache_folder
from .catalogue import BUNDLED_MODEL, ModelFile, short_name

MODELS_VARIABLE = "VSDEOLDIFY_MODELS"


def search_folders(torch_dir: str | os.PathLike[str] | None = None) -> list[Path]:
    """The folders in which model files are looked for, first to last; they need not exist.

    Args:
        torch_dir: The folder that the user names, searched first, with its sub-folder ``checkpoints``.
    """
    folders: list[Path] = []
    if torch_dir is not None:
        own = _absolute(torch_dir)
        folders += [own, own / "checkpoints"]
    if from_environment := os.environ.get(MODELS_VARIABLE):
        folders.append(_absolute(from_environment))
    folders.append(Path(__file__).resolve().parent)
    if (cache := cache_folder()) is not None:
        folders.append(cache)
    return list(dict.fromkeys(folders))


def locate(model: ModelFile, torch_dir: str | os.PathLike[str] | None = None) -> Path:
    """Find the file of a model.

    Args:
        model: The model.
        torch_dir: See `search_folders`.

    Returns:
        The first path of that name in the search folders. What it holds is not looked at: a damaged
        file is reported by `read_checkpoint`, not passed over in silence.

    Raises:
        ModelError: It is in none of the folders.
    """
    folders = search_folders(torch_dir)
    for folder in folders:
        path = folder / model.file
        try:
            if os.path.lexists(path):
                return path
        except ValueError:  # a NUL character in torch_dir
            continue
    raise ModelError(_missing_message(model, folders))


def expected_text(model: ModelFile) -> str:
    """What the official file of a model is, for messages."""
    if model.sha256 is None:
        return f"{model.size_text}, checksum not published"
    return f"{model.size:,} bytes, sha256 {model.sha256}"


def by_hand_text(model: ModelFile) -> str:
    """The addresses of a model's file, one a line, for messages."""
    return "\n".join(f"  {url}" for url in model.urls)


def _absolute(folder: str | os.PathLike[str]) -> Path:
    return Path(os.path.abspath(os.path.expanduser(folder)))  # noqa: PTH100, PTH111


def _missing_message(model: ModelFile, folders: list[Path]) -> str:
    return "\n".join(
        [
            f"the model {model.full_name} is not installed: its file {model.file} ({model.size_text}) is in "
            "none of these folders:",
            *(f"  {folder}" for folder in folders),
            f"Get it with the command: vsdeoldify models --download {short_name(model)}",
            "or save it by hand in one of these folders from:",
            by_hand_text(model),
            f'To try without any download, use method=1 with ddcolor_p=["{BUNDLED_MODEL}"]: the small model '
            "that comes with the package.",
        ]
    )
