"""ffmpeg: find it, see what a file holds, and choose how a film is encoded and joined with its sound."""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..cli.errors import USAGE, CommandError

# What the containers hold; None: anything. A film's other streams are copied where they fit.
_AUDIO: dict[str, frozenset[str] | None] = {
    ".mkv": None,
    ".mp4": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac", "dts", "mp2"}),
    ".m4v": frozenset({"aac", "ac3", "alac"}),
    ".mov": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "mp2"}),
    ".webm": frozenset({"opus", "vorbis"}),
}
_NOT_IN_MATROSKA = frozenset({"pcm_dvd", "pcm_bluray", "nellymoser", "adpcm_swf"})
_TEXT_SUBTITLES = frozenset({"subrip", "ass", "ssa", "webvtt", "mov_text", "text"})
CONTAINERS = tuple(_AUDIO)

# Codes of ITU-T H.273, as VapourSynth's properties have them, and ffmpeg's names for them.
_MATRICES = {
    0: "gbr",
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
}
_PRIMARIES = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    10: "smpte428",
    11: "smpte431",
    12: "smpte432",
    22: "jedec-p22",
}
_TRANSFERS = {
    1: "bt709",
    4: "gamma22",
    5: "gamma28",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    9: "log100",
    10: "log316",
    11: "iec61966-2-4",
    12: "bt1361e",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    17: "smpte428",
    18: "arib-std-b67",
}
_CODEC_OPTIONS = frozenset({"-c", "-c:v", "-codec:v", "-vcodec", "-c:v:0"})
_QUALITY_OPTIONS = frozenset({"-crf", "-qp", "-q:v", "-qscale:v", "-b:v", "-b"})
_FILTER_OPTIONS = frozenset({"-vf", "-filter:v"})


@dataclass(frozen=True)
class Stream:
    """One stream of a file.

    Attributes:
        kind: "Video", "Audio", "Subtitle", "Attachment" or "Data".
        codec: ffmpeg's name of the codec.
    """

    kind: str
    codec: str


@dataclass(frozen=True)
class Contents:
    """What a file holds.

    Attributes:
        start: time of its first packet in seconds; ffmpeg counts from there.
        seconds: how long it lasts, 0 where that is unknown.
        streams: in the file's order.
    """

    start: float = 0.0
    seconds: float = 0.0
    streams: tuple[Stream, ...] = ()

    def of_kind(self, kind: str) -> list[Stream]:
        """The streams of a kind, in order."""
        return [stream for stream in self.streams if stream.kind == kind]


@dataclass(frozen=True)
class StreamPlan:
    """How the streams other than the picture go into the output.

    Attributes:
        options: ffmpeg's options, for the source as input number 1.
        notes: what is changed or left out, in sentences.
    """

    options: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())


def find_ffmpeg() -> str:
    """The system's ffmpeg, else the one of the package imageio-ffmpeg.

    Raises:
        CommandError: there is neither.
    """
    if (found := shutil.which("ffmpeg")) is not None:
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        raise CommandError(
            'ffmpeg, which writes films, is not installed: pip install "vsdeoldify[cli]" '
            "(or: pip install imageio-ffmpeg), or install it with your system's package manager"
        ) from None


def contents(ffmpeg: str, path: Path) -> Contents:
    """See what a file holds; imageio-ffmpeg has no ffprobe, so this reads what ``ffmpeg -i`` prints."""
    done = subprocess.run(
        [ffmpeg, "-hide_banner", "-nostdin", "-i", file_argument(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    text = done.stderr.decode(errors="replace")
    start = re.search(r"^\s+Duration: .*?start: (-?[\d.]+)", text, re.MULTILINE)
    length = re.search(r"^\s+Duration: (\d+):(\d+):(\d+\.\d+)", text, re.MULTILINE)
    seconds = float(length[1]) * 3600 + float(length[2]) * 60 + float(length[3]) if length else 0.0
    streams = re.findall(
        r"^\s+Stream #0:\d+(?:\[\w+\])?(?:\([^)]*\))?: (Video|Audio|Subtitle|Attachment|Data): (\w+)",
        text,
        re.MULTILINE,
    )
    return Contents(float(start[1]) if start else 0.0, seconds, tuple(Stream(*stream) for stream in streams))


def file_argument(path: Path) -> str:
    """A path as ffmpeg takes it: a name with a colon or a leading dash is no protocol or option then."""
    return f"file:{path}"


def plan_streams(found: Contents, suffix: str) -> StreamPlan:
    """Copy sound, subtitles, chapters and attachments where the container holds them.

    Args:
        found: the source.
        suffix: the output's ending, one of `CONTAINERS`.
    """
    options: list[str] = []
    notes: list[str] = []
    allowed = _AUDIO[suffix]
    if len(found.of_kind("Video")) > 1:
        notes.append("only the first picture track is coloured; others, and cover pictures, are left out")
    for index, stream in enumerate(found.of_kind("Audio")):
        options += ["-map", f"1:a:{index}"]
        if (
            (allowed is None and stream.codec not in _NOT_IN_MATROSKA)
            or (allowed is not None and stream.codec in allowed)
            or (suffix == ".mov" and stream.codec.startswith("pcm"))
        ):
            options += [f"-c:a:{index}", "copy"]
        else:
            encoder = {".webm": "libopus", ".mkv": "flac"}.get(suffix, "aac")
            options += [f"-c:a:{index}", encoder]
            if encoder != "flac":
                options += [f"-b:a:{index}", "192k"]
            target = encoder.removeprefix("lib")
            notes.append(f"{suffix} files hold no {stream.codec} sound: it is encoded as {target}")
    kept = 0
    for index, stream in enumerate(found.of_kind("Subtitle")):
        text = stream.codec in _TEXT_SUBTITLES
        if suffix == ".mkv":
            codec = "srt" if stream.codec in ("mov_text", "text") else "copy"
        elif not text:
            notes.append(
                f"{suffix} files hold no {stream.codec} subtitles: they are left out (.mkv files keep them)"
            )
            continue
        else:
            codec = "webvtt" if suffix == ".webm" else "mov_text"
            if codec == stream.codec:
                codec = "copy"
        options += ["-map", f"1:s:{index}", f"-c:s:{kept}", codec]
        kept += 1
    if found.of_kind("Attachment"):
        if suffix == ".mkv":
            options += ["-map", "1:t?", "-c:t", "copy"]
        else:
            notes.append(f"{suffix} files hold no attached files (fonts): they are left out")
    options += ["-map_metadata", "1", "-map_chapters", "1"]
    return StreamPlan(tuple(options), tuple(notes))


def colour_filters(properties: Mapping[str, int], width: int, height: int) -> list[str]:
    """ffmpeg's filters that put the source's colour tags and sample aspect ratio on raw frames.

    Args:
        properties: those of a frame of the source.
        width: the source's width.
        height: the source's height.
    """
    tags = [f"range={'pc' if properties.get('_Range') == 1 else 'tv'}"]
    # The colours were made for this matrix; where the source has no tag, it is the one that players assume.
    matrix = properties.get("_Matrix", 2)
    if matrix not in _MATRICES or matrix == 0:
        matrix = 1 if width > 1024 or height > 576 else 6
    tags.append(f"colorspace={_MATRICES[matrix]}")
    for name, option, names in (
        ("_Primaries", "color_primaries", _PRIMARIES),
        ("_Transfer", "color_trc", _TRANSFERS),
    ):
        if (code := properties.get(name, 2)) in names:
            tags.append(f"{option}={names[code]}")
    sar = properties.get("_SARNum", 0), properties.get("_SARDen", 0)
    ratio = f"{sar[0]}/{sar[1]}" if min(sar) > 0 else "1/1"
    return ["setparams=" + ":".join(tags), f"setsar={ratio}:max=100000"]


def copied_tags(properties: Mapping[str, int]) -> list[str]:
    """Options for a copied stream whose codec has no place for the range."""
    return ["-color_range", "pc" if properties.get("_Range") == 1 else "tv"]


def encoder_arguments(
    suffix: str,
    bits: int,
    subsampling: Sequence[int],
    size: tuple[int, int],
    filters: Sequence[str],
    own: Sequence[str],
) -> list[str]:
    """ffmpeg's options that encode a piece of the film.

    Args:
        suffix: the output's ending, one of `CONTAINERS`.
        bits: the source's depth: from 10 bits on the default encoder keeps 10.
        subsampling: log2 of the chroma planes' shrinking, horizontal and vertical; of gray, 1 and 1.
        size: width and height.
        filters: what `colour_filters` gave.
        own: the user's options, which win.
    """
    own = list(own)
    chain = list(filters)
    for index in range(len(own) - 2, -1, -1):
        if own[index] in _FILTER_OPTIONS:
            chain.append(own[index + 1])
            del own[index : index + 2]
    arguments = ["-vf", ",".join(chain)]
    if not _CODEC_OPTIONS & set(own):
        if suffix == ".webm":
            arguments += ["-c:v", "libvpx-vp9", "-row-mt", "1", "-cpu-used", "2"]
            quality = ["-crf", "20", "-b:v", "0"]
        else:
            arguments += ["-c:v", "libx264", "-preset", "medium"]
            quality = ["-crf", "16"]
        # x264 heeds -crf before -qp, whichever comes last.
        arguments += [] if _QUALITY_OPTIONS & set(own) else quality
        arguments += ["-pix_fmt", _pixel_format(bits, subsampling, size)]
    return [*arguments, *own]


def piece_suffix(arguments: Sequence[str]) -> str:
    """The container of the pieces: QuickTime keeps exact times; newer codecs stand in MP4 only."""
    return ".mp4" if re.search(r"vp9|av1|vvc", " ".join(arguments)) else ".mov"


def _pixel_format(bits: int, subsampling: Sequence[int], size: tuple[int, int]) -> str:
    horizontal, vertical = (min(shift, 1) for shift in subsampling)
    # Encoders of 4:2:0 refuse odd sizes.
    if size[0] % 2 or not horizontal:
        layout = "444"
    elif size[1] % 2 or not vertical:
        layout = "422"
    else:
        layout = "420"
    return f"yuv{layout}p" + ("10le" if bits >= 10 else "")


def failure(program: str, code: int, log: str) -> CommandError:
    """The error for a program that failed: how it ended, and the end of what it said."""
    if code < 0:
        how = f"{program} was killed (signal {-code})"
        if -code == 9:
            how += ": perhaps the memory was full"
    else:
        how = f"{program} failed (exit code {code})"
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    # ffmpeg says the cause first and what followed from it last.
    return CommandError(how + (": " + " | ".join(lines[:4]) if lines else ""))


def split_options(text: str) -> list[str]:
    """Split the user's encoder options as a shell would.

    Raises:
        CommandError: a quote is not closed.
    """
    import shlex

    try:
        return shlex.split(text)
    except ValueError as error:
        raise CommandError(f"--encoder-options: {error}", USAGE) from None
