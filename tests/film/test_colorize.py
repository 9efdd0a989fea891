"""`vsdeoldify colorize` on real films and pictures, from file to file."""

import hashlib
import io
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import tiny
import torch
import vapoursynth as vs
from cheap_vsdeoldify import BROKEN_FRAME, DELAY
from hypothesis import given
from hypothesis import strategies as st
from jobs import a_plan
from numpy.typing import NDArray
from processes import left_running, programs_with
from vapoursynth import core

from vsdeoldify.cli import main
from vsdeoldify.cli.terminal import Progress
from vsdeoldify.film import ffmpeg
from vsdeoldify.film.pieces import Workshop
from vsdeoldify.film.process import process
from vsdeoldify.film.source import Point, parse_point
from vsdeoldify.film.streams import plan_streams
from vsdeoldify.film.times import mend_times
from vsdeoldify.review.preview import spread
from vsdeoldify.vsutils.frames import in_order

HERE = Path(__file__).parents[1] / "support"
FFMPEG = ffmpeg.find_ffmpeg()
TAGS = "setparams=color_primaries=smpte170m:color_trc=bt709:colorspace=smpte170m:range=tv"
FRAMES = 36
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and limits")


def make(path: Path, *arguments: str) -> Path:
    """Make a file with ffmpeg."""
    subprocess.run([FFMPEG, "-v", "error", "-y", *arguments, str(path)], check=True, stdin=subprocess.DEVNULL)
    return path


def picture_source(rate: str = "24000/1001", size: str = "96x64", frames: int = FRAMES) -> list[str]:
    return ["-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}", "-frames:v", str(frames)]


CLICKS = ["-f", "lavfi", "-i", "aevalsrc='if(lt(mod(t,0.5),0.01),sin(2*PI*1000*t),0)':s=48000:d=1.5"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films")


@pytest.fixture(scope="module")
def film(folder: Path) -> Path:
    """Gray pictures with sound, non-square pixels and colour tags."""
    filters = f"hue=s=0,{TAGS},setsar=64/45,format=yuv420p"
    return make(
        folder / "a film.mp4",
        *picture_source()[:4],
        *CLICKS,
        *("-frames:v", str(FRAMES), "-vf", filters, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"),
        *("-metadata", "title=The film", "-metadata:s:a", "language=fra"),
    )


def environment(**extra: str) -> dict[str, str]:
    return os.environ | {"PYTHONUTF8": "1"} | extra


def colorize(*arguments: str | Path, real: bool = False, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run the command; with quick filters in place of the networks unless `real`."""
    start = ["-m", "vsdeoldify"] if real else [str(HERE / "cheap_vsdeoldify.py")]
    return subprocess.run(
        [sys.executable, *start, "colorize", *map(str, arguments)],
        env=environment(**extra),
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )


def done(*arguments: str | Path, **extra: str) -> str:
    """Run the command, which must succeed; what it says."""
    result = colorize(*arguments, **extra)
    assert result.returncode == 0, result.stderr
    return result.stderr


@dataclass(frozen=True)
class Decoded:
    """A film as a source filter sees it."""

    clip: vs.VideoNode
    seconds: list[float]
    digest: str

    @property
    def properties(self) -> dict[str, int]:
        found = self.clip.get_frame(0).props
        names = ("_Matrix", "_Primaries", "_Transfer", "_Range", "_SARNum", "_SARDen")
        return {name: int(found[name]) for name in names if name in found}


def decode(path: Path) -> Decoded:
    opened = core.bs.VideoSource(str(path), cachemode=0, exporttimestamps=True)
    clip, digest = opened["clip"], hashlib.sha256()
    for frame in in_order(clip):
        for plane in frame:
            digest.update(np.ascontiguousarray(np.asarray(plane)).tobytes())
    tick = opened["timebasenum"] / opened["timebaseden"]
    return Decoded(clip, [time * tick for time in opened["timestamps"]], digest.hexdigest())


def luma(clip: vs.VideoNode) -> NDArray[np.int64]:
    return np.stack([np.asarray(frame[0]).astype(np.int64) for frame in in_order(clip)])


def chroma_spread(clip: vs.VideoNode) -> float:
    return float(np.asarray(clip.get_frame(0)[1]).std())


def packets(path: Path, stream: str) -> list[str]:
    """Sums of the packets of a stream."""
    command = [FFMPEG, "-v", "error", "-i", str(path), "-map", stream, "-c", "copy", "-f", "framemd5", "-"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [line.split(",")[5].strip() for line in lines if not line.startswith("#")]


def clicks(path: Path) -> list[float]:
    """When the sound clicks, in seconds of the file."""
    command = [FFMPEG, "-v", "error", "-i", str(path), "-vn", "-af", "aresample=async=1:first_pts=0"]
    command += ["-ar", "48000", "-ac", "1", "-f", "f32le", "-"]
    samples = np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.float32)
    loud = np.nonzero(np.abs(samples) > 0.3)[0] / 48000
    return [float(t) for i, t in enumerate(loud) if i == 0 or t - loud[i - 1] > 0.2]


def assert_in_time(output: Path, film: Path) -> None:
    """The pictures have their times, and the sound its place beside them."""
    before, after = decode(film).seconds, decode(output).seconds
    # ffmpeg 7 begins a Matroska file with the coder's run-in of the sound; all else comes as much later.
    shift = after[0] - before[0]
    assert -0.002 < shift < 0.023
    assert after == pytest.approx([time + shift for time in before], abs=0.002)
    assert clicks(output) == pytest.approx([time + shift for time in clicks(film)], abs=0.01)


def left_over(output: Path) -> list[str]:
    """What lies beside the output that should not."""
    return [path.name for path in output.parent.glob(f"*{output.stem}*") if path != output]


@pytest.fixture(scope="module")
def networks(folder: Path) -> list[str]:
    """Options that colour with two small networks in the official files' layout."""
    torch.save({"model": tiny.tiny_deoldify_state_dict("deep")}, folder / "deoldify.pth")
    torch.save({"params": tiny.tiny_ddcolor_state_dict()}, folder / "ddcolor.pth")
    return [
        *("--deoldify", str(folder / "deoldify.pth"), "--ddcolor", str(folder / "ddcolor.pth")),
        *("--render-factor", "10", "--device", "cpu"),
    ]


def test_a_film_keeps_frames_sound_aspect_tags_and_luma(
    film: Path, tmp_path: Path, networks: list[str]
) -> None:
    output = tmp_path / "out.mkv"
    result = colorize(
        *(film, "-o", output, *networks, "--stabilize-frames", "3", "--segment", "20"),
        *("--encoder-options", "-c:v ffv1"),
        real=True,
    )
    assert result.returncode == 0, result.stderr
    before, after = decode(film), decode(output)
    assert after.clip.num_frames == FRAMES
    assert after.clip.fps == before.clip.fps
    assert_in_time(output, film)
    assert after.properties == before.properties
    assert (luma(after.clip) == luma(before.clip)).all()
    assert chroma_spread(before.clip) < 1 < chroma_spread(after.clip)
    assert packets(output, "0:a") == packets(film, "0:a")
    assert left_over(output) == []


def test_the_default_output_has_the_same_container_duration_title_and_languages(film: Path) -> None:
    done(film, "--no-stabilizer")
    output = film.with_name("a film_colour.mp4")
    before, after = decode(film), decode(output)
    assert after.seconds == pytest.approx(before.seconds, abs=1e-6)
    assert after.properties == before.properties
    found = [ffmpeg.contents(FFMPEG, path) for path in (film, output)]
    assert found[1].seconds == found[0].seconds
    assert [stream.codec for stream in found[1].streams] == ["h264", "aac"]
    assert packets(output, "0:a") == packets(film, "0:a")
    text = subprocess.run([FFMPEG, "-i", str(output)], capture_output=True, text=True).stderr
    assert "The film" in text
    assert "(fra)" in text
    assert list(film.parent.glob("*index*")) == []
    # x264 at a high quality: the brightness stays close.
    assert np.abs(luma(after.clip) - luma(before.clip)).mean() < 2


@pytest.mark.parametrize(
    ("filters", "codec", "expected"),
    [
        ("format=yuv420p10le", "ffv1", vs.YUV420P10),
        ("format=yuv422p12le", "ffv1", vs.YUV422P10),
        ("format=gray", "ffv1", vs.YUV420P8),
        ("format=gray16le,crop=95:63", "ffv1", vs.YUV444P10),
        ("format=bgr0", "ffv1", vs.YUV420P8),
    ],
)
def test_depth_and_subsampling_follow_the_source(
    filters: str, codec: str, expected: int, tmp_path: Path
) -> None:
    source = make(tmp_path / "in.mkv", *picture_source("25", frames=5), "-vf", filters, "-c:v", codec)
    done(source, "-o", tmp_path / "out.mp4", "--no-stabilizer")
    after = decode(tmp_path / "out.mp4").clip
    assert after.format.id == core.get_video_format(expected).id
    assert after.num_frames == 5
    assert chroma_spread(after) > 1
    before = core.bs.VideoSource(str(source), cachemode=0)
    if before.format.color_family == vs.RGB:
        before = before.resize.Bicubic(format=vs.YUV444P8, matrix_s="170m")
    # Limited range is the same as no word of it, which is what older versions of BestSource say.
    ranges = [clip.get_frame(0).props.get("_Range", vs.RANGE_LIMITED) for clip in (after, before)]
    assert ranges[0] == ranges[1]
    assert after.get_frame(0).props["_Matrix"] == 6

    def eight_bits(clip: vs.VideoNode) -> NDArray[np.float64]:
        return luma(clip) / 2 ** (clip.format.bits_per_sample - 8)

    assert np.abs(eight_bits(after) - eight_bits(before)).mean() < 3


def test_webm_holds_vp9_with_ten_bits_and_opus(film: Path, tmp_path: Path) -> None:
    source = make(
        tmp_path / "in.mkv", "-i", str(film), "-pix_fmt", "yuv420p10le", "-c:v", "ffv1", "-c:a", "copy"
    )
    said = done(source, "-o", tmp_path / "out.webm", "--end", "8", "--segment", "5")
    assert "hold no aac sound: it is encoded as opus" in said
    found = ffmpeg.contents(FFMPEG, tmp_path / "out.webm")
    assert [stream.codec for stream in found.streams] == ["vp9", "opus"]
    after = decode(tmp_path / "out.webm").clip
    assert (after.num_frames, after.format.id) == (8, vs.YUV420P10)


def test_frames_of_a_variable_rate_keep_their_times(tmp_path: Path) -> None:
    uneven = "select='lt(n,10)+not(mod(n,7))+not(mod(n,5))'"
    source = make(tmp_path / "vfr.mp4", *picture_source("25"), "-vf", uneven, "-fps_mode", "vfr")
    said = done(source, "-o", tmp_path / "out.mp4", "--segment", "6")
    assert "varies" in said
    before, after = decode(source), decode(tmp_path / "out.mp4")
    assert len(set(np.diff(before.seconds).round(3))) > 1
    assert after.seconds == pytest.approx(before.seconds, abs=2e-6)
    assert luma(after.clip).shape == luma(before.clip).shape
    assert np.abs(luma(after.clip) - luma(before.clip)).mean() < 2


def test_a_picture_that_starts_after_the_sound_still_does(film: Path, tmp_path: Path) -> None:
    inputs = ["-itsoffset", "0.2", "-i", str(film), "-i", str(film)]
    late = make(tmp_path / "late.mkv", *inputs, "-map", "0:v", "-map", "1:a", "-c", "copy")
    done(late, "-o", tmp_path / "out.mp4")
    assert 0.19 < decode(late).seconds[0] < 0.23
    assert_in_time(tmp_path / "out.mp4", late)


def test_a_file_of_sound_alone_is_named_as_such(tmp_path: Path) -> None:
    result = colorize(make(tmp_path / "sound.m4a", *CLICKS), "-o", tmp_path / "out.mkv")
    assert result.returncode == 1
    assert "sound.m4a holds no picture track" in result.stderr


def test_a_film_of_one_frame_is_coloured(tmp_path: Path) -> None:
    source = make(tmp_path / "one.mp4", *picture_source(frames=1))
    done(source, "-o", tmp_path / "out.mkv")
    assert core.bs.VideoSource(str(tmp_path / "out.mkv"), cachemode=0).num_frames == 1


def test_transparency_is_left_out_and_said(tmp_path: Path) -> None:
    veil = ["-vf", "format=bgra,colorchannelmixer=aa=0.5"]
    source = make(tmp_path / "in.mkv", *picture_source(), *veil, "-pix_fmt", "bgra", "-c:v", "ffv1")
    assert "transparency is left out" in done(source, "-o", tmp_path / "out.mkv")
    assert decode(tmp_path / "out.mkv").clip.num_frames == FRAMES


def test_a_film_that_changes_its_size_is_refused(tmp_path: Path) -> None:
    parts = [
        make(tmp_path / f"{size}.ts", *picture_source("25", size), "-c:v", "libx264")
        for size in ("96x64", "128x96")
    ]
    (tmp_path / "both.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    result = colorize(tmp_path / "both.ts", "-o", tmp_path / "out.mkv")
    assert result.returncode == 1
    assert "only 36 of its frames are like the first one" in result.stderr


def test_two_recordings_in_one_file_go_on_one_after_the_other(tmp_path: Path) -> None:
    part = make(tmp_path / "part.ts", *picture_source("25"), "-c:v", "libx264")
    (tmp_path / "both.ts").write_bytes(part.read_bytes() * 2)
    result = colorize(tmp_path / "both.ts", "-o", tmp_path / "out.mkv")
    if "ffmpeg was killed (signal 11)" in result.stderr or "; get another (pip" in result.stderr:
        pytest.skip("this ffmpeg crashes on such a file, as 7.0 does")
    assert "clock jumps back (1×)" in result.stderr
    assert result.returncode == 0, result.stderr
    assert np.diff(decode(tmp_path / "out.mkv").seconds) == pytest.approx(0.04, abs=0.0011)


@pytest.mark.parametrize(
    ("given", "mended", "notes"),
    [
        ([5], [5], 0),
        ([None, 2, 3, None], [1, 2, 3, 4], 0),
        ([0, None, None, 9, 10, 11], [0, 3, 6, 9, 10, 11], 0),
        ([0, 40, 80, 0, 40, 80], [0, 40, 80, 120, 160, 200], 1),
        ([1000, 1040, 1080, 0, None, 80], [1000, 1040, 1080, 1120, 1160, 1200], 1),
        ([0, 40, 40, 120, 119, 200], [0, 40, 41, 120, 121, 200], 0),
        ([None, None], [], 0),
        ([None, 7], [], 0),
    ],
)
def test_times_that_are_missing_or_jump_back_are_mended(
    given: list[int | None], mended: list[int], notes: int
) -> None:
    found, said = mend_times(given, Fraction(1, 100))
    assert (found, len(said)) == (mended, notes)


@given(st.lists(st.one_of(st.none(), st.integers(-(2**40), 2**40)), min_size=1, max_size=30))
def test_mended_times_always_rise(given: list[int | None]) -> None:
    times, _ = mend_times(given, Fraction(1, 1000))
    assert len(times) in (0, len(given))
    known = [time for time in given if time is not None]
    # Between neighbours closer than their number, unknown times cannot all differ.
    if len(known) == len(given):
        assert all(a < b for a, b in pairwise(times))


def test_what_the_container_refuses_is_told_before_the_work(film: Path, tmp_path: Path) -> None:
    result = colorize(film, "-o", tmp_path / "out.webm", "--encoder-options", "-c:v libx264", **{DELAY: "9"})
    assert result.returncode == 1
    assert "out.webm cannot be written; another container" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_film_that_is_exchanged_meanwhile_is_not_joined(film: Path, tmp_path: Path) -> None:
    source, output = tmp_path / "in.mp4", tmp_path / "out.mkv"
    source.write_bytes(film.read_bytes())
    command = [sys.executable, str(HERE / "cheap_vsdeoldify.py"), "colorize", str(source), "-o", str(output)]
    started = subprocess.Popen(
        command, env=environment(**{DELAY: "0.05"}), stderr=subprocess.PIPE, encoding="utf-8"
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("out.mkv.unfinished/*.part.*")) and time.monotonic() < deadline:
        time.sleep(0.005)
    other = tmp_path / "other.mp4"
    other.write_bytes(film.read_bytes())
    other.replace(source)
    _, said = started.communicate(timeout=60)
    assert started.returncode == 1
    assert "was changed while it was being coloured" in said
    assert not output.exists()


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_range_has_its_frames_and_its_sound(film: Path, tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"out{suffix}"
    done(film, "-o", output, "--start", "0.8s", "--end", "33", "--encoder-options", "-qp 0", "--segment", "9")
    before, after = decode(film), decode(output)
    assert after.clip.num_frames == 33 - 20
    assert (luma(after.clip) == luma(before.clip)[20:33]).all()
    assert after.seconds[0] == pytest.approx(0, abs=0.001)
    first = before.seconds[20]
    assert clicks(output) == pytest.approx([1.0 - first], abs=0.03)


def test_subtitles_chapters_and_attachments_go_where_the_container_holds_them(
    film: Path, tmp_path: Path
) -> None:
    (tmp_path / "s.srt").write_text("1\n00:00:00,500 --> 00:00:01,000\nBonjour\n\n")
    (tmp_path / "c.txt").write_text(
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=900\ntitle=One\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=900\nEND=1500\ntitle=Two\n"
    )
    (tmp_path / "font.ttf").write_bytes(b"font")
    source = make(
        tmp_path / "in.mkv",
        *("-i", str(film), "-i", str(tmp_path / "s.srt"), "-i", str(tmp_path / "c.txt")),
        *("-map", "0", "-map", "1", "-map_chapters", "2", "-c", "copy"),
        *("-attach", str(tmp_path / "font.ttf"), "-metadata:s:t", "mimetype=application/x-truetype-font"),
    )
    for suffix, kinds in ((".mkv", ["h264", "aac", "subrip", "ttf"]), (".mp4", ["h264", "aac", "mov_text"])):
        said = done(source, "-o", tmp_path / f"out{suffix}")
        found = ffmpeg.contents(FFMPEG, tmp_path / f"out{suffix}")
        assert [stream.codec for stream in found.streams if stream.kind != "Data"] == kinds
        assert ("attached files" in said) == (suffix == ".mp4")
        text = subprocess.run([FFMPEG, "-i", str(tmp_path / f"out{suffix}")], capture_output=True, text=True)
        assert re.findall(r"title\s+: (One|Two)", text.stderr) == ["One", "Two"]


def test_what_a_container_cannot_hold_is_said() -> None:
    found = ffmpeg.Contents(
        streams=tuple(
            ffmpeg.Stream(*stream)
            for stream in [("Audio", "vorbis"), ("Subtitle", "dvd_subtitle"), ("Subtitle", "ass")]
        )
    )
    plan = plan_streams(found, ".mp4")
    assert "1:s:0" not in plan.options
    assert "1:s:1" in plan.options
    assert plan.options[plan.options.index("-c:a:0") + 1] == "aac"
    assert [note for note in plan.notes if "vorbis" in note]
    assert [note for note in plan.notes if "dvd_subtitle" in note]
    assert plan_streams(found, ".mkv").notes == ()


@pytest.fixture(scope="module", params=["", "-c:v ffv1"], ids=["x264", "ffv1"])
def uninterrupted(request: pytest.FixtureRequest, film: Path, folder: Path) -> tuple[str, Decoded]:
    options: str = request.param
    output = folder / f"whole{len(options)}.mkv"
    done(film, "-o", output, "--encoder-options", options, "--segment", "4", "--overwrite")
    return options, decode(output)


@posix_only
def test_interrupted_at_random_and_resumed_it_decodes_to_the_same_frames(
    film: Path, tmp_path: Path, uninterrupted: tuple[str, Decoded]
) -> None:
    options, whole = uninterrupted
    output, work = tmp_path / "out.mkv", tmp_path / "out.mkv.unfinished"
    command = [sys.executable, str(HERE / "cheap_vsdeoldify.py"), "colorize", str(film), "-o", str(output)]
    command += ["--encoder-options", options, "--segment", "4", "--resume"]
    kills = [signal.SIGKILL, signal.SIGINT, signal.SIGTERM]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    for number, kill in enumerate(kills):
        earlier = set(work.glob("*.mov"))
        running = subprocess.Popen(
            command,
            env=environment(**{DELAY: "0.03", "TMPDIR": str(temporary)}),
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        # Once there is more than after the last run, at any moment of the work on a piece: what a killed run
        # left half done is cleared away before the first piece begins.
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            files = set(work.glob("*.mov"))
            if len(files) >= 2 + 2 * number and files - earlier:
                break
            assert running.poll() is None, running.stderr and running.stderr.read()
            time.sleep(0.005)
        time.sleep(random.uniform(0, 0.2))
        running.send_signal(kill)
        _, said = running.communicate(timeout=30)
        assert not output.exists()
        if kill == signal.SIGKILL:
            for path in temporary.glob("*/*"):
                path.unlink()
            for path in temporary.iterdir():
                path.rmdir()
        else:
            assert running.returncode == 128 + kill
            assert "--resume" in said
            assert not list(work.glob("*.part.mov"))
            assert not list(temporary.iterdir())
        assert left_running(str(tmp_path)) == []
    assert "going on after" in done(*command[3:])
    again = decode(output)
    assert again.clip.num_frames == FRAMES
    assert again.digest == whole.digest
    assert packets(output, "0:a") == packets(film, "0:a")
    assert left_over(output) == []


def test_joints_do_not_show_in_stabilized_frames(film: Path, tmp_path: Path) -> None:
    digests = []
    for segment in ("7", "1000"):
        output = tmp_path / f"{segment}.mkv"
        arguments = ["--encoder-options", "-c:v ffv1", "--segment", segment, "--set", "stab_p=[7, 'A']"]
        done(film, "-o", output, *arguments)
        digests.append(decode(output).digest)
    assert digests[0] == digests[1]


@posix_only
def test_an_unfinished_film_is_neither_dropped_nor_mixed_with_other_settings(
    film: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.mkv"
    arguments: list[str | Path] = [film, "-o", output, "--segment", "10"]
    broken = colorize(*arguments, **{BROKEN_FRAME: "25"})
    assert broken.returncode == 1
    assert broken.stderr.strip().splitlines()[-1] == (
        "vsdeoldify colorize: ddeoldify: out of memory on cuda:0; use a smaller render factor"
    )
    assert not output.exists()
    whole = sorted(p.name.partition(".")[0] for p in (tmp_path / "out.mkv.unfinished").glob("*.mov"))
    assert whole == ["000000-000010", "000010-000020"]
    again = colorize(*arguments)
    assert again.returncode == 1
    assert "add --resume" in again.stderr
    other = colorize(*arguments, "--resume", "--saturation", "1.5")
    assert other.returncode == 1
    assert "other settings (colours: ddcolor_p, deoldify_p)" in other.stderr
    description = tmp_path / "out.mkv.unfinished" / "job.json"
    description.write_text(description.read_text()[:40])
    damaged = colorize(*arguments, "--resume", "--saturation", "1.5")
    assert damaged.returncode == 1
    assert "other settings, and its job.json that could say which cannot be read" in damaged.stderr
    assert "going on after 20 of 36 frames" in done(*arguments, "--resume")
    assert decode(output).clip.num_frames == FRAMES
    assert left_over(output) == []


@posix_only
def test_a_second_run_for_the_same_film_is_refused_and_leaves_the_first_alone(
    film: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.mkv"
    command = [sys.executable, str(HERE / "cheap_vsdeoldify.py"), "colorize", str(film), "-o", str(output)]
    first = subprocess.Popen(
        [*command, "--segment", "4"], env=environment(**{DELAY: "0.1"}), stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("out.mkv.unfinished/*.part.*")) and time.monotonic() < deadline:
        time.sleep(0.005)
    first.send_signal(signal.SIGSTOP)  # However slow the machine, it is not done before the others.
    for option in ("--overwrite", "--resume"):
        second = colorize(film, "-o", output, option)
        assert second.returncode == 1
        assert "another run of vsdeoldify is at work on this film" in second.stderr
    assert first.poll() is None
    first.send_signal(signal.SIGCONT)
    _, said = first.communicate(timeout=60)
    assert first.returncode == 0, said
    assert decode(output).clip.num_frames == FRAMES
    assert left_over(output) == []


def test_too_little_room_is_told_as_soon_as_it_shows(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = a_plan(tmp_path)
    free = 0
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9 - free, free)
    )
    with Workshop(tmp_path / "work", plan) as workshop:
        workshop.prepare(resume=False, overwrite=False)
        assert workshop.shortage() is None
        # Four pieces of a megabyte, and all of them once more when they are joined.
        for number, (size, free) in enumerate([(1_000_000, 7_001_000), (1_002_000, 5_999_000)]):
            usage = shutil._ntuple_diskusage(10**9, 10**9 - free, free)
            monkeypatch.setattr(shutil, "disk_usage", lambda path, usage=usage: usage)
            claim = workshop.claim(number)
            claim.path.write_bytes(bytes(size))
            workshop.deliver(claim)
            assert bool(workshop.shortage()) == (number == 1), workshop.shortage()
        workshop.remove()
    assert "about" not in done(film, "-o", tmp_path / "out.mkv", "--segment", "10")


@posix_only
def test_a_terminal_that_is_closed_does_not_stop_the_work(film: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mkv"
    command = [sys.executable, str(HERE / "cheap_vsdeoldify.py"), "colorize", str(film), "-o", str(output)]
    terminal, its_end = os.openpty()
    running = subprocess.Popen(
        command, env=environment(**{DELAY: "0.05"}), stderr=its_end, stdin=subprocess.DEVNULL
    )
    os.close(its_end)
    shown = b""
    while b"frames" not in shown:
        shown += os.read(terminal, 4096)
    assert not output.exists()
    os.close(terminal)
    assert running.wait(timeout=60) == 0
    assert decode(output).clip.num_frames == FRAMES


@posix_only
def test_ffmpeg_killed_or_out_of_room_leaves_nothing_under_the_name(film: Path, tmp_path: Path) -> None:
    import resource

    command = [sys.executable, str(HERE / "cheap_vsdeoldify.py"), "colorize", str(film)]
    command += ["--encoder-options", "-c:v ffv1"]
    output = tmp_path / "small.mkv"
    limited = subprocess.run(
        [*command, "-o", str(output)],
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)),
    )
    assert limited.returncode == 1
    assert "ffmpeg" in limited.stderr
    assert "Traceback" not in limited.stderr
    assert list(tmp_path.iterdir()) == []

    output = tmp_path / "killed.mkv"
    started = subprocess.Popen(
        [*command, "-o", str(output)],
        env=environment(**{DELAY: "0.05"}),
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    deadline = time.monotonic() + 30
    while not (encoders := programs_with("killed.mkv.unfinished")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(min(encoders), signal.SIGKILL)
    _, said = started.communicate(timeout=30)
    assert started.returncode == 1
    assert "ffmpeg was killed (signal 9)" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere.mkv"], 1, "does not exist"),
        (["FILM", "-o", "out.avi"], 2, ".mkv"),
        (["FILM", "-o", "no/folder/out.mkv"], 1, "does not exist"),
        (["~nobody-of-this-name.mkv"], 1, "does not exist"),
        (["FILM", "-o", "a" * 300 + ".mkv"], 1, "name"),
        (["FILM", "-o", "FILM", "--overwrite"], 2, "is the input"),
        (["FILM", "--start", "nonsense"], 2, "neither a frame number"),
        (["FILM", "--start", "40", "--end", "30"], 2, "leave something"),
        (["FILM", "--encoder-options", "'open"], 2, "--encoder-options"),
        (["TEXT"], 1, "is a text file, no film"),
        (["FILM", "--set", "colour=1"], 2, "no parameter 'colour'"),
        (["FILM", "--method", "deoldify", "--ddcolor", "artistic"], 2, "--ddcolor has no effect"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    film: Path,
    tmp_path: Path,
    arguments: list[str],
    code: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = tmp_path / "film.mkv"
    text.write_text("not a film")
    given = [str(film) if a == "FILM" else str(text) if a == "TEXT" else a for a in arguments]
    if "-o" not in given:
        given += ["-o", str(tmp_path / "out.mkv")]
    given = [str(tmp_path / a) if a in ("out.avi", "no/folder/out.mkv") else a for a in given]
    try:
        result = main(["colorize", *given, "--preset", "preview", "--device", "cpu"])
    except SystemExit as stop:
        result = int(stop.code or 0)
    said = capsys.readouterr().err
    assert result == code
    assert message in said
    assert "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["film.mkv"]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--encoder-options", "-c:v nonsense", "this ffmpeg has no encoder nonsense"),
        ("--set", "stab_p=[99]", "stab_p frames must be"),
    ],
)
def test_what_ffmpeg_or_the_script_refuses_is_said_in_a_sentence(
    film: Path, tmp_path: Path, option: str, value: str, message: str
) -> None:
    result = colorize(film, "-o", tmp_path / "out.mkv", option, value)
    assert result.returncode == 1
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_missing_model_is_named_with_the_command_that_gets_it(
    film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    arguments = ["-o", str(tmp_path / "out.mkv"), "--device", "cpu", "--preset", "fast"]
    code = main(["colorize", str(film), *arguments])
    said = capsys.readouterr().err
    if code == 0:
        pytest.skip("the model paper_tiny is installed here")
    assert code == 1
    assert "vsdeoldify models --download paper_tiny" in said
    assert "--preset preview" in said


_WITHOUT_PLUGINS = """
import sys
import vapoursynth as vs

class Policy(vs.EnvironmentPolicy):
    def on_policy_registered(self, api):
        self.environment = api.create_environment(int(vs.CoreCreationFlags.DISABLE_AUTO_LOADING))

    def get_current_environment(self):
        return self.environment

    def set_environment(self, environment):
        return self.environment

    def is_alive(self, environment):
        return environment is self.environment

vs.register_policy(Policy())
from vsdeoldify.film.render import main
sys.exit(main(["probe", "{}"]))
"""


def test_a_missing_source_filter_is_named_with_the_command_that_installs_it() -> None:
    with process("the reader", [sys.executable, "-c", _WITHOUT_PLUGINS]) as reader:
        assert reader.output.read() == b""
        assert 'pip install "vsdeoldify[cli]"' in str(reader.error())


def test_an_existing_output_is_replaced_only_if_asked(film: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mkv"
    output.write_text("precious")
    refused = colorize(film, "-o", output)
    assert refused.returncode == 1
    assert "--overwrite" in refused.stderr
    assert output.read_text() == "precious"
    failed = colorize(film, "-o", output, "--overwrite", **{BROKEN_FRAME: "3"})
    assert failed.returncode == 1
    assert output.read_text() == "precious"
    done(film, "-o", output, "--overwrite", "--end", "4")
    assert decode(output).clip.num_frames == 4


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("1500", Point(frame=1500)),
        ("62.5s", Point(seconds=62.5)),
        ("62.5", Point(seconds=62.5)),
        ("1:02.5", Point(seconds=62.5)),
        ("1:00:00", Point(seconds=3600)),
    ],
)
def test_places_are_frames_or_times(text: str, point: Point) -> None:
    assert parse_point(text) == point


def test_the_progress_bar_shows_share_speed_and_time_left_in_any_width() -> None:
    stream = io.StringIO()
    with Progress(200, "frames", done=50, title="film.mkv", stream=stream) as progress:
        progress.update(50)
        time.sleep(0.05)
        progress.update(100)
        text = progress.text(100)
        assert re.search(r"^film\.mkv \[#+-+\]  50%  100/200 frames  \d+/s  0:00 left$", text)
        assert all(len(progress.text(width)) <= width for width in range(1, 100))
    # No terminal: nothing is drawn again and again.
    assert stream.getvalue() == ""


def test_messages_stand_above_the_progress_bar() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with Progress(200, "frames", stream=stream) as progress:
        progress.update(50)
        time.sleep(0.25)
        progress.update(100)
        assert "100/200 frames" in stream.getvalue()
        progress.say("photo.png is no picture")
    # What a terminal shows in the end: a line is written over from its start.
    lines = [line.rstrip().rpartition("\r")[2] for line in stream.getvalue().split("\n")]
    assert lines == ["photo.png is no picture", ""]


def test_preview_frames_are_spread_and_distinct() -> None:
    assert spread(4, 0, 100) == [12, 37, 62, 87]
    assert spread(9, 10, 13) == [10, 11, 12]


def test_a_preview_shows_gray_beside_colour(film: Path, tmp_path: Path) -> None:
    output = tmp_path / "sheet.png"
    done(film, "--preview", "3", "-o", output)
    sheet = cv2.imread(str(output)).astype(int)
    # Non-square pixels are shown square: 96·64/45 = 137 wide.
    assert sheet.shape == (3 * (64 + 28), 2 * 137 + 18, 3)
    saturation = sheet.max(2) - sheet.min(2)
    assert saturation[22:86, 6 : 6 + 137].mean() < 4 < saturation[22:86, 6 + 137 + 6 : 6 + 2 * 137 + 6].mean()


@pytest.fixture
def pictures(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "album é"
    folder.mkdir()
    y, x = np.mgrid[0:48, 0:72]
    gray = (40 + x * 2 + y + 10 * np.sin(x / 3)).astype(np.uint8)
    write(folder / "gray.jpg", gray)
    write(folder / "deep.png", gray.astype(np.uint16) * 257 + 11)
    write(folder / "clear.png", np.dstack([gray, gray, gray, (x * 3).astype(np.uint8)]))
    write(folder / "turned.jpg", gray)
    turned = (folder / "turned.jpg").read_bytes()
    # EXIF orientation 6: the camera was held upright.
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    (folder / "turned.jpg").write_bytes(turned[:2] + segment + turned[2:])
    return folder


def write(path: Path, picture: NDArray[np.integer]) -> None:
    path.write_bytes(cv2.imencode(path.suffix, picture)[1].tobytes())


def read(path: Path, flags: int = cv2.IMREAD_UNCHANGED) -> NDArray[np.integer]:
    return cv2.imdecode(np.fromfile(path, np.uint8), flags)


def luma_of(bgr: NDArray[np.integer]) -> NDArray[np.float64]:
    return bgr[..., :3] @ np.array([0.114, 0.587, 0.299])


def test_a_folder_of_pictures_is_coloured_with_luma_depth_alpha_and_orientation_kept(
    pictures: Path, networks: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (pictures / "broken.png").write_bytes(b"nothing")
    code = main(["colorize", str(pictures), *networks])
    said = capsys.readouterr().err
    assert code == 1
    assert "broken.png" in said
    assert "1 of 5 pictures" in said
    out = pictures.with_name("album é_colour")
    assert sorted(p.name for p in out.iterdir()) == ["clear.png", "deep.png", "gray.jpg", "turned.jpg"]
    deep, clear, turned = read(out / "deep.png"), read(out / "clear.png"), read(out / "turned.jpg")
    assert deep.dtype == np.uint16
    source = read(pictures / "deep.png").astype(float)
    # Where no channel was clipped, the luma is the source's up to rounding.
    inside = (deep.min(2) > 0) & (deep.max(2) < 65535)
    assert inside.mean() > 0.3
    assert np.abs(luma_of(deep) - source)[inside].max() < 3
    assert (deep.max(2) - deep.min(2)).mean() > 257
    assert (clear[..., 3] == read(pictures / "clear.png")[..., 3]).all()
    assert turned.shape == (72, 48, 3)
    assert np.abs(luma_of(turned) - np.rot90(read(pictures / "gray.jpg"), 3)).mean() < 6

    assert main(["colorize", str(pictures), *networks]) == 1
    assert "--overwrite" in capsys.readouterr().err


def test_one_picture_goes_beside_the_original_and_never_over_it(
    pictures: Path, networks: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    source = pictures / "gray.jpg"
    before = source.read_bytes()
    assert main(["colorize", str(source), *networks]) == 0
    assert read(pictures / "gray_colour.jpg").shape == (48, 72, 3)
    assert main(["colorize", str(source), "-o", str(source), "--overwrite", *networks]) == 2
    assert "is the input" in capsys.readouterr().err
    assert source.read_bytes() == before
