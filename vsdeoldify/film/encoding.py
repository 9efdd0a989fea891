"""How the picture of a film is encoded, with its tags."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..support.h273 import assumed_matrix

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
    4: "bt470m",
    5: "bt470bg",
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

_GAMMAS = {"bt470m": "gamma22", "bt470bg": "gamma28"}
"""What the option calls a transfer that the filter calls otherwise; ffmpeg before 6 knows no second name."""

_LOCATIONS = {0: "left", 1: "center", 2: "topleft", 3: "top", 4: "bottomleft", 5: "bottom"}

# Which field is shown first, by VapourSynth's numbers.
_FIELDS = {0: "prog", 1: "bff", 2: "tff"}

_CODEC_OPTIONS = frozenset({"-c", "-c:v", "-codec:v", "-vcodec", "-c:v:0"})

_QUALITY_OPTIONS = frozenset({"-crf", "-qp", "-q:v", "-qscale:v", "-b:v", "-b"})

FILTER_OPTIONS = frozenset({"-vf", "-filter:v"})


@dataclass(frozen=True)
class Tags:
    """What a film says of its frames, in ffmpeg's words; None where it says nothing.

    Attributes:
        full: whether the range is full.
        matrix: of the colours; where the source has none, the one that players assume.
        primaries: of the colours.
        transfer: of the brightness.
        location: where the chroma of 4:2:0 lies.
        fields: "prog" for whole frames, else which field is first: "tff" or "bff".
        sar: shape of the pixels, as in "64/45".
    """

    full: bool
    matrix: str
    primaries: str | None
    transfer: str | None
    location: str | None
    fields: str
    sar: str


def tags_of(properties: Mapping[str, int], width: int, height: int) -> Tags:
    """The tags of a film.

    Args:
        properties: those of a frame of the source.
        width: the source's width.
        height: the source's height.
    """
    # The colours were made for this matrix; where the source has no tag, it is the one that players assume.
    matrix = properties.get("_Matrix", 2)
    if matrix not in _MATRICES or matrix == 0:
        matrix = assumed_matrix(width, height)
    sar = properties.get("_SARNum", 0), properties.get("_SARDen", 0)
    return Tags(
        full=properties.get("_Range") == 1,
        matrix=_MATRICES[matrix],
        primaries=_PRIMARIES.get(properties.get("_Primaries", 2)),
        transfer=_TRANSFERS.get(properties.get("_Transfer", 2)),
        location=_LOCATIONS.get(properties.get("_ChromaLocation", -1)),
        fields=_FIELDS.get(properties.get("_FieldBased", 0), "prog"),
        sar=f"{sar[0]}/{sar[1]}" if min(sar) > 0 else "1/1",
    )


def colour_filters(properties: Mapping[str, int], width: int, height: int) -> list[str]:
    """ffmpeg's filters that put the source's tags and sample aspect ratio on raw frames.

    Args:
        properties: those of a frame of the source.
        width: the source's width.
        height: the source's height.
    """
    tags = tags_of(properties, width, height)
    named = [f"range={_range(tags.full)}", f"colorspace={tags.matrix}", f"field_mode={tags.fields}"]
    if tags.primaries:
        named.append(f"color_primaries={tags.primaries}")
    if tags.transfer:
        named.append(f"color_trc={tags.transfer}")
    return ["setparams=" + ":".join(named), f"setsar={tags.sar}:max=100000"]


def copied_tags(tags: Tags, full: bool, rgb: bool) -> list[str]:
    """Options for a copied stream whose codec, or the pieces' container, has no place for the tags.

    Args:
        tags: the film's.
        full: the range in which it was encoded.
        rgb: whether the encoder took RGB, whose range and matrix are its own.
    """
    options = [] if rgb else ["-color_range", _range(full), "-colorspace", tags.matrix]
    for option, value in (
        ("-color_primaries", tags.primaries),
        ("-color_trc", _GAMMAS.get(tags.transfer or "", tags.transfer)),
        ("-chroma_sample_location", tags.location),
        ("-field_order", {"tff": "tt", "bff": "bb"}.get(tags.fields, "progressive")),
    ):
        options += [option, value] if value else []
    return options


def encoder_arguments(
    suffix: str,
    bits: int,
    subsampling: Sequence[int],
    size: tuple[int, int],
    properties: Mapping[str, int],
    own: Sequence[str],
    full: bool | None,
    by_fields: bool = True,
) -> list[str]:
    """ffmpeg's options that encode a piece of the film.

    Args:
        suffix: the output's ending, one of `CONTAINERS`.
        bits: the source's depth: from 10 bits on the default encoder keeps 10.
        subsampling: log2 of the chroma planes' shrinking, horizontal and vertical; of gray, 1 and 1.
        size: width and height.
        properties: those of a frame of the source.
        own: the user's options, which win.
        full: the range in which it is encoded; None leaves that to the encoder.
        by_fields: tell the encoder of an interlaced film's fields.
    """
    own = list(own)
    tags = tags_of(properties, *size)
    chain = colour_filters(properties, *size)
    own_filters = []
    for index in range(len(own) - 2, -1, -1):
        if own[index] in FILTER_OPTIONS:
            own_filters.append(own[index + 1])
            del own[index : index + 2]
    chain += own_filters
    if full is not None and not own_filters:
        # Where the encoder takes another format, ffmpeg would otherwise choose the range by itself, and mix
        # the chroma of two fields.
        fields = ":interl=1" if tags.fields != "prog" else ""
        chain.append(f"scale=in_range={_range(tags.full)}:out_range={_range(full)}{fields}")
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
        arguments += ["-pix_fmt", _pixel_format(bits, subsampling, size, tags.fields)]
    if full is not None:
        arguments += ["-color_range", _range(full)]
        if tags.location:
            arguments += ["-chroma_sample_location", tags.location]
    if tags.fields != "prog" and by_fields:
        arguments += ["-flags", "+ildct+ilme"]
        own = _with_fields(own, tags.fields, codec_of([*arguments, *own]))
    return [*arguments, *own]


def codec_of(arguments: Sequence[str]) -> str:
    """The encoder that ffmpeg's options name."""
    named = [value for option, value in pairwise(arguments) if option in _CODEC_OPTIONS]
    return named[-1] if named else "libx264"


def _with_fields(own: Sequence[str], fields: str, codec: str) -> list[str]:
    """The user's options and x264's for the order of fields, which it writes before it has seen a frame."""
    if not codec.startswith("libx264"):
        return list(own)
    option = "-x264-params"
    if option not in own[:-1]:
        return [option, f"{fields}=1", *own]
    place = len(own) - 2 - list(own[-2::-1]).index(option)
    return [*own[: place + 1], f"{fields}=1:{own[place + 1]}", *own[place + 2 :]]


def _range(full: bool) -> str:
    return "pc" if full else "tv"


def piece_suffix(arguments: Sequence[str]) -> str:
    """The container of the pieces: QuickTime keeps exact times; newer codecs stand in MP4, VP8 in neither."""
    given = " ".join(arguments)
    if re.search(r"vp9|av1|vvc", given):
        return ".mp4"
    return ".nut" if re.search(r"\blibvpx\b|\bvp8", given) else ".mov"


def _pixel_format(bits: int, subsampling: Sequence[int], size: tuple[int, int], fields: str) -> str:
    horizontal, vertical = (min(shift, 1) for shift in subsampling)
    # Encoders of 4:2:0 refuse odd sizes, and fields of odd height.
    if size[0] % 2 or not horizontal:
        layout = "444"
    elif size[1] % (2 if fields == "prog" else 4) or not vertical:
        layout = "422"
    else:
        layout = "420"
    return f"yuv{layout}p" + ("10le" if bits >= 10 else "")
