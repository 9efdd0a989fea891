"""A cover picture is never taken for the film, wherever it stands in the file."""

from itertools import pairwise
from pathlib import Path

import pytest
from films import coloured, make_film, run, run_ffmpeg, see

from vsdeoldify.comparison.samples import ClipSample
from vsdeoldify.support.errors import PictureError

SIZE = (96, 64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("covers")


@pytest.fixture(scope="module")
def film(folder: Path) -> Path:
    return make_film(folder / "plain.mp4", "-c:v", "libx264", "-c:a", "aac")


@pytest.fixture(scope="module")
def cover(folder: Path) -> Path:
    run_ffmpeg("-f", "lavfi", "-i", "color=red:s=200x200", "-frames:v", "1", folder / "cover.jpg")
    return folder / "cover.jpg"


def boxes(data: bytes, start: int, end: int) -> list[tuple[bytes, int, int]]:
    """Name, beginning and end of the boxes of an MP4 file."""
    found = []
    while start < end:
        size = int.from_bytes(data[start : start + 4], "big")
        found.append((data[start + 4 : start + 8], start, start + size))
        start += size
    return found


@pytest.fixture(scope="module", params=["mp4 box", "mkv track", "mkv default track", "mkv attachment"])
def with_cover(request: pytest.FixtureRequest, film: Path, cover: Path, folder: Path) -> Path:
    """A film whose first, or only other, picture track is its cover."""
    kind: str = request.param
    path = folder / f"{kind.replace(' ', '_')}.{kind[:3]}"
    if kind == "mkv attachment":
        attached = ["-attach", cover, "-metadata:s:t", "mimetype=image/jpeg"]
        run_ffmpeg("-i", film, "-map", "0", "-c", "copy", *attached, path)
        return path
    first = "default" if "default" in kind else "0" if "mkv" in kind else "attached_pic"
    run_ffmpeg(
        *("-i", film, "-i", cover, "-map", "1:v", "-map", "0:v", "-map", "0:a", "-c", "copy"),
        *("-disposition:v:0", first, "-disposition:v:1", "default", path),
    )
    if kind == "mp4 box":
        # ffmpeg numbers tracks as their boxes come: that of the cover goes before the others.
        data = path.read_bytes()
        start, end = next((start, end) for name, start, end in boxes(data, 0, len(data)) if name == b"moov")
        inner = sorted(boxes(data, start + 8, end), key=lambda box: {b"mvhd": 0, b"udta": 1}.get(box[0], 2))
        path.write_bytes(data[: start + 8] + b"".join(data[a:b] for _, a, b in inner) + data[end:])
    return path


def test_the_film_is_coloured_and_not_its_cover(with_cover: Path, film: Path, tmp_path: Path) -> None:
    said = coloured(with_cover, tmp_path / "out.mkv")
    before, after = see(film), see(tmp_path / "out.mkv")
    assert (after.clip.num_frames, after.clip.width, after.clip.height) == (10, *SIZE)
    assert all(b > a for a, b in pairwise(after.seconds))
    assert abs(after.luma() - before.luma()).mean() < 3
    assert ("cover picture is left out" in said) != ("one picture track is coloured" in said)


def test_scripts_previews_and_comparisons_see_the_film_too(with_cover: Path, tmp_path: Path) -> None:
    ran = run("script", with_cover)
    assert ran.code == 0
    assert ("track=1" in ran.said) == ("attachment" not in with_cover.name)
    sample = ClipSample(with_cover, 512, 0, 4)
    assert (sample.frames, sample.truth.width) == (4, SIZE[0])
    assert run("colorize", with_cover, "--preview", "3", "-o", tmp_path / "sheet.png").code == 0


@pytest.mark.parametrize("name", ["music.m4a", "music.mp3"])
def test_sound_with_a_cover_is_no_film_and_the_message_tells_how_the_cover_is_coloured(
    name: str, film: Path, cover: Path, tmp_path: Path
) -> None:
    path = tmp_path / name
    codec = "copy" if name.endswith("m4a") else "libmp3lame"
    run_ffmpeg(
        *("-i", film, "-i", cover, "-map", "0:a", "-map", "1:v", "-c:v", "copy", "-c:a", codec),
        *("-disposition:v:0", "attached_pic", path),
    )
    for command in (["colorize", path, "-o", tmp_path / "out.mkv"], ["script", path]):
        ran = run(*command)
        assert ran.code == 1
        assert f"{name} holds no picture track, only a cover picture" in ran.said
        assert "ffmpeg -i IN -map 0:v" in ran.said
        assert "assumed" not in ran.said
    assert not (tmp_path / "out.mkv").exists()
    with pytest.raises(PictureError, match="only a cover picture"):
        ClipSample(path, 512, 0, 4)
