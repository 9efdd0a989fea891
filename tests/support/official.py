"""Files of the official networks' layout and size, with the reference data's deterministic weights."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import torch


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def state_dict(shared: Path, network: str) -> dict[str, torch.Tensor]:
    """The weights of `wide`, `deep`, `large` or `tiny`."""
    family = "deoldify" if network in ("wide", "deep") else "ddcolor"
    fill = _module(shared / "networks" / f"fill_{family}.py").fill
    manifest = json.loads((shared / "networks" / f"manifest_{network}.json").read_text())
    return {key: torch.from_numpy(value) for key, value in fill(manifest).items()}


def write(shared: Path, network: str, path: Path) -> None:
    """Write a file as the official one of this network is laid out: torch's old format for DeOldify."""
    state = state_dict(shared, network)
    if network in ("wide", "deep"):
        torch.save(state, path, _use_new_zipfile_serialization=False)
    else:
        torch.save({"params": state}, path)
