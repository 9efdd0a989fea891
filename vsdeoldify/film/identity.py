"""From what lies on this machine to a job that is the same on every machine."""

import hashlib
import json
import re
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..models.verify import known_sha256
from ..settings.params import STAB_MODES
from ..settings.presets import Preset
from ..settings.references import read_folder
from ..settings.version import CHAIN_VERSION
from ..support.errors import FilmError, RequestError
from .ffmpeg import plain
from .job import FilmMark, Job, Place, portable
from .recipe import Recipe
from .reel import Reel
from .scenes import firsts_on
from .source import Film

_MARKED = 1 << 20

# How libraries of encoders name themselves in ffmpeg's log.
_LIBRARY = re.compile(
    r"(core \d+(?: r\d+\w*(?: \w+)?)?) - H\.26"  # x264
    r"|encoder version (\S+)"  # x265
    r"|Encoder Lib (v\S+)"  # SVT-AV1
    r"|^\[\S+ @ \w+\] (v?\d+\.\d+\.\d+\S*)$",  # libvpx, libaom, rav1e
    re.MULTILINE,
)


def make_job(film: Film, span: tuple[int, int], recipe: Recipe, encoder: Sequence[str], ffmpeg: str) -> Job:
    """What is to be made.

    Args:
        film: the film.
        span: the first frame and the one after the last.
        recipe: how it is coloured.
        encoder: ffmpeg's options that encode a piece.
        ffmpeg: the program.

    Raises:
        FilmError: the film or the encoder cannot be looked at, or a list of scenes or a
            folder of references does not fit the film.
        ModelError: a model file is missing or cannot be read.
    """
    references = _references(film, recipe)
    scenes, own = _scenes(film, recipe)
    whole = {} if own else _colouring(recipe, recipe.chosen)
    return Job(
        film=film_mark(film.reel or film.path, film.frames),
        timing=_timing(film),
        first=span[0],
        end=span[1],
        colours=whole.get("colours", {}),
        weights=whole.get("weights", {}),
        chain=CHAIN_VERSION,
        encoder=tuple(encoder),
        encoder_version=encoder_version(ffmpeg, encoder),
        motion=whole.get("motion", "") or (_motion_version() if references and not own else ""),
        scenes=scenes,
        references=references,
        referring=dict(recipe.referring) | ({"motion": _motion_version()} if references and own else {}),
        own=own,
    )


def _colouring(recipe: Recipe, chosen: Preset) -> dict[str, Any]:
    """What decides on the colours of frames with some parameters, as values of JSON."""
    models = recipe.models(chosen)
    return {
        "colours": portable(chosen, models),
        "weights": {parameter: known_sha256(model.path) for parameter, model in models.items()},
        "motion": _motion_version() if goes_by_motion(chosen) else "",
    }


def goes_by_motion(chosen: Preset) -> bool:
    """Whether colours are carried along motion, by key frames or by the stabilizer."""
    stabilizer = chosen.stabilizer
    mode = next(iter(stabilizer.get("stab_p", ())[1:2]), None) if stabilizer.get("stab") else None
    moving = isinstance(mode, str) and STAB_MODES.get(mode.strip().lower()) == "M"
    return moving or chosen.ddeoldify.get("every", 1) > 1


def _references(film: Film, recipe: Recipe) -> dict[str, str]:
    """SHA-256 of the recipe's reference pictures, by the numbers of their frames."""
    if recipe.references is None:
        return {}
    try:
        pictures = read_folder(recipe.references, film.frames, int(recipe.referring.get("offset", 0)))
        return {
            str(number): hashlib.sha256(path.read_bytes()).hexdigest() for number, path in pictures.items()
        }
    except ValueError as error:
        raise RequestError(str(error)) from None
    except OSError as error:
        raise FilmError(f"{recipe.references}: {error.strerror or error}") from error


def _scenes(film: Film, recipe: Recipe) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    """The scenes of the recipe's list, and what those that may have their own settings go by, by its sum.

    There are none where there is no list.
    """
    if recipe.scenes is None:
        return (), {}
    firsts = firsts_on(recipe.scenes, film.frames)
    scenes = tuple({"first": first, "end": end} for first, end in pairwise([*firsts, film.frames]))
    if not recipe.of_scenes:
        return scenes, {}
    distinct = recipe.in_use()
    colourings = [_colouring(recipe, chosen) for chosen in distinct]
    sums = [
        hashlib.sha256(json.dumps(one, sort_keys=True).encode(errors="surrogateescape")).hexdigest()[:16]
        for one in colourings
    ]
    settings = [sums[distinct.index(own)] for own in recipe.of_scenes]
    return (
        tuple(scene | {"settings": own} for scene, own in zip(scenes, settings, strict=True)),
        dict(zip(sums, colourings, strict=True)),
    )


def has_motion() -> bool:
    """Whether the plugin is installed that carries colours along motion."""
    return bool(_motion_version())


def _motion_version() -> str:
    """Of the plugin that carries colours along motion; empty where it is not installed.

    Taken from the package's record, for loading VapourSynth would take longer than all else here.
    """
    try:
        return version("vapoursynth-mvutensils")
    except PackageNotFoundError:
        return ""


def place_of(recipe: Recipe, film: Path, ffmpeg: str) -> Place:
    """Where this machine has what the recipe needs.

    Raises:
        ModelError: a model file is missing.
    """
    parameters = recipe.chosen.ddeoldify
    return Place(
        film=film,
        ffmpeg=ffmpeg,
        device_index=parameters.get("device_index", 0),
        torch_dir=parameters.get("torch_dir"),
        models={parameter: model.path for parameter, model in recipe.models().items()},
    )


def film_mark(path: Path | Reel, frames: int) -> FilmMark:
    """A film by its content: quick, however large it is.

    Raises:
        FilmError: the file cannot be read.
    """
    if isinstance(path, Reel):
        size, digest = path.mark()
        return FilmMark(size, digest, "", frames)
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            head = hashlib.sha256(file.read(_MARKED)).hexdigest()
            file.seek(max(0, size - _MARKED))
            tail = hashlib.sha256(file.read(_MARKED)).hexdigest()
    except OSError as error:
        raise FilmError(f"{path} cannot be read: {error.strerror or error}") from error
    return FilmMark(size, head, tail, frames)


def encoder_version(ffmpeg: str, encoder: Sequence[str]) -> str:
    """The versions of ffmpeg and of the library that encodes, which ffmpeg may have from the system.

    Args:
        ffmpeg: the program.
        encoder: its options that encode a piece.

    Raises:
        FilmError: the program does not start.
    """
    said = _run([ffmpeg, "-version"])
    program = re.search(r"^ffmpeg version (\S+)", said)
    codecs = re.search(r"^libavcodec\s+([\d. ]+\d)\s*/", said, re.MULTILINE)
    names = [f"ffmpeg {program[1]}" if program else "ffmpeg"]
    if codecs:
        names.append("libavcodec " + codecs[1].replace(" ", ""))
    # One frame, for what the library says of itself; what may be wrong with the options the first piece says.
    picture = ["-f", "lavfi", "-i", "color=gray:s=320x192:r=25", "-frames:v", "1"]
    said = _run([ffmpeg, "-hide_banner", "-nostdin", *picture, *encoder, "-f", "matroska", "pipe:1"])
    if library := _LIBRARY.search(said):
        names.append(next(filter(None, library.groups())))
    return ", ".join(names)


def _run(command: Sequence[str]) -> str:
    """What a program says; `-version` writes to stdout, all else to stderr."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as error:
        raise FilmError(f"ffmpeg cannot be started: {error.strerror or error}") from error
    return plain((done.stderr if "-nostdin" in command else done.stdout).decode(errors="replace"))


def _timing(film: Film) -> str:
    if film.rate is not None:
        return f"{film.rate.numerator}/{film.rate.denominator}"
    return hashlib.sha256(",".join(map(str, film.times)).encode()).hexdigest()[:16]
