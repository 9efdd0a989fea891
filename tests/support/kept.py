"""What comes out of `colorize` of all that goes in, and the page that says so, docs/what-is-kept.md.

``python tests/support/kept.py`` writes the page.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import vapoursynth as vs
from films import CLICKS, FFMPEG, Seen, coloured, make_film, run_ffmpeg, see
from kept_pictures import PICTURED, PICTURES, Picture, coloured_picture

from vsdeoldify.film import ffmpeg
from vsdeoldify.film.streams import CONTAINERS

PAGE = Path(__file__).parents[2] / "docs" / "what-is-kept.md"
WORDS = {True: "yes", False: "no", None: "–"}


def told(path: Path) -> str:
    """What ffmpeg says of a file."""
    return subprocess.run([FFMPEG, "-i", path], capture_output=True, encoding="utf-8").stderr


def shape(text: str) -> Fraction:
    """The shape of the pixels as a film is shown, by what ffmpeg says of it.

    Where codec and container differ, it is the container's, which players heed.
    """
    found = re.findall(r"SAR (\d+):(\d+)", re.findall(r"Video: .*", text)[0])
    pixels = Fraction(int(found[-1][0]), int(found[-1][1])) if found else Fraction(1)
    return 1 / pixels if re.search(r"rotation of -?90", text) else pixels


def clicks(path: Path) -> list[float]:
    """When the first sound of a film clicks, in seconds."""
    command = [FFMPEG, "-v", "error", "-i", path, "-map", "0:a:0", "-af", "aresample=async=1:first_pts=0"]
    command += ["-ar", "48000", "-ac", "1", "-f", "f32le", "-"]
    samples = np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.float32)
    loud = np.nonzero(np.abs(samples) > 0.3)[0] / 48000
    return [float(t) for i, t in enumerate(loud) if i == 0 or t - loud[i - 1] > 0.2]


def white(seen: Seen) -> list[float]:
    """When the white frames of a film are shown, in seconds."""
    top = (1 << seen.clip.format.bits_per_sample) - 1
    return [t for t, luma in zip(seen.seconds, seen.luma(), strict=True) if luma.mean() > 0.75 * top]


def out_of_step(path: Path, seen: Seen) -> float | None:
    """By how many seconds a click comes after the last white frame; None where nothing clicks near it."""
    flash = white(seen)[-1] - ffmpeg.contents(FFMPEG, path).start
    late = [heard - flash for heard in clicks(path)]
    return min(late, key=abs, default=None)


@dataclass(frozen=True)
class Carried:
    """Everything that a film carries.

    Attributes:
        seen: its picture, as the source filter sees it.
        fields: which field of every frame is first: 2 for top, 1 for bottom, 0 for none.
        pixels: the shape of the pixels.
        streams: of sound, subtitles and attached files: kind, codec, language and marks of each.
        chapters: start, end and title of each.
        title: of the film.
        late: by how many seconds the sound comes after the picture; None without sound.
    """

    seen: Seen
    fields: list[int]
    pixels: Fraction
    streams: list[tuple[str, str, str, frozenset[str]]]
    chapters: list[tuple[float, float, str]]
    title: str
    late: float | None

    def of_kind(self, kind: str) -> list[tuple[str, str, str, frozenset[str]]]:
        """The streams of a kind."""
        return [stream for stream in self.streams if stream[0] == kind]


def carried(path: Path, rate: Fraction | None = None) -> Carried:
    """Read a film.

    Args:
        path: the file, or the pattern of numbered pictures.
        rate: of numbered pictures.
    """
    seen = see(path)
    if rate is not None:
        # They have no times of their own, and scanners write full range.
        clip = seen.clip.std.AssumeFPS(fpsnum=rate.numerator, fpsden=rate.denominator)
        seen = Seen(clip, {"_Range": vs.RANGE_FULL}, [float(n / rate) for n in range(len(clip))])
    fields = [frame.props.get("_FieldBased", 0) for frame in seen.clip.frames(close=True)]
    text = told(path) if rate is None else ""
    streams = [
        (
            kind,
            codec,
            "" if language in (None, "und") else language,
            frozenset(re.findall(r"\(([a-z ]+)\)", rest)),
        )
        for language, kind, codec, rest in re.findall(
            r"Stream #0:\d+(?:\[\w+\])?(?:\((\w+)\))?: (Audio|Subtitle|Attachment): (\w+)(.*)", text
        )
    ]
    chapters = re.findall(
        r"Chapter #\S+: start ([\d.]+), end ([\d.]+)\n\s+Metadata:\n\s+title\s+: (.*)", text
    )
    title = re.search(r"^  Metadata:\n(?:    .*\n)*?    title\s+: (.*)$", text, re.MULTILINE)
    late = out_of_step(path, seen) if any(kind == "Audio" for kind, *_ in streams) else None
    return Carried(
        seen,
        fields,
        shape(text) if rate is None else Fraction(1),
        streams,
        [(float(start), float(end), name) for start, end, name in chapters],
        title[1] if title else "",
        late,
    )


def same_chapters(before: Carried, after: Carried) -> bool:
    """Whether chapters begin and end with the same frames.

    ffmpeg before 6 begins a film with what decoders drop of its sound, and so the picture later.
    """
    later = after.seen.seconds[0] - before.seen.seconds[0]
    return [name for *_, name in before.chapters] == [name for *_, name in after.chapters] and all(
        abs(there - here - later) < 0.03
        for one, other in zip(before.chapters, after.chapters, strict=True)
        for here, there in zip(one[:2], other[:2], strict=True)
    )


TAGS = "setparams=colorspace={0}:color_primaries={0}:color_trc={1}"
HD = TAGS.format("bt709", "bt709")
PAL = TAGS.format("bt470bg", "smpte170m")
NTSC = TAGS.format("smpte170m", "smpte170m")
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "10")
FIELDS = ("-flags", "+ildct+ilme")


@dataclass(frozen=True)
class Source:
    """A kind of film.

    Attributes:
        name: on the page.
        suffix: of its file; of numbered pictures, of each.
        make: writes it.
        encoder: one of ffmpeg's that it needs.
        reel: whether it is numbered pictures.
    """

    name: str
    suffix: str
    make: Callable[[Path], object]
    encoder: str = "libx264"
    reel: bool = False


def _film(
    *options: str, filters: str = "", size: str = "96x64", rate: str = "20"
) -> Callable[[Path], object]:
    return lambda path: make_film(path, *options, filters=filters, size=size, rate=rate, seconds=0.6)


def _fields(*options: str, order: str, filters: str, size: str = "96x64") -> Callable[[Path], object]:
    filters = f"{filters},setparams=field_mode={order}"
    return _film(*FIELDS, *options, filters=filters, size=size, rate="30000/1001")


def _from(
    *options: str, filters: str = "", before: Sequence[str] = (), **more: str
) -> Callable[[Path], object]:
    """A film that another one becomes when its streams are copied."""

    def make(path: Path) -> None:
        whole = path.with_name(f"whole_{path.stem}.mp4")
        make_film(
            whole, *X264, "-g", "5", "-c:a", "aac", filters=filters, seconds=float(more.get("seconds", 0.6))
        )
        run_ffmpeg(*before, "-i", whole, *options, "-c", "copy", path)

    return make


def _with_cover(path: Path) -> None:
    whole, cover = path.with_name("whole.mp4"), path.with_name("cover.png")
    make_film(whole, *X264, "-c:a", "aac", seconds=0.6)
    run_ffmpeg("-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1", cover)
    run_ffmpeg(
        *("-i", cover, "-i", whole, "-map", "0", "-map", "1", "-c", "copy"),
        *("-disposition:v:0", "attached_pic", "-disposition:v:1", "default", path),
    )


def laden(path: Path) -> None:
    """A film with all that can lie beside a picture, which starts later than its sound."""
    folder = path.parent
    (folder / "s.srt").write_text("1\n00:00:00,200 --> 00:00:00,400\nBonjour\n\n")
    (folder / "c.txt").write_text(
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=300\ntitle=One\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=300\nEND=900\ntitle=Two\n"
    )
    (folder / "font.ttf").write_bytes(b"font")
    make_film(folder / "p.mkv", "-an", *X264, seconds=1)
    run_ffmpeg(*CLICKS, "-t", "1.2", "-c:a", "aac", folder / "a.m4a")
    run_ffmpeg(
        *("-itsoffset", "0.5", "-i", folder / "p.mkv", "-i", folder / "a.m4a"),
        *("-i", folder / "s.srt", "-i", folder / "c.txt"),
        *("-map", "0", "-map", "1", "-map", "1", "-map", "2", "-map_chapters", "3", "-c", "copy"),
        *("-metadata:s:a:0", "language=fra", "-metadata:s:a:1", "language=deu"),
        *("-metadata:s:s:0", "language=fra", "-disposition:a:1", "comment", "-metadata", "title=The film"),
        *("-attach", folder / "font.ttf", "-metadata:s:t", "mimetype=application/x-truetype-font", path),
    )


def rich(path: Path) -> Path:
    """A film in fields, of full range, with every colour tag, chroma at the top left and oblong pixels."""
    tags = "range=pc:colorspace=bt709:color_primaries=bt709:color_trc=smpte240m:field_mode=tff"
    filters = f"hue=s=0,format=yuv420p,geq=lum='X*2+N*8':cb=128:cr=128,setparams={tags},setsar=64/45"
    run_ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=96x64:r=30000/1001", "-frames:v", "4", "-vf", filters),
        *("-color_range", "pc", "-chroma_sample_location", "topleft", "-c:v", "ffv1", path),
    )
    return path


UNEVEN = "select='lt(n,4)+not(mod(n,3))+eq(n,10)'"
SOURCES = (
    Source("H.264, AAC", ".mp4", _film(*X264, "-c:a", "aac", filters=HD)),
    Source("H.264 without colour (4:0:0)", ".mkv", _film(*X264, "-c:a", "aac", filters="format=gray")),
    Source("H.264 with all that lies beside a picture", ".mkv", laden),
    Source(
        "H.264 of a telephone, turned",
        ".mp4",
        _from(filters="setsar=4/3", before=("-display_rotation:v:0", "90")),
    ),
    Source(
        "H.264 of a variable rate", ".mp4", _film(*X264, "-fps_mode", "vfr", "-c:a", "aac", filters=UNEVEN)
    ),
    Source("H.264 with a cover", ".mp4", _with_cover),
    Source("H.264, cut without encoding it (edit list)", ".mp4", _from(before=("-ss", "0.4"), seconds="1.6")),
    Source(
        "HEVC, 10 bits, HDR, AC-3",
        ".mkv",
        _film(
            *("-c:v", "libx265", "-x265-params", "log-level=none", "-preset", "ultrafast", "-c:a", "ac3"),
            filters="format=yuv420p10,setparams=colorspace=bt2020nc:color_primaries=bt2020:color_trc=smpte2084",
        ),
        "libx265",
    ),
    Source(
        "AV1, Opus",
        ".mp4",
        _film("-c:v", "libsvtav1", "-preset", "12", "-c:a", "libopus", filters=HD),
        "libsvtav1",
    ),
    Source(
        "VP9, Opus",
        ".webm",
        _film("-c:v", "libvpx-vp9", "-cpu-used", "8", "-c:a", "libopus", filters=HD),
        "libvpx-vp9",
    ),
    Source(
        "MPEG-2 of a broadcast, top field first",
        ".ts",
        _fields(
            *("-c:v", "mpeg2video", "-q:v", "3", "-c:a", "mp2"), order="tff", filters=f"{PAL},setsar=16/15"
        ),
        "mpeg2video",
    ),
    Source(
        "MPEG-2 of a DVD, bottom field first",
        ".vob",
        _fields(
            *("-c:v", "mpeg2video", "-q:v", "3", "-c:a", "ac3", "-muxpreload", "1"),
            order="bff",
            filters=f"{NTSC},setsar=8/9",
        ),
        "mpeg2video",
    ),
    Source(
        "MPEG-2 4:2:2 of a station, PCM",
        ".mxf",
        _fields(
            *("-c:v", "mpeg2video", "-q:v", "3", "-c:a", "pcm_s16le"),
            order="tff",
            filters=f"format=yuv422p,{HD}",
        ),
        "mpeg2video",
    ),
    Source(
        "DV (4:1:1), PCM",
        ".avi",
        _fields(
            "-c:v", "dvvideo", "-c:a", "pcm_s16le", order="bff", filters="format=yuv411p", size="720x480"
        ),
        "dvvideo",
    ),
    Source(
        "ProRes 4:2:2, 10 bits, PCM",
        ".mov",
        _fields("-c:v", "prores_ks", "-c:a", "pcm_s16le", order="tff", filters=f"format=yuv422p10,{HD}"),
        "prores_ks",
    ),
    Source(
        "v210 (4:2:2, 10 bits), PCM",
        ".mov",
        _film("-c:v", "v210", "-c:a", "pcm_s24le", filters=f"format=yuv422p10,{HD}"),
        "v210",
    ),
    Source(
        "Huffyuv (4:2:2), PCM",
        ".avi",
        _film("-c:v", "huffyuv", "-c:a", "pcm_s16le", filters="format=yuv422p"),
        "huffyuv",
    ),
    Source(
        "MPEG-4 with B-frames, MP2",
        ".avi",
        _film("-c:v", "mpeg4", "-bf", "2", "-q:v", "2", "-c:a", "mp2"),
        "mpeg4",
    ),
    Source(
        "MJPEG, full range, PCM",
        ".avi",
        _film(
            "-c:v",
            "mjpeg",
            "-q:v",
            "2",
            "-color_range",
            "pc",
            "-c:a",
            "pcm_s16le",
            filters="scale=out_range=pc,format=yuvj420p",
        ),
        "mjpeg",
    ),
    Source("Windows Media", ".wmv", _film("-c:v", "wmv2", "-q:v", "2", "-c:a", "wmav2"), "wmv2"),
    Source("Flash video", ".flv", _film("-c:v", "flv", "-q:v", "2", "-c:a", "aac"), "flv"),
    Source(
        "FFV1, gray, full range, FLAC",
        ".mkv",
        _film("-c:v", "ffv1", "-color_range", "pc", "-c:a", "flac", filters="format=gray,setparams=range=pc"),
        "ffv1",
    ),
    Source(
        "FFV1, 16 bits, odd size",
        ".mkv",
        _film("-c:v", "ffv1", "-an", filters="format=gray16,crop=95:63,format=yuv444p16"),
        "ffv1",
    ),
    Source("FFV1, RGB", ".mkv", _film("-c:v", "ffv1", "-an", filters="format=gbrp"), "ffv1"),
    Source(
        "Scanned reel, 10 bits",
        ".dpx",
        _film("-c:v", "dpx", "-an", filters="format=gbrp10", rate="18"),
        "dpx",
        reel=True,
    ),
)

OWN = {
    "libx264": "",
    "libx265": "-c:v libx265 -preset ultrafast",
    "libvpx-vp9": "-c:v libvpx-vp9 -cpu-used 8 -crf 20 -b:v 0",
    "libsvtav1": "-c:v libsvtav1 -preset 12",
    "ffv1": "-c:v ffv1",
    "utvideo": "-c:v utvideo",
    "huffyuv": "-c:v huffyuv -pix_fmt yuv422p",
    "prores_ks": "-c:v prores_ks",
    "mpeg2video": "-c:v mpeg2video -q:v 2",
    "mpeg4": "-c:v mpeg4 -q:v 2",
    "mjpeg": "-c:v mjpeg -q:v 2",
}
"""The encoders of the page, with a user's options for each."""

ENCODINGS = (
    *(("libx264", suffix) for suffix in (".mkv", ".mp4", ".m4v", ".mov")),
    *(("libx265", suffix) for suffix in (".mkv", ".mp4")),
    *(
        ("libvpx-vp9", ".webm"),
        ("libsvtav1", ".mp4"),
        ("ffv1", ".mkv"),
        ("ffv1", ".mov"),
        ("utvideo", ".mkv"),
    ),
    *(
        ("huffyuv", ".mkv"),
        ("prores_ks", ".mov"),
        ("mpeg2video", ".mkv"),
        ("mpeg4", ".mp4"),
        ("mjpeg", ".mkv"),
    ),
)

COLOURS = {"matrix": "_Matrix", "primaries": "_Primaries", "transfer": "_Transfer"}


def differences(before: Carried, after: Carried) -> dict[str, bool | None]:
    """What of a film is the same in another; None where it has no such thing.

    Args:
        before: the source.
        after: the result.
    """
    one, other = before.seen, after.seen
    first, second = one.clip.format, other.clip.format

    def same(name: str, default: int) -> bool | None:
        value = one.properties.get(name, default)
        return None if value == default else other.properties.get(name, default) == value

    # The colours of RGB are made anew, in the matrix that goes with its size.
    rgb = first.color_family == vs.RGB and one.properties.get("_Matrix") == vs.MATRIX_RGB
    small = first.subsampling_w == first.subsampling_h == 1

    def streams(kind: str) -> bool | None:
        return before.of_kind(kind) == after.of_kind(kind) if before.of_kind(kind) else None

    deep = first.bits_per_sample == second.bits_per_sample
    return {
        "frames": len(one.clip) == len(other.clip),
        "times": same_times(one.seconds, other.seconds),
        "fields": before.fields == after.fields if any(before.fields) else None,
        "size": (one.clip.width, one.clip.height) == (other.clip.width, other.clip.height),
        "shape of the pixels": None if before.pixels == 1 else abs(after.pixels / before.pixels - 1) < 0.005,
        "range": same("_Range", -1) is not False,
        **{name: None if rgb else same(key, vs.MATRIX_UNSPECIFIED) for name, key in COLOURS.items()},
        # Where a film says nothing, players take it for lying left.
        "place of the chroma": same("_ChromaLocation", 0) is not False if small else None,
        "luma": None if rgb else deep and bool(np.array_equal(one.luma(), other.luma())),
        "sound": streams("Audio"),
        "sound in step": None if before.late is None else abs((after.late or 9) - before.late) < 0.01,
        "subtitles": streams("Subtitle"),
        "chapters": same_chapters(before, after) if before.chapters else None,
        "title": before.title == after.title if before.title else None,
        "attached files": streams("Attachment"),
    }


def same_times(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether frames are shown at the same times, as far as known, to within what Matroska rounds."""
    if len(one) != len(other):
        return False
    known = [n for n, time in enumerate(one) if abs(time) < 1e9]
    steps = [(time - one[known[0]]) - (other[n] - other[known[0]]) for n in known for time in [one[n]]]
    return max(map(abs, steps)) < 0.0021


def row_of(cells: Sequence[str]) -> str:
    """A line of a table."""
    marked = (f"`{cell}`" if cell.startswith(".") or cell in OWN else cell for cell in cells)
    return "| " + " | ".join(marked) + " |"


CELLS: dict[str, tuple[str, ...]] = {
    "frames, times": ("frames", "times"),
    "fields": ("fields",),
    "size, shape of the pixels": ("size", "shape of the pixels"),
    "range": ("range",),
    "matrix, primaries, transfer": ("matrix", "primaries", "transfer"),
    "place of the chroma": ("place of the chroma",),
    "luma": ("luma",),
    "sound, in step": ("sound", "sound in step"),
    "subtitles, chapters, title, fonts": ("subtitles", "chapters", "title", "attached files"),
}
"""The columns of the table of sources, and what each of them sums up."""


@dataclass(frozen=True)
class Row:
    """A line of the page, and what was said before the work.

    Attributes:
        cells: as they stand there.
        kept: what they sum up.
        said: by the command.
    """

    cells: tuple[str, ...]
    kept: Mapping[str, bool | None]
    said: str

    def __str__(self) -> str:
        return row_of(self.cells)


def source_row(source: Source, folder: Path) -> Row:
    """What of a kind of film comes out, by ffv1 into .mkv."""
    path = folder / (f"in_%04d{source.suffix}" if source.reel else f"in{source.suffix}")
    source.make(path)
    output = folder / "out.mkv"
    reel = ("--film", "--fps", "18") if source.reel else ()
    said = coloured(path, output, "--encoder-options", "-c:v ffv1", *reel)
    before = carried(path, Fraction(18) if source.reel else None)
    kept = differences(before, carried(output))
    cells = []
    for names in CELLS.values():
        found = {kept[name] for name in names} - {None}
        cells.append("–" if not found else WORDS[found == {True}])
    return Row((source.name, source.suffix, *cells), kept, said)


ENCODED = (
    *(
        "range",
        "matrix",
        "primaries",
        "transfer",
        "place of the chroma",
        "fields",
        "shape of the pixels",
        "luma",
    ),
)
"""The columns of the table of encoders."""


def encoding_row(codec: str, suffix: str, source: Path, folder: Path) -> Row:
    """What of a `rich` film an encoder and a container keep."""
    output = folder / f"out{suffix}"
    said = coloured(source, output, "--encoder-options", OWN[codec])
    before, after = carried(source), carried(output)
    kept = differences(before, after)
    small = after.seen.clip.format.subsampling_w == after.seen.clip.format.subsampling_h == 1
    kept |= {
        # What is not told is taken for limited, and for lying left; of 4:2:2 and 4:4:4 it always does.
        "range": after.seen.properties.get("_Range", vs.RANGE_LIMITED) == before.seen.properties["_Range"],
        "place of the chroma": kept["place of the chroma"] if small else None,
    }
    return Row((codec, suffix, *(WORDS[kept[name]] for name in ENCODED)), kept, said)


def container_row(suffix: str, source: Path, folder: Path) -> Row:
    """What of a film with all that can lie beside a picture a container keeps."""
    output = folder / f"out{suffix}"
    said = coloured(source, output)
    before, after = carried(source), carried(output)
    kept = differences(before, after)
    codecs = {kind: [stream[1] for stream in after.of_kind(kind)] for kind in ("Audio", "Subtitle")}
    # Two names of one language.
    languages = [
        stream[2].replace("ger", "deu") for stream in (*after.of_kind("Audio"), *after.of_kind("Subtitle"))
    ]
    cells = (
        "yes" if codecs["Audio"] == ["aac", "aac"] else f"as {codecs['Audio'][0]}",
        "yes" if codecs["Subtitle"] == ["subrip"] else f"as {codecs['Subtitle'][0]}",
        WORDS[languages == ["fra", "deu", "fra"]],
        WORDS[any("comment" in stream[3] for stream in after.streams)],
        *(WORDS[kept[name]] for name in ("chapters", "title", "attached files", "sound in step")),
    )
    kept |= {"start": abs(after.seen.seconds[0] - before.seen.seconds[0]) < 0.05}
    return Row((suffix, *cells), kept, said)


BESIDE = (
    "AAC sound",
    "subtitles as text",
    "languages",
    "mark of a comment",
    "chapters",
    "title",
    "attached files",
    "sound in step",
)
"""The columns of the table of containers."""


def picture_row(picture: Picture, folder: Path) -> Row:
    """What of a kind of picture comes out."""
    kept, said = coloured_picture(picture, folder)
    return Row((picture.name, picture.suffix, *(WORDS[kept[name]] for name in PICTURED)), kept, said)


HEADS = {
    "Every kind of source": ("source", "file", *CELLS),
    "The picture": ("encoder", "container", *ENCODED),
    "What lies beside the picture": ("container", *BESIDE),
    "Pictures": ("source", "file", *PICTURED),
}

TEXT = """\
# What is kept of a film

`vsdeoldify colorize` keeps what a film carries, as far as the encoder and the container of the result have a
place for it. These tables are made by a test from films that have everything. What your own film loses is
said before the work begins, with what keeps it.

Always kept: the frames, each at its time; and without `--encoder-options`, all of the picture's tags in
`.mkv`, `.mp4`, `.m4v` and `.mov`.

## Every kind of source

What comes out in `.mkv` with `--encoder-options "-c:v ffv1"`, read back from both files. *Luma* says whether
it comes out bit for bit; "–" stands for what the source does not have. Films in RGB get a luma of their own,
of limited range.

{Every kind of source}

## The picture

Of an interlaced film of full range. *Luma* says whether it comes out bit for bit. Where *range* is "no", the
brightness is converted to the range that there is, so that the picture looks as it did.

{The picture}

## What lies beside the picture

{What lies beside the picture}

`.mov` files have numbers for some 90 languages; another one is named before the work begins. Pictures that
are subtitles stay in `.mkv` only. A stream that cannot go along at all is left out and named, and so are data
tracks (time codes).

## Pictures

What comes out in a file of the same kind; *size* is that of the picture as it is shown, turned where a note
in the file says so. What [each format has a place for](command-line.md#colorize-pictures) is another table.

{Pictures}
"""


def page(rows: Mapping[str, Sequence[str]]) -> str:
    """The page.

    Args:
        rows: lines of the tables, by their headings.
    """
    text = TEXT
    for heading, columns in HEADS.items():
        lines = [row_of(columns), "|" + "---|" * len(columns), *rows[heading]]
        text = text.replace("{" + heading + "}", "\n".join(lines))
    return text


def rows_of(text: str) -> dict[str, list[str]]:
    """The lines of a page's tables, by their headings."""
    parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)[1:]
    return {
        heading: [line for line in part.splitlines() if line.startswith("|")][2:]
        for heading, part in zip(parts[::2], parts[1::2], strict=True)
    }


def made(folder: Path) -> dict[str, list[str]]:
    """The rows of all tables, from films made now."""

    def place(name: str) -> Path:
        path = folder / re.sub(r"\W+", "_", name)
        path.mkdir()
        return path

    given = rich(place("rich") / "in.mkv")
    full = place("laden") / "in.mkv"
    laden(full)
    return {
        "Every kind of source": [str(source_row(source, place(source.name))) for source in SOURCES],
        "The picture": [str(encoding_row(*pair, given, place("".join(pair)))) for pair in ENCODINGS],
        "What lies beside the picture": [
            str(container_row(s, full, place(f"beside{s}"))) for s in CONTAINERS
        ],
        "Pictures": [str(picture_row(picture, place(picture.name))) for picture in PICTURES],
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        PAGE.write_text(page(made(Path(temporary))), encoding="utf-8")
    sys.exit(0)
