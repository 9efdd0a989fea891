"""A project and its film: values are checked as the functions do, and another film is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vsdeoldify.film.project import check_film, identity_of, open_project, save_project
from vsdeoldify.settings.project import FilmIdentity, Project, ProjectScene, set_settings
from vsdeoldify.support.errors import FilmError, RequestError


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "film.mkv").write_bytes(bytes(1000))
    film = identity_of(tmp_path / "film.mkv", 40)
    scenes = (ProjectScene(0, 9), ProjectScene(10, 39, settings={"stab": False}))
    return Project(film, scenes, path=tmp_path / "film.vsdeoldify.json")


@pytest.mark.parametrize(
    ("scene", "settings", "words"),
    [
        (None, {"mweight": 2}, r"settings: mweight must be in 0–1, got 2"),
        (None, {"preset": "quick"}, r"settings: preset must be one of preview, fast"),
        (None, {"ddcolor_p": {"model": "big"}}, r"settings: ddcolor_p model must be one of 0 \(modelscope\)"),
        (
            1,
            {"stab_p": {"frames": 2}},
            r"scene 2 \(frames 10 to 39\): settings: stab_p frames must be a whole",
        ),
        (1, {"every": "x"}, r"scene 2 .*: every must be a whole number in 1–40, got 'x'"),
        (
            1,
            {"smooth_p": {"dark_threshold": 0.9}},
            r"scene 2 .*dark_threshold must not be above white_threshold",
        ),
        (1, {"colormap": "blu->brown"}, r"scene 2 .*: settings: colormap"),
    ],
)
def test_values_are_refused_as_the_functions_do_with_their_place(
    project: Project, scene: int | None, settings: dict[str, Any], words: str
) -> None:
    path = save_project(project)
    before = path.read_bytes()
    wrong = set_settings(project, settings, scene)
    with pytest.raises(RequestError, match="^the project: .*" + words if scene else "^the project: " + words):
        save_project(wrong)
    assert path.read_bytes() == before
    content = json.loads(before)
    content["settings" if scene is None else "scenes"] = (
        settings if scene is None else [content["scenes"][0], content["scenes"][1] | {"settings": settings}]
    )
    path.write_text(json.dumps(content))
    with pytest.raises(RequestError, match=r"^film\.vsdeoldify\.json: "):
        open_project(path)


def test_what_is_saved_is_opened(project: Project) -> None:
    assert open_project(save_project(project)) == project
    with pytest.raises(RequestError, match="cannot be read"):
        open_project(project.path.with_name("nowhere.json") if project.path else Path())
    with pytest.raises(FilmError, match="cannot be written"):
        save_project(project, Path("no such folder", "a.json"))


def test_another_film_is_refused_and_a_renamed_one_is_not(project: Project) -> None:
    check_film(project, replace(project.film, name="renamed.mkv"))
    other = FilmIdentity("other.mkv", 999, 41)
    with pytest.raises(
        RequestError,
        match=r"film\.vsdeoldify\.json was made for another film, film\.mkv \(1000 bytes then, 999 now; "
        r"40 frames then, 41 now\): give that film, or make a new project for other\.mkv",
    ):
        check_film(project, other)
    with pytest.raises(FilmError, match=r"nowhere\.mkv cannot be read"):
        identity_of(Path("nowhere.mkv"), 1)
