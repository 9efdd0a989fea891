"""``vsdeoldify compare``: how close models and mixes of models come to true colours."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...models.catalogue import BUNDLED_MODEL, MODELS, find_model, short_name
from ...models.store import locate
from ...settings.params import METHODS, MODEL_FILE_SUFFIXES, ddcolor_params, deoldify_params
from ..errors import DONE, USAGE, CommandError
from ..options import user_path
from ..terminal import answer

if TYPE_CHECKING:
    from ...metrics import PictureScore

_FRAMES = 48
_LARGEST = 1024
# The defaults of `ddeoldify`, and of the preview preset.
_WEIGHT, _FACTOR, _PREVIEW_FACTOR = 0.4, 24, 16
_MIXES = METHODS[2:]
_FAMILIES: tuple[str, ...] = ("deoldify", "ddcolor")
TRUTH, GRAY = "truth", "gray"

_EPILOG = """\
what to compare:
  video, stable, modelscope, ...     a model, by the names of `vsdeoldify models`, or preview
  video:32                           with a render factor of its own
  video+ddcolor-artistic@0.5         a mix: the second model's weight is 0.5 (default 0.4)
  deoldify=FILE, ddcolor=FILE        a file of weights of your own
  preset=fast, preset=medium/vivid   a preset, with its stabilizer
In a mix the name artistic is that of the family the other model is not of.

examples:
  vsdeoldify compare photos/*.jpg --models preview
  vsdeoldify compare photos/ --models video modelscope video+modelscope@0.5 --sheets sheets/
  vsdeoldify compare a.jpg b.jpg --models video:20 video:32 --csv result.csv --html result.html
  vsdeoldify compare clip.mp4 --frames 100 --models preset=fast/stable preset=fast/vivid

Read the figures together: CIEDE2000 (lower is closer to the true colours) and a/b PSNR (higher is closer)
favour pale colours, since a wrong colour costs more than none; colourfulness shows who was pale. For clips,
flicker and CDC (lower is steadier) are given as well.
exit code: 0 done, 1 something failed (the rest is done), 2 wrong usage, 130 interrupted
"""


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


@dataclass(frozen=True)
class Result:
    """What was measured of one picture or clip in one colouring.

    Attributes:
        file: the picture or clip as the user named it.
        label: the colouring, `TRUTH` or `GRAY`.
        frames: how many frames were measured; 1 for a picture.
        score: mean over the frames; of the truth, only the colourfulness says something.
        flicker: of a clip, in 8-bit levels, else None.
        cdc: of a clip, else None.
        thumbnails: some frames as JPEG files.
    """

    file: str
    label: str
    frames: int
    score: "PictureScore"
    flicker: float | None = None
    cdc: float | None = None
    thumbnails: tuple[bytes, ...] = field(default=(), repr=False)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "compare",
        help="measure how close models come to the true colours of your pictures",
        description="Take the colour out of colour pictures or clips, colour them again with each model\n"
        "or mix, and measure how close the result comes to the true colours.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "inputs", nargs="+", metavar="PICTURE", help="pictures, clips, or folders of pictures"
    )
    parser.add_argument(
        "--models", nargs="+", required=True, metavar="MODEL", help="what to compare, see below"
    )
    parser.add_argument(
        "--method",
        choices=_MIXES,
        default=_MIXES[0],
        help=f"how mixes are made (default: {_MIXES[0]})",
    )
    parser.add_argument(
        "--render-factor", type=int, metavar="N", help="for all models: they see squares of 16·N pixels"
    )
    parser.add_argument("--csv", metavar="FILE", help="write the figures as a table for spreadsheets")
    parser.add_argument("--html", metavar="FILE", help="write a page with the figures and small pictures")
    parser.add_argument("--sheets", metavar="FOLDER", help="write a picture of all results for each input")
    parser.add_argument(
        "--max-side",
        type=_positive,
        default=_LARGEST,
        metavar="PIXELS",
        help=f"larger pictures are scaled down to this before anything is done (default: {_LARGEST})",
    )
    clips = parser.add_argument_group("clips")
    clips.add_argument(
        "--frames",
        type=_positive,
        default=_FRAMES,
        metavar="N",
        help=f"how many frames of a clip are used (default: {_FRAMES})",
    )
    clips.add_argument(
        "--start", type=_not_negative, default=0, metavar="N", help="the first of them (default: 0)"
    )
    parser.add_argument(
        "--device",
        metavar="DEVICE",
        help="0–7: a GPU; 99 or cpu: the CPU; or a torch device name (default: the first GPU, else the CPU)",
    )
    parser.add_argument("--torch-dir", metavar="FOLDER", help="where the model files are")


def run(args: argparse.Namespace) -> int:
    """Compare, print the table, write the files."""
    colourings = _colourings(args)
    inputs = _inputs(args.inputs)
    for colouring in colourings:
        for family, name in colouring.models:
            # Known to be missing now is better than after an hour of the other models.
            locate(find_model(family, name), args.torch_dir)
    sheets = _output_folder(args.sheets)
    _check_parent(args.csv, "csv")
    _check_parent(args.html, "html")

    from ...comparison import report
    from ...comparison.run import Comparison

    comparison = Comparison(
        device=args.device,
        torch_dir=args.torch_dir,
        largest=args.max_side,
        start=args.start,
        frames=args.frames,
        thumbnails=bool(sheets or args.html),
    )
    results = comparison.run(inputs, colourings)
    if not results:
        raise CommandError("nothing could be compared")
    answer(report.as_text(results))
    try:
        if args.csv:
            report.write_csv(results, user_path(args.csv))
        if args.html:
            report.write_html(results, user_path(args.html))
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror or error}") from error
    if sheets:
        report.write_sheets(results, sheets)
    if comparison.failures:
        raise CommandError("done, but without what failed above")
    return DONE


def parse_colouring(text: str, method: str = _MIXES[0], render_factor: int | None = None) -> Colouring | None:
    """What an entry of `--models` stands for.

    Args:
        text: see the command's help.
        method: how a mix is made, a name of `params.METHODS`.
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
        return METHODS[0] if self.family == "deoldify" else METHODS[1]

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
    check([name, factor])
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
    from ...settings.presets import preset

    name, _, colours = text.partition("=")[2].lower().partition("/")
    chosen = preset(name, colours or "balanced")
    if render_factor is not None:
        raise ValueError(f"{text!r}: a preset has its own render factors; leave --render-factor out")
    used = [(family, chosen.ddeoldify.get(f"{family}_p")) for family in _FAMILIES]
    models = tuple((family, p[0]) for family, p in used if p is not None and p[0] != BUNDLED_MODEL)
    return Colouring(text.lower(), chosen.ddeoldify, chosen.stabilizer, models)


def _colourings(args: argparse.Namespace) -> list[Colouring]:
    """The colourings of `--models`, each once."""
    found: dict[str, Colouring] = {}
    for text in args.models:
        try:
            colouring = parse_colouring(text, args.method, args.render_factor)
        except (TypeError, ValueError) as error:
            raise CommandError(f"--models: {error}", USAGE) from None
        if colouring is None:
            continue
        if colouring != found.get(colouring.label, colouring):
            # Files of the same name in two folders.
            colouring = replace(colouring, label=text)
        found[colouring.label] = colouring
    return list(found.values())


def _inputs(names: Sequence[str]) -> list[Path]:
    """The files to compare on; a folder stands for the pictures in it."""
    from ...pictures.files import is_picture

    found: list[Path] = []
    for name in names:
        path = user_path(name)
        if not path.is_dir():
            found.append(path)
            continue
        pictures = sorted(file for file in path.iterdir() if is_picture(file) and file.is_file())
        if not pictures:
            raise CommandError(f"there are no pictures in the folder {path}")
        found += pictures
    return list(dict.fromkeys(found))


def _check_parent(name: str | None, option: str) -> None:
    if name is not None and not user_path(name).absolute().parent.is_dir():
        raise CommandError(f"--{option}: the folder of {name} does not exist")


def _output_folder(name: str | None) -> Path | None:
    if name is None:
        return None
    folder = user_path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"--sheets: {folder}: {error.strerror or error}") from error
    return folder


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def _not_negative(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)
