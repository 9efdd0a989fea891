"""The VapourSynth script of a film."""

import glob
import hashlib
import os
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..settings.filters import FILTERS, is_off
from ..settings.methods import find_method
from ..settings.parameters import COLOURING, Parameter, stabilizing
from ..settings.presets import Preset
from ..settings.scenes import Scenes
from ..support.files import cache_folder
from ..support.words import one_line
from .names import named
from .reel import Reel

PLUGIN_MISSING = (
    "the source filter BestSource, which reads films, is not installed: "
    'pip install "vsdeoldify[cli]" (or: pip install vapoursynth-bestsource)'
)


_LOOKED_AT = 4096
"""Bytes at the beginning, the middle and the end of a film by which another one at its place is known."""

_INDEX_NOTE = (
    "# What cachepath holds belongs to the file as it was when this script was made: where another film",
    "# takes its place, or it is changed, make the script anew.",
)


def make_script(
    source: Path | Reel,
    chosen: Preset,
    *,
    cache: Path | None = None,
    track: int | None = None,
    scenes: Scenes | None = None,
    references: Path | None = None,
    referring: Mapping[str, Any] | None = None,
    of_scenes: Sequence[Preset] = (),
) -> str:
    """The VapourSynth script that colours a film.

    Args:
        source: the film.
        chosen: the parameters.
        cache: folder of the source filter's index; by default the user's cache folder, and none for a reel.
        track: which of the file's tracks is the film; by default the first picture track.
        scenes: a list to obey; None lets the functions find the scenes.
        references: a folder of pictures that correct the colours.
        referring: further arguments of `colorize` that say how these act.
        of_scenes: the parameters of each scene of the list; none where all have `chosen`.

    Returns:
        The script: output 0 is the coloured film, output 1 the source.
    """
    pictures: dict[str, Any] = {}
    if references is not None:
        pictures = {"references": str(references.absolute()), **(referring or {})}
    lines = [
        "# Colours a film with vsdeoldify; made by: vsdeoldify script",
        "# Run:  vspipe -c y4m THIS.vpy - | ffmpeg -i - COLOUR.mkv   (vsdeoldify colorize adds the sound.)",
        "# Where the frame rate varies, that loses the times of frames, which vsdeoldify colorize keeps:",
        "# give VideoSource a constant rate then, as in fpsnum=25, fpsden=1.",
        "import vapoursynth as vs",
        "",
        "from vsdeoldify import colorize",
        *(["from vsdeoldify import ddeoldify_scenes"] if scenes is not None else []),
        "",
        "core = vs.core",
        "",
        *(_opened_reel(source, cache) if isinstance(source, Reel) else _opened(source, cache, track)),
        "",
        *(_marking(scenes) if scenes is not None else []),
        *_coloured(chosen, scenes, of_scenes, pictures),
        "",
    ]
    if not isinstance(source, Reel):
        lines += [
            "if clip.format.color_family == vs.RGB:  # Encoders of films take YUV.",
            "    depth = vs.YUV444P8 if clip.format.bits_per_sample == 8 else vs.YUV444P10",
            '    matrix = "709" if clip.width > 1024 or clip.height > 576 else "170m"',
            "    clip = core.resize.Bicubic(clip, format=depth, matrix_s=matrix)",
            "",
        ]
    lines += [
        "clip.set_output(0)",
        "source.set_output(1)  # to compare with",
        "",
    ]
    return "\n".join(lines)


def _opened(source: Path, cache: Path | None, track: int | None) -> list[str]:
    arguments = source_arguments(source, cache, track)
    return [
        "# Any other source filter will do as well, e.g. core.lsmas.LWLibavSource or core.ffms2.Source.",
        *(_INDEX_NOTE if "cachepath" in arguments else []),
        f"source = core.bs.VideoSource({_arguments(arguments)})",
    ]


def _opened_reel(reel: Reel, cache: Path | None) -> list[str]:
    """The lines that open a reel, run by run where numbers are missing."""
    runs = [f"core.bs.VideoSource({_arguments(arguments)})" for arguments in reel.arguments(cache)]
    rate = f"fpsnum={reel.rate.numerator}, fpsden={reel.rate.denominator}"
    return [
        "# Numbered pictures. Scanners write full range, and not all formats say so.",
        *([f"source = {runs[0]}"] if len(runs) == 1 else ["source = core.std.Splice(["]),
        *([f"    {run}," for run in runs] + ["])"] if len(runs) > 1 else []),
        f"source = core.std.AssumeFPS(source, {rate})",
        "if source.format.color_family != vs.YUV:",
        "    source = core.std.SetFrameProps(source, _Range=vs.RANGE_FULL)",
        "if source.format.color_family == vs.RGB:  # In full range a gray scan's values are its luma.",
        "    depths = {8: vs.YUV444P8, 10: vs.YUV444P10, 12: vs.YUV444P12}",
        "    depth = depths.get(source.format.bits_per_sample, vs.YUV444P16)",
        '    matrix = "709" if source.width > 1024 or source.height > 576 else "170m"',
        '    source = core.resize.Bicubic(source, format=depth, matrix_s=matrix, range_s="full")',
    ]


def thumbnail_script(source: Path, size: tuple[int, int], track: int | None = None) -> str:
    """A script whose output 0 is a film in small.

    Args:
        source: the film.
        size: width and height, multiples of 4.
        track: which of the file's tracks is the film; by default the first picture track.
    """
    lines = [
        "import vapoursynth as vs",
        "",
        f"source = vs.core.bs.VideoSource({_arguments(source_arguments(source, track=track))})",
        "# The resizer takes fields apart, and ends where the shape of pixels is no number.",
        'source = source.std.RemoveFrameProps(["_FieldBased", "_SARNum", "_SARDen"])',
        f"source.resize.Spline36({size[0]}, {size[1]}).set_output(0)",
        "",
    ]
    return "\n".join(lines)


def source_arguments(source: Path, cache: Path | None = None, track: int | None = None) -> dict[str, Any]:
    """The arguments of `bs.VideoSource`, the same wherever a film is opened so that frames agree."""
    # variableformat: a stream that changes its size half-way is no constant clip otherwise.
    arguments: dict[str, Any] = {"source": str(source.absolute()), "variableformat": 0}
    folder = _for_this_state(source, cache if cache is not None else index_folder())
    if track is not None:
        arguments["track"] = track
    if folder is None or not _can_keep_index(source.absolute(), folder):
        # A film whose index cannot be written is not opened at all otherwise.
        return arguments | {"cachemode": 0}
    # By default the index would lie in the home folder.
    return arguments | {"cachepath": str(folder)}


def index_folder() -> Path | None:
    """Where the source filter keeps its index files: the user's cache folder; None without a home folder."""
    cache = cache_folder()
    return None if cache is None else cache / "index"


def _for_this_state(source: Path, folder: Path | None) -> Path | None:
    """Where the index of a film lies: the source filter takes that of any film of its name and size."""
    if folder is None:
        return None
    try:
        with source.open("rb") as file:
            state = os.fstat(file.fileno())
            digest = hashlib.sha256(f"{state.st_size} {state.st_mtime_ns}".encode())
            for place in (0, state.st_size // 2, max(0, state.st_size - _LOOKED_AT)):
                file.seek(place)
                digest.update(file.read(_LOOKED_AT))
    except OSError:
        return folder  # A script may be made where the film is not.
    return folder / digest.hexdigest()[:16]


def _index_of(source: Path, folder: Path) -> Path:
    # The source filter's own rule.
    below = re.sub(r'[?*<>|"]', "_", str(source.relative_to(source.anchor))).replace(":", "/")
    return folder / f"{below}.0.bsindex"


def _forget_others(source: Path, folder: Path) -> None:
    """Remove the indexes of films that lay at a film's place before it."""
    with suppress(OSError):
        for other in folder.parent.iterdir():
            file = _index_of(source, other)
            for old in file.parent.glob(f"{glob.escape(file.name.removesuffix('.0.bsindex'))}.*.bsindex"):
                old.unlink()
                for parent in old.parents:
                    if parent == folder.parent or any(parent.iterdir()):
                        break
                    parent.rmdir()


def _can_keep_index(source: Path, folder: Path) -> bool:
    """Whether the source filter's index of a film can be read or written, at the very place where it lies."""
    file = _index_of(source, folder)
    made = [parent for parent in (file.parent, *file.parent.parents) if not parent.exists()]
    try:
        if file.exists():
            return file.is_file() and os.access(file, os.R_OK | os.W_OK)
        _forget_others(source, folder)
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            file.write_bytes(bytes(1 << 16))
        finally:
            file.unlink(missing_ok=True)
    except OSError:
        return False
    finally:
        for parent in made:
            with suppress(OSError):
                parent.rmdir()
    return True


def _marking(scenes: Scenes) -> list[str]:
    """The call of `ddeoldify_scenes`: the list itself, so that the script is whole by itself."""
    *numbers, last = map(str, scenes.firsts)
    # A pair, so that the list is refused for a film of another length.
    numbers.append(last if scenes.end is None else f"({last}, {scenes.end - 1})")
    return [
        "clip = ddeoldify_scenes(",
        "    source,",
        f"    # The first frames of the scenes, as {one_line(scenes.origin)} has them.",
        "    scenes=[",
        *textwrap.wrap(f"{', '.join(numbers)},", 100, initial_indent=" " * 8, subsequent_indent=" " * 8),
        "    ],",
        ")",
        "",
    ]


def _coloured(
    chosen: Preset, scenes: Scenes | None, of_scenes: Sequence[Preset], pictures: Mapping[str, Any]
) -> list[str]:
    """The lines that make the clip in colour."""
    if scenes is None or not of_scenes:
        return _call("clip", chosen, "source" if scenes is None else "clip", pictures)
    distinct = unique(of_scenes)
    if len(distinct) == 1:
        return _call("clip", distinct[0], "clip", pictures)
    places = [distinct.index(own) for own in of_scenes]
    lines = []
    for place, own in enumerate(distinct):
        numbers = [str(number) for number, other in enumerate(places, 1) if other == place]
        text = f"Scene{'s' * (len(numbers) > 1)} {', '.join(numbers)}:"
        lines += textwrap.wrap(text, 108, initial_indent="# ", subsequent_indent="# ")
        lines += [*_call(f"settings_{place + 1}", own, "clip", pictures), ""]
    ends = [*scenes.firsts[1:], scenes.end]
    runs: list[tuple[int, int, int | None]] = []
    for place, first, end in zip(places, scenes.firsts, ends, strict=True):
        if runs and runs[-1][0] == place:
            runs[-1] = place, runs[-1][1], end
        else:
            runs.append((place, first, end))
    return [
        *lines,
        "# Every scene from the clip with its settings. Each of these is the whole film, so that what looks",
        "# at neighbouring frames finds them; only the frames that are asked for are made.",
        "clip = core.std.Splice([",
        *(f"    settings_{place + 1}[{first}:{end or ''}]," for place, first, end in runs),
        "])",
    ]


def unique(presets: Iterable[Preset]) -> list[Preset]:
    """Each of the parameters once, in the order in which they come first."""
    found: list[Preset] = []
    for one in presets:
        if one not in found:
            found.append(one)
    return found


def _call(name: str, chosen: Preset, source: str, pictures: Mapping[str, Any]) -> list[str]:
    """The call of `colorize`, every parameter on a line of its own with its meaning."""
    stabilizer = chosen.stabilizer
    if all(is_off(stabilizer.get(switch)) for switch in FILTERS):
        stabilizer = {switch: stabilizer[switch] for switch in FILTERS if switch in stabilizer}
    return [
        f"{name} = colorize(",
        f"    {source},",
        "    # What is not written below is as this preset has it; change what you like.",
        f"    preset={_literal(chosen.name)},",
        f"    colours={_literal(chosen.colours)},",
        *(f"    {name}={_literal(value)}," for name, value in pictures.items()),
        "    # Colour: only the luma of the clip is looked at, and it is left as it is.",
        *_lines(chosen.ddeoldify, COLOURING),
        "    # Calm the colours.",
        *_lines(stabilizer, stabilizing()),
        ")",
    ]


def _lines(arguments: Mapping[str, Any], parameters: Sequence[Parameter]) -> list[str]:
    notes = {parameter.name: parameter.note for parameter in parameters}
    if "method" in arguments:
        with suppress(ValueError):
            notes["method"] = find_method(arguments["method"]).title
    lines = []
    for name, value in arguments.items():
        note = f"  # {notes[name]}" if name in notes else ""
        lines.append(f"    {name}={_literal(value)},{note}")
    return lines


def _arguments(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={_literal(value)}" for key, value in named(arguments).items())


def _literal(value: Any) -> str:
    """Python text of a value; strings in double quotes where that needs no escapes, as people write them."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    text = repr(value)
    if isinstance(value, str) and text[0] == "'" and '"' not in value and "\\" not in text:
        return f'"{value}"'
    return text
