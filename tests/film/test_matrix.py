"""The page "What is kept" is what comes out: its two tables are read, and made again from films."""

import re
import subprocess
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs
from films import CLICKS, FFMPEG, coloured, run_ffmpeg, see

from vsdeoldify.film import ffmpeg
from vsdeoldify.film.streams import CONTAINERS

PAGE = Path(__file__).parents[2] / "docs" / "what-is-kept.md"
ENCODERS = subprocess.run([FFMPEG, "-hide_banner", "-encoders"], capture_output=True, text=True).stdout
OWN = {
    "ffv1": "-c:v ffv1",
    "huffyuv": "-c:v huffyuv -pix_fmt yuv422p",
    "libsvtav1": "-c:v libsvtav1 -preset 12",
    "libvpx-vp9": "-c:v libvpx-vp9 -cpu-used 8 -crf 20 -b:v 0",
    "libx264": "",
    "libx265": "-c:v libx265 -preset ultrafast",
    "mjpeg": "-c:v mjpeg -q:v 2",
    "mpeg2video": "-c:v mpeg2video -q:v 2",
    "mpeg4": "-c:v mpeg4 -q:v 2",
    "prores_ks": "-c:v prores_ks",
    "utvideo": "-c:v utvideo",
}


def table(heading: str) -> tuple[list[str], list[list[str]]]:
    """The table after a heading of the page: its columns, and its rows."""
    text = PAGE.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    return lines[0], lines[2:]


def as_row(cells: list[str]) -> str:
    """A row as it stands on the page."""
    return (
        "| "
        + " | ".join(f"`{cell}`" if cell.startswith(".") or cell in OWN else cell for cell in cells)
        + " |"
    )


PICTURE_COLUMNS, PICTURES = table("The picture")
STREAM_COLUMNS, STREAMS = table("What lies beside the picture")


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Interlaced, of full range, with every colour tag, chroma at the top left and oblong pixels."""
    path = tmp_path_factory.mktemp("rich") / "in.mkv"
    tags = "range=pc:colorspace=bt709:color_primaries=bt709:color_trc=smpte240m:field_mode=tff"
    filters = f"hue=s=0,format=yuv420p,geq=lum='X*2+N*8':cb=128:cr=128,setparams={tags},setsar=64/45"
    run_ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=96x64:r=30000/1001", "-frames:v", "4", "-vf", filters),
        *("-color_range", "pc", "-chroma_sample_location", "topleft", "-c:v", "ffv1", path),
    )
    return path


def shape(path: Path) -> Fraction:
    """The shape of the pixels: where codec and container differ, the container's, which players heed."""
    found = re.findall(r"SAR (\d+):(\d+)", re.findall(r"Video: .*", told(path))[0])[-1]
    return Fraction(int(found[0]), int(found[1]))


@pytest.mark.parametrize("row", PICTURES, ids=lambda row: f"{row[0]}-{row[1]}")
def test_every_encoder_keeps_what_the_page_says(row: list[str], rich: Path, tmp_path: Path) -> None:
    codec, suffix = row[:2]
    if f" {codec} " not in ENCODERS:
        pytest.skip(f"this ffmpeg has no {codec}")
    output = tmp_path / f"out{suffix}"
    said = coloured(rich, output, "--encoder-options", OWN[codec])
    before, after = see(rich), see(output)

    def same(name: str, default: int = -1) -> bool:
        return after.properties.get(name, default) == before.properties[name]

    small = after.clip.format.subsampling_w == after.clip.format.subsampling_h == 1
    kept = {
        "range": same("_Range", vs.RANGE_LIMITED),
        "matrix": same("_Matrix"),
        "primaries": same("_Primaries"),
        "transfer": same("_Transfer"),
        "fields": all(f.props["_FieldBased"] == 2 for f in after.clip.frames(close=True)),
        "shape of the pixels": abs(shape(output) / shape(rich) - 1) < 0.005,
        "luma": after.clip.format.bits_per_sample == 8 and bool((after.luma() == before.luma()).all()),
        # Players take that of 4:2:2 and 4:4:4 for lying left.
        "place of the chroma": same("_ChromaLocation", 0) if small else None,
    }
    words = {True: "yes", False: "no", None: "–"}
    assert as_row(row) == as_row([*row[:2], *(words[kept[name]] for name in PICTURE_COLUMNS[2:])])
    # What is lost is said before the work begins.
    for name in ("matrix", "primaries", "transfer", "place of the chroma", "shape of the pixels"):
        assert (kept[name] is False) == (f"{name} (" in said), name
    assert (not kept["fields"]) == ("which lines belong to which field" in said)
    assert (not kept["range"]) == ("range only" in said)
    assert after.clip.num_frames == before.clip.num_frames
    assert np.diff(after.seconds) == pytest.approx(np.diff(before.seconds), abs=0.0011)


@pytest.fixture(scope="module")
def laden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film with all that can lie beside a picture, which starts later than its sound."""
    folder = tmp_path_factory.mktemp("laden")
    (folder / "s.srt").write_text("1\n00:00:00,200 --> 00:00:00,400\nBonjour\n\n")
    (folder / "c.txt").write_text(
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=300\ntitle=One\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=300\nEND=900\ntitle=Two\n"
    )
    (folder / "font.ttf").write_bytes(b"font")
    flash = "hue=s=0,format=yuv420p,geq=lum='if(eq(mod(N,10),0),235,lum(X,Y)/2)':cb=128:cr=128"
    run_ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=96x64:r=20", "-t", "1", "-vf", flash, "-c:v", "libx264"),
        folder / "p.mkv",
    )
    run_ffmpeg(*CLICKS, "-t", "1.2", "-c:a", "aac", folder / "a.m4a")
    run_ffmpeg(
        *("-itsoffset", "0.5", "-i", folder / "p.mkv", "-i", folder / "a.m4a"),
        *("-i", folder / "s.srt", "-i", folder / "c.txt"),
        *("-map", "0", "-map", "1", "-map", "1", "-map", "2", "-map_chapters", "3", "-c", "copy"),
        *("-metadata:s:a:0", "language=fra", "-metadata:s:a:1", "language=deu"),
        *("-metadata:s:s:0", "language=fra", "-disposition:a:1", "comment", "-metadata", "title=The film"),
        *("-attach", folder / "font.ttf", "-metadata:s:t", "mimetype=application/x-truetype-font"),
        folder / "in.mkv",
    )
    return folder / "in.mkv"


@cache
def told(path: Path) -> str:
    return subprocess.run([FFMPEG, "-i", path], capture_output=True, text=True).stderr


def clicks(path: Path) -> list[float]:
    command = [FFMPEG, "-v", "error", "-i", path, "-map", "0:a:0", "-af", "aresample=async=1:first_pts=0"]
    command += ["-ar", "48000", "-ac", "1", "-f", "f32le", "-"]
    samples = np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.float32)
    loud = np.nonzero(np.abs(samples) > 0.3)[0] / 48000
    return [float(t) for i, t in enumerate(loud) if i == 0 or t - loud[i - 1] > 0.2]


@pytest.mark.parametrize("row", STREAMS, ids=lambda row: row[0])
def test_every_container_keeps_what_the_page_says(row: list[str], laden: Path, tmp_path: Path) -> None:
    output = tmp_path / f"out{row[0]}"
    said = coloured(laden, output)
    text, streams = told(output), ffmpeg.contents(FFMPEG, output)
    sounds = [stream.codec for stream in streams.of_kind("Audio")]
    subtitles = [stream.codec for stream in streams.of_kind("Subtitle")]
    seen = see(output)
    white = [t for t, luma in zip(seen.seconds, seen.luma(), strict=True) if luma.mean() > 200]
    heard = clicks(output)
    languages = re.findall(r"\((fra|deu)\): (?:Audio|Sub)", text)
    found = {
        "AAC sound": "yes" if sounds == ["aac", "aac"] else f"as {sounds[0]}",
        "subtitles as text": "yes" if subtitles == ["subrip"] else f"as {subtitles[0]}",
        "languages": {3: "yes", 0: "no"}.get(len(languages), "some"),
        "mark of a comment": "yes" if "(comment)" in text else "no",
        "chapters": "yes" if re.findall(r"title\s+: (One|Two)", text) == ["One", "Two"] else "no",
        "title": "yes" if "The film" in text else "no",
        "attached files": "yes" if streams.of_kind("Attachment") else "no",
        "sound in step": "yes" if all(min(abs(t - c) for c in heard) < 0.03 for t in white) else "no",
    }
    assert as_row(row) == as_row([row[0], *(found[name] for name in STREAM_COLUMNS[1:])])
    assert len(white) == 2
    assert seen.seconds[0] > 0.45
    assert ("attached files (fonts): they are left out" in said) == (found["attached files"] == "no")


def test_the_page_has_every_container() -> None:
    assert {row[0] for row in STREAMS} == {*CONTAINERS} == {row[1] for row in PICTURES}
