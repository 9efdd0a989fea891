"""`ddeoldify_references`: a few coloured frames colour their scenes, or correct what is coloured already."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs
from clips import frame_bytes, plane
from numpy.typing import NDArray
from PIL import Image
from vapoursynth import core

from vsdeoldify import ddeoldify_references, ddeoldify_scenes
from vsdeoldify.metrics import mean_ciede2000
from vsdeoldify.vsutils import scenes
from vsdeoldify.vsutils.propagation import motion, nearest

WIDTH, HEIGHT, LENGTH = 192, 160, 40
SIDE = 48
SMALL = {"render_factor": 12}

pytestmark = pytest.mark.skipif(not motion.is_available(), reason="vapoursynth-mvutensils is not installed")

Rgb = NDArray[np.uint8]


def texture(height: int, width: int, seed: int) -> NDArray[np.float64]:
    """Smooth noise in 0–1."""
    rng = np.random.default_rng(seed)
    picture = Image.fromarray(rng.integers(0, 256, (height // 8 + 1, width // 8 + 1), np.uint8))
    return np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC)).astype(np.float64) / 255


GROUND, THING = texture(HEIGHT, WIDTH, 1) * 0.4 + 0.1, texture(SIDE, SIDE, 2) * 0.4 + 0.55
OTHER = texture(HEIGHT, WIDTH, 3) * 0.4 + 0.4


def place(n: int) -> tuple[int, int]:
    """Where the thing is in frame n: it goes from the left to the right."""
    return 60, 8 + 3 * n


def luma(n: int) -> NDArray[np.float64]:
    """Frame n: a thing before a ground; from frame 30 on another scene."""
    if n >= 30:
        return OTHER
    picture = GROUND.copy()
    y, x = place(n)
    picture[y : y + SIDE, x : x + SIDE] = THING
    return picture


def film(format_id: int = vs.GRAY8, length: int = LENGTH) -> vs.VideoNode:
    """The film in gray, or with chroma of one green everywhere."""
    blank = core.std.BlankClip(width=WIDTH, height=HEIGHT, format=vs.GRAY8, length=length, keep=True)

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        np.copyto(np.asarray(frame[0]), (16 + 219 * luma(n)).round().astype(np.uint8))
        return frame

    gray = core.std.ModifyFrame(blank, blank, draw)
    gray = core.std.SetFrameProps(gray, _Range=vs.RANGE_LIMITED)
    if format_id == vs.GRAY8:
        return gray
    green = core.std.BlankClip(gray, format=vs.YUV444P8, color=[0, 115, 110], keep=True)
    joined = core.std.ShufflePlanes([gray, green, green], [0, 1, 2], vs.YUV)
    return core.std.SetFrameProps(joined, _Matrix=vs.MATRIX_ST170_M)


def rgb(clip: vs.VideoNode, n: int) -> Rgb:
    with core.resize.Bicubic(clip, format=vs.RGB24, matrix_in=vs.MATRIX_ST170_M).get_frame(n) as frame:
        return np.dstack([np.asarray(frame[p]) for p in range(3)])


def painted(n: int, red: bool = True) -> Rgb:
    """Frame n as `film` has it in colour, its thing painted red without a change of its luma."""
    picture = rgb(film(vs.YUV444P8), n).astype(np.float64)
    if red and n < 30:
        y, x = place(n)
        cut = picture[y : y + SIDE, x : x + SIDE]
        gray = cut @ [0.299, 0.587, 0.114]
        cut[..., 0], cut[..., 2] = gray + 1.402 * 45, gray - 1.772 * 20
        cut[..., 1] = (gray - 0.299 * cut[..., 0] - 0.114 * cut[..., 2]) / 0.587
    return picture.round().clip(0, 255).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder with pictures of frames, by name."""

    def make(**pictures: Rgb) -> Path:
        for name, picture in pictures.items():
            stem, _, suffix = name.rpartition("_")
            Image.fromarray(picture).save(tmp_path / f"{stem}.{suffix}", quality=95)
        return tmp_path

    return make


def red_of_thing(clip: vs.VideoNode, n: int) -> float:
    """The mean V of the thing in frame n, in levels above gray."""
    y, x = place(n)
    return float(plane(clip, n, 2)[y + 4 : y + SIDE - 4, x + 4 : x + SIDE - 4].mean()) - 128


def test_a_painted_thing_keeps_its_colour_through_its_scene_and_the_rest_stays(
    folder: Callable[..., Path],
) -> None:
    auto = film(vs.YUV444P8)
    result = ddeoldify_references(auto, folder(ref_000010_png=painted(10)), **SMALL)
    for n in (0, 4, 9, 10, 16, 22):
        assert red_of_thing(result, n) > 0.8 * 45 * 0.88, n
        assert np.array_equal(plane(result, n, 0), plane(auto, n, 0))
        y, x = place(n)
        rest = np.ones((HEIGHT, WIDTH), bool)
        rest[y - 12 : y + SIDE + 12, max(x - 12, 0) : x + SIDE + 12] = False
        for p in (1, 2):
            change = np.abs(plane(result, n, p)[rest].astype(int) - plane(auto, n, p)[rest])
            assert change.max() <= 8, n
            assert change.mean() < 0.1, n
    for n in (30, 35):  # The next scene has no reference.
        assert frame_bytes(result, n) == frame_bytes(auto, n)


def test_what_nobody_changed_stays_as_it_was(folder: Callable[..., Path]) -> None:
    auto = film(vs.YUV444P8)
    pictures = {f"ref_{n:06d}_jpg": painted(n, red=False) for n in (3, 20, 34)}
    result = ddeoldify_references(auto, folder(**pictures), **SMALL)
    for n in (0, 3, 12, 20, 29, 30, 39):
        assert mean_ciede2000(rgb(auto, n), rgb(result, n)) < 0.1


def test_a_gray_clip_has_the_references_colours_and_no_others(folder: Callable[..., Path]) -> None:
    result = ddeoldify_references(film(), folder(ref_000010_tif=painted(10)), **SMALL)
    assert result.format.id == vs.YUV444P8
    # What the thing covers in the reference, and uncovers later, has no colour to follow from.
    for n, most in ((0, 2), (10, 1), (29, 4)):
        assert mean_ciede2000(painted(n), rgb(result, n)) < most, n
    assert np.all(plane(result, 30, 1) == 128)


def test_two_references_share_a_scene_and_each_cut_is_a_wall(folder: Callable[..., Path]) -> None:
    blue = painted(34)
    blue[..., 2] = np.minimum(255, blue[..., 2].astype(int) + 60)
    pictures = folder(ref_000003_png=painted(3), ref_000027_png=painted(27), ref_000034_png=blue)
    result = ddeoldify_references(film(), pictures, **SMALL)
    assert all(red_of_thing(result, n) > 30 for n in (0, 15, 29))
    assert plane(result, 33, 1).mean() > 138
    assert plane(result, 29, 1).mean() < 125


def test_frames_come_out_the_same_in_any_order(folder: Callable[..., Path]) -> None:
    pictures = folder(ref_000003_png=painted(3), ref_000027_png=painted(27))
    auto = film(vs.YUV444P8)
    first = ddeoldify_references(auto, pictures, **SMALL)
    expected = {n: frame_bytes(first, n) for n in range(0, LENGTH, 3)}
    second = ddeoldify_references(auto, pictures, **SMALL)
    for n in random.Random(3).sample(sorted(expected), len(expected)):
        assert frame_bytes(second, n) == expected[n]
    # A part of the film with its references alone is the same part.
    part = ddeoldify_references(auto[:30], pictures, **SMALL)
    assert frame_bytes(part, 18) == expected[18]


def test_reach_strength_and_offset(folder: Callable[..., Path]) -> None:
    auto = film(vs.YUV444P8)
    pictures = folder(ref_000110_png=painted(10))
    near = ddeoldify_references(auto, pictures, 5, offset=-100, **SMALL)
    assert red_of_thing(near, 14) > 30
    assert frame_bytes(near, 17) == frame_bytes(auto, 17)
    weak = ddeoldify_references(auto, pictures, strength=0.5, offset=-100, **SMALL)
    none = ddeoldify_references(auto, pictures, strength=0, offset=-100, **SMALL)
    strong = ddeoldify_references(auto, pictures, offset=-100, **SMALL)
    middle = (red_of_thing(none, 12) + red_of_thing(strong, 12)) / 2
    assert red_of_thing(weak, 12) == pytest.approx(middle, abs=1.5)


def test_a_clip_in_colour_is_a_reference_for_every_frame() -> None:
    """A colour master that is shifted by two pixels over a better transfer without colour."""
    blank = core.std.BlankClip(width=WIDTH, height=HEIGHT, format=vs.RGB24, length=LENGTH, keep=True)

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        for p in range(3):
            np.copyto(np.asarray(frame[p]), np.roll(painted(n)[..., p], 2, 1))
        return frame

    master = core.std.ModifyFrame(blank, blank, draw)
    result = ddeoldify_references(film(), master, **SMALL)
    for n in (0, 17, 29):
        assert mean_ciede2000(painted(n), rgb(result, n)) < 2
    with pytest.raises(vs.Error, match="as many frames as the clip: 40, not 39"):
        ddeoldify_references(film(), master[:39], **SMALL)
    with pytest.raises(vs.Error, match="is gray"):
        ddeoldify_references(film(), film(), **SMALL)


def test_a_reference_in_a_flash_reaches_it_alone() -> None:
    blank = core.std.BlankClip(format=vs.GRAY8, width=1, height=1, length=600)

    def mark(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        frame.props["_SceneChangePrev"] = n in (0, 300)
        frame.props["_Flash"] = n in (50, 400)
        return frame

    cuts = core.std.ModifyFrame(blank, blank, mark)
    found = nearest.find_references(cuts, [20, 50, 290, 310], None)

    def at(n: int) -> tuple[int | None, int | None]:
        return tuple(nearest.references_of(found.get_frame(n)))

    assert at(0) == (None, 20)
    assert at(20) == (20, None)
    assert at(30) == (20, None)
    assert at(50) == (50, None)
    assert at(60) == (None, 290)
    assert at(299) == (290, None)
    assert at(300) == (None, 310)
    assert at(399) == (310, None)
    assert at(400) == (None, None)
    near = nearest.find_references(cuts, [20, 290, 310], 15)
    assert [tuple(nearest.references_of(near.get_frame(n))) for n in (5, 4, 35, 36)] == [
        (None, 20),
        (None, None),
        (20, None),
        (None, None),
    ]


def test_wrong_folders_are_refused_at_the_call(folder: Callable[..., Path], tmp_path: Path) -> None:
    def message(path: Path | str, **others: object) -> str:
        with pytest.raises(vs.Error) as caught:
            ddeoldify_references(film(), path, **SMALL | others)
        assert str(caught.value).startswith("ddeoldify_references: ")
        return str(caught.value)

    assert "does not exist" in message(tmp_path / "nowhere")
    assert "holds no pictures" in message(tmp_path)
    (tmp_path / "notes.txt").write_text("12")
    assert "holds no pictures" in message(tmp_path)
    assert "is a file" in message(tmp_path / "notes.txt")
    path = folder(ref_000040_png=painted(10))
    assert "ref_000040.png belongs to frame 40, but the clip has the frames 0 to 39" in message(path)
    (tmp_path / "ref_000040.png").rename(tmp_path / "ref_last.png")
    assert "has no number of a frame" in message(tmp_path)
    (tmp_path / "ref_last.png").unlink()
    folder(ref_000010_png=painted(10))
    folder(ref_000010_v2_png=painted(10))
    assert "both belong to frame 10" in message(tmp_path)
    (tmp_path / "ref_000010_v2.png").unlink()
    (tmp_path / "ref_000010.png").write_bytes(b"no picture")
    assert "ref_000010.png is no picture that can be read" in message(tmp_path)
    (tmp_path / "ref_000010.png").unlink()
    folder(ref_000032_png=painted(10))
    assert "does not show frame 32" in message(tmp_path)
    assert "frame 10 fits: rename it to ref_000010.png" in message(tmp_path)
    assert 'reach must be "scene" or a number' in message(tmp_path, reach="film")
    assert "reach must be" in message(tmp_path, reach=0)
    assert "strength must be" in message(tmp_path, strength=1.5)
    assert "offset must be" in message(tmp_path, offset=0.5)


def test_without_the_plugin_it_is_said_how_to_get_it(
    folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(motion, "is_available", lambda: False)
    with pytest.raises(vs.Error, match=r'mvutensils.*pip install "vsdeoldify\[motion\]"'):
        ddeoldify_references(film(), folder(ref_000010_png=painted(10)), **SMALL)


def test_nothing_is_coloured_while_the_graph_is_built(folder: Callable[..., Path]) -> None:
    auto = film(vs.YUV444P8)
    asked: list[int] = []

    def see(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        asked.append(n)
        return f

    # What `ddeoldify` gives: its luma is known without the networks.
    from vsdeoldify.vsutils import formats

    canvas = core.std.ModifyFrame(*(formats.to_canvas(auto, 192),) * 2, see)
    coloured = formats.restore(film(), canvas)
    result = ddeoldify_references(coloured, folder(ref_000010_png=painted(10)), **SMALL)
    assert asked == []
    result.get_frame(20).close()
    assert set(asked) == {10, 20}


def test_long_films_and_marked_scenes(folder: Callable[..., Path]) -> None:
    long = core.std.Loop(film(vs.YUV444P8), 10_000)
    assert len(long) == 400_000
    marked = ddeoldify_scenes(long, scenes=[0, 30])
    result = ddeoldify_references(marked, folder(ref_000010_png=painted(10)), **SMALL)
    assert red_of_thing(result, 20) > 30
    assert frame_bytes(result, 399_999) == frame_bytes(long, 399_999)
    assert len(scenes.shift(result, 1)) == 400_000
