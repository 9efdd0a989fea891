"""Recall and precision of the scene detection on films with known cuts: `python benchmarks/scenes.py`.

Takes of the clips in the folder `shared` are joined by hard cuts, dissolves and fades through
black, as they are and as dark scenes, with and without grain and flicker; flashes are put into others. Recall
is the share of transitions with a mark: at a cut on its frame, else within the transition. All other marks
are wrong. "Before" are marks by the difference of neighbouring frames alone, with a threshold of 0.15.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import vapoursynth as vs
from vapoursynth import core

from vsdeoldify.vsutils import formats, scenes, transitions
from vsdeoldify.vsutils.frames import in_order

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("VSDEOLDIFY_SHARED", ROOT.parent / "shared"))
SIZE = 384
THRESHOLD = 0.15
CUTS = {
    "clips/city_bikes_cuts.mp4": (42, 92),
    "clips/hands_cups.mp4": (),
    "clips/park_football.mp4": (),
    "clips/person_woodfloor.mp4": (),
    "clips/six_scenes_cuts.mp4": (18, 36, 54, 72, 90),
    "clips/woman_dog_garden.mp4": (),
    "film/sample_bw.mp4": (34, 134, 207, 290),
}
KINDS = {
    "hard cut": ("cut", 0),
    **{f"dissolve, {length} frames": ("dissolve", length) for length in (8, 12, 16, 25)},
    **{f"through black, 2 × {length} frames": ("black", length) for length in (8, 16, 25)},
    "hard cut, flashes in all scenes": ("flash", 1),
}
LIGHTS = {"as filmed": "x", "a sixth as bright": "x 6 /", "night": "x 2.5 pow 0.6 *"}


@dataclass
class Film:
    """A film, and where one may find what.

    Attributes:
        clip: gray, float.
        places: first and last frame that a mark of a transition may have.
        flashes: their frames.
    """

    clip: vs.VideoNode
    places: list[tuple[int, int]] = field(default_factory=list)
    flashes: list[int] = field(default_factory=list)


def takes() -> list[vs.VideoNode]:
    """Takes without a cut, gray, squeezed to a square."""
    found = []
    for name, cuts in CUTS.items():
        clip = formats.to_gray(core.bs.VideoSource(str(SHARED / name), cachemode=0), SIZE)
        bounds = [0, *cuts, len(clip)]
        found += [clip[first:end] for first, end in pairwise(bounds)]
    return found


def in_some_order(clips: list[vs.VideoNode], random: np.random.Generator) -> list[vs.VideoNode]:
    """The takes in an order in which none follows one of the same view."""
    pictures = [np.asarray(clip.resize.Bilinear(64, 64).get_frame(0)[0]).ravel() for clip in clips]
    alike = np.corrcoef(pictures) > 0.6
    while True:
        order = random.permutation(len(clips))
        if not any(alike[one, other] for one, other in pairwise(order)):
            return [clips[n] for n in order]


def of_length(clip: vs.VideoNode, length: int) -> vs.VideoNode:
    """A take to and fro until it is long enough."""
    while len(clip) < length:
        clip = clip + clip.std.Reverse()[1:]
    return clip[:length]


def mixed(one: vs.VideoNode, other: vs.VideoNode) -> vs.VideoNode:
    """From one clip to the other, evenly."""
    steps = len(one) + 1
    return core.std.Splice([core.std.Merge(one[n], other[n], (n + 1) / steps) for n in range(len(one))])


def joined(clips: list[vs.VideoNode], kind: str, length: int, random: np.random.Generator) -> Film:
    """A film of takes with transitions of one kind."""
    film = Film(of_length(clips[0], int(random.integers(30, 50))))
    for clip in clips[1:]:
        begin = len(film.clip)
        take = of_length(clip, int(random.integers(30, 50)) + length)
        if kind == "flash":
            place = int(random.integers(10, len(take) - 10))
            share = float(random.uniform(0.5, 1))
            flash = take[place].std.Expr(f"x {1 - share} * {share} +")
            film.clip = film.clip + take[:place] + flash + take[place + 1 :]
            film.places.append((begin, begin))
            film.flashes.append(begin + place)
        elif kind == "cut":
            film.clip = film.clip + take
            film.places.append((begin, begin))
        elif kind == "dissolve":
            middle = mixed(film.clip[begin - length :], take[:length])
            film.clip = film.clip[: begin - length] + middle + take[length:]
            film.places.append((begin - length, begin))
        else:
            black = take.std.BlankClip(color=0, length=length)
            hold = black.std.Loop(2)[: int(random.integers(1, 10))]
            out = mixed(film.clip[begin - length :], black)
            back = mixed(black, take[:length])
            film.clip = film.clip[: begin - length] + out + hold + back + take[length:]
            film.places.append((begin - length, begin + len(hold) + length))
    return film


def disturbed(clip: vs.VideoNode, grain: float, flicker: float, seed: int) -> vs.VideoNode:
    """The clip with grain and with brightness that changes from frame to frame."""

    def disturb(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame, random = f.copy(), np.random.default_rng(seed * 100_003 + n)
        picture = np.asarray(frame[0])
        gain = 1 + random.normal(0, flicker)
        np.copyto(picture, np.clip(picture * gain + random.normal(0, grain, picture.shape), 0, 1))
        return frame

    return core.std.ModifyFrame(clip, clip, disturb)


def marks(clip: vs.VideoNode) -> tuple[list[int], list[int], list[int]]:
    """The marks by the difference of neighbours alone, those of today, and today's flashes."""
    found = list(in_order(scenes.find_cuts(clip, THRESHOLD)))
    numbers = [one.props["_Numbers"] for one in in_order(transitions._measures(clip))]
    step1, step2 = ([row[column] for row in numbers] for column in (2, 3))
    flash = [
        0 < n < len(clip) - 1
        and step1[n] > THRESHOLD
        and step1[n + 1] > THRESHOLD
        and step2[n + 1] <= THRESHOLD / 2
        for n in range(len(clip))
    ]
    before = [n for n in range(1, len(clip)) if step1[n] > THRESHOLD and not flash[n] and not flash[n - 1]]
    now = [n for n, frame in enumerate(found) if n and frame.props["_SceneChangePrev"]]
    return before, now, [n for n, frame in enumerate(found) if frame.props["_Flash"]]


def judged(found: list[int], places: list[tuple[int, int]]) -> tuple[int, int]:
    """How many transitions have a mark, and how many marks are too many."""
    hits = sum(any(first <= n <= last for n in found) for first, last in places)
    return hits, len(found) - hits


def table(grain: float, flicker: float, choose: Callable[[str], bool], rounds: int) -> None:
    clips = takes()
    print("| | " + " | ".join(LIGHTS) + " |")
    print("|---" * (len(LIGHTS) + 1) + "|")
    for number, (name, (kind, length)) in enumerate(KINDS.items()):
        if not choose(name):
            continue
        cells = []
        for expression in LIGHTS.values():
            sums = np.zeros(5, int)
            flashes = 0
            for turn in range(rounds):
                random = np.random.default_rng(1000 * number + turn)
                order = in_some_order(clips, random)
                film = joined([clip.std.Expr(expression) for clip in order], kind, length, random)
                clip = disturbed(film.clip, grain, flicker, number) if grain or flicker else film.clip
                before, now, flash = marks(clip)
                sums += [len(film.places), *judged(before, film.places), *judged(now, film.places)]
                flashes += len(set(flash) & set(film.flashes))
            total, was, _, hits, wrong = sums
            precision = hits / (hits + wrong) if hits + wrong else 1.0
            cell = f"{was / total:.2f} → {hits / total:.2f} ({precision:.2f})"
            cells.append(cell + (f"; {flashes / total:.2f} told" if kind == "flash" else ""))
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def false_marks(grain: float, flicker: float) -> None:
    """Marks in takes that have no cut."""
    for light, expression in LIGHTS.items():
        frames = wrong = 0
        for number, take in enumerate(takes()):
            clip = of_length(take, 90).std.Expr(expression)
            clip = disturbed(clip, grain, flicker, number) if grain or flicker else clip
            frames += len(clip)
            wrong += len(marks(clip)[1])
        print(
            f"{light}, grain {grain}, flicker {flicker}: {wrong} wrong marks in {frames} frames", flush=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--grain", type=float, default=0.02, help="standard deviation, 0–1")
    parser.add_argument("--flicker", type=float, default=0.03, help="standard deviation of the brightness")
    parser.add_argument("--kinds", default="", help="only kinds with this in their name")
    parser.add_argument("--rounds", type=int, default=1, help="films of every kind")
    options = parser.parse_args()
    begun = time.process_time()
    for grain, flicker in ((0.0, 0.0), (options.grain, options.flicker)):
        print(f"\ngrain {grain}, flicker {flicker}: recall before → now (precision now)\n")
        table(grain, flicker, lambda name: options.kinds in name, options.rounds)
        print()
        if not options.kinds:
            false_marks(grain, flicker)
    print(f"\n{time.process_time() - begun:.0f} s of CPU time")


if __name__ == "__main__":
    main()
