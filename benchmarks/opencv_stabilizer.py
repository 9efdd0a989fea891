"""The stabilizer's formulas, frame by frame with OpenCV and numpy: what the benchmark compares with.

Written the way the original plugin works (8-bit RGB pictures, HSV, masks, one frame at a time), with its
defects left out: full range, scene cuts found, every frame treated alike. Each frame is squeezed and faded
once and kept while its neighbours need it.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]


def _converted(picture: Picture, code: int) -> Picture:
    result: Picture = cv2.cvtColor(picture, code)
    return result


def _in_hues(hsv: Picture, ranges: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    hue = hsv[..., 0]
    chosen = np.zeros(hue.shape, bool)
    for start, end in ranges:
        chosen |= (hue >= start / 2) & (hue < end / 2)
    return chosen


def _scale_hsv(hsv: Picture, saturation: float, value: float) -> Picture:
    scaled = hsv.copy()
    scaled[..., 1] = hsv[..., 1] * saturation
    scaled[..., 2] = hsv[..., 2] * value
    return _converted(scaled, cv2.COLOR_HSV2RGB)


def fade(
    picture: Picture,
    low: float,
    high: float,
    saturation: float,
    value: float,
    ranges: Sequence[tuple[int, int]],
) -> Picture:
    """`dark` and `smooth`: HSV saturation and value scaled where the picture is dark, in some hues."""
    hsv = _converted(picture, cv2.COLOR_RGB2HSV)
    changed = _scale_hsv(hsv, saturation, value)
    if ranges:
        changed = np.where(_in_hues(hsv, ranges)[..., None], changed, picture)
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    bright = np.clip((luma - low) / (high - low), 0, 1)[..., None]
    mixed: Picture = (changed * (1 - bright) + picture * bright + 0.5).astype(np.uint8)
    return mixed


def _restored(current: Picture, neighbour: Picture, threshold: float, weight: float) -> Picture:
    """The neighbour's chroma under the current luma, gray pixels filled with the current colour."""
    saturation = cv2.cvtColor(neighbour, cv2.COLOR_RGB2HSV)[..., 1]
    filled = (current * (1 - weight) + neighbour * weight + 0.5).astype(np.uint8)
    restored: Picture = np.where((saturation < threshold)[..., None], filled, neighbour)
    return restored


def _adjust_chroma(picture: Picture, ranges: Sequence[tuple[int, int]], sat: float, weight: float) -> Picture:
    hsv = _converted(picture, cv2.COLOR_RGB2HSV)
    faded = _scale_hsv(hsv, sat, 1.0)
    result = np.where(_in_hues(hsv, ranges)[..., None], faded, picture)
    if weight > 0:
        result = (result * (1 - weight) + faded * weight + 0.5).astype(np.uint8)
    return result


class Stabilizer:
    """dark, smooth and stab with the plugin's default parameters on a film in memory."""

    def __init__(self, frames: Sequence[Picture], size: int = 384, count: int = 5) -> None:
        self.frames, self.size, self.half = frames, size, count // 2
        self._kept: dict[int, Any] = {}

    def _prepared(self, n: int) -> tuple[Picture, Picture, Picture]:
        """Frame n squeezed and faded, its YUV, and its luma for the scene cuts."""
        if n not in self._kept:
            small = cv2.resize(self.frames[n], (self.size, self.size), interpolation=cv2.INTER_LANCZOS4)
            tiny = cv2.resize(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (64, 64), interpolation=cv2.INTER_AREA)
            small = fade(small.astype(np.uint8), 0.1, 0.2, 0.3, 0.2, ((0, 30), (300, 360)))
            small = fade(small, 0.3, 0.7, 0.9, 0.95, ())
            self._kept[n] = (small, cv2.cvtColor(small, cv2.COLOR_RGB2YUV), tiny)
            self._kept.pop(n - 2 * self.half - 1, None)
        kept: tuple[Picture, Picture, Picture] = self._kept[n]
        return kept

    def _cut(self, n: int) -> bool:
        if not 0 < n < len(self.frames):
            return True
        difference = cv2.absdiff(self._prepared(n - 1)[2], self._prepared(n)[2])
        return bool(difference.mean() / 255 > 0.15)

    def __getitem__(self, n: int) -> Picture:
        """The finished frame n, in the source's size with the source's luma."""
        current, yuv, _ = self._prepared(n)
        chroma = np.zeros((*yuv.shape[:2], 2), np.float32)
        count = 1
        for step in (-1, 1):
            for k in range(1, self.half + 1):
                if self._cut(n + step * k + (step < 0)):
                    break
                other = yuv.copy()
                other[..., 1:] = self._prepared(n + step * k)[1][..., 1:]
                other_rgb = _converted(other, cv2.COLOR_YUV2RGB)
                restored = _restored(current, other_rgb, 15, 0.2)
                chroma += cv2.cvtColor(restored, cv2.COLOR_RGB2YUV)[..., 1:]
                count += 1
        chroma += yuv[..., 1:] * np.float32(2 * self.half + 2 - count)
        mixed = yuv.copy()
        mixed[..., 1:] = chroma / (2 * self.half + 1) + 0.5
        small = _converted(mixed, cv2.COLOR_YUV2RGB)
        small = _adjust_chroma(small, ((300, 360),), 0.5, 0.0)
        source = self.frames[n]
        large = cv2.resize(small, (source.shape[1], source.shape[0]), interpolation=cv2.INTER_LANCZOS4)
        result = cv2.cvtColor(large, cv2.COLOR_RGB2YUV)
        result[..., 0] = cv2.cvtColor(source, cv2.COLOR_RGB2YUV)[..., 0]
        return _converted(result, cv2.COLOR_YUV2RGB)
