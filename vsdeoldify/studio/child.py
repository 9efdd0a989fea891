"""The studio's child process: ``python -m vsdeoldify.studio.child ACTION …``.

It may die (a GPU without memory, a broken filter) without the page noticing more than a short wait.

* ``look SOURCE SCRATCH``: answers requests, each a line of JSON on stdin with its `id` and `lane`, by a line
  of JSON on stdout (`id`, `size`, or `error`, or `dropped`) and so many bytes. In a lane the newest request
  wins: older ones that wait are dropped, and the one in work gives up where it can (calm colours also for a
  new frame's).
* ``sheets SOURCE FOLDER WIDTH HEIGHT STEP THRESHOLD``: one pass over the film, which finds the cuts (a line
  for every frame: whether a scene begins there, and its mean luma) and writes the pictures for scrubbing.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Condition, Lock, Thread
from typing import IO, TYPE_CHECKING, Any

from ..film.clips import open_clip
from ..film.inputs import unreadable
from ..film.render import ERROR_MARK, explained, scene_line, scene_marks

if TYPE_CHECKING:
    from .looking import Darkroom

LANES = (
    *("complete", "source", "colour", "piece", "adopt", "keep", "prepare"),
    *("calm", "palette", "play", "unsure", "thumb"),
)
"""What is asked for, the most urgent first."""
QUICK = frozenset({"complete", "source", "piece", "adopt", "keep", "prepare"})
"""Lanes that do not wait for the others."""
KEPT = frozenset({"play", "adopt", "keep", "thumb"})
"""Lanes in which every request counts."""
GIVE_WAY = {"calm": frozenset({"colour"})}
"""What a lane is given up for: the page asks for calm colours again once the new frame is there."""
COLUMNS = ROWS = 5
"""Pictures side by side and one below the other in a scrub sheet."""
_REMEMBERED = 400_000_000
"""Bytes of colours that an engine keeps of frames that it has seen."""
_DECODED = 200
"""Megabytes of frames that a decoder keeps."""
_SHEET_QUALITY = 78


class Desk:
    """The requests that wait, and which of them is next."""

    def __init__(self) -> None:
        self._waiting: list[dict[str, Any]] = []
        self._current: dict[str, Any] | None = None
        self._dropped: list[Any] = []
        self._stale = False
        self._change = Condition()

    def put(self, request: dict[str, Any]) -> None:
        """Take a request in; older ones of its lane are dropped."""
        with self._change:
            lane = request["lane"]
            if lane not in KEPT:
                self._dropped += [other["id"] for other in self._waiting if other["lane"] == lane]
                self._waiting = [other for other in self._waiting if other["lane"] != lane]
            self._waiting.append(request)
            if self._current is not None:
                current = self._current["lane"]
                self._stale |= lane == current or lane in GIVE_WAY.get(current, ())
            self._change.notify_all()

    def next(self) -> tuple[list[Any], dict[str, Any] | None]:
        """The numbers of requests that were dropped, and the next request, if one waits."""
        with self._change:
            self._current, self._stale = None, False
            while not (self._waiting or self._dropped):
                self._change.wait()
            dropped, self._dropped = self._dropped, []
            if self._waiting:
                best = min(self._waiting, key=lambda one: (LANES.index(one["lane"]), one["id"]))
                self._waiting.remove(best)
                self._current = best
            return dropped, self._current

    def stale(self) -> bool:
        """Whether the request in work has become needless."""
        return self._stale


def look(source: Mapping[str, Any], scratch: Path, result: IO[bytes]) -> None:
    """Answer requests until stdin ends.

    A person who paints waits for nothing else: what is quick has a thread, a decoder and graphs of its own
    beside what takes long. The engines are shared.
    """
    desks = [Desk(), Desk()]
    guard = Lock()
    for desk, name in zip(desks, ("quick", "slow"), strict=True):
        Thread(target=_work, args=(desk, source, scratch / name, result, guard), daemon=True).start()
    # Not by sys.stdin, whose lock a thread would hold when the interpreter ends.
    with os.fdopen(os.dup(0), "rb") as lines:
        for line in lines:
            request = json.loads(line)
            desks[0 if request["lane"] in QUICK else 1].put(request)
    # The one that asks is gone: whatever a filter is busy with, there is nobody to see it.
    os._exit(0)


def _work(desk: Desk, source: Mapping[str, Any], scratch: Path, result: IO[bytes], guard: Lock) -> None:
    """Answer the requests of a desk."""
    with guard:  # Two threads must not load the same libraries at once.
        from .looking import Superseded

    scratch.mkdir(exist_ok=True)
    room: Darkroom | None = None
    while True:
        dropped, request = desk.next()
        answers: list[tuple[dict[str, Any], bytes]] = [({"id": n, "dropped": True}, b"") for n in dropped]
        if request is not None:
            head: dict[str, Any] = {"id": request["id"]}
            data = b""
            try:
                if room is None:
                    with guard:
                        room = _darkroom(source, scratch)
                data = _actions(room)[request["lane"]](request, desk.stale)
                head["size"] = len(data)
            except Superseded:
                head["dropped"] = True
            except Exception as error:
                head["error"] = explained(error)
            answers.append((head, data))
        with guard:
            for head, data in answers:
                result.write(json.dumps(head).encode() + b"\n" + data)
            result.flush()


def _darkroom(source: Mapping[str, Any], scratch: Path) -> "Darkroom":
    import vapoursynth as vs

    from ..networks.loading import remember_results
    from .looking import Darkroom

    remember_results(_REMEMBERED)
    try:
        clip = open_clip(source, cachesize=_DECODED)
    except vs.Error as error:
        first = source["runs"][0] if "runs" in source else source
        raise unreadable(Path(first["source"]), str(error)) from None
    return Darkroom(clip, scratch)


def _actions(room: "Darkroom") -> "dict[str, Callable[[Mapping[str, Any], Callable[[], bool]], bytes]]":
    return {
        "source": room.source_picture,
        "colour": room.coloured_picture,
        "calm": room.coloured_picture,
        "play": room.coloured_picture,
        "thumb": room.coloured_picture,
        "piece": room.piece_picture,
        "complete": room.completed_picture,
        "keep": room.keep,
        "prepare": room.prepare,
        "adopt": room.adopt,
        "palette": room.palette,
        "unsure": room.unsure,
    }


def write_sheets(
    source: Mapping[str, Any],
    folder: Path,
    size: tuple[int, int],
    step: int,
    threshold: float,
    result: IO[bytes],
) -> None:
    """Write the pictures for scrubbing, and a line for every frame: whether a scene begins; its mean luma.

    Args:
        source: what `film.clips.told` says of the film.
        folder: where the sheets go, as `0.jpg`, `1.jpg`, …
        size: width and height of a frame on them.
        step: every so many frames one is shown.
        threshold: as `ddeoldify_scenes` takes it.
        result: where the lines go.
    """
    import numpy as np
    import vapoursynth as vs

    from ..pictures.files import encode_picture
    from ..vsutils.frames import in_order

    clip = open_clip(source)
    marks = scene_marks(clip, threshold)
    luma = clip if clip.format.color_family != vs.RGB else clip.resize.Bicubic(format=vs.YUV444P8, matrix=6)
    luma = luma.std.RemoveFrameProps(["_FieldBased", "_SARNum", "_SARDen", "_Matrix", "_ChromaLocation"])
    small = luma.std.ShufflePlanes(0, vs.GRAY).resize.Spline36(*size, format=vs.GRAY8, range=vs.RANGE_FULL)
    shown = vs.core.std.CopyFrameProps(small, marks, props=["_SceneChangePrev", "PlaneStatsAverage"])
    width, height = size
    sheet = np.zeros((ROWS * height, COLUMNS * width), np.uint8)
    on_sheet = ROWS * COLUMNS

    def finish(number: int) -> None:
        data = encode_picture(np.repeat(sheet[..., None], 3, axis=2), ".jpg", _SHEET_QUALITY)
        (folder / f"{number}.jpg").write_bytes(data)
        sheet[:] = 0

    for n, frame in enumerate(in_order(shown)):
        if n % step == 0:
            place = n // step
            row, column = divmod(place % on_sheet, COLUMNS)
            sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = frame[0]
            if place % on_sheet == on_sheet - 1:
                finish(place // on_sheet)
        result.write(scene_line(frame.props))
        result.flush()
    last = (clip.num_frames - 1) // step
    if last % on_sheet != on_sheet - 1:
        finish(last // on_sheet)


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say; the first is the action."""
    # A library may print: stdout belongs to the answers.
    result = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    action, source = arguments[0], json.loads(arguments[1])
    try:
        if action == "look":
            look(source, Path(arguments[2]), result)
        else:
            folder, width, height, step, threshold = arguments[2:]
            write_sheets(source, Path(folder), (int(width), int(height)), int(step), float(threshold), result)
    except BrokenPipeError:
        return 1
    except Exception as error:
        os.write(2, (ERROR_MARK + json.dumps(explained(error)) + "\n").encode())
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
