"""Raw frames between processes: YUV4MPEG2 for a constant rate, Matroska where each frame has its own time."""

from dataclasses import dataclass
from typing import IO

LAYOUTS: dict[bytes, tuple[int, int]] = {b"420": (1, 1), b"422": (1, 0), b"444": (0, 0)}
"""By the header's C field: log2 of the chroma planes' shrinking, horizontal and vertical.

Both kinds of stream carry these at every depth; others go as 4:4:4.
"""

# Matroska's four characters.
_FOURCC = {b"420": b"I420", b"422": b"Y42B", b"444": b"444P"}
_DEEP_FOURCC = {b"420": 11, b"422": 10, b"444": 0}

# The places of 8-bit 4:2:0 chroma that a YUV4MPEG2 header can name, by their codes of ITU-T H.273.
_LOCATIONS = {0: b"mpeg2", 1: b"jpeg", 2: b"paldv"}


@dataclass(frozen=True)
class RawFormat:
    """What raw frames are.

    Attributes:
        width: in pixels.
        height: in pixels.
        layout: a key of `LAYOUTS`.
        bits: per sample, 8 to 16.
    """

    width: int
    height: int
    layout: bytes
    bits: int

    @property
    def luma_bytes(self) -> int:
        """The size of a frame's luma."""
        return self.width * self.height * (1 if self.bits == 8 else 2)

    @property
    def frame_bytes(self) -> int:
        """The size of a frame."""
        horizontal, vertical = LAYOUTS[self.layout]
        chroma = (self.width >> horizontal) * (self.height >> vertical)
        return self.luma_bytes + 2 * chroma * (1 if self.bits == 8 else 2)


class FrameReader:
    """Reads the frames of a YUV4MPEG2 stream.

    Attributes:
        format: what they are; None where the stream ended before it told.

    Raises:
        ValueError: the stream is something else.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        line = file.readline(1024)
        self.format: RawFormat | None = None
        if not line.endswith(b"\n"):
            return
        magic, *fields = line.split()
        if magic != b"YUV4MPEG2":
            raise ValueError(f"no YUV4MPEG2 stream: it starts with {line[:20]!r}")
        header = {chr(field[0]): field[1:] for field in fields}
        layout, _, bits = header["C"].partition(b"p")
        self.format = RawFormat(int(header["W"]), int(header["H"]), layout, int(bits or 8))

    def read(self) -> bytes | None:
        """The next frame's planes, or None at the end of the stream or of the program that writes it."""
        line = self._file.readline(1024)
        if self.format is None or not line.startswith(b"FRAME") or not line.endswith(b"\n"):
            return None
        data = self._file.read(self.format.frame_bytes)
        return data if len(data) == self.format.frame_bytes else None


def y4m_header(frames: RawFormat, rate: tuple[int, int], location: int = 0) -> bytes:
    """The header of a YUV4MPEG2 stream of such frames.

    Args:
        frames: what they are.
        rate: frames per second as numerator and denominator.
        location: where the chroma of 4:2:0 lies, a code of ITU-T H.273; without a word of it readers take 1.
    """
    colour = frames.layout
    if frames.bits > 8:
        colour += b"p%d" % frames.bits
    elif frames.layout == b"420":
        colour += _LOCATIONS.get(location, b"mpeg2")
    return b"YUV4MPEG2 W%d H%d F%d:%d Ip C%s\n" % (frames.width, frames.height, *rate, colour)


def matroska_header(frames: RawFormat) -> bytes:
    """The start of a live Matroska stream of such frames, with times in microseconds."""
    if frames.bits == 8:
        fourcc = _FOURCC[frames.layout]
    else:
        fourcc = b"Y3" + bytes([_DEEP_FOURCC[frames.layout], frames.bits])
    head = [("4286", 1), ("42F7", 1), ("42F2", 4), ("42F3", 8)]
    ebml = b"".join(_element(key, _number(value)) for key, value in head)
    ebml += _element("4282", b"matroska") + _element("4287", _number(4)) + _element("4285", _number(2))
    info = _element("2AD7B1", _number(1000)) + _element("4D80", b"-") + _element("5741", b"-")
    video = _element("B0", _number(frames.width)) + _element("BA", _number(frames.height))
    video += _element("2EB524", fourcc)
    track = _element("D7", _number(1)) + _element("73C5", _number(1)) + _element("83", _number(1))
    track += _element("22B59C", b"und") + _element("86", b"V_UNCOMPRESSED") + _element("E0", video)
    endless = bytes.fromhex("18538067 01FFFFFFFFFFFFFF")
    tracks = _element("1654AE6B", _element("AE", track))
    return _element("1A45DFA3", ebml) + endless + _element("1549A966", info) + tracks


def matroska_frame_head(microseconds: int, size: int) -> bytes:
    """What stands before the bytes of a frame: a cluster of its own."""
    block = _head("A3", size + 4) + b"\x81\x00\x00\x80"
    time = _element("E7", _number(microseconds))
    return _head("1F43B675", len(time) + len(block) + size) + time + block


def _element(key: str, data: bytes) -> bytes:
    return _head(key, len(data)) + data


def _head(key: str, size: int) -> bytes:
    return bytes.fromhex(key) + (1 << 56 | size).to_bytes(8, "big")


def _number(value: int) -> bytes:
    return value.to_bytes(8, "big")
