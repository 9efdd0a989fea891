"""Crops for the training, spoilt like old film, and the colours that a network chooses from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from .store import Bytes, Store


class Tone(NamedTuple):
    """How a film shows the grays of the world.

    Attributes:
        red, blue: how much darker a and how much lighter −b make a place (orthochromatic film sees no red
            and much blue), in gray levels of 0…255 a unit of Lab.
        gamma, contrast, black: gray becomes `contrast * gray ** gamma + black`.
        blur: standard deviation in pixels; 0 is sharp.
        grain: standard deviation, 0…1; 0 has none.
        coarse: the grain is larger than a pixel.
    """

    red: float = 0.0
    blue: float = 0.0
    gamma: float = 1.0
    contrast: float = 1.0
    black: float = 0.0
    blur: float = 0.0
    grain: float = 0.0
    coarse: bool = False


class Box(NamedTuple):
    """A part of a picture: left, top, width and height in pixels."""

    x: int
    y: int
    width: int
    height: int


class Crops(Dataset[Any]):
    """Random crops: a gray picture spoilt like old film, and its true a/b at half the size."""

    n_inp = 1
    """For fastai: of what a batch holds, only the first thing goes into the network."""

    def __init__(self, store: Store, members: Sequence[int], size: int, seed: int) -> None:
        self.store = store
        self.members = list(members)
        self.size = size
        self._random = np.random.default_rng(seed)

    def reseed(self, seed: int) -> None:
        """Start another series of random crops."""
        self._random = np.random.default_rng(seed)

    def __len__(self) -> int:
        return len(self.members)

    def __getitem__(self, i: int) -> tuple[Tensor, ...]:
        """Crop `i`: gray (1, S, S) in 0…1 and a/b (2, S/2, S/2) in Lab units."""
        planes = self.store[self.members[i]]
        return self._view(planes, self._box(planes), self._random.random() < 0.5, self._tone())

    def _view(self, planes: Bytes, box: Box, mirrored: bool, tone: Tone) -> tuple[Tensor, Tensor]:
        crop = planes[box.y : box.y + box.height, box.x : box.x + box.width].astype(np.float32)
        if mirrored:
            crop = crop[:, ::-1]
        chroma = np.ascontiguousarray(crop[..., 1:]) - 128
        gray = np.ascontiguousarray(crop[..., 0])
        if tone.red or tone.blue:
            gray = gray - chroma @ np.array((tone.red, tone.blue), np.float32)
        shrinks = min(crop.shape[:2]) > self.size
        side = (self.size, self.size)
        gray = cv2.resize(gray, side, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR).astype(
            np.float32
        )
        half = (self.size // 2, self.size // 2)
        chroma = cv2.resize(chroma, half, interpolation=cv2.INTER_AREA).astype(np.float32)
        spoilt = self._spoil(np.clip(gray / 255, 0, 1).astype(np.float32), tone)
        return torch.from_numpy(spoilt)[None], torch.from_numpy(chroma.transpose(2, 0, 1).copy())

    def _box(self, planes: Bytes) -> Box:
        # The filters squash whole frames to a square: most of the crops are just that.
        if self._random.random() < 0.6:
            return Box(0, 0, planes.shape[1], planes.shape[0])
        return self._part(planes)

    def _part(self, planes: Bytes) -> Box:
        height, width = planes.shape[:2]
        area = height * width * self._random.uniform(0.3, 1.0)
        ratio = np.exp(self._random.uniform(-0.4, 0.4))
        return self._somewhere(
            planes, min(width, round(np.sqrt(area * ratio))), min(height, round(np.sqrt(area / ratio)))
        )

    def _somewhere(self, planes: Bytes, width: int, height: int) -> Box:
        x = int(self._random.integers(0, planes.shape[1] - width + 1))
        y = int(self._random.integers(0, planes.shape[0] - height + 1))
        return Box(x, y, width, height)

    def _tone(self) -> Tone:
        """A film, each of its faults only sometimes: more than two in five of the pictures have none."""
        draw = self._random
        tone = Tone()
        if draw.random() < 0.15:
            return tone
        if draw.random() < 0.08:
            tone = tone._replace(red=draw.uniform(0, 0.5), blue=draw.uniform(0, 0.5))
        if draw.random() < 0.3:
            tone = tone._replace(gamma=float(np.exp(draw.uniform(-0.45, 0.45))))
        if draw.random() < 0.25:
            contrast = draw.uniform(0.55, 1.15)
            tone = tone._replace(contrast=contrast, black=draw.uniform(0, max(0.0, 1 - contrast)))
        if draw.random() < 0.12:
            tone = tone._replace(blur=draw.uniform(0.4, 1.3))
        if draw.random() < 0.2:
            # Grain of a pixel or larger than one.
            tone = tone._replace(grain=draw.uniform(0.005, 0.04), coarse=draw.random() < 0.5)
        return tone

    def _spoil(self, gray: NDArray[np.float32], tone: Tone) -> NDArray[np.float32]:
        """Give a picture the tone, the blur and the grain of a film."""
        if tone.gamma != 1:
            gray = gray ** np.float32(tone.gamma)
        gray = gray * np.float32(tone.contrast) + np.float32(tone.black)
        if tone.blur:
            gray = cv2.GaussianBlur(gray, (0, 0), tone.blur).astype(np.float32)
        if tone.grain:
            grain = self._random.standard_normal(gray.shape, np.float32)
            if tone.coarse:
                # ×2 restores about the strength that the blur takes.
                grain = 2 * cv2.GaussianBlur(grain, (0, 0), 0.8).astype(np.float32)
            gray = gray + grain * np.float32(tone.grain)
        return np.clip(gray, 0, 1).astype(np.float32)


class Pairs(Crops):
    """`Crops`, of which every second comes twice, as in two frames of a film.

    Seven of ten of those are nearly whole pictures, with a little room to move. Half of the second views
    stand still and differ by faint grain and brightness; the others are shifted, some of them far, zoomed,
    brighter or darker, and grainier. In most, something passes in front: in the first view it stands
    elsewhere, or is not there yet. What is in both should have the same colours.
    """

    EVERY = 2
    """One of how many crops has a second view."""

    def __init__(self, store: Store, members: Sequence[int], size: int, seed: int) -> None:
        super().__init__(store, members, size, seed)
        self._count = 0

    def __getitem__(self, i: int) -> tuple[Tensor, ...]:
        """Crop `i`: as in `Crops`, or with a second gray, its a/b and its place (2, 3).

        The place is what `torch.nn.functional.affine_grid` takes to lay the second view over the first.
        """
        self._count += 1
        planes = self.store[self.members[i]]
        twice = not self._count % self.EVERY
        box = self._twice_box(planes) if twice else self._box(planes)
        mirrored, tone = self._random.random() < 0.5, self._tone()
        first = self._view(planes, box, mirrored, tone)
        if not twice:
            return first
        # Flicker shows most where camera and thing stand still and only the grain changes.
        still = self._random.random() < 0.5
        moved = box if still else self._moved(box, planes.shape[1], planes.shape[0])
        gray, ab = self._view(planes, moved, mirrored, self._later(tone, still))
        chance = self._random.random()
        if chance < 0.6:
            self._cover(first if chance < 0.45 else None, (gray, ab))
        return *first, gray, ab, _overlay(box, moved, mirrored)

    def _twice_box(self, planes: Bytes) -> Box:
        if self._random.random() < 0.3:
            return self._part(planes)
        share = self._random.uniform(0.85, 1.0)
        return self._somewhere(planes, round(planes.shape[1] * share), round(planes.shape[0] * share))

    def _moved(self, box: Box, width: int, height: int) -> Box:
        draw = self._random
        zoom = draw.uniform(0.92, 1.05)
        far = 0.1 if draw.random() < 0.3 else 0.03
        w, h = (min(round(side * zoom), limit) for side, limit in ((box.width, width), (box.height, height)))
        middle = (box.x + box.width / 2, box.y + box.height / 2)
        x, y = (
            round(place + draw.normal(0, far) * side - side / 2)
            for place, side in zip(middle, (w, h), strict=True)
        )
        return Box(min(max(x, 0), width - w), min(max(y, 0), height - h), w, h)

    def _later(self, tone: Tone, still: bool) -> Tone:
        """The tone of another frame: mostly nearly the same one."""
        draw = self._random
        if still:
            return tone._replace(
                gamma=tone.gamma * float(np.exp(draw.normal(0, 0.01))),
                black=tone.black + draw.normal(0, 0.005),
                grain=max(tone.grain, draw.uniform(0.002, 0.012)),
            )
        if draw.random() < 0.2:
            return self._tone()
        grain = draw.uniform(0.005, 0.03) if draw.random() < 0.7 else 0.0
        return tone._replace(
            gamma=tone.gamma * float(np.exp(draw.normal(0, 0.06))),
            black=tone.black + draw.normal(0, 0.02),
            grain=grain,
        )

    def _cover(self, first: tuple[Tensor, Tensor] | None, second: tuple[Tensor, Tensor]) -> None:
        """Put a part of another picture into the second view, and nearby into the first where it is given."""
        draw = self._random
        other = self.store[self.members[int(draw.integers(len(self.members)))]]
        new_gray, new_ab = self._view(other, self._box(other), draw.random() < 0.5, Tone())
        half = self.size // 2
        w, h = (int(side) for side in draw.integers(half // 6, half // 2, 2))
        left, top = int(draw.integers(0, half - w)), int(draw.integers(0, half - h))
        x, y = left, top
        for view in (second, first):
            if view is None:
                continue
            gray, ab = view
            gray[:, 2 * y : 2 * (y + h), 2 * x : 2 * (x + w)] = new_gray[
                :, 2 * top : 2 * (top + h), 2 * left : 2 * (left + w)
            ]
            ab[:, y : y + h, x : x + w] = new_ab[:, top : top + h, left : left + w]
            x = min(max(x + round(draw.normal(0, 0.08) * half), 0), half - w)
            y = min(max(y + round(draw.normal(0, 0.08) * half), 0), half - h)


def _overlay(first: Box, second: Box, mirrored: bool) -> Tensor:
    """The affine map (2, 3) from places in the first view to places in the second, both in −1…1."""
    across = (2 * (first.x - second.x) + first.width) / second.width - 1
    down = (2 * (first.y - second.y) + first.height) / second.height - 1
    return torch.tensor(
        [
            [first.width / second.width, 0, -across if mirrored else across],
            [0, first.height / second.height, down],
        ],
        dtype=torch.float32,
    )


def join_views(items: Sequence[tuple[Tensor, ...]]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A batch of what `Pairs` gives.

    Args:
        items: B of them, P with a second view.

    Returns:
        Gray (B + P, 1, S, S) and a/b (B + P, 2, S/2, S/2), the second views last; the rows (P,) of their
        first views; their places (P, 2, 3).
    """
    pairs = [(row, item) for row, item in enumerate(items) if len(item) > 2]
    return (
        torch.stack([item[0] for item in items] + [item[2] for _, item in pairs]),
        torch.stack([item[1] for item in items] + [item[3] for _, item in pairs]),
        torch.tensor([row for row, _ in pairs], dtype=torch.long),
        torch.stack([item[4] for _, item in pairs]) if pairs else torch.zeros(0, 2, 3),
    )


def whole_pictures(store: Store, members: Sequence[int], size: int) -> tuple[Tensor, Tensor]:
    """Pictures squashed to squares, as the filters do with frames.

    Args:
        store: the pictures.
        members: which of them.
        size: width and height of the squares, even.

    Returns:
        Gray (N, 1, size, size) in 0…1 and a/b (N, 2, size, size) in Lab units.
    """
    grays, chromas = [], []
    for i in members:
        planes = cv2.resize(store[i], (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)
        grays.append(planes[None, ..., 0] / 255)
        chromas.append(planes[..., 1:].transpose(2, 0, 1) - 128)
    return torch.from_numpy(np.stack(grays)), torch.from_numpy(np.stack(chromas))


def chroma_histogram(store: Store, members: Sequence[int]) -> NDArray[np.int64]:
    """How often each whole-numbered a/b occurs in the pictures.

    Args:
        store: the pictures.
        members: which of them.

    Returns:
        (256, 256) counts; rows are a + 128, columns b + 128.
    """
    counts: NDArray[np.int64] = np.zeros(256 * 256, np.int64)
    for i in members:
        planes = store[i][::3, ::3].reshape(-1, 3).astype(np.int64)
        counts += np.bincount(planes[:, 1] * 256 + planes[:, 2], minlength=256 * 256)
    return counts.reshape(256, 256)


def find_anchors(histogram: NDArray[np.int64], count: int, seed: int) -> NDArray[np.float64]:
    """Colours that cover the a/b plane as the pictures use it (weighted k-means, Lloyd's algorithm).

    The square root of the counts makes rare, saturated colours weigh more than their share.

    Args:
        histogram: `chroma_histogram`'s counts.
        count: how many colours.
        seed: for the starting points.

    Returns:
        (count, 2) a/b.

    Raises:
        ValueError: the pictures have fewer different colours than `count`.
    """
    points = np.argwhere(histogram > 0)
    if len(points) < count:
        raise ValueError(
            f"the pictures have {len(points)} colours, fewer than the {count} that the network chooses from: "
            "give more colourful pictures"
        )
    weights = np.sqrt(histogram[points[:, 0], points[:, 1]])
    places = points.astype(np.float64) - 128
    random = np.random.default_rng(seed)
    anchors: NDArray[np.float64] = places[
        random.choice(len(places), count, replace=False, p=weights / weights.sum())
    ]
    for _ in range(40):
        nearest = nearest_anchor(places, anchors)
        total = np.bincount(nearest, weights, count)
        for axis in range(2):
            sums = np.bincount(nearest, weights * places[:, axis], count)
            anchors[:, axis] = np.where(total > 0, sums / np.maximum(total, 1e-9), anchors[:, axis])
    return anchors


def nearest_anchor(places: NDArray[Any], anchors: NDArray[np.float64]) -> NDArray[np.int64]:
    """The index of the anchor nearest to each (N, 2) a/b."""
    squares = ((places[:, None, :] - anchors[None]) ** 2).sum(axis=2)
    nearest: NDArray[np.int64] = squares.argmin(axis=1)
    return nearest
