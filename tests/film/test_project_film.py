"""A film that is coloured by its project: each scene as its settings say, and again only what has changed."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
import vapoursynth as vs
from cheap_vsdeoldify import BROKEN_FRAME
from films import FFMPEG, run, run_ffmpeg
from PIL import Image

from vsdeoldify import colorize, ddeoldify_scenes
from vsdeoldify.film.project import identity_of, recipe_of, save_project
from vsdeoldify.film.render import load
from vsdeoldify.networks import loading
from vsdeoldify.settings.project import (
    Project,
    ProjectReferences,
    ProjectScene,
    mark_scene,
    set_settings,
    shift_limit,
)
from vsdeoldify.vsutils.propagation import motion

# The scenes, and the settings of the film and of a scene, as options too.
LIMITS = [(0, 11), (12, 23), (24, 35)]
SETTINGS = {"preset": "preview", "dark": False, "smooth": False, "stab_p": {"frames": 3}}
OPTIONS = ["--preset", "preview", "--set", "dark=False", "--set", "smooth=False", "--stabilize-frames", "3"]
TURNED = {"colormap": "180:280|+140,0.0"}
LOSSLESS = ["--encoder-options", "-c:v ffv1"]


def frames(path: Path) -> list[str]:
    """Sums of a film's decoded frames."""
    command = [FFMPEG, "-v", "error", "-i", str(path), "-map", "0:v", "-f", "framemd5", "-"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [line.split(",")[5].strip() for line in lines if not line.startswith("#")]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("project") / "film.mkv"
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25", "-frames:v", "36", "-c:v", "ffv1", path)
    return path


@pytest.fixture(scope="module")
def whole(film: Path) -> dict[str, list[str]]:
    """The frames of the whole film with the film's settings, and with the scene's."""
    listed = film.with_name("scenes.csv")
    listed.write_text("first,last\n" + "".join(f"{first},{last}\n" for first, last in LIMITS))
    made = {}
    for name, more in (("film", []), ("scene", ["--colormap", TURNED["colormap"]])):
        output = film.with_name(f"whole_{name}.mkv")
        ran = run("colorize", film, "-o", output, *OPTIONS, *more, "--scenes", listed, *LOSSLESS)
        assert ran.code == 0, ran.said
        made[name] = frames(output)
    assert not set(made["film"]) & set(made["scene"])
    return made


@pytest.fixture
def project(film: Path, tmp_path: Path) -> Project:
    scenes = tuple(ProjectScene(first, last) for first, last in LIMITS)
    path = tmp_path / "film.vsdeoldify.json"
    return Project(identity_of(film, 36), scenes, SETTINGS, path=path)


def coloured(film: Path, project: Project, *options: str) -> str:
    """Colour the film by its project, which must succeed, and give what was said."""
    assert project.path is not None
    save_project(project)
    output = project.path.with_name("out.mkv")
    ran = run("colorize", film, "-o", output, "--project", project.path, *LOSSLESS, *options)
    assert ran.code == 0, ran.said
    return ran.said


def pieces(project: Project) -> dict[str, tuple[int, int]]:
    """The finished pieces; equal ones have not been written again."""
    assert project.path is not None
    folder = project.path.with_name("out.mkv.unfinished")
    states = {path.name: path.stat() for path in folder.glob("0*.mov")}
    return {name: (state.st_ino, state.st_mtime_ns) for name, state in states.items()}


def new(after: dict[str, tuple[int, int]], before: dict[str, tuple[int, int]]) -> list[str]:
    """The frames of the pieces that were made in between; all others must be as they were."""
    assert {name: after[name] for name in before} == before
    return sorted(name[:13] for name in after.keys() - before.keys())


def test_only_what_has_changed_is_made_again(
    film: Path, project: Project, whole: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert project.path is not None
    output = project.path.with_name("out.mkv")
    coloured(film, project, "--segment", "8")
    assert frames(output) == whole["film"]
    first = pieces(project)
    spans = ["000000-000008", "000008-000012", "000012-000020", "000020-000024", "000024-000032"]
    assert new(first, {}) == [*spans, "000032-000036"]

    # A frame that could not be made again stands in the first scene.
    monkeypatch.setenv(BROKEN_FRAME, "5")
    changed = set_settings(project, TURNED, 1)
    said = coloured(film, changed, "--segment", "8", "--resume")
    assert "2 finished pieces were made with other scenes, settings or references" in said
    assert "going on after 24 of 36 frames" in said
    assert frames(output) == whole["film"][:12] + whole["scene"][12:24] + whole["film"][24:]
    second = pieces(changed)
    assert new(second, first) == ["000012-000020", "000020-000024"]

    # A mark decides on nothing, so nothing is done; nor where a setting is only said in other words.
    state = output.stat()
    marked = mark_scene(set_settings(changed, {"stab_p": {"mode": "guided"}}), 0, "good")
    assert "is as it should be: nothing has changed" in coloured(film, marked, "--resume")
    assert (output.stat().st_ino, output.stat().st_mtime_ns) == (state.st_ino, state.st_mtime_ns)
    # A film that is gone is joined again, of the same pieces.
    output.unlink()
    assert "36 frames in" in coloured(film, marked, "--resume")
    assert pieces(marked) == second

    # Whoever goes back finds the pieces of before.
    assert "going on after 36 of 36 frames" in coloured(film, project, "--resume")
    assert frames(output) == whole["film"]


def test_an_interrupted_film_goes_on_by_its_project(
    film: Path, project: Project, whole: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = set_settings(project, TURNED, 2)
    assert project.path is not None
    save_project(project)
    command = [
        "colorize",
        film,
        "-o",
        project.path.with_name("out.mkv"),
        "--project",
        project.path,
        *LOSSLESS,
    ]
    monkeypatch.setenv(BROKEN_FRAME, "30")
    assert run(*command).code == 1
    assert new(pieces(project), {}) == ["000000-000012", "000012-000024"]
    monkeypatch.setenv(BROKEN_FRAME, "5")
    ran = run(*command, "--resume")
    assert ran.code == 0, ran.said
    assert "going on after 24 of 36 frames" in ran.said
    assert frames(project.path.with_name("out.mkv")) == whole["film"][:24] + whole["scene"][24:]
    # A limit that is shifted: its two scenes are made again, the third is not.
    monkeypatch.delenv(BROKEN_FRAME)
    before = pieces(project)
    shifted = shift_limit(project, 1, 14)
    assert "going on after 12 of 36 frames" in coloured(film, shifted, "--resume")
    assert new(pieces(shifted), before) == ["000000-000014", "000014-000024"]


@pytest.mark.skipif(not motion.is_available(), reason="vapoursynth-mvutensils is not installed")
def test_references_of_a_project_lie_beside_it_and_reach_their_scene_alone(
    film: Path, project: Project, whole: dict[str, list[str]]
) -> None:
    assert project.path is not None
    folder = project.path.with_name("pictures")
    folder.mkdir()
    output = project.path.with_name("out.mkv")
    coloured(film, project)
    before = pieces(project)

    paint(output, folder / "ref_000018.png", 18)
    painted = replace(project, references=ProjectReferences("pictures"))
    assert "1 finished pieces were made with other" in coloured(film, painted, "--resume")
    made = frames(output)
    assert (made[:12], made[24:]) == (whole["film"][:12], whole["film"][24:])
    assert not set(made[12:24]) & set(whole["film"])
    after = pieces(painted)
    assert new(after, before) == ["000012-000024"]

    weaker = replace(painted, references=ProjectReferences("pictures", strength=0.0))
    coloured(film, weaker, "--resume")
    assert frames(output)[:12] == whole["film"][:12]
    assert new(pieces(weaker), after) == ["000012-000024"]
    assert frames(output)[18] != made[18]


def paint(film: Path, picture: Path, number: int) -> None:
    """Write a frame of a film as a picture whose colours are turned by half a circle."""
    run_ffmpeg("-i", film, "-vf", rf"select=eq(n\,{number})", "-frames:v", "1", picture)
    pixels = np.asarray(Image.open(picture).convert("YCbCr")).copy()
    pixels[..., 1:] = 255 - pixels[..., 1:]
    Image.fromarray(pixels, "YCbCr").convert("RGB").save(picture)


@pytest.fixture
def no_outputs() -> Iterator[None]:
    yield
    vs.clear_outputs()


def test_the_script_gives_each_scene_the_frames_that_its_settings_give_the_whole_film(
    film: Path, project: Project, tmp_path: Path, no_outputs: None
) -> None:
    torch.save({"params": tiny.tiny_ddcolor_state_dict()}, tmp_path / "tiny.pth")
    own = {"method": "ddcolor", "ddcolor_p": {"model": "tiny.pth", "render_factor": 10}, "render_factor": 10}
    project = set_settings(project, own | {"stab_p": {"frames": 9}})
    project = set_settings(project, {"ddcolor_p": {"saturation": 0.3}} | TURNED, 1)
    recipe = recipe_of(project, {"device_index": "cpu"})
    engines = len(loading._engines)
    script = tmp_path / "film.vpy"
    script.write_text(recipe.script(film))
    clip, source = load(script)
    assert len(loading._engines) == engines + 1

    marked = ddeoldify_scenes(source, scenes=LIMITS)
    for scene, (first, last) in enumerate(LIMITS):
        chosen = project.preset(scene)
        given = chosen.ddeoldify | chosen.stabilizer | {"device_index": "cpu"}
        expected = colorize(marked, chosen.name, chosen.colours, **given)
        for n in (first, last):  # the windows over time reach over the joints
            for plane in range(3):
                one, other = (np.asarray(node.get_frame(n)[plane]) for node in (clip, expected))
                assert np.array_equal(one, other), (n, plane)
    assert [clip.get_frame(n).props["_SceneChangePrev"] for n in (11, 12, 13, 24)] == [0, 1, 0, 1]
    assert [clip.get_frame(n).props["_SceneChangeNext"] for n in (11, 12, 23, 35)] == [1, 0, 1, 1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--preset", "fast"], "--preset and --project do not go together, for the project says"),
        (["--no-stabilizer"], "--no-stabilizer and --project do not go together"),
        (["--references", "pictures"], "--references and --project do not go together"),
        (["--set", "mweight=0.2"], "--set mweight and --project do not go together"),
    ],
)
def test_options_that_decide_on_colours_are_refused_beside_a_project(
    film: Path, project: Project, options: list[str], words: str
) -> None:
    path = save_project(project)
    for command in ("script", "colorize", "references"):
        if command == "references" and options[0] == "--references":
            continue
        ran = run(command, film, "--project", path, *options)
        assert (ran.code, words in ran.said) == (2, True), ran.said
    assert not film.with_name("film_colour.mkv").exists()


def test_a_script_by_a_project_names_the_device_of_the_command(
    film: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look() -> int:
        raise AssertionError("the device is looked for, which takes seconds, though it is given")

    monkeypatch.setattr("vsdeoldify.runtime.device.default_device_index", look)
    path = save_project(set_settings(project, TURNED, 1))
    ran = run("script", film, "--project", path, "--set", "batch_size=2")
    assert ran.code == 0
    assert ran.said.count("device_index='cpu'") + ran.said.count('device_index="cpu"') == 2
    assert ran.said.count("batch_size=2") == 2
    assert "settings_1[0:12]," in ran.said
    assert "settings_2[12:24]," in ran.said
    # Where all scenes have the same settings there is one call, as for a film without a project.
    plain = run("script", film, "--project", save_project(project))
    assert plain.said.count(" = colorize(") == 1


def test_a_project_that_cannot_be_used_is_refused(film: Path, project: Project, tmp_path: Path) -> None:
    path = save_project(project)
    other = tmp_path / "other.mkv"
    other.write_bytes(film.read_bytes() + b"\0")
    ran = run("colorize", other, "--project", path)
    assert (ran.code, "was made for another film, film.mkv" in ran.said) == (2, True)
    content = json.loads(path.read_text())
    content["references"] = {"folder": "nowhere"}
    path.write_text(json.dumps(content))
    ran = run("colorize", film, "--project", path)
    assert "film.vsdeoldify.json: references: the folder" in ran.said
    assert run("colorize", film, "--project", tmp_path / "nowhere.json").said.count("cannot be read") == 1
    picture = tmp_path / "picture.png"
    Image.new("L", (32, 32)).save(picture)
    assert "--project is for films" in run("colorize", picture, "--project", path).said
    assert not (tmp_path / "other_colour.mkv").exists()
