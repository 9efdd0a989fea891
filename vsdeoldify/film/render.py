"""Run a VapourSynth script in a process of its own: ``python -m vsdeoldify.film.render ACTION …``.

What ``vspipe -c y4m`` does, but without the VSScript set-up that vspipe needs (a shared Python library and
``vapoursynth config``), which many Python installations lack. The process that starts this one may kill it at
any time: that is how a film is interrupted, whatever a filter is busy with.

Errors are one line on stderr, JSON text after `ERROR_MARK`; stdout holds nothing but the result (before that
of `probe`, how far it is).

The action `frames` goes on until stdin is closed: it reads a line "FIRST END" for every range of frames that
is wanted, and writes the frames of one after the other. So one process, whose networks are loaded once, makes
all pieces of a film, also where they are asked for one by one.
"""

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, BinaryIO

from ..settings.params import StabParams
from ..support.errors import FilmError
from ..support.words import sentence
from .frames import Wanted, load, write_frames
from .names import named
from .refusals import of_source
from .tracks import film_track

if TYPE_CHECKING:
    import vapoursynth as vs

    from ..pictures.files import Picture

ERROR_MARK = "vsdeoldify-error: "
PROGRESS_MARK = b"progress "
_UNKNOWN_TIME = -(1 << 63)
_LOOKED_AT = 256
"""Side of the picture in which the frames are looked for that references know least of."""
_LOOKS = 15
"""How many frames beside the first are looked at for tags that change on the way."""
_MASTERING = ("MasteringDisplay", "ContentLightLevel", "DolbyVision", "HDR10Plus")
"""What the source filter calls what a film says of the screen it was made on."""
_PROPERTIES = (
    "_Matrix",
    "_Primaries",
    "_Transfer",
    "_Range",
    "_ChromaLocation",
    "_FieldBased",
    "_SARNum",
    "_SARDen",
)


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say; the first is the action."""
    # A script or a library may print: stdout belongs to the frames.
    result = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    finished = Event()
    wanted = Wanted()
    if arguments[0] == "frames":
        Thread(target=_read_ranges, args=(wanted, finished), daemon=True).start()
    else:
        Thread(target=_exit_with_parent, args=(finished,), daemon=True).start()
    try:
        with result:
            try:
                if arguments[0] == "frames":
                    write_frames(Path(arguments[1]), wanted, result)
                else:
                    _act(result, *arguments)
            finally:
                finished.set()
    except BrokenPipeError:
        return 1  # The reader has gone and knows why.
    except Exception as error:
        print(ERROR_MARK + json.dumps(explained(error)), file=sys.stderr, flush=True)  # noqa: T201
        return 1
    return 0


def explained(error: BaseException) -> str:
    """What an error says, in words for people."""
    text = sentence(error)
    if (words := of_source(text)) is not None:
        return words
    # What this process itself imports comes with the package or its dependencies.
    return (
        f"{text}\nvsdeoldify doctor tells the command that fixes it"
        if isinstance(error, ImportError)
        else text
    )


def _act(result: BinaryIO, action: str, *arguments: str) -> None:
    if action == "probe":
        found = probe(named(json.loads(arguments[0])), result)
        result.write(json.dumps(found).encode() + b"\n")
    elif action == "reel":
        runs, counts = (json.loads(arguments[0])[key] for key in ("runs", "counts"))
        found = probe_reel([named(run) for run in runs], counts, result)
        result.write(json.dumps(found).encode() + b"\n")
    elif action == "track":
        result.write(json.dumps(_track(named(json.loads(arguments[0])))).encode() + b"\n")
    elif action == "unexplained":
        write_unexplained(
            named(json.loads(arguments[0])), Path(arguments[1]).read_text(), int(arguments[2]), result
        )
    elif action == "scenes":
        write_scenes(named(json.loads(arguments[0])), float(arguments[1]), result)
    else:
        frames = [int(number) for number in Path(arguments[1]).read_text().split(",")]
        write_pictures(Path(arguments[0]), frames, Path(arguments[2]), result, deep=arguments[3] == "16")


def _track(arguments: dict[str, Any]) -> dict[str, Any]:
    """The film's track; or, as "refused", why the file holds no film."""
    try:
        return {"track": film_track(arguments)}
    except FilmError as error:
        return {"refused": str(error)}


def _exit_with_parent(finished: Event) -> None:
    """End this process when the one that started it is gone, even one that was killed."""
    # Not by sys.stdin, whose lock this thread would hold when the interpreter ends.
    while os.read(0, 4096):
        pass
    if not finished.is_set():
        os._exit(1)


def _read_ranges(wanted: Wanted, finished: Event) -> None:
    """Take the ranges from stdin; where it is closed, nobody waits for what is not written yet."""
    left = b""
    while data := os.read(0, 4096):
        *lines, left = (left + data).split(b"\n")
        for line in lines:
            first, end = line.split()
            wanted.add(int(first), int(end))
    if not finished.is_set():
        # At once: libraries that tidy up take seconds, and some crash.
        os._exit(0)


def probe(arguments: dict[str, Any], file: BinaryIO) -> dict[str, Any]:
    """Open a film and say what its video track is.

    Args:
        arguments: those of `bs.VideoSource`, without the track.
        file: where lines with the per cent read so far go, each after `PROGRESS_MARK`.

    Returns:
        Number of frames, size, format, rate, tags of frames from all over the film, the time of every frame
        in units of `timebase` seconds (None where it is unknown), whether the size or format changes on the
        way, whether the picture should be turned and is not, whether there is transparency, whether the film
        says on what screen it was made (`hdr`), and the `track` as `film_track`
        gives it. Or, where the source filter does not open it, what it says.

    Raises:
        FilmError: there is no picture track but cover pictures.
    """
    import vapoursynth as vs

    _report_reading(file)
    try:
        track = film_track(arguments)
        if track is not None:
            arguments = arguments | {"track": track}
        opened = vs.core.bs.VideoSource(**arguments, exporttimestamps=True)
        clip: vs.VideoNode = opened["clip"]
        properties = clip.get_frame(0).props
    except vs.Error as error:
        return {"unreadable": str(error)}
    # A single one comes without a list.
    times = opened["timestamps"] if clip.num_frames > 1 else [opened["timestamps"]]
    assert clip.format is not None
    try:
        changes = vs.core.bs.VideoSource(**arguments | {"variableformat": -1}).num_frames != clip.num_frames
    except vs.Error:
        # BestSource 17 opens no clip whose size changes.
        changes = True
    tags = _tags(clip)
    turns = "apply_rotation" in vs.core.bs.VideoSource.signature
    if turns and _turned(arguments):
        # The shape of the pixels is not turned with the picture.
        for found in tags:
            if {"_SARNum", "_SARDen"} <= found.keys():
                found["_SARNum"], found["_SARDen"] = found["_SARDen"], found["_SARNum"]
    return {
        "frames": clip.num_frames,
        "track": track,
        "changes": changes,
        "width": clip.width,
        "height": clip.height,
        "family": clip.format.color_family.name,
        "bits": clip.format.bits_per_sample,
        "subsampling": [clip.format.subsampling_w, clip.format.subsampling_h],
        "fps": [clip.fps.numerator, clip.fps.denominator],
        "tags": tags,
        "unturned": not turns and properties.get("Rotation", 0) != 0,
        "hdr": any(name.startswith(_MASTERING) for name in properties),
        "alpha": "_Alpha" in properties and any(map(_transparent, _some(clip))),
        "timebase": [int(opened["timebasenum"]), int(opened["timebaseden"])],
        "times": [None if time == _UNKNOWN_TIME else int(time) for time in times],
    }


def _report_reading(file: BinaryIO) -> None:
    """Write a line for every per cent that the source filter has read."""
    import vapoursynth as vs

    if not hasattr(vs.core, "bs"):
        from .script import PLUGIN_MISSING

        raise RuntimeError(PLUGIN_MISSING)

    def report(kind: int, message: str) -> None:
        if found := re.search(r"(\d+)%", message):
            file.write(PROGRESS_MARK + found[1].encode() + b"\n")
            file.flush()

    vs.core.add_log_handler(report)


def probe_reel(runs: Sequence[dict[str, Any]], counts: Sequence[int], file: BinaryIO) -> dict[str, Any]:
    """Open numbered pictures and say what they are.

    Args:
        runs: the arguments of `bs.VideoSource` for each stretch without a missing number.
        counts: how many pictures each has.
        file: where lines with the per cent read so far go, each after `PROGRESS_MARK`.

    Returns:
        Number of frames, size, format, tags and `block_means` of the first one (none where it is YUV); the
        `odd` frame that is unlike the first one, if there is one; those that are `lost`, since they cannot be
        decoded. Or, where the source filter does not open them, what it says.
    """
    import numpy as np
    import vapoursynth as vs

    from ..pictures.files import block_means

    _report_reading(file)
    lost: list[int] = []
    begun, first, odd = 0, None, None
    for arguments, count in zip(runs, counts, strict=True):
        try:
            opened = vs.core.bs.VideoSource(**arguments | {"variableformat": -1}, exporttimestamps=True)
            frame = opened["clip"].get_frame(0)
        except vs.Error as error:
            return {"unreadable": str(error), "frame": begun}
        clip: vs.VideoNode = opened["clip"]
        times = opened["timestamps"] if isinstance(opened["timestamps"], list) else [opened["timestamps"]]
        numbers = [int(time) for time in times]
        lost += [begun + n for n in sorted({*range(count)} - {*numbers})]
        first = frame if first is None else first
        varies = clip.width == 0 or clip.format is None or clip.format.id == 0
        if odd is None and (varies or _shape(frame) != _shape(first)):
            looked = (n for n in range(clip.num_frames) if _shape(clip.get_frame(n)) != _shape(first))
            if (place := next(looked, None)) is not None:
                odd, other = begun + numbers[place], _shape(clip.get_frame(place))
        begun += count
    assert first is not None
    found = {name: int(first.props[name]) for name in _PROPERTIES if name in first.props}
    top = 1 if first.format.sample_type == vs.FLOAT else (1 << first.format.bits_per_sample) - 1
    return {
        "frames": begun,
        "odd": odd,
        "other": "" if odd is None else other,
        "first": _shape(first),
        "lost": lost,
        "width": first.width,
        "height": first.height,
        "family": first.format.color_family.name,
        "bits": first.format.bits_per_sample,
        "floating": first.format.sample_type == vs.FLOAT,
        "subsampling": [first.format.subsampling_w, first.format.subsampling_h],
        "tags": found,
        "alpha": _transparent(first.props),
        "means": block_means(np.stack([np.asarray(plane) for plane in first], -1) / top)
        if first.format.color_family != vs.YUV
        else [],
    }


def _some(clip: "vs.VideoNode") -> "Iterator[vs.FrameProps]":
    """Properties of the first, the middle and the last frame, as far as they can be decoded."""
    import vapoursynth as vs

    for number in sorted({0, clip.num_frames // 2, clip.num_frames - 1}):
        with suppress(vs.Error):
            yield clip.get_frame(number).props


def _transparent(properties: Any) -> bool:
    """Whether a frame can be seen through anywhere: formats with a palette always have an alpha plane."""
    import numpy as np

    if (alpha := properties.get("_Alpha")) is None:
        return False
    plane = np.asarray(alpha[0])
    top = 1 if plane.dtype.kind == "f" else (1 << alpha.format.bits_per_sample) - 1
    return bool(plane.min() < top)


def _shape(frame: "vs.VideoFrame") -> str:
    return f"{frame.width}×{frame.height} {frame.format.name}"


def _turned(arguments: dict[str, Any]) -> bool:
    """Whether the source filter lays a standing picture down, or the other way round."""
    import vapoursynth as vs

    try:
        # Once it has turned the picture it tells nothing of it.
        untouched = vs.core.bs.VideoSource(**arguments, apply_rotation=0)
        return int(untouched.get_frame(0).props.get("Rotation", 0)) % 180 != 0
    except vs.Error:
        return False


def _tags(clip: "vs.VideoNode") -> list[dict[str, int]]:
    """The tags of some frames from all over a film, the first one's first."""
    import vapoursynth as vs

    last = clip.num_frames - 1
    found = []
    for number in sorted({round(last * n / _LOOKS) for n in range(_LOOKS + 1)}):
        try:
            properties = clip.get_frame(number).props
        except vs.Error:
            if number == 0:
                raise
            continue  # A damaged frame is told when it is rendered.
        found.append({name: int(properties[name]) for name in _PROPERTIES if name in properties})
    return found


def write_scenes(arguments: dict[str, Any], threshold: float, file: BinaryIO) -> None:
    """Write a line for every frame of a film: 1 or 0, whether a scene begins there; and its mean luma.

    Args:
        arguments: those of `bs.VideoSource`.
        threshold: as `ddeoldify_scenes` takes it.
        file: where to.
    """
    import vapoursynth as vs

    from ..vsutils.frames import in_order

    facts = scene_marks(vs.core.bs.VideoSource(**arguments), threshold)
    for n, frame in enumerate(in_order(facts), 1):
        file.write(scene_line(frame.props))
        if n % 20 == 0:
            file.flush()


def scene_marks(clip: "vs.VideoNode", threshold: float) -> "vs.VideoNode":
    """A small clip whose frames tell, as properties, what `scene_line` writes of those of a clip."""
    from ..functions import ddeoldify_scenes
    from ..vsutils.formats import to_gray

    marked = ddeoldify_scenes(clip, threshold)
    return to_gray(clip, 64).std.PlaneStats().std.CopyFrameProps(marked, props=["_SceneChangePrev"])


def scene_line(properties: Mapping[str, Any]) -> bytes:
    """1 or 0, whether a scene begins with a frame, and its mean luma."""
    return b"%d %.4f\n" % (properties["_SceneChangePrev"], properties["PlaneStatsAverage"])


def write_unexplained(arguments: dict[str, Any], numbers: str, step: int, file: BinaryIO) -> None:
    """Write a line for every so many frames of a film: its number, and how little references know of it.

    Args:
        arguments: those of `bs.VideoSource`.
        numbers: those of the reference frames and, after a ";", of the scenes' first frames, or nothing.
        step: how many frames.
        file: where to.
    """
    import vapoursynth as vs

    references, firsts = ([int(n) for n in part.split(",") if n] for part in numbers.split(";"))
    clip = vs.core.bs.VideoSource(**arguments)
    for n, share in new_shares(clip, references, firsts, range(0, len(clip), step)):
        file.write(b"%d %.4f\n" % (n, share or 0.0))
        file.flush()


def new_shares(
    clip: "vs.VideoNode", references: Iterable[int], firsts: Sequence[int], frames: Iterable[int]
) -> Iterator[tuple[int, float | None]]:
    """How little references know of frames of a film.

    Args:
        clip: the film.
        references: the numbers of the reference frames.
        firsts: the first frames of the scenes; none: they are looked for.
        frames: the numbers of the frames.

    Returns:
        For each of these, its number and the share of it that is in no reference, 0–1; None where no
        reference reaches it.
    """
    from ..vsutils import formats, scenes
    from ..vsutils.propagation.references import unexplained

    gray = formats.to_gray(clip, _LOOKED_AT)
    cuts = scenes.listed_cuts(gray, firsts) if firsts else scenes.find_cuts(gray, StabParams().tht_scen)
    looked_at = unexplained(gray, sorted(references), cuts)
    for n in frames:
        with looked_at.get_frame(n) as frame:
            share = frame.props.get("_UnmatchedAverage")
        yield n, None if share is None else float(share)


def write_pictures(
    script: Path, frames: Sequence[int], folder: Path, file: BinaryIO, *, deep: bool = False
) -> None:
    """Write frames of a script's outputs 0 and 1 as `after_<n>.png` and `before_<n>.png`, one by one.

    Args:
        script: the script.
        frames: their numbers.
        folder: where to.
        file: gets a line for every frame that is done.
        deep: with 16 bits instead of 8.
    """
    from ..pictures.files import write_picture

    clips = load(script)
    for frame in frames:
        for name, clip in zip(("after", "before"), clips, strict=False):
            write_picture(folder / f"{name}_{frame}.png", _picture_of(clip, frame, deep))
        file.write(b"%d\n" % frame)
        file.flush()


def _picture_of(clip: "vs.VideoNode", number: int, deep: bool) -> "Picture":
    import vapoursynth as vs

    from ..pictures.files import frame_to_picture

    one = clip[number]
    rgb = vs.RGB48 if deep else vs.RGB24
    assert one.format is not None
    untagged = one.get_frame(0).props.get("_Matrix", 2) == 2
    if one.format.color_family == vs.YUV and untagged:
        # Untagged YUV cannot be converted; what players assume.
        matrix = 1 if one.width > 1024 or one.height > 576 else 6
        return frame_to_picture(one.resize.Bicubic(format=rgb, matrix_in=matrix).get_frame(0))
    return frame_to_picture(one.resize.Bicubic(format=rgb).get_frame(0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
