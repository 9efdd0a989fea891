"""Projects: what a hand does to them, the parameters they stand for, and the file that people edit."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vsdeoldify.settings.presets import preset
from vsdeoldify.settings.project import (
    FilmIdentity,
    Project,
    ProjectReferences,
    ProjectScene,
    mark_scene,
    merge_scenes,
    reset_settings,
    scene_at,
    set_settings,
    shift_limit,
    split_scene,
)
from vsdeoldify.settings.project_file import parse_project, project_path, read_project, write_project

PATH = Path("film.vsdeoldify.json")


@pytest.fixture
def project() -> Project:
    scenes = (
        ProjectScene(0, 9, "good"),
        ProjectScene(10, 19, "good", {"ddcolor_p": {"saturation": 0.5}}),
        ProjectScene(20, 39, "wrong", {"preset": "preview", "stab": False}),
    )
    settings = {"preset": "fast", "colours": "vivid", "ddcolor_p": {"hue": 10}}
    return Project(FilmIdentity("film.mkv", 1000, 40), scenes, settings, path=PATH)


def limits(project: Project) -> list[tuple[int, int]]:
    return [(scene.first, scene.last) for scene in project.scenes]


def test_a_scene_has_the_films_settings_but_for_its_own(project: Project) -> None:
    base = preset("fast", "vivid")
    assert project.preset() == base.with_changes(ddcolor_p=["paper_tiny", 24, 1.2, 10])
    assert project.preset(0) == project.preset()
    assert project.preset(1) == base.with_changes(ddcolor_p=["paper_tiny", 24, 0.5, 10])
    # Another preset for one scene is that preset, with what the film asks for beside its own.
    assert project.preset(2) == preset("preview", "vivid").with_changes(
        ddcolor_p=["preview", 16, 1.2, 10], stab=False
    )


def test_a_list_grows_as_far_as_a_field_needs_and_takes_the_defaults_between(project: Project) -> None:
    changed = set_settings(project, {"dark_p": {"hue_range": "none"}, "stab_p": {"weight": 0.5}})
    stabilizer = changed.preset().stabilizer
    assert stabilizer["dark_p"] == [0.2, 0.6, "none"]
    assert stabilizer["stab_p"] == [5, "guided", 1.0, 15, 0.5]


def test_model_files_lie_beside_the_project(project: Project, tmp_path: Path) -> None:
    there = replace(project, path=tmp_path / "a.vsdeoldify.json")
    chosen = set_settings(there, {"ddcolor_p": {"model": "models/own.pth"}}).preset()
    assert chosen.ddeoldify["ddcolor_p"][0] == str(tmp_path / "models" / "own.pth")


def test_scenes_are_merged_split_and_shifted(project: Project) -> None:
    merged = merge_scenes(project, 0)
    assert limits(merged) == [(0, 19), (20, 39)]
    assert merged.scenes[0] == ProjectScene(0, 19, "good")
    assert merge_scenes(project, 1).scenes[1] == ProjectScene(10, 39, "none", project.scenes[1].settings)
    split = split_scene(project, 25)
    assert limits(split) == [(0, 9), (10, 19), (20, 24), (25, 39)]
    assert split.scenes[2].settings == split.scenes[3].settings == project.scenes[2].settings
    assert merge_scenes(split, 2) == project
    shifted = shift_limit(project, 1, 4)
    assert limits(shifted) == [(0, 3), (4, 19), (20, 39)]
    assert shift_limit(shifted, 1, 10) == project
    assert [scene_at(project, frame) for frame in (0, 9, 10, 39)] == [0, 0, 1, 2]
    assert mark_scene(project, 0, "none").scenes[0].mark == "none"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda p: merge_scenes(p, 2), "scene 3 is the last one"),
        (lambda p: merge_scenes(p, 3), "there is no scene 4: the film has 3"),
        (lambda p: split_scene(p, 10), "frame 10 is the first one of scene 2 already"),
        (lambda p: split_scene(p, 40), "frame must be a whole number in 0–39, got 40"),
        (lambda p: shift_limit(p, 0, 5), "the first scene begins with the film's first frame"),
        (lambda p: shift_limit(p, 1, 0), "the first frame must be a whole number in 1–19, got 0"),
        (lambda p: shift_limit(p, 1, 20), "the first frame must be a whole number in 1–19, got 20"),
        (lambda p: mark_scene(p, 0, "bad"), "mark must be one of none, good, wrong, got 'bad'"),
        (lambda p: set_settings(p, {"stabb": True}), "no setting 'stabb'; did you mean 'stab'"),
        (lambda p: reset_settings(p, ["dark_p.amont"]), "no field 'amont'; did you mean 'amount'"),
    ],
)
def test_what_a_hand_cannot_do_is_said(project: Project, wrong: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        wrong(project)


def test_a_setting_for_all_scenes_holds_in_all_of_them(project: Project) -> None:
    changed = set_settings(project, {"ddcolor_p": {"saturation": 0.9}})
    assert [changed.preset(n).ddeoldify["ddcolor_p"][2] for n in range(3)] == [0.9, 0.9, 0.9]
    assert changed.scenes[1].settings == {}
    assert changed.scenes[2].settings == project.scenes[2].settings


def test_a_scenes_setting_that_is_the_films_is_none_of_its_own(project: Project) -> None:
    own = set_settings(project, {"ddcolor_p": {"hue": 20}, "stab": False}, 0)
    assert own.scenes[0].settings == {"ddcolor_p": {"hue": 20}, "stab": False}
    assert set_settings(own, {"ddcolor_p": {"hue": 10}}, 0).scenes[0].settings == {"stab": False}
    # Also where the film has it from its preset, as long as the scene has the same one.
    assert set_settings(own, {"stab": True, "stab_p": {"frames": 5}}, 0).scenes[0].settings == {
        "ddcolor_p": {"hue": 20}
    }
    other = set_settings(own, {"preset": "preview", "ddcolor_p": {"render_factor": 24}}, 0)
    assert other.scenes[0].settings["ddcolor_p"] == {"hue": 20, "render_factor": 24}
    back = set_settings(other, {"preset": "fast"}, 0)
    assert back.scenes[0].settings == {"ddcolor_p": {"hue": 20}, "stab": False}


def test_settings_are_taken_back_for_one_scene_or_all(project: Project) -> None:
    own = set_settings(project, {"ddcolor_p": {"model": "preview"}}, 1)
    assert reset_settings(own, ["ddcolor_p.model"], 1) == project
    assert reset_settings(own, ["ddcolor_p"], 1).scenes[1].settings == {}
    assert reset_settings(own, scene=1).scenes[1].settings == {}
    assert reset_settings(own, scene=1).scenes[2] == own.scenes[2]
    plain = reset_settings(own)
    assert plain.settings == {}
    assert plain.preset(2) == preset()
    assert reset_settings(own, ["ddcolor_p.hue"]).settings == {"preset": "fast", "colours": "vivid"}


def test_a_project_is_the_same_after_the_trip_through_its_file(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "film.vsdeoldify.json"
    long = {
        "ddtweak_p": {"hue_adjust": "300:360|0.3,0.2", "gamma": 2},
        "colormap": "blue->brown",
        "method": 3,
    }
    whole = set_settings(replace(project, references=ProjectReferences("pictures", 12, 0.5)), long, 0)
    write_project(whole, path)
    again = read_project(path)
    assert again == whole
    assert again.path == path
    assert again.references_folder() == tmp_path / "pictures"
    text = path.read_text(encoding="utf-8")
    assert write_project(again).read_text(encoding="utf-8") == text
    # A mark changes one line, and no line is long.
    other = write_project(mark_scene(again, 2, "good"), tmp_path / "other").read_text(encoding="utf-8")
    differing = [
        pair for pair in zip(text.splitlines(), other.splitlines(), strict=True) if len(set(pair)) > 1
    ]
    assert len(differing) == 1
    assert all(len(line) <= 110 for line in text.splitlines())
    assert '    {"first": 10, "last": 19, "mark": "good", "settings": {"ddcolor_p"' in text


def test_the_file_lies_beside_the_film(tmp_path: Path) -> None:
    assert project_path(tmp_path / "film.mkv") == tmp_path / "film.vsdeoldify.json"
    (tmp_path / "reel.1").mkdir()
    assert project_path(tmp_path / "reel.1") == tmp_path / "reel.1.vsdeoldify.json"


GOOD: dict[str, Any] = {
    "format": 1,
    "film": {"name": "film.mkv", "size": 1000, "frames": 40},
    "references": {"folder": "pictures"},
    "settings": {"preset": "fast"},
    "scenes": [
        {"first": 0, "last": 9, "mark": "good"},
        {"first": 10, "last": 39, "settings": {"stab": False}},
    ],
}


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (["format"], 2, r"format 2 of a later version .* update vsdeoldify"),
        (["format"], "1", "format must be 1, got '1'"),
        (["Film"], {}, "the project has no 'Film': it can have format, film"),
        (["film", "size"], -1, "film: size must be a whole number in 0–"),
        (["film", "frames"], True, "film: frames must be a whole number"),
        (["film", "name"], 3, "film: name must be a name, got 3"),
        (["film"], None, "film must be an object with name, size, frames, got None"),
        (["references", "folder"], "", "references: folder must be a name"),
        (["references", "strength"], 2, "references: strength must be in 0–1, got 2"),
        (["references", "reach"], "film", 'references: reach must be "scene" or a number'),
        (["references", "offset"], True, "references: offset must be no truth value"),
        (["settings"], [], "settings must be settings by name"),
        (["settings", "saturation"], 1, "settings: there is no setting 'saturation'"),
        (["settings", "device_index"], 0, "settings: device_index says where to compute"),
        (["settings", "dark"], [1], r"settings: dark must be a single value"),
        (["settings", "dark_p"], [0.2, 0.7], r'write \{"threshold": 0.2, "amount": 0.7\}'),
        (
            ["settings", "dark_p"],
            {"treshold": 0.2},
            "dark_p has no field 'treshold'; did you mean 'threshold'",
        ),
        (["settings", "dark_p"], {"threshold": []}, "dark_p threshold must be a single value"),
        (["scenes"], [], "scenes must be a list of at least one scene"),
        (["scenes"], {}, "scenes must be a list of at least one scene"),
        (["scenes", 0, "first"], 1, "scene 1 begins with frame 1: frame 0 is in no scene"),
        (["scenes", 0, "last"], 7, "scene 2 begins with frame 10: frames 8 to 9 are in no scene"),
        (["scenes", 0, "last"], 10, "scenes must not overlap"),
        (["scenes", 0, "last"], "9", "scene 1: last must be a whole number"),
        (["scenes", 1, "last"], 3, "scene 2: the scene ends with frame 3, before it begins"),
        (["scenes", 1, "last"], 38, "scene 2, the last one, ends with frame 38, but the film's 40 frames"),
        (["scenes", 1, "end"], 38, "scene 2 has no 'end': it can have first, last, mark, settings"),
        (
            ["scenes", 1, "mark"],
            "great",
            r"scene 2 \(frames 10 to 39\): mark must be one of none, good, wrong",
        ),
        (
            ["scenes", 1, "settings"],
            {"stab_p": 3},
            r"scene 2 \(.*\): settings: stab_p must name its fields \(fr",
        ),
        (["scenes", 1], 3, "scene 2 must be an object with first"),
    ],
)
def test_what_is_wrong_in_a_file_is_refused_with_its_place(place: list[Any], value: Any, words: str) -> None:
    content = json.loads(json.dumps(GOOD))
    assert parse_project(json.dumps(content), PATH).scenes[0].mark == "good"
    target = content
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = value
    with pytest.raises(ValueError, match=r"^film\.vsdeoldify\.json: .*" + words):
        parse_project(json.dumps(content), PATH)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no project of vsdeoldify: a project is JSON"),
        (
            json.dumps(GOOD, indent=1).replace('"size": 1000,', '"size": 1000'),
            r"line 6, column 3: this is no JSON",
        ),
        ("[]", "no project of vsdeoldify: a project is JSON"),
        ("{", "line 1, column 2: this is no JSON"),
        ('{"scenes": []}', 'no project of vsdeoldify: it has no "format"'),
        ('{"format":' * 100_000, "no project of vsdeoldify"),
        (json.dumps(GOOD).replace('"size": 1000', '"size": 1000, "size": 2'), "'size' stands twice"),
        (json.dumps(GOOD).replace("1000", "NaN"), "NaN is no number"),
        (json.dumps(GOOD).replace("1000", "1e999"), "film: size must be a whole number"),
        ('{"format": 1}', "the project lacks 'film'"),
    ],
)
def test_what_is_no_project_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_project(text, PATH)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        read_project(tmp_path / "nowhere.json")
    with pytest.raises(ValueError, match="cannot be read"):
        read_project(tmp_path)
    (tmp_path / "film.mkv").write_bytes(b"\x1aE\xdf\xa3" * 9)
    with pytest.raises(ValueError, match="a project is JSON and begins with"):
        read_project(tmp_path / "film.mkv")
    (tmp_path / "film.mkv").write_bytes(b"{\xff")
    with pytest.raises(ValueError, match="is JSON in UTF-8"):
        read_project(tmp_path / "film.mkv")
