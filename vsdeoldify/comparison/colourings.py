"""What is compared: a model, a mix of two, or a preset, as people name them."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..models.catalogue import BUNDLED_MODEL, MODELS, short_name
from ..settings.methods import METHODS
from ..settings.params import ddcolor_params, deoldify_params
from ..settings.values import MODEL_FILE_SUFFIXES, Models
from ..support.paths import user_path
from .results import GRAY

# The defaults of `ddeoldify`, and of the preview preset.
_WEIGHT, _FACTOR, _PREVIEW_FACTOR = 0.4, 24, 16

MIXES = tuple(name for name, method in METHODS.items() if len(method.networks) > 1)

_FAMILIES: tuple[str, ...] = ("deoldify", "ddcolor")


@dataclass(frozen=True)
class Colouring:
    """One way to colour.

    Attributes:
        label: what the reports call it.
        ddeoldify: keyword arguments of `ddeoldify`.
        stabilizer: keyword arguments of `ddeoldify_stabilizer`, or None for the plain colours.
        models: the known model files it needs: family and name of each.
    """

    label: str
    ddeoldify: dict[str, Any]
    stabilizer: dict[str, Any] | None = None
    models: tuple[tuple[str, str], ...] = ()


def parse_colouring(text: str, method: str = MIXES[0], render_factor: int | None = None) -> Colouring | None:
    """What an entry of `--models` stands for.

    Args:
        text: see the command's help.
        method: how a mix is made, a name of `methods.METHODS`.
        render_factor: for models that have none of their own.

    Returns:
        The colouring, or None for `gray`, which is always there.

    Raises:
        ValueError: it is not understood; the message says what there is.
    """
    text = text.strip()
    if text.lower() == GRAY:
        return None
    if text.lower().startswith("preset="):
        return _preset_colouring(text, render_factor)
    first, plus, rest = text.partition("+")
    if not plus:
        meanings = _meanings(text, render_factor)
        if len(meanings) > 1:
            choices = " or ".join(f"{model.family}-{model.name}" for model in meanings)
            raise ValueError(f"{text!r} is the name of {len(meanings)} models: write {choices}")
        (model,) = meanings
        return Colouring(model.label, {"method": model.method, **model.argument}, models=model.files)
    second, at, weight_text = rest.rpartition("@") if "@" in rest else (rest, "", "")
    if "+" in second:
        raise ValueError(f"{text!r}: a mix is of two models, as in video+ddcolor-artistic@0.5")
    weight = _weight(weight_text) if at else _WEIGHT
    # Of the two models called artistic, the one that makes a mix is meant; of both, DeOldify's stands first.
    pairs = [
        (a, b)
        for a in _meanings(first, render_factor)
        for b in _meanings(second, render_factor)
        if a.family != b.family
    ]
    if not pairs:
        raise ValueError(f"{text!r}: a mix takes one model of DeOldify and one of DDColor")
    a, b = pairs[0]
    arguments = {"method": method, "mweight": weight, **a.argument, **b.argument}
    if a.family == "ddcolor":
        arguments["cmb_sw"] = True
    return Colouring(f"{a.label}+{b.label}@{weight:g}", arguments, models=a.files + b.files)


@dataclass(frozen=True)
class _Model:
    """A model with its render factor."""

    family: str
    name: str
    render_factor: int
    label: str

    @property
    def method(self) -> str:
        return self.family

    @property
    def argument(self) -> dict[str, Any]:
        return {f"{self.family}_p": [self.name, self.render_factor]}

    @property
    def files(self) -> tuple[tuple[str, str], ...]:
        """Which of the known model files it needs."""
        named = not self.name.lower().endswith(MODEL_FILE_SUFFIXES) and self.name != BUNDLED_MODEL
        return ((self.family, self.name),) if named else ()


def _meanings(text: str, render_factor: int | None) -> list[_Model]:
    """The models that `NAME[:RENDER_FACTOR]` may stand for, DeOldify's first."""
    text = text.strip()
    match = re.fullmatch(r"(.*):(\d+)", text)
    name, factor = (match[1], int(match[2])) if match else (text, render_factor)
    prefix, _, file = name.partition("=")
    own: list[str] = [family for family in _FAMILIES if file and prefix.lower() == family]
    found: list[tuple[str, str, str]]
    if own:
        if not file.lower().endswith(MODEL_FILE_SUFFIXES):
            raise ValueError(f"{text!r}: a file of weights ends in {', '.join(MODEL_FILE_SUFFIXES)}")
        path = user_path(file).absolute()
        found = [(own[0], str(path), path.stem)]
    else:
        key = name.lower()
        found = [(m.family, m.name, key) for m in MODELS if key in (m.name, m.full_name, m.file.lower())]
        if key in (BUNDLED_MODEL, f"ddcolor-{BUNDLED_MODEL}"):
            found.append(("ddcolor", BUNDLED_MODEL, key))
    if not found:
        known = ", ".join([*(short_name(model) for model in MODELS), BUNDLED_MODEL])
        hint = ": it is a file; files stand before --models" if Path(text).exists() else ""
        raise ValueError(f"there is no model {name!r}{hint}. Choose from {known}, or give deoldify=FILE")
    return [_model(family, name, label, factor) for family, name, label in found]


def _model(family: str, name: str, label: str, factor: int | None) -> _Model:
    if factor is None:
        return _Model(family, name, _PREVIEW_FACTOR if name == BUNDLED_MODEL else _FACTOR, label)
    check = deoldify_params if family == "deoldify" else ddcolor_params
    check([name, factor], Models((name,), 0))
    return _Model(family, name, factor, f"{label}:{factor}")


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0 <= weight <= 1:
        raise ValueError(f"the weight after @ must be a number in 0–1, got {text!r}")
    return weight


def _preset_colouring(text: str, render_factor: int | None) -> Colouring:
    from ..settings.presets import preset

    name, _, colours = text.partition("=")[2].lower().partition("/")
    chosen = preset(name, colours or "balanced")
    if render_factor is not None:
        raise ValueError(f"{text!r}: a preset has its own render factors; leave --render-factor out")
    used = [(family, chosen.ddeoldify.get(f"{family}_p")) for family in _FAMILIES]
    models = tuple((family, p[0]) for family, p in used if p is not None and p[0] != BUNDLED_MODEL)
    return Colouring(text.lower(), chosen.ddeoldify, chosen.stabilizer, models)
