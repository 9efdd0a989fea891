"""Model files: which there are, where they lie, how to read and fetch them."""

from ..support.errors import ModelError
from .catalogue import BUNDLED_MODEL, MODELS, ModelFile, find_model
from .reading import read_checkpoint
from .store import locate, search_folders

__all__ = [
    "BUNDLED_MODEL",
    "MODELS",
    "ModelError",
    "ModelFile",
    "find_model",
    "locate",
    "read_checkpoint",
    "search_folders",
]
