"""How the picture of a film is encoded, with its tags."""

import re
from collections.abc import Mapping, Sequence

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

_CODEC_OPTIONS = frozenset({"-c", "-c:v", "-codec:v", "-vcodec", "-c:v:0"})

_QUALITY_OPTIONS = frozenset({"-crf", "-qp", "-q:v", "-qscale:v", "-b:v", "-b"})

_FILTER_OPTIONS = frozenset({"-vf", "-filter:v"})


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
        matrix = assumed_matrix(width, height)
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
    """The container of the pieces: QuickTime keeps exact times; newer codecs stand in MP4, VP8 in neither."""
    given = " ".join(arguments)
    if re.search(r"vp9|av1|vvc", given):
        return ".mp4"
    return ".nut" if re.search(r"\blibvpx\b|\bvp8", given) else ".mov"


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
