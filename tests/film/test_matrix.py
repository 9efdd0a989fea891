"""What goes in comes out: the page "What is kept" is what films and pictures of every kind make of it."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from films import FFMPEG, encoders, with_other
from kept import (
    BESIDE,
    CELLS,
    ENCODINGS,
    PAGE,
    SOURCES,
    Source,
    container_row,
    encoding_row,
    laden,
    page,
    picture_row,
    rich,
    rows_of,
    source_row,
)
from kept_pictures import PICTURES, Picture

from vsdeoldify.film.streams import CONTAINERS

TEXT = PAGE.read_text(encoding="utf-8")
TABLES = rows_of(TEXT)


def lost(kept: Mapping[str, bool | None]) -> set[str]:
    """What does not come out as it went in."""
    return {name for name, same in kept.items() if same is False}


def test_the_page_is_what_the_command_makes_of_its_rows() -> None:
    assert page(TABLES) == TEXT, "python tests/support/kept.py makes it anew"
    assert [line.split("`")[1] for line in TABLES["What lies beside the picture"]] == [*CONTAINERS]
    assert [line.split("`")[1:4:2] for line in TABLES["The picture"]] == [[*pair] for pair in ENCODINGS]
    assert [line.split(" | ")[0][2:] for line in TABLES["Every kind of source"]] == [s.name for s in SOURCES]
    assert [line.split(" | ")[0][2:] for line in TABLES["Pictures"]] == [p.name for p in PICTURES]
    assert {suffix for _, suffix in ENCODINGS} == {*CONTAINERS}


def needs(encoder: str, program: str = FFMPEG) -> None:
    if encoder not in encoders(program):
        pytest.skip(f"this ffmpeg has no {encoder}")


def check(source: Source, folder: Path) -> None:
    """Colour a film of a kind; what comes out must be what the page says."""
    row = source_row(source, folder)
    # The luma of RGB is made anew, in limited range.
    assert lost(row.kept) == ({"range"} if source.name.endswith("RGB") else set())
    assert str(row) == TABLES["Every kind of source"][SOURCES.index(source)]
    assert "left out" not in row.said.replace("the cover picture is left out", "")


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_everything_that_a_film_carries_comes_out(source: Source, tmp_path: Path) -> None:
    needs(source.encoder)
    check(source, tmp_path)


def test_another_ffmpeg_brings_the_same_out_of_a_broadcast(tmp_path: Path, other_ffmpeg: str) -> None:
    check(next(source for source in SOURCES if source.name.startswith("MPEG-2 of a broadcast")), tmp_path)


@pytest.mark.parametrize("column", CELLS)
def test_every_column_says_something_of_some_source(column: str) -> None:
    place = [*CELLS].index(column) + 3
    assert {line.split(" | ")[place - 1].strip(" |") for line in TABLES["Every kind of source"]} >= {"yes"}


@pytest.fixture(scope="module")
def interlaced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rich(tmp_path_factory.mktemp("rich") / "in.mkv")


@pytest.mark.parametrize(
    ("codec", "suffix", "each_ffmpeg"), with_other(ENCODINGS, ("prores_ks", ".mov")), indirect=["each_ffmpeg"]
)
def test_every_encoder_keeps_what_the_page_says(
    codec: str, suffix: str, interlaced: Path, tmp_path: Path, each_ffmpeg: str
) -> None:
    needs(codec, each_ffmpeg)
    row = encoding_row(codec, suffix, interlaced, tmp_path)
    assert str(row) == TABLES["The picture"][ENCODINGS.index((codec, suffix))]
    # What is lost is said before the work begins.
    for name in ("matrix", "primaries", "transfer", "place of the chroma", "shape of the pixels"):
        assert (row.kept[name] is False) == (f"{name} (" in row.said), name
    assert (row.kept["fields"] is False) == ("which lines belong to which field" in row.said)
    assert (row.kept["range"] is False) == ("range only" in row.said)
    assert row.kept["frames"]
    assert row.kept["times"]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("laden") / "in.mkv"
    laden(path)
    return path


@pytest.mark.parametrize(
    ("suffix", "each_ffmpeg"), with_other(CONTAINERS, ".mkv", ".mp4"), indirect=["each_ffmpeg"]
)
def test_every_container_keeps_what_the_page_says(
    suffix: str, full: Path, tmp_path: Path, each_ffmpeg: str
) -> None:
    row = container_row(suffix, full, tmp_path)
    assert str(row) == TABLES["What lies beside the picture"][[*CONTAINERS].index(suffix)]
    found = dict(zip(BESIDE, row.cells[1:], strict=True))
    assert row.kept["start"], "the picture begins after the sound"
    assert ("attached files (fonts): they are left out" in row.said) == (found["attached files"] == "no")
    assert ("do not say what a track is for (comment)" in row.said) == (found["mark of a comment"] == "no")


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_everything_that_a_picture_carries_comes_out(picture: Picture, tmp_path: Path) -> None:
    row = picture_row(picture, tmp_path)
    assert lost(row.kept) == set()
    assert str(row) == TABLES["Pictures"][PICTURES.index(picture)]
    assert "note" not in row.said
