"""The families of networks that can colour: what each is called, which models it has, where its code lies.

A new family is its folder and one row of `FAMILIES` (and, where its models are downloaded, their rows in
`models.catalogue`). This module is light: torch is imported when a network is built, not before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module, resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ..runtime.checkpoint import Built


@dataclass(frozen=True, slots=True)
class Family:
    """One family of networks.

    Attributes:
        name: short, unique: "deoldify".
        title: what people call it: "DeOldify".
        parameter: the parameter of `ddeoldify()` that names its models: "deoldify_p" or "ddcolor_p".
        models: the names that this parameter takes for it; those with a number of the original first, in the
            order of the numbers.
        numbered: how many of them have a number.
        stride: the side of a square that it takes is a multiple of this many pixels.
        architectures: the networks that `build` knows, as `ModelFile.architecture` names them.
        half: the half-precision formats in which its colours stay within a mean ΔE2000 of 0.5 of float32's,
            the preferred one first: "float16", "bfloat16".
        marks: beginnings of keys that only its checkpoints have, each with what such a file is, in words.
        module: the module with its `build`, imported when a network is built.
        page: the page of the documentation that describes its models.
        bundled: the file beside `module` that holds its one model, where that comes with the package; the
            models of other families are files of `models.catalogue`.
    """

    name: str
    title: str
    parameter: str
    models: tuple[str, ...]
    numbered: int
    stride: int
    architectures: tuple[str, ...] = ()
    half: tuple[str, ...] = ()
    marks: tuple[tuple[str, str], ...] = ()
    module: str = ""
    page: str = ""
    bundled: str | None = None

    def build(self, state: dict[str, Tensor], dtype: torch.dtype) -> Built:
        """Make a colorizer of the tensors of a file.

        Args:
            state: the tensors; may be emptied on the way, whole after an error.
            dtype: what the network will compute in; the colorizer comes in float32 all the same.

        Raises:
            LayoutError: these are not the tensors of a network of this family.
        """
        built: Built = import_module(self.module).build(state, dtype)
        return built

    def bundled_file(self) -> Path | None:
        """Where the model that comes with the package should lie, or None where none does."""
        if self.bundled is None:
            return None
        return Path(str(resources.files(self.module.rpartition(".")[0]) / self.bundled))


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family(
            name="deoldify",
            title="DeOldify",
            parameter="deoldify_p",
            models=("video", "stable", "artistic"),
            numbered=3,
            stride=16,
            architectures=("wide", "deep"),
            half=("float16", "bfloat16"),
            marks=(
                ("layers.4.conv1.", "DeOldify's deep generator (artistic)"),
                ("layers.4.conv.", "DeOldify's wide generator (video, stable)"),
            ),
            module="vsdeoldify.deoldify.record",
            page="docs/models.md",
        ),
        Family(
            name="ddcolor",
            title="DDColor",
            parameter="ddcolor_p",
            models=("modelscope", "artistic", "paper_tiny"),
            numbered=2,
            stride=32,
            architectures=("large", "tiny"),
            # Its activations overflow float16.
            half=("bfloat16",),
            marks=(("encoder.arch.", "DDColor"),),
            module="vsdeoldify.ddcolor.record",
            page="docs/models.md",
        ),
        Family(
            name="preview",
            title="the bundled model",
            parameter="ddcolor_p",
            models=("preview",),
            numbered=0,
            stride=32,
            architectures=("preview",),
            half=("float16", "bfloat16"),
            marks=(("encoder.stem.conv.", "the preview network"),),
            module="vsdeoldify.preview.record",
            page="docs/model-card.md",
            bundled="preview.safetensors",
        ),
    )
}

# What people give by mistake.
_FOREIGN_MARKS = (
    ("layer1.0.conv1.", "a ResNet picture classifier"),
    ("stages.0.0.dwconv.", "a ConvNeXt picture classifier"),
)
_CONTAINERS = ("model", "params", "params_ema", "state_dict")
# What torch's data parallelism puts before every key.
_PREFIXES = ("", "module.")


def families_of(parameter: str) -> list[Family]:
    """The families whose models a parameter ("deoldify_p", "ddcolor_p") takes, in the table's order."""
    return [family for family in FAMILIES.values() if family.parameter == parameter]


def model_names(parameter: str) -> tuple[str, ...]:
    """The names of models that a parameter takes: those with a number first, in the order of the numbers."""
    families = families_of(parameter)
    numbered = [name for family in families for name in family.models[: family.numbered]]
    return (*numbered, *(name for family in families for name in family.models[family.numbered :]))


def family_of(parameter: str, model: str) -> Family:
    """The family of a model's name; a path, which no family knows by name, belongs to the parameter's first.

    Raises:
        ValueError: no family takes models by this parameter.
    """
    families = families_of(parameter)
    if not families:
        raise ValueError(f"no network is named by {parameter}")
    return next((family for family in families if model in family.models), families[0])


def recognise(state: Mapping[str, object], families: Iterable[Family]) -> Family | None:
    """The one of these families whose marks the keys of a checkpoint bear, or None."""
    return next((f for f in families if any(_has_key(state, mark) for mark, _ in f.marks)), None)


def guess(state: Mapping[str, object]) -> str:
    """Say in a few words what a checkpoint seems to hold, judged by its keys."""
    if not state:
        return "an empty file"
    for container in _CONTAINERS:
        if isinstance(state.get(container), Mapping):
            return f"a file whose weights lie under {container!r}"
    own = (pair for family in FAMILIES.values() for pair in family.marks)
    for mark, name in (*own, *_FOREIGN_MARKS):
        for prefix in _PREFIXES:
            if _has_key(state, prefix + mark):
                return f"{name} with the prefix {prefix!r}" if prefix else name
    return f"another network (its first key is {next(iter(state))!r})"


def _has_key(state: Mapping[str, object], start: str) -> bool:
    return any(str(key).startswith(start) for key in state)
