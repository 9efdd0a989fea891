"""Sound and subtitles: in time where a range is cut, and none of them stops a film."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from films import FFMPEG, coloured, make_film, run_ffmpeg, see, with_other

from vsdeoldify.film import ffmpeg


def clicks(path: Path) -> list[float]:
    """When the sound clicks, in seconds of the file."""
    command = [FFMPEG, "-v", "error", "-i", path, "-vn", "-af", "aresample=async=1:first_pts=0"]
    command += ["-ar", "48000", "-ac", "1", "-f", "f32le", "-"]
    samples = np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.float32)
    loud = np.nonzero(np.abs(samples) > 0.3)[0] / 48000
    return [float(t) for i, t in enumerate(loud) if i == 0 or t - loud[i - 1] > 0.2]


def flashes(path: Path) -> list[float]:
    """When the picture is white."""
    seen = see(path)
    return [time for time, luma in zip(seen.seconds, seen.luma(), strict=True) if luma.mean() > 200]


def sounds(path: Path) -> list[str]:
    return [stream.codec for stream in ffmpeg.contents(FFMPEG, path).of_kind("Audio")]


RANGES = [
    ("aac", ".mp4", ".mkv"),
    ("aac", ".mp4", ".mp4"),
    ("aac", ".mov", ".webm"),
    ("libmp3lame", ".mp4", ".mkv"),
    ("alac", ".m4v", ".mkv"),
    ("pcm_s16le", ".mov", ".mkv"),
    ("libopus", ".mkv", ".mkv"),
]


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize(
    ("codec", "source", "result", "each_ffmpeg"),
    with_other(RANGES, RANGES[0]),
    indirect=["each_ffmpeg"],
)
def test_the_sound_of_a_range_of_a_trimmed_film_is_there_and_in_time(
    tmp_path: Path, codec: str, source: str, result: str
) -> None:
    """Trimmed between key frames, an MP4 file holds more than it shows, and says so in its edit list."""
    whole, output = tmp_path / f"whole{source}", tmp_path / f"out{result}"
    make_film(whole, "-c:v", "libx264", "-g", "200", "-c:a", codec, seconds=4)
    run_ffmpeg("-ss", "2", "-i", whole, "-c", "copy", tmp_path / f"in{source}")
    coloured(tmp_path / f"in{source}", output, "--start", "0.6s", "--end", "1.8s")
    white = flashes(output)
    assert len(white) == 2
    assert clicks(output) == pytest.approx(white, abs=0.03)
    assert [path.name for path in tmp_path.glob("*unfinished*")] == []


def test_tracks_of_a_range_keep_their_languages(tmp_path: Path) -> None:
    film = make_film(tmp_path / "one.mp4", "-c:v", "libx264", "-c:a", "aac", seconds=1)
    languages = ["-metadata:s:a:0", "language=fra", "-metadata:s:a:1", "language=deu"]
    run_ffmpeg(
        *("-i", film, "-map", "0:v", "-map", "0:a", "-map", "0:a", "-c", "copy", *languages),
        tmp_path / "in.mp4",
    )
    coloured(tmp_path / "in.mp4", tmp_path / "out.mkv", "--start", "5", "--end", "15")
    said = subprocess.run([FFMPEG, "-i", tmp_path / "out.mkv"], capture_output=True, text=True).stderr
    assert re.findall(r"\((\w+)\): Audio: aac", said) == ["fra", "deu"]


BROADCASTS = [(".mkv", ["flac", "aac"]), (".mp4", ["aac", "aac"]), (".webm", ["opus", "opus"])]


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize(
    ("suffix", "codecs", "each_ffmpeg"), with_other(BROADCASTS, BROADCASTS[0]), indirect=["each_ffmpeg"]
)
def test_broadcast_sound_is_converted_and_its_neighbour_stays(
    tmp_path: Path, suffix: str, codecs: list[str]
) -> None:
    # At one go: ffmpeg 7.0 dies when it copies such sound.
    tracks = ["-map", "0:v", "-map", "1:a", "-map", "1:a", "-ac", "2"]
    codecs_there = ["-c:v", "libx264", "-c:a:0", "s302m", "-strict", "-2", "-c:a:1", "aac"]
    source, output = tmp_path / "in.ts", tmp_path / f"out{suffix}"
    make_film(source, *tracks, *codecs_there, seconds=1)
    said = coloured(source, output)
    assert f"{suffix} files hold no s302m sound: it is encoded as {codecs[0]}" in said
    assert sounds(output) == codecs
    assert clicks(output) == pytest.approx(flashes(output), abs=0.03)


def with_unknown_sound(path: Path) -> Path:
    """A film whose sound is of a codec that nobody has."""
    if path.suffix == ".mov":
        make_film(path, "-c:v", "libx264", "-c:a", "pcm_s16le")
        data = path.read_bytes()
        assert data.count(b"sowt") == 1
        path.write_bytes(data.replace(b"sowt", b"zzzz"))
    else:
        make_film(path, "-c:v", "mpeg4", "-c:a", "adpcm_ms")
        data = path.read_bytes()
        place = data.index(b"strf", data.index(b"auds")) + 8
        assert data[place : place + 2] == b"\x02\0"
        path.write_bytes(data[:place] + b"\x34\x12" + data[place + 2 :])
    return path


@pytest.mark.parametrize(("name", "suffix"), [("in.mov", ".mkv"), ("in.avi", ".mp4")])
def test_sound_that_no_decoder_reads_is_left_out_and_said_once(
    tmp_path: Path, name: str, suffix: str
) -> None:
    output = tmp_path / f"out{suffix}"
    said = coloured(with_unknown_sound(tmp_path / name), output)
    assert said.count("sound track 1 of an unknown codec is left out") == 1
    assert sounds(output) == []
    assert see(output).clip.num_frames == 10


def test_subtitles_that_matroska_does_not_know_are_left_out_and_the_others_stay(tmp_path: Path) -> None:
    (tmp_path / "s.srt").write_text("1\n00:00:00,100 --> 00:00:00,400\nBonjour\n\n")
    film = make_film(tmp_path / "one.mp4", "-c:v", "libx264", "-c:a", "aac")
    run_ffmpeg(
        *("-i", film, "-i", tmp_path / "s.srt", "-map", "0", "-map", "1", "-map", "1", "-c", "copy"),
        *("-c:s:0", "ttml", "-c:s:1", "mov_text", tmp_path / "in.mp4"),
    )
    said = coloured(tmp_path / "in.mp4", tmp_path / "out.mkv")
    assert "subtitle track 1 (ttml) is left out: .mkv files do not hold it" in said
    kinds = [stream.codec for stream in ffmpeg.contents(FFMPEG, tmp_path / "out.mkv").streams]
    assert kinds == ["h264", "aac", "subrip"]


LANGUAGES = ("fre", "deu", "swe", "ell", "afr", "fin")


@pytest.mark.parametrize("suffix", [".mov", ".mkv", ".mp4"])
def test_languages_get_the_names_that_the_container_has_or_are_named(tmp_path: Path, suffix: str) -> None:
    film = make_film(tmp_path / "one.mkv", "-c:v", "libx264", "-c:a", "aac")
    named = [("-map", "0:a", f"-metadata:s:a:{n}", f"language={name}") for n, name in enumerate(LANGUAGES)]
    arguments = ["-map", "0:v", *(word for words in named for word in words)]
    run_ffmpeg("-i", film, "-c", "copy", *arguments, tmp_path / "in.mkv")
    said = coloured(tmp_path / "in.mkv", tmp_path / f"out{suffix}")
    found = [
        stream.language for stream in ffmpeg.contents(FFMPEG, tmp_path / f"out{suffix}").of_kind("Audio")
    ]
    if suffix == ".mov":
        # The same languages by QuickTime's names.
        assert found == ["fra", "ger", "sve", "gre", "", "fin"]
        assert ".mov files have no name for the language afr: .mkv and .mp4 files have" in said
    else:
        before = ffmpeg.contents(FFMPEG, tmp_path / "in.mkv").of_kind("Audio")
        assert found == [stream.language for stream in before]
        assert "note:" not in said


def test_data_tracks_and_marks_that_are_left_out_are_said(tmp_path: Path) -> None:
    options = ["-c:v", "libx264", "-c:a", "aac", "-timecode", "10:00:00:00", "-disposition:a:0", "comment"]
    make_film(tmp_path / "in.mp4", *options)
    (data,) = ffmpeg.contents(FFMPEG, tmp_path / "in.mp4").of_kind("Data")
    assert data.codec == "none"
    said = coloured(tmp_path / "in.mp4", tmp_path / "out.mov")
    assert said.count("note: 1 data track (time codes or the like): left out") == 1
    assert ".mov files do not say what a track is for (comment): .mkv and .mp4 files do" in said
    said = coloured(tmp_path / "in.mp4", tmp_path / "out.mp4", "--encoder-options", "-dn")
    assert "note:" not in said


def test_the_titles_of_chapters_are_no_data_that_is_left_out(tmp_path: Path) -> None:
    film = make_film(tmp_path / "one.mp4", "-c:v", "libx264", "-c:a", "aac")
    (tmp_path / "chapters").write_text(
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=300\ntitle=One\n"
    )
    chapters = ["-i", tmp_path / "chapters", "-map_chapters", "1"]
    run_ffmpeg("-i", film, *chapters, "-c", "copy", tmp_path / "in.mp4")
    said = coloured(tmp_path / "in.mp4", tmp_path / "out.mp4")
    assert "left out" not in said
    seen = subprocess.run([FFMPEG, "-i", tmp_path / "out.mp4"], capture_output=True, text=True).stderr
    assert re.search(r"title\s+: One", seen)


def test_transparency_beside_the_picture_is_spoken_of(tmp_path: Path) -> None:
    make_film(
        tmp_path / "in.webm",
        *("-c:v", "libvpx-vp9", "-cpu-used", "8", "-pix_fmt", "yuva420p", "-an"),
        filters="format=yuva420p,colorchannelmixer=aa=0.5",
    )
    assert "note: transparency is left out" in coloured(tmp_path / "in.webm", tmp_path / "out.mkv")


def test_what_a_film_says_of_its_screen_is_spoken_of(tmp_path: Path) -> None:
    screen = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
    tags = "format=yuv420p10,setparams=colorspace=bt2020nc:color_primaries=bt2020:color_trc=smpte2084"
    for name, own in (("in.mkv", f":master-display={screen}:max-cll=1000,400"), ("plain.mkv", "")):
        options = ["-c:v", "libx265", "-x265-params", f"log-level=none{own}", "-an"]
        make_film(tmp_path / name, *options, filters=tags)
        said = coloured(tmp_path / name, tmp_path / "out.mkv")
        assert ("mastering display, light levels) is left out" in said) == bool(own)
