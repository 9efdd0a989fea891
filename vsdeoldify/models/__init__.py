"""Model files: which there are, where they lie, how to read and fetch them."""

from .registry import BUNDLED_MODEL, MODELS, ModelFile, find_model
from .store import ModelError, locate, read_checkpoint, search_folders

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
