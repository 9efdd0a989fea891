"""What is to be made of a film is one value, whatever machine it is for."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from jobs import a_job

from vsdeoldify.film import ffmpeg
from vsdeoldify.film.identity import encoder_version, film_mark, goes_by_motion
from vsdeoldify.film.job import FilmMark, Job, Place, portable, preset_at
from vsdeoldify.networks.files import UsedModel
from vsdeoldify.settings.presets import preset
from vsdeoldify.support.errors import FilmError


def test_a_job_is_the_same_after_the_trip_through_json() -> None:
    job = a_job(scenes=({"first": 3, "end": 9, "saturation": 0.5},), references={"7": "d" * 64})
    assert Job.from_json(job.to_json()) == job
    assert Job.from_json(job.to_json()).to_json() == job.to_json()
    assert Job.from_json(job.to_json()).piece_digest(0, 10) == job.piece_digest(0, 10)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"film": 1}', a_job().to_json()[:-200]])
def test_a_text_that_is_no_job_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Job.from_json(text)


def test_a_job_holds_no_word_of_the_machine(tmp_path: Path) -> None:
    models = {
        "deoldify_p": UsedModel("video", tmp_path / "ColorizeVideo_gen.pth"),
        "ddcolor_p": UsedModel(None, tmp_path / "own.pth"),
    }
    chosen = preset("medium").with_changes(
        ddcolor_p=[str(tmp_path / "own.pth"), 24, 1.0],
        device_index="cuda:1",
        torch_dir=str(tmp_path),
        batch_size=4,
        backend="openvino",
    )
    here = portable(chosen, models)
    assert str(tmp_path) not in json.dumps(here)
    there = preset("medium").with_changes(
        deoldify_p=(0, 24, 1, 0), ddcolor_p=("/elsewhere/own.pth", 24, 1), device_index=99
    )
    assert portable(there, models) == here
    assert portable(there.with_changes(mweight=0.41), models) != here
    assert portable(there.with_changes(precision="float32"), models) != here


def test_another_machine_gets_its_own_parameters_from_a_job(tmp_path: Path) -> None:
    models = {
        "deoldify_p": UsedModel("video", tmp_path / "ColorizeVideo_gen.pth"),
        "ddcolor_p": UsedModel(None, tmp_path / "own.pth"),
    }
    chosen = preset("slow", "vivid").with_changes(ddcolor_p=[str(tmp_path / "own.pth"), 24, 1.0])
    job = a_job(colours=portable(chosen, models), weights=dict.fromkeys(models, "c" * 64))
    place = Place(tmp_path / "film.mkv", "ffmpeg", 1, "/models", models={"ddcolor_p": Path("/there/b.pth")})
    there = preset_at(Job.from_json(job.to_json()), place)
    assert there.ddeoldify["deoldify_p"][0] == "video"
    assert there.ddeoldify["ddcolor_p"][0] == str(Path("/there/b.pth"))
    assert (there.ddeoldify["device_index"], there.ddeoldify["torch_dir"]) == (1, "/models")
    assert portable(there, models) == job.colours


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"film": FilmMark(1000, "a" * 64, "f" * 64, 40)}, "the film"),
        ({"timing": "24/1"}, "the times of its frames"),
        ({"first": 10}, "range: frames 0 to 40 then, 10 to 40 now"),
        ({"colours": {"ddeoldify": {"method": "simple"}}}, "colours: ddcolor_p, method"),
        ({"weights": {"ddcolor_p": "e" * 64}}, "the model file of ddcolor_p (artistic)"),
        ({"chain": 2}, "the version of vsdeoldify's colours"),
        ({"encoder": ("-c:v", "libx265")}, "encoder options"),
        (
            {"encoder_version": "ffmpeg 8.0"},
            "the encoder: ffmpeg 7.1, core 164 then, ffmpeg 8.0 now",
        ),
    ],
)
def test_what_differs_is_named_and_makes_other_pieces(changes: dict[str, object], words: str) -> None:
    before, now = a_job(), a_job(**changes)
    assert now.differences(before) == [words]
    assert now.differences(now) == []
    same = now.piece_digest(10, 20) == before.piece_digest(10, 20)
    # Another range asks for the same frames where both have them.
    assert same == words.startswith("range")


def changed(before: Job, now: Job) -> list[int]:
    """The first frames of those pieces of 100 frames that are others now."""
    spans = [(n, n + 100) for n in range(0, 1000, 100)]
    return [span[0] for span in spans if now.piece_digest(*span) != before.piece_digest(*span)]


def test_settings_of_a_scene_change_its_pieces_and_no_others() -> None:
    scenes = ({"first": 0, "end": 500, "settings": "a"}, {"first": 500, "end": 1000, "settings": "a"})
    before = a_job(end=1000, scenes=scenes, colours={}, weights={}, own={"a": {"colours": {}}})
    now = replace(before, scenes=(scenes[0], scenes[1] | {"settings": "b"}), own={"b": {}, "a": {}})
    assert now.differences(before) == []
    assert changed(before, now) == [500, 600, 700, 800, 900]


def test_a_scene_that_is_moved_changes_the_pieces_near_its_limits() -> None:
    before = a_job(end=1000, scenes=({"first": 0, "end": 550}, {"first": 550, "end": 1000}))
    now = replace(before, scenes=({"first": 0, "end": 560}, {"first": 560, "end": 1000}))
    assert now.differences(before) == []
    assert changed(before, now) == [400, 500, 600]
    # Nothing crosses a cut.
    cut = ({"first": 400, "end": 500}, {"first": 500, "end": 550}, {"first": 550, "end": 1000})
    before = replace(before, scenes=({"first": 0, "end": 400}, *cut))
    assert changed(before, replace(before, scenes=({"first": 0, "end": 380}, *cut))) == [300]


def test_how_references_act_changes_the_pieces_that_they_reach() -> None:
    scenes = ({"first": 0, "end": 500}, {"first": 500, "end": 1000})
    before = a_job(end=1000, scenes=scenes, references={"620": "d" * 64})
    now = replace(before, referring={"strength": 0.5})
    assert now.differences(before) == []
    assert changed(before, now) == [500, 600, 700, 800, 900]


def test_a_film_begun_by_options_is_not_gone_on_with_by_a_project() -> None:
    project = a_job(colours={}, weights={}, own={"a": {}}, scenes=({"first": 0, "end": 40, "settings": "a"},))
    assert project.differences(a_job()) == ["colours: by options then, by a project now"]
    assert a_job(encoder=()).differences(project) == [
        "encoder options",
        "colours: by a project then, by options now",
    ]


@pytest.mark.parametrize(
    ("changes", "moving"),
    [
        ({}, False),
        ({"every": 2}, True),
        ({"stab_p": [9, " Motion "]}, True),
        ({"stab": False, "stab_p": [9, "M"]}, False),
        ({"stab_p": [9]}, False),
    ],
)
def test_the_plugin_for_motion_decides_where_colours_follow_it(
    changes: dict[str, object], moving: bool
) -> None:
    assert goes_by_motion(preset("fast").with_changes(**changes)) == moving


def test_a_films_mark_goes_by_its_content(tmp_path: Path) -> None:
    path, copy = tmp_path / "film.mkv", tmp_path / "other name.mkv"
    content = bytes(range(256)) * 12288
    path.write_bytes(content)
    copy.write_bytes(content)
    mark = film_mark(path, 7)
    assert film_mark(copy, 7) == mark
    assert film_mark(copy, 8) != mark
    for changed in (content + b"1", b"1" + content[1:], content[:-1] + b"1"):
        copy.write_bytes(changed)
        assert film_mark(copy, 7) != mark
    copy.write_bytes(b"")
    assert film_mark(copy, 0).size == 0
    with pytest.raises(FilmError, match="nowhere"):
        film_mark(tmp_path / "nowhere.mkv", 1)


@pytest.mark.parametrize(
    ("encoder", "library"),
    [("libx264", r"core \d+"), ("libx265", r"\d\.\d"), ("libvpx-vp9", r"v\d\.\d+"), ("ffv1", "")],
)
def test_the_version_of_an_encoder_names_ffmpeg_and_the_library(encoder: str, library: str) -> None:
    version = encoder_version(ffmpeg.find_ffmpeg(), ["-c:v", encoder])
    start = r"ffmpeg \S+, libavcodec [\d.]+"
    assert re.match(start + (f", .*{library}" if library else "$"), version), version
    with pytest.raises(FilmError, match="cannot be started"):
        encoder_version("no-such-program", ["-c:v", encoder])
