"""The list of model files and how people name them."""

import re
from math import prod

import official
import pytest

from vsdeoldify.models.catalogue import MODELS, find_model, select_models, short_name
from vsdeoldify.support.words import format_size


def test_files_and_full_names_are_unique() -> None:
    assert len({model.file for model in MODELS}) == len(MODELS)
    assert len({model.full_name for model in MODELS}) == len(MODELS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.full_name)
def test_every_entry_can_be_fetched_and_checked(model: object) -> None:
    from vsdeoldify.models.catalogue import ModelFile

    assert isinstance(model, ModelFile)
    assert model.urls
    for url in model.urls:
        assert re.fullmatch(rf"https://[\w./-]+/{re.escape(model.file)}(\?dl=1)?", url)
    assert model.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", model.sha256)
    assert model.licence in ("MIT", "Apache-2.0")


def test_sizes_fit_the_tensors_of_their_networks() -> None:
    for model in MODELS:
        rows = official.manifest(model.architecture)
        data = sum(prod(shape) * (8 if dtype == "int64" else 4) for _, shape, dtype in rows)
        assert data < model.size < 1.002 * data


@pytest.mark.parametrize(
    ("family", "given", "file"),
    [
        ("deoldify", 0, "ColorizeVideo_gen.pth"),
        ("deoldify", 1, "ColorizeStable_gen.pth"),
        ("deoldify", 2, "ColorizeArtistic_gen.pth"),
        ("ddcolor", 0, "ddcolor_modelscope.pth"),
        ("ddcolor", 1, "ddcolor_artistic.pth"),
        ("deoldify", "artistic", "ColorizeArtistic_gen.pth"),
        ("ddcolor", "artistic", "ddcolor_artistic.pth"),
        ("ddcolor", " Paper_Tiny ", "ddcolor_paper_tiny.pth"),
    ],
)
def test_models_are_found_by_number_and_by_name(family: str, given: str | int, file: str) -> None:
    assert find_model(family, given).file == file


@pytest.mark.parametrize(
    ("family", "given"),
    [
        ("deoldify", 3),
        ("ddcolor", 2),
        ("ddcolor", -1),
        ("deoldify", True),
        ("deoldify", ""),
        ("deoldify", "0"),
        ("deoldify", "modelscope"),
        ("ddcolor", "video"),
        ("ddcolor", None),
        ("other", "video"),
    ],
)
def test_what_is_no_model_is_answered_with_those_there_are(family: str, given: str | int) -> None:
    with pytest.raises(ValueError, match="has no model") as caught:
        find_model(family, given)
    if family == "ddcolor":
        assert '"modelscope" (0), "artistic" (1), "paper_tiny"' in str(caught.value)


def test_the_command_line_names_models_by_short_full_file_or_family_name() -> None:
    def names(*given: str) -> list[str]:
        return [model.full_name for model in select_models(given)]

    assert names("VIDEO", "video") == ["deoldify-video"]
    assert names("ddcolor-artistic") == ["ddcolor-artistic"]
    assert names("ColorizeArtistic_gen.pth") == ["deoldify-artistic"]
    assert names("ddcolor") == ["ddcolor-modelscope", "ddcolor-artistic", "ddcolor-paper_tiny"]
    assert len(names("all")) == len(MODELS)
    assert names() == []


def test_every_models_short_name_selects_it_alone() -> None:
    for model in MODELS:
        assert select_models([short_name(model)]) == [model]


def test_a_name_that_two_families_have_must_be_completed() -> None:
    with pytest.raises(ValueError, match="write deoldify-artistic or ddcolor-artistic"):
        select_models(["artistic"])


def test_unknown_and_bundled_names_are_told_apart() -> None:
    with pytest.raises(ValueError, match="choose from video, stable, deoldify-artistic"):
        select_models(["videos"])
    with pytest.raises(ValueError, match="comes with the package"):
        select_models(["preview"])


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_000, "1.0 kB"),
        (300_004, "300 kB"),
        (999_700, "1.0 MB"),
        (874_066_230, "874 MB"),
        (1_234_567_890, "1.23 GB"),
    ],
)
def test_sizes_read_as_on_download_pages(size: int, text: str) -> None:
    assert format_size(size) == text
