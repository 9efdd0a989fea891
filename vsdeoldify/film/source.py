"""Open a film: its frames, its format, places in it."""

import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..support.errors import FilmError, PictureError, RequestError
from ..support.reporter import SILENT, Reporter
from ..support.words import clock
from . import ffmpeg
from .inputs import check_film_file, unreadable
from .process import render_process
from .raw import LAYOUTS, RawFormat
from .reel import Reel
from .render import PROGRESS_MARK
from .script import source_arguments
from .times import _constant_rate, mend_times

_INDEXED = 100
"""Of films with fewer frames the source filter keeps no index."""
_BRIGHTNESS = 0.02
"""Of the whole range: what two decoders may differ in."""


def pixel_aspect_of(properties: Mapping[str, Any]) -> float:
    """How wide pixels are for their height, by a frame's properties; 1 where nothing says."""
    wide, high = int(properties.get("_SARNum", 1)), int(properties.get("_SARDen", 1))
    return wide / high if min(wide, high) > 0 else 1.0


@dataclass(frozen=True)
class Film:
    """A film's video track.

    Attributes:
        path: the file.
        frames: how many.
        width: in pixels.
        height: in pixels.
        family: "YUV", "GRAY" or "RGB".
        bits: per sample.
        subsampling: log2 of the chroma planes' shrinking, horizontal and vertical.
        properties: colour and aspect properties of the first frame.
        rate: frames per second; None where it varies.
        times: microseconds of every frame from the first one on, and of the end.
        start: time of the first frame in the file, in seconds.
        notes: what was assumed of the times, in sentences.
        track: which of the file's tracks it is; None for the first picture track.
        reel: the numbered pictures that it is; None for a file.
    """

    path: Path
    frames: int
    width: int
    height: int
    family: str
    bits: int
    subsampling: tuple[int, int]
    properties: dict[str, int]
    rate: Fraction | None
    times: list[int]
    start: float
    notes: tuple[str, ...] = ()
    track: int | None = None
    reel: Reel | None = None

    @property
    def raw(self) -> RawFormat:
        """What its frames are once they are coloured, on their way to the encoder."""
        layouts = {shrinking: layout for layout, shrinking in LAYOUTS.items()}
        layout = layouts.get(self.subsampling, b"444") if self.family == "YUV" else b"444"
        bits = min(self.bits, 16)
        if self.family == "RGB":
            # As the script says.
            depths = (8, 10, 12, 16) if self.reel is not None else (8, 10)
            bits = next((depth for depth in depths if bits <= depth), depths[-1])
        return RawFormat(self.width, self.height, layout, bits)

    @property
    def pixel_aspect(self) -> float:
        """How wide its pixels are for their height; 1 where nothing says."""
        return pixel_aspect_of(self.properties)

    @property
    def full(self) -> bool:
        """Whether its black is 0, and not 16 or that at its depth."""
        return self.properties.get("_Range") == 1

    def frame_at(self, seconds: float) -> int:
        """The first frame that is shown at or after a time, counted from the first frame."""
        wanted = round(seconds * 1e6)
        return next((n for n, time in enumerate(self.times) if time >= wanted), self.frames)

    def range(self, start: "Point | None", end: "Point | None") -> tuple[int, int]:
        """The first frame of a range and the one after its last.

        Raises:
            RequestError: it is empty or beyond the film.
        """
        first = start.on(self) if start else 0
        last = end.on(self) if end else self.frames
        if not 0 <= first < last <= self.frames:
            raise RequestError(
                f"--start and --end must leave something of the {self.frames} frames "
                f"({clock(self.times[-1] / 1e6)}) of {self.path.name}, got the frames {first} to {last}"
            )
        return first, last


@dataclass(frozen=True)
class Point:
    """A place in a film: a frame's number or a time."""

    frame: int | None = None
    seconds: float | None = None

    def on(self, film: Film) -> int:
        """The frame of this film."""
        if self.frame is not None:
            return self.frame
        assert self.seconds is not None
        return film.frame_at(self.seconds)


def parse_point(text: str) -> Point:
    """A frame number (``1500``) or a time (``62.5s``, ``1:02.5``, ``0:01:02.5``).

    Raises:
        ValueError: it is neither.
    """
    text = text.strip()
    if text.isdecimal():
        return Point(frame=int(text))
    found = re.fullmatch(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?)s?", text)
    if not found:
        raise ValueError(f"{text!r} is neither a frame number (1500) nor a time (62.5s, 1:02.5, 0:01:02.5)")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return Point(seconds=hours * 3600 + minutes * 60 + seconds)


def open_film(path: Path, found: ffmpeg.Contents, reporter: Reporter = SILENT) -> Film:
    """Open a film with the source filter, which reads it once from end to end if it does not know it.

    Args:
        path: the file.
        found: what ffmpeg sees in it.
        reporter: told how far the reading is.

    Raises:
        FilmError: the source filter is missing or cannot read the file, or it holds no picture but a cover.
    """
    arguments = source_arguments(path)
    track = _probed("probe", arguments, reporter)
    if "unreadable" in track:
        raise unreadable(path, track["unreadable"])
    film = _film(path, track, found.start + found.seconds)
    if note := _cut_off(film, found):
        film = replace(film, notes=(*film.notes, note))
    if "cachemode" in arguments and film.frames >= _INDEXED:
        note = "what is learnt in reading the film cannot be kept in a cache folder: it is read several times"
        return replace(film, notes=(*film.notes, note))
    return film


def open_file(path: Path, reporter: Reporter = SILENT) -> Film:
    """Open a film for looking at it: no ffmpeg will encode it.

    Raises:
        FilmError: it is no film, or cannot be read.
    """
    check_film_file(path)
    return open_film(path, ffmpeg.see(ffmpeg.find_ffmpeg(), path)[1], reporter)


def open_reel(reel: Reel, reporter: Reporter = SILENT, cache: Path | None = None) -> Film:
    """Open numbered pictures as a film; all of them are read once.

    Args:
        reel: the pictures.
        reporter: told how far the reading is.
        cache: folder for the source filter's index, for as long as the pictures do not change.

    Raises:
        FilmError: one cannot be read, or they are not all of one size and format.
    """
    found = _probed("reel", {"runs": reel.arguments(cache), "counts": [n for _, n in reel.runs]}, reporter)
    if "unreadable" in found:
        raise unreadable(reel.file(found["frame"]), found["unreadable"])
    if (odd := found["odd"]) is not None:
        raise FilmError(
            f"{reel.file(odd)} is {found['other']}, and {reel.file(0).name} is {found['first']}: the "
            "pictures of a reel must be of one size and format; make them alike first, for example with "
            "ffmpeg -i IN -vf scale=W:H OUT"
        )
    if lost := found["lost"]:
        # Behind an empty file nothing is read any more.
        tail = lost == [*range(lost[0], found["frames"])]
        more = f" and {len(lost) - 1} more" if len(lost) > 1 and not tail else ""
        raise FilmError(
            f"{reel.file(lost[0])}{more} cannot be decoded: scan or copy it again, or move it away; the film "
            "goes on there without a gap then"
        )
    if found["floating"]:
        raise FilmError(
            f"{reel.path} holds floating-point pictures, whose brightness is linear; make 16-bit ones "
            "of them first, for example with oiiotool IN --colorconvert linear sRGB -d uint16 OUT.tif"
        )
    _check_whole(reel, reporter)
    _check_brightness(reel.file(0), found["means"])
    frames, family = found["frames"], found["family"]
    properties: dict[str, int] = found["tags"]
    if family != "YUV":
        # Scanners write full range, and what else the decoders say of it is guessed.
        properties = {"_Range": 1}
    return Film(
        path=reel.path,
        frames=frames,
        width=found["width"],
        height=found["height"],
        family=family,
        bits=found["bits"],
        subsampling=tuple(found["subsampling"]) if family == "YUV" else (1, 1),
        properties=properties,
        rate=reel.rate,
        times=[round(n * 1_000_000 / reel.rate) for n in range(frames + 1)],
        start=0.0,
        notes=(*reel.notes, *(("transparency is left out",) if found["alpha"] else ())),
        reel=reel,
    )


def _check_whole(reel: Reel, reporter: Reporter) -> None:
    """Refuse pictures of which the source filter shows the half that is there."""
    from ..pictures.reading import is_whole

    files = [reel.file(frame) for frame in range(len(reel.numbers))]
    with (
        ThreadPoolExecutor() as threads,
        reporter.stage(len(files), "pictures", title="looking for damage") as stage,
    ):
        for done, whole in enumerate(threads.map(is_whole, files), 1):
            if not whole:
                raise FilmError(
                    f"{files[done - 1]} is cut off or damaged: scan or copy it again, or move it away; the "
                    "film goes on there without a gap then"
                )
            stage.update(done)


def _check_brightness(path: Path, means: Sequence[float]) -> None:
    """Refuse pictures that the source filter takes for their negatives."""
    from ..pictures.files import block_means, read_picture

    try:
        picture = read_picture(path)
    except PictureError:
        return  # A format that only the source filter knows.
    own = block_means(picture / (255 if picture.itemsize == 1 else 65535))
    if any(abs(a - b) > _BRIGHTNESS for a, b in zip(own, means, strict=False)):
        raise FilmError(
            f"{path} would be read with another brightness than it has (such as a TIFF whose white is 0); "
            "save the pictures as plain TIFF or PNG first, for example with vips copy IN OUT.png"
        )


def _probed(action: str, arguments: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """What an action of the rendering process finds out about a film, with its reading reported."""
    with (
        render_process(action, json.dumps(arguments)) as prober,
        reporter.stage(100, "%", title="reading the film") as stage,
    ):
        for line in prober.output:
            if not line.startswith(PROGRESS_MARK):
                found: dict[str, Any] = json.loads(line)
                return found
            stage.update(int(line.removeprefix(PROGRESS_MARK)))
        raise prober.error()


def _cut_off(film: Film, found: ffmpeg.Contents) -> str | None:
    """What to say where lines or columns are missing: VapourSynth holds no odd sizes with small chroma."""
    tracks = found.pictures if film.track is None else found.of_kind("Video")
    stored = next((s.size for s in tracks if s.size and film.track in (None, s.index)), None)
    if stored is None:
        return None
    # A turned film has width and height exchanged.
    sides = [(sorted(stored)[n], sorted((film.width, film.height))[n]) for n in (0, 1)]
    if not all(0 <= whole - side < 4 for whole, side in sides) or all(a == b for a, b in sides):
        return None
    return (
        f"the film is {stored[0]}×{stored[1]}, and VapourSynth holds no odd sizes with chroma of half size: "
        f"{film.width}×{film.height} of it are coloured. To keep the edge, convert it first: "
        "ffmpeg -i IN -c:v ffv1 -pix_fmt yuv444p OUT.mkv"
    )


def track_of(path: Path) -> int | None:
    """Which of a file's tracks is the film, without reading it.

    Args:
        path: the file.

    Returns:
        As `film_track`; None too where the file cannot be opened, which whoever reads it will say.

    Raises:
        FilmError: there is no picture but a cover.
    """
    with render_process("track", json.dumps(source_arguments(path))) as looker:
        found = json.loads(looker.output.readline() or "{}")
    if "refused" in found:
        raise FilmError(found["refused"])
    track: int | None = found.get("track")
    return track


_WORDS = {
    "_Matrix": "matrix",
    "_Primaries": "primaries",
    "_Transfer": "transfer",
    "_Range": "range",
    "_ChromaLocation": "place of the chroma",
    "_SARNum": "shape of the pixels",
}
_ORDERS = {1: "bottom", 2: "top"}


def _settled(tags: list[dict[str, int]]) -> tuple[dict[str, int], list[str]]:
    """One set of tags for all frames of a film.

    Args:
        tags: those of frames from all over the film, the first one's first.

    Returns:
        The first frame's tags, but the fields of most frames that have some; and what changes on the way, in
        sentences.
    """
    properties, notes = dict(tags[0]), []
    orders = [found.get("_FieldBased", 0) for found in tags]
    interlaced = [order for order in orders if order in _ORDERS]
    if interlaced:
        order = max(_ORDERS, key=interlaced.count)
        properties["_FieldBased"] = order
        if len(interlaced) < len(orders):
            notes.append(
                f"{len(interlaced)} of {len(orders)} frames looked at are interlaced and the others are not: "
                f"all are encoded as interlaced, {_ORDERS[order]} field first"
            )
        elif len({*interlaced}) > 1:
            notes.append(
                f"the order of the fields changes on the way: all are marked as {_ORDERS[order]} field "
                "first, as most are; cut the film where it changes to keep both"
            )
    others = [name for name in _WORDS if len({found.get(name) for found in tags}) > 1]
    if others:
        notes.append(
            f"the film's {' and '.join(_WORDS[name] for name in others)} changes on the way: "
            "all frames are marked as the first one; cut the film where it changes to keep both"
        )
    return properties, notes


def _film(path: Path, found: dict[str, Any], file_end: float) -> Film:
    frames = found["frames"]
    if found["changes"]:
        raise FilmError(
            f"{path} changes its size or format on the way: only {frames} of its frames are like the first "
            "one. Make them alike first, for example with ffmpeg -i IN -vf scale=W:H OUT"
        )
    average = Fraction(*found["fps"]) if found["fps"][0] > 0 else None
    tick = Fraction(*found["timebase"])
    ticks, notes = mend_times(found["times"], tick)
    if found["unturned"]:
        notes.append(
            "the film is to be shown turned, which this version of the source filter does not do: "
            "pip install --upgrade vapoursynth-bestsource"
        )
    if found["alpha"]:
        notes.append("transparency is left out")
    if found["hdr"]:
        notes.append(
            "what the film says of the screen it was made on (HDR: mastering display, light levels) is left "
            "out; its primaries and transfer are kept"
        )
    rate = _constant_rate(ticks, tick, average) if ticks else average
    if not ticks:
        if rate is None:
            raise FilmError(f"{path} has neither a frame rate nor times of its frames")
        notes.append(
            f"the file does not tell when its frames are shown: {float(rate):.5g} a second are assumed"
        )
    if rate is not None:
        times = [round(n * 1_000_000 / rate) for n in range(frames + 1)]
    else:
        times = [round((time - ticks[0]) * tick * 1_000_000) for time in ticks]
        # The last frame is taken to last as long as the one before it, but not beyond the file.
        last = round(file_end * 1_000_000) - round(ticks[0] * tick * 1_000_000) - times[-1]
        before = times[-1] - times[-2]
        times.append(times[-1] + (min(last, before) if last > 0 else before))
    properties, changes = _settled(found["tags"])
    notes += changes
    if found["family"] == "RGB":
        # The script converts it to limited-range YUV with the matrix that goes with its size.
        properties |= {"_Range": 0, "_Matrix": 2}
    return Film(
        path=path,
        frames=frames,
        width=found["width"],
        height=found["height"],
        family=found["family"],
        bits=found["bits"],
        subsampling=tuple(found["subsampling"]) if found["family"] == "YUV" else (1, 1),
        properties=properties,
        rate=rate,
        times=times,
        start=float(ticks[0] * tick) if ticks else 0.0,
        notes=tuple(notes),
        track=found["track"],
    )
