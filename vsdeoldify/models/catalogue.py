"""The model files that this plugin knows: names, sizes, checksums, sources, licences."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..support.words import format_size

BUNDLED_MODEL = "preview"
"""The small model that comes with the package: no file of this list, and nothing to download."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of trained weights.

    Attributes:
        name: The name that the public functions take, unique within its family.
        family: The family of networks that it is of, as `networks.family` names it: ``"deoldify"``.
        number: The number that scripts of the original plugin use, if it had one.
        file: The file's name on disk.
        size: Bytes; approximate where ``sha256`` is None, else exact.
        sha256: The published checksum in lower-case hex digits, or None where nobody published one.
        architecture: Which of the family's networks is inside.
        urls: Where it can be downloaded, the preferred source first.
        licence: The SPDX name of the weights' licence.
    """

    name: str
    family: str
    number: int | None
    file: str
    size: int
    sha256: str | None
    architecture: str
    urls: tuple[str, ...]
    licence: str

    @property
    def full_name(self) -> str:
        """The name with its family, which no other model has: ``"ddcolor-artistic"``."""
        return f"{self.family}-{self.name}"

    @property
    def size_text(self) -> str:
        """The size for people, in the decimal units of download pages: ``"874 MB"``."""
        return ("about " if self.sha256 is None else "") + format_size(self.size)


def _deoldify(
    name: str, number: int, file: str, size: int, sha256: str, architecture: str, own_url: str
) -> ModelFile:
    mirror = f"https://huggingface.co/spensercai/DeOldify/resolve/main/{file}"
    return ModelFile(name, "deoldify", number, file, size, sha256, architecture, (own_url, mirror), "MIT")


def _ddcolor(
    name: str, number: int | None, file: str, size: int, sha256: str | None, architecture: str
) -> ModelFile:
    urls = [f"https://huggingface.co/piddnad/DDColor-models/resolve/main/{file}"]
    if sha256 is not None:
        urls.append(f"https://github.com/HolyWu/vs-ddcolor/releases/download/model/{file}")
    return ModelFile(name, "ddcolor", number, file, size, sha256, architecture, tuple(urls), "Apache-2.0")


MODELS: tuple[ModelFile, ...] = (
    _deoldify(
        "video",
        0,
        "ColorizeVideo_gen.pth",
        874066230,
        "e3d98bb6a222354c79f95485c2f078a89dc724e9183662506d9e0f5aafac83ad",
        "wide",
        "https://data.deepai.org/deoldify/ColorizeVideo_gen.pth",
    ),
    _deoldify(
        "stable",
        1,
        "ColorizeStable_gen.pth",
        874066230,
        "ca9cd7f43fb8b222c9a70f7b292e305a000694b0ff9d2ae4a6747b1a2e1ee5af",
        "wide",
        "https://www.dropbox.com/s/axsd2g85uyixaho/ColorizeStable_gen.pth?dl=1",
    ),
    _deoldify(
        "artistic",
        2,
        "ColorizeArtistic_gen.pth",
        255144681,
        "3f750246fa220529323b85a8905f9b49c0e5d427099185334d048fb5b5e22477",
        "deep",
        "https://data.deepai.org/deoldify/ColorizeArtistic_gen.pth",
    ),
    _ddcolor(
        "modelscope",
        0,
        "ddcolor_modelscope.pth",
        911950059,
        "17c460d7e55b32a598370621d77173be59e03c24b0823f06821db23a50c263ce",
        "large",
    ),
    _ddcolor(
        "artistic",
        1,
        "ddcolor_artistic.pth",
        911950059,
        "a591ee5beedad36de703d8977e92d0c30c1eedc6453fd1b300f3b460842a23a9",
        "large",
    ),
    _ddcolor("paper_tiny", None, "ddcolor_paper_tiny.pth", 220_400_000, None, "tiny"),
)


def find_model(family: str, name_or_number: str | int, models: Iterable[ModelFile] = MODELS) -> ModelFile:
    """Look a model up within its family.

    Args:
        family: Its name, such as ``"ddcolor"``.
        name_or_number: A name (any case) or the original plugin's number: 0 video, 1 stable,
            2 artistic; for DDColor 0 modelscope, 1 artistic.
        models: The registry to look in.

    Raises:
        ValueError: No such model; the message lists those that exist.
    """
    own = [model for model in models if model.family == family]
    for model in own:
        if isinstance(name_or_number, str):
            if name_or_number.strip().lower() == model.name:
                return model
        # True == 1, yet a truth value in place of a model is a slip of the caller.
        elif name_or_number == model.number is not None and not isinstance(name_or_number, bool):
            return model
    known = ", ".join(
        f'"{model.name}"' if model.number is None else f'"{model.name}" ({model.number})' for model in own
    )
    raise ValueError(f"the family {family} has no model {name_or_number!r}, only {known or 'none'}")


def select_models(names: Iterable[str], models: Iterable[ModelFile] = MODELS) -> list[ModelFile]:
    """Turn the names of a command line into models, in the registry's order, each once.

    Args:
        names: A model's name (``video``), its name with the family (``ddcolor-artistic``), its file's
            name, a whole family (``deoldify``, ``ddcolor``) or ``all``; any case. A bare name that
            several families have must be given with its family.
        models: The registry to look in.

    Raises:
        ValueError: A name that is unknown or stands for several models; the message lists the choices.
    """
    models = tuple(models)
    chosen: list[ModelFile] = []
    for name in names:
        key = name.strip().lower()
        if key == "all":
            matches = list(models)
        elif not (matches := [model for model in models if model.family == key]):
            matches = [m for m in models if key in (m.name, m.full_name, m.file.lower())]
            if len(matches) > 1:
                choices = " or ".join(model.full_name for model in matches)
                raise ValueError(f"{name!r} is the name of {len(matches)} models: write {choices}")
        if not matches and key == BUNDLED_MODEL:
            raise ValueError(f"{name!r} comes with the package: it needs no download")
        if not matches:
            known = ", ".join(short_name(model, models) for model in models)
            raise ValueError(f"there is no model {name!r}: choose from {known}, or all")
        chosen += matches
    return [model for model in models if model in chosen]


def short_name(model: ModelFile, models: Iterable[ModelFile] = MODELS) -> str:
    """The shortest name that `select_models` accepts for this model alone."""
    return model.full_name if sum(m.name == model.name for m in models) > 1 else model.name
