"""What a film says of its pictures reaches the result: fields, range, colours, place of chroma, shape."""

import io
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs
from films import FFMPEG, coloured, encoders, make_film, run, run_ffmpeg, see, with_other
from numpy.typing import NDArray
from vapoursynth import core

from vsdeoldify.film.encoding import encoder_arguments
from vsdeoldify.film.frames import Wanted, write_frames
from vsdeoldify.film.raw import FrameReader
from vsdeoldify.film.source import _settled


def options(text: str, program: str = FFMPEG) -> list[str]:
    """The user's options for an ffmpeg, where that has the encoder."""
    if text and text.split()[1] not in encoders(program):
        pytest.skip(f"this ffmpeg has no {text.split()[1]}")
    return ["--encoder-options", text]


def interlaced(path: Path, order: str, size: str = "96x64", **changes: str) -> Path:
    """An interlaced film."""
    first = {"tff": "top", "bff": "bottom"}[order]
    filters = f"hue=s=0,tinterlace=interleave_{first},format=yuv420p,setparams=field_mode={order}"
    run_ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc2=s={size}:r=50", "-t", "0.4", "-vf", filters),
        *("-c:v", changes.get("codec", "mpeg2video"), "-flags", "+ildct+ilme", path),
    )
    return path


def fields(path: Path) -> list[int]:
    """Which field of every frame is first: 2 for top, 1 for bottom, 0 for none."""
    return [frame.props["_FieldBased"] for frame in see(path).clip.frames(close=True)]


@pytest.mark.parametrize(
    ("order", "suffix", "own"),
    [
        ("tff", ".mkv", ""),
        ("bff", ".mp4", ""),
        ("bff", ".mkv", "-c:v libx264 -x264-params keyint=5"),
        ("tff", ".mp4", "-c:v mpeg2video"),
        ("bff", ".mkv", "-c:v ffv1"),
        ("tff", ".mov", "-c:v prores_ks"),
    ],
)
def test_the_first_field_stays_the_first_in_frames_and_container(
    tmp_path: Path, order: str, suffix: str, own: str
) -> None:
    source, output = interlaced(tmp_path / "in.mkv", order), tmp_path / f"out{suffix}"
    coloured(source, output, *options(own))
    first = {"tff": 2, "bff": 1}[order]
    assert fields(source) == [first] * 10
    assert fields(output) == [first] * 10
    said = subprocess.run([FFMPEG, "-i", output], capture_output=True, text=True).stderr
    assert ("top" if order == "tff" else "bottom") in re.findall(r"Video: .*", said)[0]


@pytest.mark.parametrize("own", ["-c:v libx265", "-c:v libvpx-vp9 -cpu-used 8"])
def test_an_encoder_without_fields_is_said_before_the_work(tmp_path: Path, own: str) -> None:
    source = interlaced(tmp_path / "in.mkv", "tff")
    said = coloured(source, tmp_path / "out.mkv", *options(own))
    note = "does not tell which lines belong to which field"
    assert said.count(note) == 1
    assert said.index(note) < said.index("10 frames in")
    assert note not in coloured(source, tmp_path / "out.mkv")


def test_a_progressive_film_is_told_as_progressive(tmp_path: Path) -> None:
    coloured(make_film(tmp_path / "in.mkv", "-c:v", "ffv1"), tmp_path / "out.mkv")
    assert fields(tmp_path / "out.mkv") == [0] * 10


def test_a_film_that_starts_progressive_keeps_its_fields(tmp_path: Path) -> None:
    make_film(tmp_path / "a.ts", "-c:v", "mpeg2video", rate="25", seconds=0.4)
    interlaced(tmp_path / "b.ts", "bff")
    (tmp_path / "list").write_text("file a.ts\nfile b.ts\n")
    run_ffmpeg("-f", "concat", "-i", tmp_path / "list", "-map", "0:v", "-c", "copy", tmp_path / "in.mkv")
    assert fields(tmp_path / "in.mkv")[0] == 0
    said = coloured(tmp_path / "in.mkv", tmp_path / "out.mkv")
    assert re.search(r"\d+ of 16 frames looked at are interlaced .* bottom field first", said)
    assert {*fields(tmp_path / "out.mkv")} == {1}


def test_tags_that_change_on_the_way_are_said() -> None:
    frames = [{"_FieldBased": 2, "_Matrix": 1}] * 3 + [{"_FieldBased": 1, "_Matrix": 6}]
    found, notes = _settled(frames)
    assert found == {"_FieldBased": 2, "_Matrix": 1}
    assert "top field first" in notes[0]
    assert "matrix changes on the way" in notes[1]
    assert _settled([{"_FieldBased": 1}] * 4) == ({"_FieldBased": 1}, [])


def test_fields_of_486_lines_get_an_encoding_that_holds_them(tmp_path: Path) -> None:
    source = interlaced(tmp_path / "in.mkv", "bff", "64x486", codec="ffv1")
    coloured(source, tmp_path / "out.mkv")
    after = see(tmp_path / "out.mkv")
    assert (after.clip.height, after.clip.format.id) == (486, vs.YUV422P8)
    assert {*fields(tmp_path / "out.mkv")} == {1}


def test_the_users_own_options_of_x264_stand_beside_the_fields() -> None:
    own = ["-x264-params", "keyint=1", "-x264-params", "keyint=5", "-crf", "3"]
    found = encoder_arguments(".mkv", 8, (1, 1), (64, 64), {"_FieldBased": 1}, own, False)
    assert found[-4:] == ["-x264-params", "bff=1:keyint=5", "-crf", "3"]
    assert "libx264" in found


def shown(clip: vs.VideoNode) -> NDArray[np.float64]:
    """Brightness of the first frame from 0 to 1, as a player shows it."""
    with clip.get_frame(0) as frame:
        luma = np.asarray(frame[0]).astype(float) / 2 ** (clip.format.bits_per_sample - 8)
        return luma / 255 if frame.props.get("_Range") == vs.RANGE_FULL else (luma - 16) / 219


LOSSLESS = ("ffv1", "ffvhuff", "utvideo")


FULL = [
    ("", ".mp4"),
    *((codec, ".mkv") for codec in LOSSLESS),
    ("huffyuv -pix_fmt yuv422p", ".mkv"),
    ("ffv1", ".mov"),
    ("magicyuv", ".mkv"),
    ("mpeg4 -q:v 1", ".mp4"),
    ("mpeg2video -q:v 1", ".mkv"),
    ("prores_ks", ".mov"),
    ("libx265 -crf 1", ".mp4"),
    ("libvpx-vp9 -crf 1 -b:v 0 -cpu-used 8", ".webm"),
]
LIMITED = [("", ".mkv"), ("ffv1", ".mkv"), ("prores_ks", ".mov"), ("mjpeg -q:v 1", ".mkv")]


@pytest.mark.parametrize(
    ("full", "codec", "suffix"), [*((True, *pair) for pair in FULL), *((False, *pair) for pair in LIMITED)]
)
def test_the_picture_is_as_bright_as_the_source_with_every_encoder(
    tmp_path: Path, full: bool, codec: str, suffix: str
) -> None:
    source, output = tmp_path / "in.mkv", tmp_path / f"out{suffix}"
    tags = f"range={'pc' if full else 'tv'}:colorspace=bt709:color_primaries=bt709:color_trc=smpte240m"
    run_ffmpeg(
        *("-f", "lavfi", "-i", "color=s=96x64:r=25", "-frames:v", "3"),
        *("-vf", f"format=gray,geq=lum='16+X*2',setparams={tags}", "-color_range", "pc" if full else "tv"),
        *("-c:v", "ffv1", source),
    )
    said = coloured(source, output, *(options(f"-c:v {codec}") if codec else []))
    before, after = see(source), see(output)
    assert np.abs(shown(after.clip) - shown(before.clip)).max() < (0.012 if codec in LOSSLESS else 0.04)
    assert before.properties["_Range"] == (vs.RANGE_FULL if full else vs.RANGE_LIMITED)
    # BestSource says nothing of a range that nothing is said of: players take it for limited.
    kept = after.properties.get("_Range", vs.RANGE_LIMITED) == before.properties["_Range"]
    assert ("range only: the brightness is converted" in said) != kept
    if codec in LOSSLESS and suffix == ".mkv":
        assert (after.luma() == before.luma()).all()
    for name, word in (("_Matrix", "matrix"), ("_Primaries", "primaries"), ("_Transfer", "transfer")):
        assert (after.properties[name] == before.properties[name]) != (word in said), name


def test_an_encoder_of_rgb_says_so_and_not_the_films_matrix(tmp_path: Path) -> None:
    # RGB has all the cheap colours of middle gray.
    filters, tags = "geq=lum=120:cb=128:cr=128", ["-c:v", "libx264", "-qp", "0", "-colorspace", "bt709"]
    source = make_film(tmp_path / "in.mkv", *tags, filters=filters)
    coloured(source, tmp_path / "out.mkv", *options("-c:v ffv1 -pix_fmt gbrp"))
    after = see(tmp_path / "out.mkv")
    assert after.clip.format.color_family == vs.RGB
    gray = core.resize.Point(after.clip, format=vs.GRAY8, matrix=vs.MATRIX_BT709, range=vs.RANGE_LIMITED)
    with gray.get_frame(1) as frame:
        assert np.abs(np.asarray(frame[0]).astype(int) - see(source).luma()[1]).max() < 3


UNEVEN = "select='lt(n,4)+not(mod(n,3))'"


PLACES = [
    ("left", "", ""),
    ("center", "", "-c:v ffv1"),
    ("topleft", "", "-c:v libx265"),
    ("bottomleft", "", ""),
    ("left", "format=yuv420p10", ""),
    ("topleft", "format=yuv420p10", "-c:v ffv1"),
    ("left", UNEVEN, ""),
    ("center", UNEVEN, "-c:v ffv1"),
]


@pytest.mark.parametrize(
    ("location", "filters", "own", "each_ffmpeg"),
    with_other(PLACES, PLACES[-1]),
    indirect=["each_ffmpeg"],
)
def test_the_place_of_the_chroma_stays_at_every_depth_and_rate(
    tmp_path: Path, location: str, filters: str, own: str, each_ffmpeg: str
) -> None:
    rate = ["-fps_mode", "vfr"] if filters == UNEVEN else []
    codec = ["-c:v", "libx264", "-chroma_sample_location", location]
    source = make_film(tmp_path / "in.mkv", "-an", *rate, *codec, filters=filters)
    said = coloured(source, tmp_path / "out.mkv", *options(own, each_ffmpeg))
    before, after = see(source), see(tmp_path / "out.mkv")
    assert after.properties["_ChromaLocation"] == before.properties["_ChromaLocation"]
    assert (
        before.properties["_ChromaLocation"]
        == {"left": 0, "center": 1, "topleft": 2, "bottomleft": 4}[location]
    )
    assert "does not keep" not in said
    assert ("frame rate varies" in said) == (filters == UNEVEN)


@pytest.mark.usefixtures("each_ffmpeg")
def test_a_place_of_the_chroma_that_is_lost_is_said(tmp_path: Path) -> None:
    codec = ["-c:v", "libx264", "-chroma_sample_location", "topleft"]
    source = make_film(tmp_path / "in.mkv", *codec)
    said = coloured(source, tmp_path / "out.mkv", *options("-c:v mpeg4"))
    assert see(tmp_path / "out.mkv").properties["_ChromaLocation"] == 0
    assert "mpeg4 in .mkv files does not keep the film's place of the chroma (topleft)" in said


turns = pytest.mark.skipif(
    "apply_rotation" not in core.bs.VideoSource.signature, reason="this BestSource turns no films"
)


@turns
@pytest.mark.parametrize(
    ("name", "turn", "size", "shape"),
    [
        ("turned.mp4", "90", "96x64", (3, 4)),
        ("turned.mkv", "270", "96x64", (3, 4)),
        ("square.mov", "90", "96x96", (3, 4)),
        ("over.mp4", "180", "96x64", (4, 3)),
    ],
)
def test_a_turned_film_has_turned_pixels(
    tmp_path: Path, name: str, turn: str, size: str, shape: tuple[int, int]
) -> None:
    upright = make_film(tmp_path / "up.mp4", "-c:v", "libx264", "-an", filters="setsar=4/3", size=size)
    source, output = tmp_path / name, tmp_path / "out.mkv"
    run_ffmpeg("-display_rotation:v:0", turn, "-i", upright, "-c", "copy", source)
    coloured(source, output, *options("-c:v ffv1"))
    run_ffmpeg("-i", source, "-c:v", "ffv1", tmp_path / "by_ffmpeg.mkv")
    by_ffmpeg, after = see(tmp_path / "by_ffmpeg.mkv"), see(output)
    assert (after.properties["_SARNum"], after.properties["_SARDen"]) == shape
    assert (after.luma() == by_ffmpeg.luma()).all()


@turns
def test_a_film_turned_by_no_quarter_is_refused_with_a_command_that_helps(tmp_path: Path) -> None:
    upright = make_film(tmp_path / "up.mp4", "-c:v", "libx264", "-an")
    source = tmp_path / "in.mp4"
    run_ffmpeg("-display_rotation:v:0", "30", "-i", upright, "-c", "copy", source)
    ran = run("colorize", source, "-o", tmp_path / "out.mkv")
    assert ran.code == 1
    assert "in.mp4 is to be turned by an angle other than 90" in ran.said
    command = re.search(r"ffmpeg (.*) IN (.*) OUT", ran.said)
    assert command is not None
    run_ffmpeg(*command[1].split(), source, *command[2].split(), tmp_path / "mended.mp4")
    coloured(tmp_path / "mended.mp4", tmp_path / "out.mkv")


@pytest.mark.parametrize(
    ("layout", "filters", "turn"),
    [
        ("yuv422p10le", "", "90"),
        ("yuv411p", "", ""),
        ("yuv411p", UNEVEN, ""),
        ("yuv410p", "", ""),
        ("yuv440p12le", UNEVEN, ""),
    ],
)
def test_every_layout_of_chroma_passes_the_pipe(tmp_path: Path, layout: str, filters: str, turn: str) -> None:
    plain, source = tmp_path / "plain.mkv", tmp_path / "in.mkv"
    rate = ["-fps_mode", "vfr"] if filters else []
    make_film(plain, *rate, "-an", "-c:v", "ffv1", filters=f"{filters or 'null'},format={layout}")
    run_ffmpeg(*(["-display_rotation:v:0", turn] if turn else []), "-i", plain, "-c", "copy", source)
    before = see(source)
    assert (before.clip.format.subsampling_w, before.clip.format.subsampling_h) not in [(1, 0), (1, 1)]
    coloured(source, tmp_path / "out.mkv", *options("-c:v ffv1"))
    coloured(source, tmp_path / "lossy.mkv")
    after = see(tmp_path / "out.mkv")
    assert after.clip.format.color_family == vs.YUV
    assert (after.luma() == before.luma()).all()
    assert after.seconds == pytest.approx(before.seconds, abs=0.002)
    assert see(tmp_path / "lossy.mkv").clip.num_frames == before.clip.num_frames


@pytest.mark.parametrize(
    ("layout", "written"),
    [("YUV444PS", b"C444p16"), ("YUV420PH", b"C420p16"), ("YUV440P8", b"C444"), ("YUV420P12", b"C420p12")],
)
def test_floating_point_and_odd_layouts_become_what_a_pipe_carries(
    tmp_path: Path, layout: str, written: bytes
) -> None:
    script = tmp_path / "film.vpy"
    script.write_text(
        "import vapoursynth as vs\n"
        f"vs.core.std.BlankClip(format=vs.{layout}, width=8, height=8, length=2).set_output()\n"
    )
    result = io.BytesIO()
    write_frames(script, Wanted((0, 2)), result, 2)
    vs.clear_outputs()
    reader = FrameReader(io.BytesIO(result.getvalue()))
    assert written in result.getvalue().split(b"\n")[0].split()
    assert [reader.read() is not None for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    ("size", "layout", "turn", "seen"),
    [
        ("95x63", "yuv420p", "", (94, 62)),
        ("95x64", "yuv422p10", "", (94, 64)),
        pytest.param("95x64", "yuv420p", "90", (64, 94), marks=turns),
        ("97x65", "yuv410p", "", (96, 64)),
    ],
)
def test_an_edge_that_is_cut_off_is_said_with_what_keeps_it(
    tmp_path: Path, size: str, layout: str, turn: str, seen: tuple[int, int]
) -> None:
    plain, source = tmp_path / "plain.mkv", tmp_path / "in.mkv"
    # Filters of small chroma make sizes even; gray ones do not.
    odd = f"format=gray,crop={size.replace('x', ':')},format={layout}"
    make_film(plain, "-an", "-c:v", "ffv1", filters=odd, size="100x68")
    run_ffmpeg(*(["-display_rotation:v:0", turn] if turn else []), "-i", plain, "-c", "copy", source)
    said = coloured(source, tmp_path / "out.mkv")
    assert f"the film is {size.replace('x', '×')}, and" in said
    assert f"{seen[0]}×{seen[1]} of it are coloured" in said
    command = re.search(r"ffmpeg -i IN (.*) OUT\.mkv", said)
    assert command is not None
    run_ffmpeg("-i", source, *command[1].split(), tmp_path / "whole.mkv")
    said = coloured(tmp_path / "whole.mkv", tmp_path / "out.mkv", *options("-c:v ffv1"))
    assert "of it are coloured" not in said
    whole = see(tmp_path / "out.mkv").clip
    assert {whole.width, whole.height} == {*map(int, size.split("x"))}


def test_an_odd_size_without_small_chroma_stays_and_nothing_is_said(tmp_path: Path) -> None:
    odd = "format=gray,crop=95:63,format=yuv444p"
    source = make_film(tmp_path / "in.mkv", "-c:v", "ffv1", filters=odd)
    assert "of it are coloured" not in coloured(source, tmp_path / "out.mkv")
    whole = see(tmp_path / "out.mkv").clip
    assert (whole.width, whole.height) == (95, 63)
