"""Pictures of a film to look at: the source, the coloured film, what a person's colours make of a frame.

This is what the child process of the studio does, see `child`; its engines stay warm as long as it lives.
"""

from __future__ import annotations

import json
import shutil
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
import vapoursynth as vs
from numpy.typing import NDArray
from vapoursynth import core

from ..film.names import named
from ..film.render import new_shares
from ..film.source import pixel_aspect_of
from ..functions import colorize, ddeoldify_scenes
from ..pictures.files import Picture, encode_picture, frame_to_picture, read_picture, write_picture
from ..preview.colorizer import PreviewColorizer
from ..preview.complete import complete
from ..preview.network import load_preview
from ..runtime.device import default_device_index
from ..settings.references import picture_name
from ..support.errors import PictureError
from ..support.h273 import BLUE_OF_U, MATRIX_BT601, RED_OF_V, assumed_matrix
from ..vsutils import formats
from ..vsutils.propagation import folder as pictures_on_canvas

type Asked = Mapping[str, Any]
type Floats = NDArray[np.float32]

_QUALITY = 90
_GRAPHS = 8
"""How many settings' graphs stay ready."""
_CORRECTED = 384
"""Side of the square on which a person's colours are completed."""
_SLOW = 0.15
"""Seconds for one frame from which neighbours are made one by one, to be able to stop between them."""
_LOOK_UP = 0.02
"""Seconds between two looks at whether a frame that is being made is still wanted."""
_SHADES = 10
"""How many colours a palette has at most."""
_ASPECT = 0.03
"""How far the shape of a picture from elsewhere may be off."""

_FOLLOWED = {"stab": False}
"""As the film has them, key frames carried along motion, but not averaged: for scenes that play."""
_UNCALMED = {"stab": False, "every": 1}
"""The networks' own colours of a frame, which are there soonest."""
_PLAIN = {"dark": False, "smooth": False, "colormap": "none", "stab": False, "every": 1}


class Superseded(Exception):
    """A newer request has made this one needless."""


class Darkroom:
    """A film, and everything that makes pictures of it.

    Args:
        source: the film's clip.
        scratch: a folder of its own for what is needed meanwhile.
    """

    def __init__(self, source: vs.VideoNode, scratch: Path) -> None:
        self._source = source
        self._scratch = scratch
        self._graphs: OrderedDict[str, vs.VideoNode] = OrderedDict()
        self._pieces: OrderedDict[str, vs.VideoNode] = OrderedDict()
        self._corrected: tuple[str, tuple[Floats, Floats, Floats]] | None = None
        self._seconds = 0.0
        self._begun: Future[vs.VideoFrame] | None = None
        with self._source.get_frame(0) as frame:
            self._aspect = pixel_aspect_of(frame.props)

    def source_picture(self, asked: Asked, busy: Callable[[], bool]) -> bytes:
        """A frame of the source as JPEG."""
        return self._jpeg(self._source, asked["frame"], asked["width"])

    def coloured_picture(self, asked: Asked, busy: Callable[[], bool]) -> bytes:
        """A frame of the coloured film as JPEG.

        Args:
            asked: `frame`, `width`, `look`; `calm`: whether colours are averaged over neighbours; if not,
                `follow`: whether key frames are carried along motion as in the film.
            busy: whether a newer request waits.
        """
        look, n = asked["look"], asked["frame"]
        if asked["calm"]:
            self._walk(look, n, busy)
            clip = self._graph(look, n, {})
            # The coloured film has the tags of its source, whose frame is there at once.
            return self._unless(busy, self._small(clip, n, asked["width"], self._source[n]))
        if asked["follow"]:
            return self._jpeg(self._graph(look, n, _FOLLOWED), n, asked["width"])
        clip = self._graph(look, n, _UNCALMED)
        begun = time.monotonic()
        data = self._jpeg(clip, n, asked["width"])
        self._seconds = time.monotonic() - begun
        return data

    def piece_picture(self, asked: Asked, busy: Callable[[], bool]) -> bytes:
        """A frame of a finished piece of the render as JPEG."""
        path = asked["piece"]
        clip = self._pieces.get(path)
        if clip is None:
            clip = self._pieces[path] = core.bs.VideoSource(**named({"source": path, "cachemode": 0}))
            while len(self._pieces) > 2:
                self._pieces.popitem(last=False)
        return self._jpeg(clip, min(asked["index"], len(clip) - 1), asked["width"])

    def completed_picture(self, asked: Asked, busy: Callable[[], bool]) -> bytes:
        """A frame with a person's colours, completed, as JPEG.

        Args:
            asked: `frame`, `width`, `look`, `strokes` (points as shares of the width and height, a radius as
                share of the width, and the colour in RGB, or None to keep the automatic one) and `base`
                (a picture to paint over, or None).
            busy: whether a newer request waits.
        """
        return self._jpeg(self._completed(asked), 0, asked["width"])

    def keep(self, asked: Asked, busy: Callable[[], bool]) -> bytes:
        """Keep a completed frame as a reference: as `completed_picture`, with `keep`, the file to write."""
        self._keep(self._completed(asked), Path(asked["keep"]))
        return b""

    def prepare(self, asked: Asked, busy: Callable[[], bool]) -> bytes:
        """Look at a frame that somebody may set colours on: as `completed_picture`, without strokes."""
        self._seen(asked)
        return b""

    def _completed(self, asked: Asked) -> vs.VideoNode:
        """A frame of the film with a person's colours, completed."""
        gray, automatic, features = self._seen(asked)
        aspect = self._source.height / (self._source.width * self._aspect)
        hints, mask = drawn(asked["strokes"], automatic, aspect)
        return self._with_chroma(asked["frame"], complete(gray, automatic, hints, mask, features))

    def _seen(self, asked: Asked) -> tuple[Floats, Floats, Floats]:
        """The luma of a frame, the colours that hints correct, and what the bundled network sees in it."""
        n, size = asked["frame"], _CORRECTED
        key = json.dumps([n, asked["look"] | {"references": None}, asked["base"]], sort_keys=True)
        if self._corrected is None or self._corrected[0] != key:
            gray, automatic = self._automatic(asked["look"], n, size)
            if asked["base"]:
                automatic = pictures_on_canvas.read_picture(Path(asked["base"]), size)[1:]
            self._corrected = key, (gray, automatic, _features(gray))
        return self._corrected[1]

    def adopt(self, asked: Asked, busy: Callable[[], bool]) -> bytes:
        """Keep a picture that was made elsewhere as the reference of a frame, with the film's luma.

        Args:
            asked: `frame`, `picture` (a file), `keep` (the file to write).
            busy: whether a newer request waits.

        Raises:
            PictureError: it is no picture, has another shape, or shows another frame.
        """
        n, path = asked["frame"], Path(asked["picture"])
        picture = read_picture(path)
        high, wide = picture.shape[:2]
        shape = wide / high / (self._source.width / self._source.height)
        if all(abs(shape / shown - 1) > _ASPECT for shown in (1, self._aspect)):
            raise PictureError(
                f"the picture is {wide}×{high}, and the film {self._source.width}×{self._source.height}: it "
                "must show the whole frame, in any size"
            )
        gray = formats.to_gray(self._source, _CORRECTED)
        renamed = self._scratch / f"dropped_{n:06d}.png"
        write_picture(renamed, picture)
        try:
            pictures_on_canvas.check_pictures(gray, {n: renamed})
        except ValueError as error:
            raise PictureError(str(error).replace(renamed.name, "the picture")) from None
        chroma = pictures_on_canvas.read_picture(renamed, _CORRECTED)[1:]
        self._keep(self._with_chroma(n, chroma), Path(asked["keep"]))
        return b""

    def palette(self, asked: Asked, busy: Callable[[], bool]) -> bytes:
        """The colours of some frames, the most frequent first, as JSON: lists of red, green and blue."""
        pictures = []
        for n in asked["frames"]:
            if busy():
                raise Superseded
            clip = self._graph(asked["look"], n, _UNCALMED)
            pictures.append(_decoded(self._small(clip, n, 96)))
        return json.dumps(shades(np.concatenate([one.reshape(-1, 3) for one in pictures]))).encode()

    def unsure(self, asked: Asked, busy: Callable[[], bool]) -> bytes:
        """How little the references know of some frames, as JSON: pairs of number and share.

        Args:
            asked: `frames`, `references` (numbers of frames) and `firsts` of the scenes.
            busy: whether a newer request waits.
        """
        found = []
        for n, share in new_shares(self._source, asked["references"], asked["firsts"], asked["frames"]):
            if busy():
                raise Superseded
            found.append((n, 1.0 if share is None else round(share, 4)))
        return json.dumps(found).encode()

    def _automatic(self, look: Asked, n: int, size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The luma and the automatic chroma of a frame on a square, before any filter and reference."""
        clip = self._graph({**look, "references": None}, n, _PLAIN)
        with formats.to_canvas(clip[n], size).get_frame(0) as frame:
            planes = np.stack([np.asarray(frame[index]) for index in range(3)])
        return planes[0], planes[1:]

    def _with_chroma(self, n: int, chroma: NDArray[np.float32]) -> vs.VideoNode:
        """A frame of the film with this chroma of the canvas."""
        one = self._source[n]
        size = chroma.shape[-1]
        blank = core.std.BlankClip(formats.to_gray(one, size), format=vs.YUV444PS, keep=True)

        def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
            frame = f.copy()
            for index in (1, 2):
                np.copyto(np.asarray(frame[index]), chroma[index - 1])
            return frame

        return formats.restore(one, core.std.ModifyFrame(blank, blank, draw))

    def _keep(self, clip: vs.VideoNode, path: Path) -> None:
        """Write the first frame of a clip as a reference, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_picture(path, frame_to_picture(_rgb(clip, clip.width, clip.height).get_frame(0)))

    def _walk(self, look: Asked, n: int, busy: Callable[[], bool]) -> None:
        """Make the neighbours of a frame one by one where each takes long: the engine remembers them."""
        if self._seconds < _SLOW:
            return
        changes = {**_PLAIN, "every": look["changes"].get("every", 1)}
        half = int((look["changes"].get("stab_p") or [15])[0]) // 2
        for other in sorted(range(n - half, n + half + 1), key=lambda other: abs(other - n)):
            if busy():
                raise Superseded
            if 0 <= other < len(self._source):
                self._graph({**look, "references": None}, n, changes).get_frame(other).close()

    def _graph(self, look: Asked, n: int, changes: Mapping[str, Any]) -> vs.VideoNode:
        """The coloured film; the frames around frame n are right, the references of its scene considered."""
        firsts = look["firsts"]
        pictures = self._pictures_of(look, n)
        stamps = [(m, str(path), path.stat().st_mtime_ns, path.stat().st_size) for m, path in pictures]
        key = json.dumps([look, changes, stamps], sort_keys=True)
        if key in self._graphs:
            self._graphs.move_to_end(key)
            return self._graphs[key]
        clip = ddeoldify_scenes(self._source, scenes=firsts)
        made = colorize(
            clip,
            look["preset"],
            look["colours"],
            references=self._folder_of(pictures, key) if pictures else None,
            reach=look["reach"],
            strength=look["strength"],
            **{"device_index": default_device_index(), **look["changes"], **changes},
        )
        self._graphs[key] = made
        while len(self._graphs) > _GRAPHS:
            self._graphs.popitem(last=False)
        return made

    def _pictures_of(self, look: Asked, n: int) -> list[tuple[int, Path]]:
        """The references of the scene of a frame: only those reach it."""
        if not look["references"]:
            return []
        firsts = look["firsts"]
        scene = max(first for first in firsts if first <= n)
        end = min([first for first in firsts if first > n], default=len(self._source))
        found = [(int(m), Path(path)) for m, path in look["references"].items()]
        return sorted((m, path) for m, path in found if scene <= m < end and path.is_file())

    def _folder_of(self, pictures: Sequence[tuple[int, Path]], key: str) -> Path:
        """A folder with these pictures alone."""
        place = self._scratch / f"references_{abs(hash(key)):x}"
        place.mkdir(exist_ok=True)
        for m, path in pictures:
            shutil.copyfile(path, place / picture_name(m, path.suffix))
        return place

    def _unless(self, busy: Callable[[], bool], clip: vs.VideoNode) -> bytes:
        """The first frame of a clip as JPEG, unless it is not wanted any more before it is there.

        A frame that is begun cannot be stopped: it is made all the same, but nobody waits for it. No other is
        begun in this way before, so that there is one at most.
        """
        self._await_begun(busy)
        self._begun = made = clip.get_frame_async(0)
        self._await_begun(busy)
        with made.result() as frame:
            return encode_picture(frame_to_picture(frame), ".jpg", _QUALITY)

    def _await_begun(self, busy: Callable[[], bool]) -> None:
        while self._begun is not None and not wait([self._begun], _LOOK_UP).done:
            if busy():
                raise Superseded
        self._begun = None

    def _jpeg(self, clip: vs.VideoNode, n: int, width: int) -> bytes:
        return encode_picture(_decoded(self._small(clip, n, width)), ".jpg", _QUALITY)

    def _small(
        self, clip: vs.VideoNode, n: int, width: int, tagged: vs.VideoNode | None = None
    ) -> vs.VideoNode:
        """One frame as RGB, so wide; 0: as large as it is, in square pixels."""
        aspect = clip.width * self._aspect / clip.height
        natural = round(max(clip.width, clip.width * self._aspect))
        wide = natural if width == 0 else min(width, natural)
        return _rgb(clip[n], wide, max(1, round(wide / aspect)), tagged)


@cache
def _seer() -> PreviewColorizer:
    """The bundled network, to tell things apart."""
    return PreviewColorizer(load_preview()).eval()


def _features(gray: Floats) -> Floats:
    """What the bundled network sees in a gray square (S, S)."""
    with torch.inference_mode():
        seen: Floats = _seer().features(torch.from_numpy(np.ascontiguousarray(gray))[None, None])[0].numpy()
    return seen


def _rgb(clip: vs.VideoNode, width: int, height: int, tagged: vs.VideoNode | None = None) -> vs.VideoNode:
    """The first frame of a clip as RGB of 8 bits; `tagged` has its tags, where to make it takes long."""
    one = core.std.RemoveFrameProps(clip[0], ["_FieldBased", "_SARNum", "_SARDen"])
    same = (width, height) == (one.width, one.height)
    resize = core.resize.Bicubic if same else core.resize.Spline36
    family = one.format.color_family
    if family == vs.RGB:
        return resize(one, width, height, format=vs.RGB24)
    if family == vs.GRAY:
        gray = core.std.RemoveFrameProps(one, ["_Matrix"])
        return resize(gray, width, height, format=vs.RGB24, matrix_in=MATRIX_BT601)
    with (tagged or one).get_frame(0) as frame:
        untagged = int(frame.props.get("_Matrix", 2)) == 2
    matrix = {"matrix_in": assumed_matrix(one.width, one.height)} if untagged else {}
    return resize(one, width, height, format=vs.RGB24, **matrix)


def _decoded(clip: vs.VideoNode) -> Picture:
    with clip.get_frame(0) as frame:
        return frame_to_picture(frame)


def drawn(
    strokes: Sequence[Mapping[str, Any]], automatic: Floats, aspect: float
) -> tuple[Floats, NDArray[np.bool_]]:
    """A person's strokes on a square canvas.

    Args:
        strokes: each with `points` (x and y as shares of the picture's width and height), `radius` (a share
            of the width) and `rgb` (0–255; None where the automatic colours are to stay).
        automatic: these, U and V of BT.601 (2, size, size).
        aspect: the picture's height by its width.

    Returns:
        U and V of BT.601 (2, size, size), and where they are given.
    """
    from PIL import Image, ImageDraw

    size = automatic.shape[-1]
    hints = np.zeros_like(automatic)
    mask = np.zeros((size, size), np.bool_)
    for stroke in strokes:
        # A round brush on the picture is an ellipse on the square.
        across = max(1.0, float(stroke["radius"]) * size)
        down = max(1.0, across / max(aspect, 1e-3))
        image = Image.new("1", (size, size))
        draw = ImageDraw.Draw(image)
        points = [(float(x) * size, float(y) * size) for x, y in stroke["points"]]
        for x, y in _dense(points, max(1.0, min(across, down) / 2)):
            draw.ellipse((x - across, y - down, x + across, y + down), fill=1)
        where = np.asarray(image, np.bool_)
        mask |= where
        if stroke["rgb"] is None:
            hints[:, where] = automatic[:, where]
            continue
        red, green, blue = (float(value) / 255 for value in stroke["rgb"])
        luma = 0.299 * red + 0.587 * green + 0.114 * blue
        hints[0][where], hints[1][where] = (blue - luma) / BLUE_OF_U, (red - luma) / RED_OF_V
    return hints, mask


def _dense(points: Sequence[tuple[float, float]], step: float) -> list[tuple[float, float]]:
    """The points of a line, no two neighbours farther apart than a step."""
    dense = list(points[:1])
    for (x0, y0), (x1, y1) in pairwise(points):
        count = max(1, int(np.ceil(np.hypot(x1 - x0, y1 - y0) / step)))
        dense += [(x0 + (x1 - x0) * k / count, y0 + (y1 - y0) * k / count) for k in range(1, count + 1)]
    return dense


def shades(pixels: NDArray[np.uint8]) -> list[list[int]]:
    """The most frequent colours of some pixels, no two alike.

    Args:
        pixels: (N, 3), RGB.
    """
    values = pixels.astype(np.float32)
    colourful = np.ptp(values, axis=1) > 14
    values = values[colourful]
    if not len(values):
        return []
    cells = (values // 24).astype(np.int64)
    keys = cells[:, 0] * 10000 + cells[:, 1] * 100 + cells[:, 2]
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), 3))
    np.add.at(sums, inverse, values)
    means = sums / counts[:, None]
    # A frequent colour counts, and so does a strong one.
    order = np.argsort(-np.sqrt(counts) * (10 + np.ptp(means, axis=1)))
    chosen: list[NDArray[np.float64]] = []
    for index in order:
        if all(np.abs(means[index] - other).sum() > 60 for other in chosen):
            chosen.append(means[index])
        if len(chosen) == _SHADES:
            break
    return [[int(value) for value in np.rint(one)] for one in chosen]
