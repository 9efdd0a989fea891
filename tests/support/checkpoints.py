"""Small files of weights, in every format that model files have."""

import io

import torch
from safetensors.torch import save as save_safetensors
from torch import Tensor

WEIGHTS = {
    "layers.0.weight": torch.linspace(-1, 1, 60).reshape(3, 4, 5),
    "layers.1.half": torch.arange(7).half(),
    "layers.1.num_batches_tracked": torch.tensor(3),
    "view": torch.arange(24.0).reshape(4, 6)[:, ::2],
}


def to_zip(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def to_legacy(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def to_safetensors(content: dict[str, Tensor]) -> bytes:
    return save_safetensors({key: value.contiguous() for key, value in content.items()})
