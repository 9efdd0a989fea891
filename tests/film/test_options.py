"""Encoder options change how a film is encoded, and nothing else of it."""

import os
import re
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import pytest
from films import run, with_other
from vapoursynth import core

from vsdeoldify.film import ffmpeg
from vsdeoldify.film.counting import check_piece
from vsdeoldify.film.options import encoder_options, split_options
from vsdeoldify.film.process import naming, process
from vsdeoldify.film.refusals import of_ffmpeg
from vsdeoldify.support.errors import FilmError, RequestError

HERE = Path(__file__).parents[1] / "support"
FFMPEG = ffmpeg.find_ffmpeg()
FRAMES = 24
pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("options") / "film.mkv"
    source = ["-f", "lavfi", "-i", "testsrc2=s=64x48:r=24000/1001", "-f", "lavfi", "-i", "sine=d=1"]
    encode = ["-frames:v", str(FRAMES), "-vf", "hue=s=0,format=yuv420p", "-c:v", "libx264", "-c:a", "aac"]
    subprocess.run([FFMPEG, "-v", "error", *source, *encode, path], check=True)
    return path


def colorize(film: Path, output: Path, options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, HERE / "cheap_vsdeoldify.py", "colorize", film, "-o", output]
    return subprocess.run(
        [*command, "--segment", "10", "--encoder-options", options],
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("-r 10", "-r would change the frames or their times"),
        ("-c:v libx264 -r:v 10", "-r:v would change the frames or their times"),
        ("-vsync drop", "-vsync would change the frames or their times"),
        ("-fps_mode:v cfr", "-fps_mode:v would change the frames or their times"),
        ("-t 3", "-t would cut frames off; --start and --end do that"),
        ("-frames:v 3", "-frames:v would cut frames off"),
        ("-vf fps=10", "the filter fps would change the frames"),
        ("-vf hflip,setpts=2*PTS", "the filter setpts would change the frames"),
        ("-filter:v '[in]split[a][b];[a][b]vstack,mpdecimate=max=3'", "the filter mpdecimate would change"),
        ("-c:v copy", "-c:v copy encodes nothing"),
        ("-c copy", "-c copy encodes nothing"),
        ("-c:a libmp3lame", "-c:a is for the sound"),
        ("-b:a 96k", "-b:a is for the sound"),
        ("-i other.mkv", "-i says what is read or written"),
        ("-f mpegts", "-f says what is read or written"),
        ("-vn", "-vn would leave the picture out"),
        ("-c:v 'libx264", "No closing quotation"),
    ],
)
def test_what_would_change_more_than_the_encoding_is_refused_by_name(options: str, named: str) -> None:
    with pytest.raises(RequestError) as refused:
        encoder_options(split_options(options))
    assert named in str(refused.value)


@pytest.mark.parametrize(
    "options",
    [
        "-c:v libx265 -crf 18 -preset slow -x265-params log-level=error",
        "-vf hqdn3d=2,scale=1280:-2,format=yuv420p -tune film",
        "-c:v prores_ks -profile:v 3 -pix_fmt yuv422p10le",
        "-g 1 -bf 0 -metadata title=t -vf select_is_no_filter_of_ours=1",
        "-qmin -1",
        "",
    ],
)
def test_options_of_the_encoder_go_through_as_they_are(options: str) -> None:
    given = split_options(options)
    sorted_ = encoder_options(given)
    assert list(sorted_.encoder) == given
    assert not sorted_.without


def streams(path: Path) -> list[tuple[str, str]]:
    return [(stream.kind, stream.codec) for stream in ffmpeg.contents(FFMPEG, path).streams]


def test_the_sound_is_left_out_where_that_is_asked_for(film: Path, tmp_path: Path) -> None:
    result = colorize(film, tmp_path / "out.mkv", "-an")
    assert result.returncode == 0, result.stderr
    assert streams(tmp_path / "out.mkv") == [("Video", "h264")]


@pytest.mark.parametrize(
    ("codec", "suffix", "kept"),
    [
        ("libvpx -b:v 1M", ".webm", "vp8"),
        ("libvpx -b:v 1M", ".mkv", "vp8"),
        ("libx264", ".mp4", "h264"),
    ],
)
def test_pieces_stand_in_a_container_that_holds_their_codec(
    film: Path, tmp_path: Path, codec: str, suffix: str, kept: str
) -> None:
    result = colorize(film, tmp_path / f"out{suffix}", f"-c:v {codec}")
    assert result.returncode == 0, result.stderr
    assert streams(tmp_path / f"out{suffix}")[0] == ("Video", kept)
    opened = core.bs.VideoSource(str(tmp_path / f"out{suffix}"), cachemode=0, exporttimestamps=True)
    tick = Fraction(opened["timebasenum"], opened["timebaseden"])
    times = [float(time * tick) for time in opened["timestamps"]]
    # Three pieces: their joints are as even as all else.
    assert times == pytest.approx([n * 1001 / 24000 for n in range(FRAMES)], abs=0.0011)


def test_a_filter_that_doubles_the_frames_is_told_by_counting(film: Path, tmp_path: Path) -> None:
    result = colorize(film, tmp_path / "out.mkv", "-vf yadif=1")
    assert result.returncode == 1
    assert "ffmpeg wrote 20 frames where it was given 10" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_frames_at_other_times_are_told(tmp_path: Path, each_ffmpeg: str) -> None:
    piece = tmp_path / "piece.mov"
    source = ["-f", "lavfi", "-i", "testsrc2=s=64x48:r=25", "-frames:v", "10", "-c:v", "libx264"]
    subprocess.run([each_ffmpeg, "-v", "error", *source, piece], check=True)
    check_piece(each_ffmpeg, piece, 10, Fraction(9, 25))
    with pytest.raises(FilmError, match=r"spread 10 frames over 0\.360 seconds and not 0\.720"):
        check_piece(each_ffmpeg, piece, 10, Fraction(18, 25))
    with pytest.raises(FilmError, match=r"wrote 10 frames where it was given 9"):
        check_piece(each_ffmpeg, piece, 9, Fraction(8, 25))
    with pytest.raises(FilmError, match=r"wrote 0 frames where it was given 3"):
        check_piece(each_ffmpeg, tmp_path / "missing.mov", 3, Fraction(1))


REFUSED = {
    "-c:v nonsense": "this ffmpeg has no encoder nonsense: ffmpeg -encoders",
    "-nonsense 3": "ffmpeg has no option -nonsense: ffmpeg -h full",
    "-crf abc": "-crf does not take the value that was given: ffmpeg -h encoder=NAME",
    "-c:v prores_ks -profile:v 99": "-profile ",
    "-preset bogus": "as bogus: ffmpeg -h encoder=NAME tells which it takes",
    "-pix_fmt nonsense": "-pix_fmt nonsense is nothing that the encoder takes",
    "-vf nonsense": "ffmpeg has no filter nonsense: ffmpeg -filters",
    "-vf scale=63:48": "a width that is divisible by 2 only, and that of 63x48 is not",
    "-vf hue=nonsense=3": "the filter hue does not take what it was given: ffmpeg -h filter=hue",
    "-g": "an option lacks its value, as in -crf 16",
}


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize(
    ("options", "each_ffmpeg"),
    with_other(REFUSED, "-c:v prores_ks -profile:v 99", "-pix_fmt nonsense", "-vf nonsense"),
    indirect=["each_ffmpeg"],
)
def test_what_ffmpeg_refuses_is_told_in_other_words(film: Path, tmp_path: Path, options: str) -> None:
    output = tmp_path / "out.mkv"
    ran = run("colorize", film, "-o", output, "--encoder-options", options)
    assert ran.code == 1
    assert ran.said.count("\n") == 1
    assert f"{film}: " in ran.said
    assert REFUSED[options] in ran.said
    for raw in (" @ 0x", "Error ", "exit code", "Invalid argument", ".log"):
        assert raw not in ran.said
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "[hevc_nvenc @ 0x55da] Cannot load libcuda.so.1\n[vost#0] Error while opening encoder",
            "graphics card",
        ),
        ("[out#0] Error writing trailer: No space left on device", "the disk is full: make room"),
        (
            "Option 'x' not found\n[libx264 @ 0x1] Error setting option crf to value 99x.",
            "-crf does not take",
        ),
        ("[webm @ 0x1] Only VP8 or VP9 or AV1 video are supported for WebM.", "the container does not hold"),
        ("[h264_vaapi @ 0x1] No VA display found for any default device.", "libx264 needs none"),
        ("Specified pixel format yuv440p is invalid or not supported", "-pix_fmt yuv440p is nothing"),
        ("[vost#0] Error while opening encoder - maybe incorrect parameters", "of this size or format"),
    ],
)
def test_other_failures_are_known_by_what_every_ffmpeg_says(said: str, words: str) -> None:
    assert words in str(of_ffmpeg(said))


def test_what_nobody_knows_goes_into_a_file_and_the_film_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    program = [sys.executable, "-c", "import sys; sys.exit('[x @ 0x1] never heard of')"]
    with pytest.raises(FilmError) as raised, naming("film.mkv"), process("ffmpeg", program) as running:
        running.finish()
    (log,) = tmp_path.iterdir()
    assert str(raised.value) == f"film.mkv: ffmpeg failed (exit code 1); what it said lies in {log}"
    assert log.read_text().strip() == "[x @ 0x1] never heard of"
    assert of_ffmpeg("[x @ 0x1] never heard of") is None


def test_a_film_that_breaks_while_it_is_read_is_named_with_the_frame(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    source = ["-f", "lavfi", "-i", "testsrc2=s=160x120:r=24", "-frames:v", "120"]
    encode = ["-vf", "hue=s=0,format=yuv420p", "-c:v", "libx264", "-qp", "3", "-g", "12"]
    subprocess.run([FFMPEG, "-v", "error", *source, *encode, path], check=True)
    assert run("colorize", path, "-o", tmp_path / "whole.mkv", "--end", "3").code == 0
    # The index is that of the whole film: places where the film is looked at are as they were.
    state = path.stat()
    with path.open("r+b") as file:
        file.seek(state.st_size * 5 // 8)
        file.write(bytes(state.st_size // 8))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    colorize, compare = ("-o", tmp_path / "out.mkv"), ("--models", "gray", "--start", "72", "--frames", "12")
    for arguments in (("colorize", path, *colorize), ("compare", path, *compare)):
        ran = run(*arguments)
        assert ran.code == 1
        assert re.search(
            rf"{path}\S*?(, gray)?: the film cannot be decoded at frame \d+: it is damaged", ran.said
        )
        assert "VideoSource" not in ran.said
        assert "FFmpeg bug" not in ran.said
