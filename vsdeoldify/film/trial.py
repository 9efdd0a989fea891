"""Try an encoder and a container on a film's format, and see what they keep, before the work begins."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from pathlib import Path

from ..support.errors import FilmError
from .encoding import FILTER_OPTIONS, Tags, codec_of, copied_tags, encoder_arguments, piece_suffix, tags_of
from .ffmpeg import file_argument
from .process import process
from .source import Film
from .work import encoder_process, with_headers

_GRAY = 192
"""Luma of the trial's frames, as at 8 bits: far enough from where both ranges agree."""
_TOLERANCE = 4


_HOLD_LOCATION = frozenset({"libx264", "libx265", "libvpx-vp9", "libsvtav1", "libaom-av1"})
_MATROSKA_HOLDS_LOCATION = frozenset({"ffv1", "utvideo", "ffvhuff"})
"""Codecs that have no place for where the chroma lies, and leave that to the container."""

_BT601 = frozenset({"smpte170m", "bt470bg"})
"""Two names of one matrix."""


@dataclass(frozen=True)
class Trial:
    """An encoder's way to a film's format, and what comes of it.

    Attributes:
        encoder: ffmpeg's options that encode a piece.
        piece: a piece of two gray frames; None where the encoder refuses the film.
        tags: options for the joined film.
        notes: what is changed or lost, in sentences.
    """

    encoder: list[str]
    piece: Path | None
    tags: list[str]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Shown:
    """A film's first frame as ffmpeg decodes it; None where nothing is said."""

    format: str
    location: str | None
    sar: Fraction
    fields: str
    luma: int
    range: str | None
    matrix: str | None
    primaries: str | None
    transfer: str | None

    @property
    def rgb(self) -> bool:
        return re.match(r"gbr|rgb|bgr|[0a]rgb|[0a]bgr|x2", self.format) is not None

    @property
    def bits(self) -> int:
        depth = re.search(r"(?:p|gray|p0)(\d+)[lb]e$", self.format)
        return int(depth[1]) if depth else 8

    @property
    def full(self) -> bool:
        return self.range == "pc"


def try_encoder(film: Film, suffix: str, own: Sequence[str], program: str, folder: Path) -> Trial:
    """Choose how a film's range and fields are handed to an encoder, by what it makes of two gray frames.

    Args:
        film: the film.
        suffix: the output's ending, one of `CONTAINERS`.
        own: the user's options for ffmpeg.
        program: ffmpeg.
        folder: where the piece goes.
    """
    tags = tags_of(film.properties, film.width, film.height)
    possible: Trial | None = None
    ranges = (tags.full, not tags.full, None)
    for by_fields, full in product((True, False) if tags.fields != "prog" else (True,), ranges):
        encoder = _arguments(film, suffix, own, full, by_fields)
        piece = folder / f"try{piece_suffix(encoder)}"
        if not _encode(film, encoder, program, piece):
            continue
        seen = _shown(program, piece)
        rgb = seen is not None and seen.rgb
        options = copied_tags(tags, tags.full if full is None else full, rgb)
        joined = folder / f"kept{suffix}"
        seen = _shown(program, joined) if _copy(program, piece, options, joined) else None
        notes = () if seen is None else _notes(tags, seen, codec_of(encoder), suffix)
        trial = Trial(encoder, piece, options, notes)
        if seen is None or seen.rgb or _right(tags, seen, full, bool(FILTER_OPTIONS & {*own})):
            return trial
        possible = possible or trial
    if possible is None:
        # The encoder's own troubles are told by the first piece.
        encoder = _arguments(film, suffix, own, tags.full, True)
        return Trial(encoder, None, copied_tags(tags, tags.full, False), ())
    return possible


def _arguments(film: Film, suffix: str, own: Sequence[str], full: bool | None, by_fields: bool) -> list[str]:
    size = film.width, film.height
    return encoder_arguments(suffix, film.bits, film.subsampling, size, film.properties, own, full, by_fields)


def _right(tags: Tags, seen: _Shown, full: bool | None, filtered: bool) -> bool:
    """Whether a decoded frame is as bright as the gray one was."""
    if full is not None and seen.full != full:
        return False
    expected = float(_GRAY)
    if seen.full and not tags.full:
        expected = (expected - 16) * 255 / 219
    elif tags.full and not seen.full:
        expected = expected * 219 / 255 + 16
    # Filters of the user's may change the brightness.
    return filtered or abs(seen.luma / 2 ** (seen.bits - 8) - expected) < _TOLERANCE


def _notes(tags: Tags, seen: _Shown, codec: str, suffix: str) -> tuple[str, ...]:
    """What the film says of itself and the result does not, in sentences."""
    where = f"{codec} in {suffix} files"
    notes = []
    if not seen.rgb and seen.full != tags.full:
        kind = "full" if seen.full else "limited"
        notes.append(
            f"{where} holds {kind} range only: the brightness is converted to it and rounded "
            "(libx264, or ffv1 in .mkv files, keeps it as it is)"
        )
    if tags.fields != "prog" and seen.fields != tags.fields:
        notes.append(
            f"{where} does not tell which lines belong to which field: players will take the film for "
            "progressive (libx264 and ffv1 keep the fields; or deinterlace the film first)"
        )
    lost = []
    same = seen.matrix in (None, tags.matrix) or {seen.matrix, tags.matrix} <= _BT601
    if not (seen.rgb or same):
        lost.append(f"matrix ({tags.matrix})")
    if tags.primaries and seen.primaries != tags.primaries:
        lost.append(f"primaries ({tags.primaries})")
    if tags.transfer and seen.transfer != tags.transfer:
        lost.append(f"transfer ({tags.transfer})")
    location = seen.location
    if location is None:
        # ffmpeg 5 does not tell.
        held = codec in _HOLD_LOCATION or (codec in _MATROSKA_HOLDS_LOCATION and suffix == ".mkv")
        location = tags.location if held else "unspecified"
    # Players take the chroma of 4:2:0 for lying left.
    location = "left" if location == "unspecified" else location
    if tags.location and "420" in seen.format and location != tags.location:
        lost.append(f"place of the chroma ({tags.location})")
    # Matroska rounds the width that is shown to whole pixels.
    if abs(seen.sar / Fraction(tags.sar) - 1) > Fraction(1, 200):
        lost.append(f"shape of the pixels ({tags.sar})")
    if lost:
        notes.append(
            f"{where} does not keep the film's {' and '.join(lost)}: libx264 does, in .mkv and .mp4 files"
        )
    return tuple(notes)


def _encode(film: Film, encoder: Sequence[str], program: str, piece: Path) -> bool:
    """Encode two gray frames of a film's format; whether that can be done."""
    rate = None if film.rate is None else (film.rate.numerator, film.rate.denominator)
    frames, location = film.raw, film.properties.get("_ChromaLocation", 0)
    try:
        with encoder_process(program, encoder, rate, piece) as running:
            for header, picture in with_headers(frames, _grays(film), rate, (0, 40_000), location):
                try:
                    running.input.write(header)
                    running.input.write(picture)
                except OSError:
                    raise running.error() from None
            running.finish()
    except FilmError:
        return False
    return True


def _grays(film: Film) -> Iterator[bytes]:
    frames = film.raw
    for _ in range(2):
        if frames.bits == 8:
            luma, chroma = bytes([_GRAY]), bytes([128])
        else:
            luma, chroma = ((level << frames.bits - 8).to_bytes(2, "little") for level in (_GRAY, 128))
        size = len(luma)
        luma *= frames.luma_bytes // size
        yield luma + chroma * ((frames.frame_bytes - len(luma)) // size)


def _copy(program: str, piece: Path, tags: Sequence[str], joined: Path) -> bool:
    command = [program, "-v", "error", "-nostdin", "-y", "-i", file_argument(piece), "-map", "0:v:0"]
    try:
        with process("ffmpeg", [*command, "-c:v", "copy", *tags, file_argument(joined)]) as running:
            running.finish()
    except FilmError:
        return False
    return True


def _shown(program: str, path: Path) -> _Shown | None:
    """What ffmpeg's filter showinfo tells of the first frame; None where that cannot be read."""
    command = [program, "-hide_banner", "-nostdin", "-i", file_argument(path), "-map", "0:v:0"]
    done = subprocess.run(
        [*command, "-frames:v", "1", "-vf", "showinfo", "-f", "null", "-"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    text = done.stderr.decode(errors="replace")
    picture = re.search(r" fmt:(\S+)(?: cl:(\S+))? sar:(\d+)/(\d+) .*? i:([PTB]) .*? mean:\[(\d+)", text)
    colours = re.search(r"color_range:(\S+) color_space:(\S+) color_primaries:(\S+) color_trc:(\S+)", text)
    if picture is None or colours is None:
        return None
    said = [None if value in (None, "unknown", "unspecified") else value for value in colours.groups()]
    sar = Fraction(int(picture[3]) or 1, int(picture[4]) if int(picture[3]) else 1)
    fields = {"P": "prog", "T": "tff", "B": "bff"}[picture[5]]
    return _Shown(picture[1], picture[2], sar, fields, int(picture[6]), *said)
