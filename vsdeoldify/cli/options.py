"""The options of colouring, shared by the commands that colour, and types of options."""

import argparse
import ast
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..networks.family import model_names
from ..settings.filters import FILTERS
from ..settings.methods import METHODS, Method, find_method
from ..settings.parameters import MACHINE_WORDS
from ..settings.params import DDColorParams, DeOldifyParams, StabParams
from ..settings.presets import (
    COLOURS,
    COLOURS_HELP,
    SPEED_HELP,
    SPEEDS,
    USUAL_EVERY,
    Preset,
    preset,
    usual_every,
)
from ..settings.references import SCENES
from ..settings.scenes import Scenes, check_scenes
from ..settings.values import MODEL_FILE_SUFFIXES
from ..support.paths import user_path
from .errors import USAGE, CommandError
from .terminal import JsonLines, Terminal

if TYPE_CHECKING:
    from ..film.recipe import Recipe
    from ..film.reel import Reel


def add_colour_options(parser: argparse.ArgumentParser) -> None:
    """The options that decide on the colours, shared by the commands that colour."""
    group = parser.add_argument_group("colours")
    speeds = "; ".join(f"{name}: {text}" for name, text in SPEED_HELP.items()).replace("%", "%%")
    kinds = "; ".join(f"{name}: {text}" for name, text in COLOURS_HELP.items()).replace("%", "%%")
    group.add_argument("--preset", choices=SPEEDS, help=f"from fastest to best (default: medium). {speeds}")
    group.add_argument(
        "--colours",
        "--colors",
        choices=COLOURS,
        help=f"from steadiest to most colourful (default: balanced). {kinds}",
    )
    methods = ", ".join(f"{method.number} or {name}: {method.title}" for name, method in METHODS.items())
    filters = ", ".join(FILTERS)
    group.add_argument("--method", metavar="METHOD", help=f"how the two networks are combined. {methods}")
    group.add_argument("--weight", type=float, metavar="W", help="share of DDColor in the mix, 0–1 (mweight)")
    group.add_argument(
        "--deoldify",
        metavar="MODEL",
        help=f"DeOldify's model: {', '.join(model_names('deoldify_p'))}, or a file",
    )
    group.add_argument(
        "--ddcolor",
        metavar="MODEL",
        help=f"DDColor's model: {', '.join(model_names('ddcolor_p'))}, or a file",
    )
    group.add_argument(
        "--render-factor", type=int, metavar="N", help="fineness of the colours: the networks see 16·N pixels"
    )
    group.add_argument("--saturation", type=float, metavar="S", help="factor on the strength of the colours")
    group.add_argument(
        "--no-stabilizer",
        action="store_true",
        help=f"leave the colours as the networks give them, without the filters {filters}",
    )
    group.add_argument(
        "--stabilize-frames",
        type=int,
        metavar="N",
        help="average the colours over N frames, 3–31; 0 does not",
    )
    group.add_argument(
        "--colormap",
        metavar="MAP",
        help='turn some colours into others, e.g. "blue->brown" (in quotes)',
    )
    group.add_argument(
        "--every",
        type=int,
        metavar="N",
        help="of films, run the networks on every Nth frame only and carry their colours along motion "
        f"(default: {USUAL_EVERY} where the plugin for motion is there, 40 with --preset overnight; else 1)",
    )
    group.add_argument(
        "--set",
        action="append",
        default=[],
        type=_assignment,
        metavar="NAME=VALUE",
        help="any parameter of ddeoldify() or ddeoldify_stabilizer(), e.g. --set 'dark_p=[0.2, 0.8]'; "
        "can be repeated",
    )
    group.add_argument(
        "--device",
        metavar="DEVICE",
        help="0–7: a GPU; 99 or cpu: the CPU; or a torch device name (default: the first GPU, else the CPU)",
    )
    group.add_argument("--torch-dir", metavar="FOLDER", help="where the model files are")


def chosen_parameters(args: argparse.Namespace) -> Preset:
    """The preset with the changes that the options ask for.

    Raises:
        CommandError: options that contradict each other, or a parameter that does not exist.
    """
    chosen = preset(args.preset or "medium", args.colours or "balanced")
    changes: dict[str, Any] = {}
    deoldify_p = chosen.ddeoldify.get("deoldify_p", list(DeOldifyParams()))
    ddcolor_p = chosen.ddeoldify.get("ddcolor_p", list(DDColorParams()))
    method = find_method(chosen.ddeoldify["method"])
    if args.method is not None:
        method = _method(args.method)
    elif args.deoldify is not None or args.ddcolor is not None:
        # Naming one model means that model; naming both, or a weight, means the mix.
        both = args.weight is not None or (args.deoldify is not None and args.ddcolor is not None)
        method = METHODS["simple" if both else "ddcolor" if args.deoldify is None else "deoldify"]
    changes["method"] = method.name
    uses_deoldify, uses_ddcolor = (key in method.networks for key in ("deoldify_p", "ddcolor_p"))
    if args.deoldify is not None and not uses_deoldify:
        raise CommandError(f"--deoldify has no effect with --method {args.method}", USAGE)
    if args.ddcolor is not None and not uses_ddcolor:
        raise CommandError(f"--ddcolor has no effect with --method {args.method}", USAGE)
    if args.weight is not None:
        if "mweight" not in method.own:
            raise CommandError("--weight needs a method that mixes two networks, e.g. --method simple", USAGE)
        changes["mweight"] = args.weight
    factor, saturation = args.render_factor, args.saturation
    for used, key, values, model in (
        (uses_deoldify, "deoldify_p", deoldify_p, args.deoldify),
        (uses_ddcolor, "ddcolor_p", ddcolor_p, args.ddcolor),
    ):
        if used:
            changes[key] = [
                _model(model) if model is not None else values[0],
                factor if factor is not None else values[1],
                saturation if saturation is not None else values[2],
                values[3],
            ]
    if factor is not None:
        changes["render_factor"] = factor
    if args.no_stabilizer:
        changes |= dict.fromkeys(FILTERS, False)
    if args.stabilize_frames is not None:
        changes["stab"] = args.stabilize_frames != 0
        if args.stabilize_frames:
            mode = (chosen.stabilizer.get("stab_p") or StabParams())[1]
            changes["stab_p"] = [args.stabilize_frames, mode]
    if args.colormap is not None:
        changes["colormap"] = args.colormap
    if args.every is not None:
        changes["every"] = args.every
    changes |= _machine(args) | dict(args.set)
    if "device_index" not in changes:
        changes["device_index"] = _usual_device()
    try:
        return chosen.with_changes(**changes).of_use()
    except TypeError as error:
        raise CommandError(f"--set: {error}", USAGE) from None


def chosen_for_films(args: argparse.Namespace, before: dict[str, int] | None = None) -> Preset:
    """The same for films, which are coloured by key frames where nobody says otherwise.

    Args:
        args: the parsed options.
        before: what an unfinished film that is gone on with says of its key frames; None: there is none.

    Raises:
        CommandError: options that contradict each other, or a parameter that does not exist.
    """
    from ..film.identity import has_motion

    chosen = chosen_parameters(args)
    if args.every is not None or "every" in dict(args.set):
        return chosen
    if before is not None:
        return chosen.with_changes(**before)
    every = usual_every(chosen, motion=has_motion())
    return chosen if every == 1 else chosen.with_changes(every=every)


def _machine(args: argparse.Namespace) -> dict[str, Any]:
    """Parameters that say where to compute."""
    changes: dict[str, Any] = {}
    if args.device is not None:
        changes["device_index"] = number_or_name(args.device)
    if args.torch_dir is not None:
        changes["torch_dir"] = str(user_path(args.torch_dir).absolute())
    return changes


def _usual_device() -> int | str:
    from ..runtime.device import default_device_index

    return default_device_index()


def add_reel_options(group: Any) -> None:
    """The options that make a film of numbered pictures, shared by the commands that take films."""
    group.add_argument(
        "--film",
        action="store_true",
        help="INPUT is a folder of numbered pictures (DPX, TIFF, PNG, …) that are a film, or a pattern of "
        "their names such as scan_%%06d.dpx",
    )
    group.add_argument(
        "--fps",
        type=_rate,
        metavar="RATE",
        help="how many of those pictures a second has: 16 or 18 for most silent film, 24 for sound film",
    )


def film_or_reel(args: argparse.Namespace) -> "Path | Reel":
    """What `input`, `film` and `fps` name.

    Raises:
        CommandError: they contradict each other.
        FilmError: there is no such film.
    """
    from ..film.reel import find_reel, is_pattern

    path = user_path(args.input)
    if not (path.is_dir() and args.film) and not is_pattern(path):
        if args.fps is not None:
            raise CommandError(
                "--fps is for numbered pictures, given as their folder or as a pattern (scan_%06d.dpx): a "
                "film has a rate of its own",
                USAGE,
            )
        return film_file(args.input)
    if not args.film or args.fps is None:
        raise CommandError(
            f"{args.input}: numbered pictures are a film with --film --fps RATE, as in --film --fps 18 "
            "(16 or 18 pictures a second for most silent film, 24 for sound film)",
            USAGE,
        )
    return find_reel(path.absolute(), args.fps)


def _rate(text: str) -> Fraction:
    """A frame rate as people write it: 18, 16.67, 24000/1001; 23.976 and its like as what they stand for."""
    try:
        rate = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"{text!r} is no frame rate, such as 18 or 24000/1001") from None
    if not 1 <= rate <= 1000:
        raise argparse.ArgumentTypeError(f"a frame rate is 1 to 1000, got {text}")
    for whole in (24, 30, 48, 60, 120):
        if abs(rate - Fraction(whole * 1000, 1001)) < Fraction(1, 500):
            return Fraction(whole * 1000, 1001)
    return rate.limit_denominator(10_000)


def add_progress_option(parser: argparse.ArgumentParser) -> None:
    """The option that says for whom reports are written, shared by the commands that take long."""
    parser.add_argument(
        "--progress",
        choices=("bar", "json"),
        default="bar",
        help="bar: for people, on stderr; json: for programs, a line of JSON on stdout for every report",
    )


def reporter_of(args: argparse.Namespace) -> Terminal | JsonLines:
    """What reports as `--progress` asks for."""
    return JsonLines() if args.progress == "json" else Terminal()


def add_scenes_option(parser: "argparse.ArgumentParser | argparse._ArgumentGroup") -> None:
    """The option that names a list of scenes, shared by the commands that obey one."""
    parser.add_argument(
        "--scenes",
        metavar="FILE",
        help="the list of scenes to go by, as vsdeoldify scenes writes it (default: scenes are found)",
    )


def add_references_option(parser: "argparse.ArgumentParser | argparse._ArgumentGroup") -> None:
    """The option that names a folder of references, shared by the commands that obey one."""
    parser.add_argument(
        "--references",
        metavar="FOLDER",
        help="pictures that correct the colours of their scenes, as vsdeoldify references writes them",
    )


def add_project_option(parser: "argparse.ArgumentParser | argparse._ArgumentGroup") -> None:
    """The option that names a project, shared by the commands that colour films."""
    parser.add_argument(
        "--project",
        metavar="FILE",
        help="the film's project, which says what scenes it has and how each is coloured; no option that "
        "decides on colours goes with it",
    )


def listed_scenes(args: argparse.Namespace) -> Scenes | None:
    """The list that `--scenes` names, if it does.

    Raises:
        CommandError: it cannot be read, or contradicts itself.
    """
    return None if args.scenes is None else _scenes_in(args.scenes)


def _scenes_in(file: str) -> Scenes:
    try:
        return check_scenes(file)
    except ValueError as error:
        raise CommandError(f"--scenes: {error}") from None


def coloured_by(
    args: argparse.Namespace, film: "Path | Reel", before: dict[str, int] | None = None
) -> "Recipe":
    """How a film is coloured, by the options.

    Args:
        args: the parsed options.
        film: the film.
        before: what an unfinished film that is gone on with says of its key frames; None: there is none.

    Raises:
        CommandError: options that contradict each other, or a list of scenes that cannot be used.
        RequestError: a project that cannot be used, or another film's.
    """
    if args.project is not None:
        return _by_project(args, film)
    scenes = listed_scenes(args)
    recipe: Recipe = args.recipe(chosen_for_films(args, before))
    if args.references is not None:
        folder = user_path(args.references).absolute()
        if not folder.is_dir():
            raise CommandError(f"--references: the folder {folder} does not exist")
        recipe = replace(recipe, references=folder)
        beside = folder / SCENES
        if scenes is None and beside.is_file():
            # Those that the pictures were chosen by.
            scenes = _scenes_in(str(beside))
    return recipe if scenes is None else replace(recipe, scenes=scenes)


# What a project says itself. Those that only say where to compute go with it.
_DECISIVE = (
    *("preset", "colours", "method", "weight", "deoldify", "ddcolor", "render_factor", "saturation"),
    *("no_stabilizer", "stabilize_frames", "colormap", "every", "scenes", "references"),
)


def _by_project(args: argparse.Namespace, film: "Path | Reel") -> "Recipe":
    from ..film.project import check_film, identity_of, open_project, recipe_of

    given = [name for name in _DECISIVE if getattr(args, name) not in (None, False)]
    changes = dict(args.set)
    given += [f"set {name}" for name in changes if name not in MACHINE_WORDS]
    if given:
        raise CommandError(
            f"--{given[0].replace('_', '-')} and --project do not go together, for the project says how each "
            f"scene is coloured: change it in {args.project}, or leave --project out",
            USAGE,
        )
    project = open_project(user_path(args.project))
    # Its frames are counted where it is opened, and compared with the scenes.
    check_film(project, identity_of(film, project.film.frames))
    machine = _machine(args) | changes
    if "device_index" not in machine:
        machine["device_index"] = _usual_device()
    recipe: Recipe = args.recipe(project.preset())
    return recipe_of(project, machine, recipe)


def output_file(given: str | None, source: Path, name: str, *, overwrite: bool, resume: bool = False) -> Path:
    """The file to write; it must not be the input, nor exist unless it may be replaced.

    Args:
        given: what the option says, a file or a folder; None: beside the input.
        source: the input.
        name: of the file, where the option names none.
        overwrite: whether it may be replaced.
        resume: whether it may be where its finished pieces were kept.

    Raises:
        CommandError: it must not be written.
    """
    output = user_path(given).absolute() if given else source.with_name(name)
    if output.is_dir():
        output = output / name
    if output.exists() or output.is_symlink():
        if output.exists() and output.samefile(source):
            raise CommandError(f"the output {output} is the input: choose another name", USAGE)
        from ..film.pieces import pieces_folder

        kept = pieces_folder(output).is_dir()
        if not overwrite and not (resume and kept):
            again = "--resume to make again only what has changed, " if kept else ""
            raise CommandError(
                f"{output} exists: add {again}--overwrite to replace it, or choose another name with -o"
            )
    if not output.parent.is_dir():
        raise CommandError(f"the folder {output.parent} does not exist")
    return output


def film_file(name: str) -> Path:
    """The path of a film.

    Raises:
        FilmError: there is no such file, or it is something else by its kind or content.
    """
    from ..film.inputs import check_address, check_film_file

    check_address(name)
    path = user_path(name)
    if path.is_relative_to("/dev"):
        # Another process would see a standard input of its own under such a name.
        path = path.resolve()
    check_film_file(path, name)
    return path.absolute()


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    try:
        return name.strip(), ast.literal_eval(value.strip())
    except (ValueError, SyntaxError):
        return name.strip(), value.strip()


def _method(text: str) -> Method:
    text = text.strip().lower().replace("-", "_")
    try:
        return find_method(number_or_name(text))
    except ValueError:
        known = f"0–{len(METHODS) - 1} or one of {', '.join(METHODS)}"
        raise CommandError(f"--method must be {known}, got {text!r}", USAGE) from None


def _model(text: str) -> int | str:
    if text.lower().endswith(MODEL_FILE_SUFFIXES):
        return str(user_path(text).absolute())
    return number_or_name(text)


def positive(text: str) -> int:
    """The type of an option that counts: a whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def number_or_name(text: str) -> int | str:
    """A number where the text is one, else the text."""
    text = text.strip()
    return int(text) if text.isdecimal() else text
