"""`vsdeoldify project` begins a project that `colorize` and `script` go by."""

import json
import subprocess
from pathlib import Path

import pytest
from films import FFMPEG, run

from vsdeoldify.film.project import open_project
from vsdeoldify.settings.presets import preset
from vsdeoldify.settings.project import settings_of


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Two scenes of 20 frames."""
    path = tmp_path / "a film.mkv"
    command = [FFMPEG, "-v", "error"]
    for name in ("testsrc2", "mandelbrot"):
        command += ["-f", "lavfi", "-i", f"{name}=s=96x64:r=20"]
    cut = ";".join(f"[{n}]trim=end_frame=20,format=gray[s{n}]" for n in range(2))
    command += ["-filter_complex", f"{cut};[s0][s1]concat=n=2", "-c:v", "ffv1", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def test_it_holds_the_scenes_and_what_the_options_change(film: Path, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    options = ["--preset", "slow", "--colours", "vivid", "--weight", "0.5", "--saturation", "1.1"]
    ran = run("project", film, *options, "--stabilize-frames", "7", "--references", tmp_path / "pictures")
    assert ran.code == 0, ran.said
    path = tmp_path / "a film.vsdeoldify.json"
    assert f"{path}: 2 scenes" in ran.said
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["scenes"] == [{"first": 0, "last": 19}, {"first": 20, "last": 39}]
    assert content["film"] == {"name": "a film.mkv", "size": film.stat().st_size, "frames": 40}
    assert content["references"]["folder"] == "pictures"
    assert content["settings"] == {
        "preset": "slow",
        "colours": "vivid",
        "every": 10,
        "mweight": 0.5,
        "deoldify_p": {"saturation": 1.1},
        "ddcolor_p": {"saturation": 1.1},
        "stab_p": {"frames": 7},
    }
    before = path.read_bytes()
    assert "exists: add --overwrite" in run("project", film).said
    ran = run("project", film, "--overwrite", "--set", "dark_p=[0.2, 9]")
    assert (ran.code, "dark_p amount must be in 0–1" in ran.said) == (2, True)
    assert path.read_bytes() == before


def test_the_script_by_a_new_project_is_that_of_the_options(film: Path, tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text("first,last\n0,4\n5,39\n")
    options = ["--method", "3", "--deoldify", "artistic", "--set", "cmc_tresh=0.1", "--every", "2"]
    options += ["--colormap", "blue->brown", "--render-factor", "20", "--scenes", str(listed)]
    assert run("project", film, *options).code == 0
    path = tmp_path / "a film.vsdeoldify.json"
    assert [scene.first for scene in open_project(path).scenes] == [0, 5]

    def calls(said: str) -> list[str]:
        """The lines without comments; parameters may come in another order."""
        return sorted(line for line in said.splitlines() if not line.lstrip().startswith("#"))

    assert calls(run("script", film, "--project", path).said) == calls(run("script", film, *options).said)


@pytest.mark.parametrize("name", ["preview", "medium"])
def test_settings_are_what_differs_from_the_preset(name: str) -> None:
    chosen = preset(name, "stable")
    assert settings_of(chosen) == {"preset": name, "colours": "stable"}
    changed = chosen.with_changes(ddcolor_p=["artistic", 24, 2.0], smooth=False, device_index=3)
    assert settings_of(changed)["ddcolor_p"]["saturation"] == 2.0
    assert settings_of(changed)["smooth"] is False
    assert "device_index" not in settings_of(changed)
