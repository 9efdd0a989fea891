"""The VapourSynth script of a film."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..cli.options import _METHODS
from ..settings.params import METHODS
from ..settings.presets import Preset
from ..support.files import cache_folder

PLUGIN_MISSING = (
    "the source filter BestSource, which reads films, is not installed: "
    'pip install "vsdeoldify[cli]" (or: pip install vapoursynth-bestsource)'
)

_NOTES = {
    "mweight": "share of DDColor in the mix, 0 to 1",
    "deoldify_p": "model (video, stable, artistic), render factor (10 to 44), saturation, hue in degrees",
    "ddcolor_p": "model (modelscope, artistic, paper_tiny, preview), render factor (10 to 64), and so on",
    "ddtweak": "brighten what DDColor sees, by ddtweak_p",
    "every": "run the networks on every Nth frame only",
    "device_index": "0 to 7: a GPU; 99: the CPU; or a torch device name",
    "torch_dir": "where the model files are",
    "dark": "take colour out of dark areas",
    "dark_p": "up to this luma (0 to 1), this much (0 to 1)",
    "smooth": "soften the colours from dark to bright",
    "smooth_p": "full effect below, none above this luma; kept saturation; taken brightness",
    "stab": "average the colours over neighbouring frames of a scene",
    "stab_p": "number of frames, and how they are weighed",
    "render_factor": "fineness of the colours: a square of 16 times this",
}


def make_script(source: Path, chosen: Preset, *, cache: Path | None = None) -> str:
    """The VapourSynth script that colours a film.

    Args:
        source: the film.
        chosen: the parameters.
        cache: folder of the source filter's index; by default the user's cache folder.

    Returns:
        The script: output 0 is the coloured film, output 1 the source.
    """
    stabilizer = chosen.stabilizer
    lines = [
        "# Colours a film with vsdeoldify; made by: vsdeoldify script",
        f"# Started from the preset {chosen.name!r} with {chosen.colours!r} colours; change what you like.",
        "# Run:  vspipe -c y4m THIS.vpy - | ffmpeg -i - COLOUR.mkv   (vsdeoldify colorize adds the sound.)",
        "import vapoursynth as vs",
        "",
        "from vsdeoldify import ddeoldify, ddeoldify_stabilizer",
        "",
        "core = vs.core",
        "",
        "# Any other source filter will do as well, e.g. core.lsmas.LWLibavSource or core.ffms2.Source.",
        f"source = core.bs.VideoSource({_arguments(source_arguments(source, cache))})",
        "clip = source",
        "",
        "# Colour: only the luma of the clip is looked at, and it is left as it is.",
        *_call("ddeoldify", chosen.ddeoldify),
        "",
    ]
    if any(stabilizer.get(name) for name in ("dark", "smooth", "stab")):
        lines += ["# Calm the colours.", *_call("ddeoldify_stabilizer", stabilizer), ""]
    lines += [
        "if clip.format.color_family == vs.RGB:  # Encoders of films take YUV.",
        "    depth = vs.YUV444P8 if clip.format.bits_per_sample == 8 else vs.YUV444P10",
        '    matrix = "709" if clip.width > 1024 or clip.height > 576 else "170m"',
        "    clip = core.resize.Bicubic(clip, format=depth, matrix_s=matrix)",
        "",
        "clip.set_output(0)",
        "source.set_output(1)  # to compare with",
        "",
    ]
    return "\n".join(lines)


def source_arguments(source: Path, cache: Path | None = None) -> dict[str, Any]:
    """The arguments of `bs.VideoSource`, the same wherever a film is opened so that frames agree."""
    # variableformat: a stream that changes its size half-way is no constant clip otherwise.
    arguments: dict[str, Any] = {"source": str(source.absolute()), "variableformat": 0}
    folder = cache if cache is not None else index_folder()
    if folder is not None:
        # By default the index would lie in the home folder.
        arguments["cachepath"] = str(folder)
    return arguments


def index_folder() -> Path | None:
    """Where the source filter keeps its index files: the user's cache folder."""
    cache = cache_folder()
    return None if cache is None else cache / "index"


def _call(function: str, arguments: Mapping[str, Any]) -> list[str]:
    lines = [f"clip = {function}(", "    clip,"]
    for key, value in arguments.items():
        if key == "method":
            note = _METHODS[METHODS.index(value)] if value in METHODS else ""
        else:
            note = _NOTES.get(key, "")
        lines.append(f"    {key}={_literal(value)}," + (f"  # {note}" if note else ""))
    return [*lines, ")"]


def _arguments(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={_literal(value)}" for key, value in arguments.items())


def _literal(value: Any) -> str:
    """Python text of a value; strings in double quotes where that needs no escapes, as people write them."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    text = repr(value)
    if isinstance(value, str) and text[0] == "'" and '"' not in value and "\\" not in text:
        return f'"{value}"'
    return text
