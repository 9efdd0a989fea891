"""`vsdeoldify script` prints what runs as it stands."""

import argparse
import ast
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tiny
import torch
import vapoursynth as vs

from vsdeoldify.cli import main
from vsdeoldify.cli.options import add_colour_options, chosen_for_films
from vsdeoldify.film import ffmpeg
from vsdeoldify.film.frames import Wanted, write_frames
from vsdeoldify.film.pieces import begun_every
from vsdeoldify.settings.filters import FILTERS
from vsdeoldify.settings.methods import METHODS
from vsdeoldify.settings.parameters import colouring_names, stabilizing_names
from vsdeoldify.settings.presets import COLOURS, SPEEDS, USUAL_EVERY, preset, usual_every

NAME = 'a "film" of Zoë\'s, 50% \\ $HOME – 映画.mkv'


@pytest.fixture
def film(tmp_path: Path) -> Path:
    name = NAME if sys.platform != "win32" else "a film of Zoë's, 50% – 映画.mkv"
    path = tmp_path / name
    source = ["-f", "lavfi", "-i", "testsrc2=s=64x48:r=25", "-frames:v", "3", "-c:v", "ffv1"]
    subprocess.run([ffmpeg.find_ffmpeg(), "-v", "error", *source, f"file:{path}"], check=True)
    return path


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["script", *arguments]) == 0
    return capsys.readouterr().out


def parameters(text: str) -> dict[str, object]:
    """The keyword arguments of the call of `colorize` in a script."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    (call,) = (c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "colorize")
    return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}


def colouring(text: str) -> dict[str, object]:
    """Those of them that `ddeoldify` has."""
    return {name: value for name, value in parameters(text).items() if name in colouring_names()}


@pytest.mark.parametrize("colours", COLOURS)
@pytest.mark.parametrize("name", SPEEDS)
def test_the_script_holds_the_presets_parameters(
    film: Path, name: str, colours: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = printed(capsys, str(film), "--preset", name, "--colours", colours, "--device", "99")
    chosen = preset(name, colours)
    names = {
        "preset": name,
        "colours": colours,
        "device_index": 99,
        "every": usual_every(chosen, motion=True),
    }
    assert parameters(text) == chosen.ddeoldify | chosen.stabilizer | names


@pytest.mark.parametrize(("name", "every"), [("medium", None), ("overnight", 3)])
def test_without_the_plugin_for_motion_the_frames_are_coloured_one_by_one(
    film: Path,
    name: str,
    every: int | None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vsdeoldify.film.identity.has_motion", lambda: False)
    assert parameters(printed(capsys, str(film), "--preset", name, "--device", "99")).get("every") == every


@pytest.mark.parametrize(
    "options", ["--every 1", "--every 7", "--set every=1", "--preset overnight --every 2"]
)
def test_what_is_asked_for_is_done(film: Path, options: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, str(film), "--device", "99", *options.split())
    assert parameters(text)["every"] == int(options[-1])


def test_every_parameter_of_the_script_is_explained(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [
        f"--set={name}={2 if name == 'method' else 1}" for name in (*colouring_names(), *stabilizing_names())
    ]
    text = printed(capsys, str(film), "--device", "cpu", *options)
    lines = [line for line in text.splitlines() if line.startswith("    ") and "=" in line]
    for name in (*colouring_names(), *stabilizing_names()):
        (line,) = (line for line in lines if line.startswith(f"    {name}="))
        assert len(line.partition("  # ")[2].split()) > 1, line
    for method in METHODS.values():
        assert f'"{method.name}",  # {method.title}' in printed(capsys, str(film), "--method", method.name)


@pytest.mark.parametrize(
    ("options", "ddeoldify"),
    [
        ("--ddcolor preview", {"method": "ddcolor", "ddcolor_p": ["preview", 24, 1.0, 0.0]}),
        ("--deoldify artistic", {"method": "deoldify", "deoldify_p": ["artistic", 24, 1.0, 0.0]}),
        (
            "--deoldify 1 --ddcolor paper_tiny --weight 0.7 --render-factor 20 --saturation 0.5",
            {
                "method": "simple",
                "mweight": 0.7,
                "deoldify_p": [1, 20, 0.5, 0.0],
                "ddcolor_p": ["paper_tiny", 20, 0.5, 0.0],
            },
        ),
        (
            "--method 3 --set cmc_tresh=0.1 --set batch_size=2",
            {
                "method": "constrained_chroma",
                "mweight": 0.4,
                "deoldify_p": ["video", 24, 1.0, 0.0],
                "ddcolor_p": ["artistic", 24, 1.0, 0.0],
                "cmc_tresh": 0.1,
                "batch_size": 2,
            },
        ),
    ],
)
def test_options_change_the_preset(
    film: Path, options: str, ddeoldify: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    text = printed(capsys, str(film), "--device", "cpu", *options.split())
    assert colouring(text) == ddeoldify | {"device_index": "cpu", "every": USUAL_EVERY}


def test_without_stabilizer_the_script_turns_every_filter_off(
    film: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = printed(capsys, str(film), "--device", "cpu", "--no-stabilizer")
    off = {name: value for name, value in parameters(text).items() if name in stabilizing_names()}
    assert off == dict.fromkeys(FILTERS, False)


def test_it_runs_under_vspipe_and_as_the_command_line_renders_it(
    film: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    torch.save({"params": tiny.tiny_ddcolor_state_dict()}, tmp_path / "it's tiny.pth")
    options = ["--ddcolor", str(tmp_path / "it's tiny.pth"), "--device", "cpu", "--render-factor", "10"]
    assert main(["script", str(film), *options]) == 0
    script = tmp_path / "film é.vpy"
    script.write_bytes(capsysbinary.readouterr().out)
    rendered = io.BytesIO()
    write_frames(script, Wanted((0, 3)), rendered, 3)
    vs.clear_outputs()

    vspipe = Path(vs.__file__).parent / "vspipe"
    if not vspipe.exists():
        pytest.skip("this VapourSynth has no vspipe beside its module")
    # vspipe finds Python by a configuration file that the program `vapoursynth` writes.
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = os.environ | {"PATH": programs, "XDG_CONFIG_HOME": str(tmp_path)}
    piped = subprocess.run([vspipe, "-c", "y4m", script, "-"], env=environment, capture_output=True)
    if b"Failed to initialize VSScript" in piped.stderr:
        pytest.skip("vspipe cannot be set up for this Python: it has no shared library")
    assert piped.returncode == 0, piped.stderr
    assert piped.stdout.partition(b"\n")[2] == rendered.getvalue().partition(b"\n")[2]


def test_a_film_that_is_not_there_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["script", "nowhere.mkv"]) == 1
    assert "nowhere.mkv does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(("job", "every"), [({}, None), ({"every": 1}, 1), ({"every": 7}, 7)])
def test_a_film_that_was_begun_keeps_its_key_frames(
    tmp_path: Path, job: dict[str, int], every: int | None
) -> None:
    """Also one that was begun before there was a usual distance of them."""
    (tmp_path / "job.json").write_text(json.dumps({"job": {"colours": {"ddeoldify": job}}}))
    parser = argparse.ArgumentParser()
    add_colour_options(parser)
    args = parser.parse_args(["--device", "cpu"])
    before = begun_every(tmp_path)
    assert chosen_for_films(args, before).ddeoldify.get("every") == every
    assert chosen_for_films(args).ddeoldify["every"] == USUAL_EVERY
    args = parser.parse_args(["--device", "cpu", "--every", "3"])
    assert chosen_for_films(args, before).ddeoldify["every"] == 3


@pytest.mark.parametrize("text", [None, "", "[]", '{"job": {"colours": {}}}', '{"job": 3}'])
def test_where_no_film_was_begun_nothing_is_kept(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "job.json").write_text(text)
    assert begun_every(tmp_path) is None
