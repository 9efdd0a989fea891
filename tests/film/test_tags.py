"""The colour tags that a film's frames carry reach the result, whatever they say."""

import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest
from vapoursynth import core

from vsdeoldify.cli import main
from vsdeoldify.film.encoding import (
    _MATRICES,
    _PRIMARIES,
    _TRANSFERS,
    colour_filters,
    copied_tags,
    tags_of,
)

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


def test_ffmpeg_knows_the_name_of_every_tag(each_ffmpeg: str) -> None:
    command = [each_ffmpeg, "-v", "error", "-f", "lavfi", "-i", "color=s=64x48:d=0.04"]
    tags = {"_Matrix": _MATRICES, "_Primaries": _PRIMARIES, "_Transfer": _TRANSFERS}
    for properties in ({name: code} for name, codes in tags.items() for code in codes):
        filters = ",".join(colour_filters(properties, 64, 48))
        options = copied_tags(tags_of(properties, 64, 48), full=False, rgb=False)
        command += ["-vf", filters, "-c:v", "mpeg4", *options, "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("transfer", ["bt470m", "bt470bg", "smpte240m"])
def test_a_film_keeps_its_transfer(tmp_path: Path, transfer: str) -> None:
    film, result = tmp_path / "film.mkv", tmp_path / "colour.mkv"
    subprocess.run(
        [
            *(FFMPEG, "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=0.4"),
            *(
                "-vf",
                f"format=yuv420p,setparams=color_trc={transfer}:color_primaries=bt470bg:colorspace=bt470bg",
            ),
            *("-c:v", "libx264", film),
        ],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    options = ["--preset", "preview", "--device", "cpu", "--render-factor", "10", "--every", "4"]
    assert main(["colorize", str(film), "-o", str(result), *options]) == 0
    before, after = (
        core.bs.VideoSource(str(path), cachemode=0).get_frame(0).props for path in (film, result)
    )
    for name in ("_Transfer", "_Primaries", "_Matrix", "_Range"):
        assert after[name] == before[name], name
