"""`vsdeoldify compare` on real files with small networks."""

import base64
import csv
import re
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
import torch
from goldens import COLOUR_CLIP
from tiny import tiny_ddcolor_state_dict, tiny_deoldify_state_dict

from vsdeoldify import cli, ddeoldify, metrics
from vsdeoldify.comparison import report as compare_report
from vsdeoldify.comparison.colourings import Colouring, parse_colouring
from vsdeoldify.comparison.results import Result
from vsdeoldify.metrics import PictureScore
from vsdeoldify.pictures.files import (
    decode_picture,
    frame_to_picture,
    picture_to_clip,
    read_picture,
    write_picture,
)
from vsdeoldify.runtime.runner import Runner

ODD_NAME = 'b<i>&"ü.png'
PREVIEW = Path(cli.__file__).parents[1] / "preview" / "preview.safetensors"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two colour pictures, a broken one, a clip, and two models; the user's folders are elsewhere."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "pictures").mkdir()
    write_picture(folder / "pictures" / "a.png", scene(64, 48))
    write_picture(folder / "pictures" / ODD_NAME, scene(40, 80).astype(np.uint16) * 257)
    (folder / "broken.jpg").write_bytes(b"<html>404</html>")
    torch.save({"model": tiny_deoldify_state_dict("wide")}, folder / "wide.pth")
    torch.save({"params": tiny_ddcolor_state_dict("tiny")}, folder / "dd.pth")
    make_clip(folder / "clip.mp4", frames=8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setenv("LOCALAPPDATA", str(folder / "cache"))
        patch.delenv("VSDEOLDIFY_MODELS", raising=False)
        patch.chdir(folder)
        yield folder


def scene(width: int, height: int, shift: int = 0) -> np.ndarray:
    """A smooth colourful picture."""
    x, y = np.meshgrid((np.arange(width) + shift) / width, np.arange(height) / height)
    waves = [np.sin(3 * x + y), np.cos(2 * x - 3 * y), np.sin(4 * y + 1)]
    return np.rint(127.5 + 120 * np.stack(waves, -1)).astype(np.uint8)


def make_clip(path: Path, frames: int) -> None:
    data = b"".join(scene(64, 48, shift=2 * n).tobytes() for n in range(frames))
    command = "-y -v error -f rawvideo -pix_fmt rgb24 -s 64x48 -r 25 -i - -pix_fmt yuv420p -crf 5".split()
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), *command, str(path)], input=data, check=True)


MODELS = ("deoldify=wide.pth:10", "ddcolor=dd.pth:10", "ddcolor=dd.pth:10+deoldify=wide.pth:10@0.25")
LABELS = ("truth", "gray", "wide:10", "dd:10", "dd:10+wide:10@0.25")


@pytest.fixture(scope="module")
def outcome(folder: Path) -> tuple[int, list[dict[str, str]]]:
    """A whole run with every kind of report."""
    inputs = ["pictures", "broken.jpg", "clip.mp4"]
    outputs = ["--csv", "o.csv", "--html", "o.html", "--sheets", "sheets"]
    options = ["--models", *MODELS, "gray", "--frames", "5", "--device", "cpu"]
    code = cli.main(["compare", *inputs, *options, *outputs])
    with (folder / "o.csv").open(encoding="utf-8", newline="") as file:
        return code, list(csv.DictReader(file))


def row(rows: list[dict[str, str]], file: str, label: str) -> dict[str, str]:
    (found,) = (r for r in rows if Path(r["file"]).name == file and r["model"] == label)
    return found


def test_a_broken_picture_is_an_exit_code_of_1_and_the_others_are_measured(
    outcome: tuple[int, list[dict[str, str]]],
) -> None:
    code, rows = outcome
    assert code == 1
    files = [Path(r["file"]).name for r in rows]
    assert list(dict.fromkeys(files)) == ["a.png", ODD_NAME, "clip.mp4", "average"]
    assert [r["model"] for r in rows] == [*LABELS] * 4


@pytest.mark.parametrize("name", ["a.png", ODD_NAME])
def test_the_figures_are_those_of_the_public_function(
    folder: Path, outcome: tuple[int, list[dict[str, str]]], name: str
) -> None:
    truth = read_picture(folder / "pictures" / name)
    luma = np.rint(truth @ np.array([0.299, 0.587, 0.114])).astype(truth.dtype)
    clip = picture_to_clip(np.repeat(luma[..., None], 3, axis=2))
    deoldify_p, ddcolor_p = ["wide.pth", 10], ["dd.pth", 10]
    calls: dict[str, dict[str, Any]] = {
        "wide:10": {"method": 0, "deoldify_p": deoldify_p},
        "dd:10": {"method": 1, "ddcolor_p": ddcolor_p},
        # The second model's weight is 0.25, so DDColor's is 0.75.
        "dd:10+wide:10@0.25": {"mweight": 0.75, "deoldify_p": deoldify_p, "ddcolor_p": ddcolor_p},
    }
    for label, call in calls.items():
        coloured = frame_to_picture(ddeoldify(clip, device_index=99, **call).get_frame(0))
        expected = metrics.score(truth, coloured)
        found = row(outcome[1], name, label)
        assert float(found["ciede2000"]) == pytest.approx(expected.ciede2000, abs=0.02), label
        assert float(found["ab_psnr"]) == pytest.approx(expected.ab_psnr, abs=0.02), label
        assert float(found["colourfulness"]) == pytest.approx(expected.colourfulness, abs=0.1), label


def test_the_references_are_the_true_and_the_gray_picture(
    folder: Path, outcome: tuple[int, list[dict[str, str]]]
) -> None:
    truth, gray = row(outcome[1], "a.png", "truth"), row(outcome[1], "a.png", "gray")
    expected = metrics.colourfulness(read_picture(folder / "pictures" / "a.png"))
    assert float(truth["colourfulness"]) == pytest.approx(expected)
    assert truth["ciede2000"] == truth["ab_psnr"] == truth["flicker"] == ""
    assert float(gray["colourfulness"]) == 0
    assert float(gray["ciede2000"]) > 5


def test_averages_are_the_means_over_the_inputs(outcome: tuple[int, list[dict[str, str]]]) -> None:
    rows = outcome[1]
    for label in LABELS[1:]:
        own = [float(r["ciede2000"]) for r in rows if r["model"] == label and r["file"] != "average"]
        assert float(row(rows, "average", label)["ciede2000"]) == pytest.approx(np.mean(own), rel=1e-6)


def test_clips_have_flicker_and_cdc_over_the_frames_asked_for(
    outcome: tuple[int, list[dict[str, str]]],
) -> None:
    for label in LABELS:
        found = row(outcome[1], "clip.mp4", label)
        assert found["frames"] == "5"
        assert float(found["cdc"]) > 0
    assert float(row(outcome[1], "clip.mp4", "truth")["colourfulness"]) > 30
    assert row(outcome[1], "a.png", "wide:10")["cdc"] == ""


class Page(HTMLParser):
    """What a browser would show and load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.sources: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for key, value in attrs if key in ("src", "href")]


def test_the_page_needs_nothing_else_and_shows_every_picture(
    folder: Path, outcome: tuple[int, list[dict[str, str]]]
) -> None:
    text = (folder / "o.html").read_text(encoding="utf-8")
    page = Page(text)
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.sources)
    assert len(page.sources) == len(LABELS) * (1 + 1 + 3)  # two pictures, three frames of the clip
    first = decode_picture(base64.b64decode(page.sources[0].partition(",")[2]))
    truth = read_picture(folder / "pictures" / "a.png")
    assert first.shape == truth.shape
    assert np.abs(first.astype(float) - truth).mean() < 4
    assert "script" not in page.tags
    assert "url(" not in text


def test_names_are_escaped_in_the_page(folder: Path, outcome: tuple[int, list[dict[str, str]]]) -> None:
    page = Page((folder / "o.html").read_text(encoding="utf-8"))
    assert f"pictures/{ODD_NAME}" in [text.replace("\\", "/") for text in page.texts]
    assert "i" not in page.tags


def test_there_is_a_sheet_with_every_result_for_each_input(
    folder: Path, outcome: tuple[int, list[dict[str, str]]]
) -> None:
    sheets = {path.name: read_picture(path) for path in (folder / "sheets").iterdir()}
    assert set(sheets) == {"a.png.compare.jpg", f"{ODD_NAME}.compare.jpg", "clip.mp4.compare.jpg"}
    height, width, _ = sheets["a.png.compare.jpg"].shape
    assert width >= 4 * 64  # four in a row, the fifth below
    assert height >= 2 * 48
    height, width, _ = sheets["clip.mp4.compare.jpg"].shape
    assert width >= 5 * 64  # a column for each colouring, a row for each frame
    assert height >= 3 * 48
    # The first picture of the sheet is the true one.
    truth = read_picture(folder / "pictures" / "a.png").astype(float)
    top, left = compare_report._CAPTION, compare_report._GAP
    assert np.abs(sheets["a.png.compare.jpg"][top : top + 48, left : left + 64] - truth).mean() < 6


def test_the_table_is_printed_with_a_line_for_each_model(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(["compare", "pictures/a.png", "--models", "deoldify=wide.pth:10", "--device", "99"])
    output = capsys.readouterr()
    assert code == 0
    lines = output.out.splitlines()
    assert re.split(r"  +", lines[0]) == ["PICTURE", "MODEL", "CIEDE2000", "a/b PSNR", "colourfulness"]
    assert [re.split(r"  +", line)[1] for line in lines[2:]] == ["truth", "gray", "wide:10"]


def test_a_missing_model_stops_before_any_work_with_the_store_s_message(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--models", "ddcolor=dd.pth:10", "video+modelscope@0.5", "--torch-dir", "nothing"]
    assert cli.main(["compare", "pictures/a.png", *options]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert "vsdeoldify models --download video" in output.err
    assert "Traceback" not in output.err


def test_a_damaged_model_is_named_and_the_others_go_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "html.pth").write_text("<!DOCTYPE html><html></html>")
    models = ["ddcolor=html.pth", "ddcolor=dd.pth:10"]
    assert cli.main(["compare", "pictures", "--models", *models, "--device", "cpu"]) == 1
    output = capsys.readouterr()
    assert "web page" in output.err
    assert output.err.count("html.pth") == 1  # once, not for each picture
    assert "dd:10" in output.out
    assert "\nhtml" not in output.out
    assert "average" in output.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pictures", "--models", "vidio"], "no model 'vidio'"),
        (["--models", "preview", "pictures/a.png"], "PICTURE"),
        (["pictures", "--models", "artistic"], "deoldify-artistic or ddcolor-artistic"),
        (["pictures", "--models", "video", "--render-factor", "9"], "render_factor"),
        (["pictures", "--models", "deoldify=wide.pth", "pictures/a.png"], "files stand before --models"),
    ],
)
def test_wrong_usage_is_exit_code_2(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    try:
        code: object = cli.main(["compare", *arguments])
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.png"], "nowhere.png cannot be read"),
        (["nowhere.mp4"], "nowhere.mp4 does not exist"),
        (["cache"], "holds no pictures"),
        (["clip.mp4", "--start", "8"], "8 frames"),
        (["wide.pth"], "wide.pth"),
        (["pictures", "--csv", "no/such/o.csv"], "--csv"),
        (["pictures", "--device", "7"], "device"),
    ],
)
def test_what_cannot_be_compared_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    (folder / "cache").mkdir(exist_ok=True)
    name, *options = arguments
    assert cli.main(["compare", name, "--models", "ddcolor=dd.pth:10", *options]) == 1
    output = capsys.readouterr()
    assert message in output.err
    assert "Traceback" not in output.err


def test_a_picture_without_colour_is_pointed_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_picture(folder / "old.png", np.repeat(scene(32, 32)[..., :1], 3, axis=2))
    arguments = ["compare", "old.png", "--models", "ddcolor=dd.pth:10", "--device", "cpu"]
    assert cli.main(arguments) == 0
    assert "has no colour itself" in capsys.readouterr().err


def test_large_pictures_are_scaled_down_first(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    measure = metrics.score
    monkeypatch.setattr(
        "vsdeoldify.comparison.run.score", lambda a, b: (sizes.append(a.shape), measure(a, b))[1]
    )
    for name in ("pictures/a.png", "clip.mp4"):
        options = ["--models", "ddcolor=dd.pth:10", "--max-side", "32", "--frames", "1", "--device", "cpu"]
        assert cli.main(["compare", name, *options]) == 0
    assert set(sizes) == {(24, 32, 3)}


def test_frames_of_a_clip_go_through_the_network_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    coloured = []
    call = Runner.__call__
    monkeypatch.setattr(
        Runner, "__call__", lambda self, gray: (coloured.append(len(gray)), call(self, gray))[1]
    )
    options = ["--models", "ddcolor=dd.pth:10", "--frames", "6", "--device", "cpu"]
    assert cli.main(["compare", "clip.mp4", *options]) == 0
    assert sum(coloured) == 6


@pytest.mark.skipif(not PREVIEW.is_file(), reason="the bundled model is not in this checkout")
def test_the_bundled_model_brings_a_real_clip_closer_to_its_colours_than_gray(
    tmp_path: Path, folder: Path
) -> None:
    options = ["--models", "preview", "--frames", "4", "--max-side", "256", "--device", "cpu"]
    assert cli.main(["compare", str(COLOUR_CLIP), *options, "--csv", str(tmp_path / "o.csv")]) == 0
    with (tmp_path / "o.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    preview, gray = row(rows, "average", "preview"), row(rows, "average", "gray")
    assert float(preview["ciede2000"]) < float(gray["ciede2000"])
    assert float(preview["colourfulness"]) > 8


def both(a: list[object], b: list[object], **more: Any) -> dict[str, Any]:
    return {"deoldify_p": a, "ddcolor_p": b, "method": "simple", "mweight": 0.4} | more


@pytest.mark.parametrize(
    ("text", "label", "expected"),
    [
        ("video", "video", {"method": "deoldify", "deoldify_p": ["video", 24]}),
        (" Stable:32 ", "stable:32", {"method": "deoldify", "deoldify_p": ["stable", 32]}),
        ("modelscope", "modelscope", {"method": "ddcolor", "ddcolor_p": ["modelscope", 24]}),
        ("preview", "preview", {"method": "ddcolor", "ddcolor_p": ["preview", 16]}),
        ("ddcolor-preview:20", "ddcolor-preview:20", {"method": "ddcolor", "ddcolor_p": ["preview", 20]}),
        (
            "ddcolor_paper_tiny.pth",
            "ddcolor_paper_tiny.pth",
            {"method": "ddcolor", "ddcolor_p": ["paper_tiny", 24]},
        ),
        ("deoldify-artistic", "deoldify-artistic", {"method": "deoldify", "deoldify_p": ["artistic", 24]}),
        ("video+modelscope", "video+modelscope@0.4", both(["video", 24], ["modelscope", 24])),
        ("video+artistic@0.5", "video+artistic@0.5", both(["video", 24], ["artistic", 24], mweight=0.5)),
        ("artistic+modelscope", "artistic+modelscope@0.4", both(["artistic", 24], ["modelscope", 24])),
        ("artistic+artistic@1", "artistic+artistic@1", both(["artistic", 24], ["artistic", 24], mweight=1)),
        (
            "preview:12 + video:20 @ 0.25",
            "preview:12+video:20@0.25",
            both(["video", 20], ["preview", 12], mweight=0.25, cmb_sw=True),
        ),
    ],
)
def test_what_an_entry_of_models_stands_for(text: str, label: str, expected: dict[str, Any]) -> None:
    found = parse_colouring(text)
    assert isinstance(found, Colouring)
    assert found.label == label
    assert found.ddeoldify == expected


def test_render_factor_and_method_are_for_all_that_have_none_of_their_own() -> None:
    found = parse_colouring("video+modelscope:40", "luma_masked", 30)
    assert isinstance(found, Colouring)
    assert found.ddeoldify["deoldify_p"] == ["video", 30]
    assert found.ddeoldify["ddcolor_p"] == ["modelscope", 40]
    assert found.ddeoldify["method"] == "luma_masked"


def test_a_file_of_weights_is_an_entry_too(tmp_path: Path) -> None:
    found = parse_colouring(f"ddcolor={tmp_path}/my model.safetensors:20")
    assert isinstance(found, Colouring)
    assert found.label == "my model:20"
    assert found.ddeoldify["ddcolor_p"] == [str(tmp_path / "my model.safetensors"), 20]
    assert found.models == ()


def test_known_files_are_listed_so_that_a_missing_one_is_seen_first() -> None:
    for text, models in (
        ("video+artistic", (("deoldify", "video"), ("ddcolor", "artistic"))),
        ("preview", ()),
        ("preset=medium", (("deoldify", "video"), ("ddcolor", "artistic"))),
        ("preset=preview/vivid", ()),
    ):
        found = parse_colouring(text)
        assert isinstance(found, Colouring)
        assert found.models == models


def test_a_preset_brings_its_stabilizer() -> None:
    found = parse_colouring("preset=fast/stable")
    assert isinstance(found, Colouring)
    assert found.stabilizer is not None
    assert found.stabilizer["stab"]


def test_gray_is_always_there_and_no_entry_of_its_own() -> None:
    assert parse_colouring("Gray") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("artistic", "deoldify-artistic or ddcolor-artistic"),
        ("nothing", "no model"),
        ("video+stable", "one model of DeOldify and one of DDColor"),
        ("modelscope+paper_tiny@0.3", "one model of DeOldify and one of DDColor"),
        ("video+modelscope+stable", "two models"),
        ("video+modelscope@2", "0–1"),
        ("video+modelscope@half", "0–1"),
        ("video+modelscope@nan", "0–1"),
        ("video:99", "render_factor"),
        ("video+", "no model"),
        ("", "no model"),
        ("ddcolor=weights.bin", ".safetensors"),
        ("preset=quick", "preset"),
        ("preset=fast/loud", "colours"),
    ],
)
def test_entries_that_make_no_sense_say_why(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_colouring(text)


def result(file: str, label: str, ciede2000: float, flicker: float | None = None) -> Result:
    return Result(file, label, 1, PictureScore(ciede2000, 20.0, 30.0), flicker, flicker)


def test_averages_leave_out_inputs_that_a_model_failed_on() -> None:
    results = [
        *(result("a", label, 2.0) for label in ("truth", "gray", "x", "y")),
        *(result("b", label, 100.0) for label in ("truth", "gray", "y")),
        *(result("c", label, 4.0, flicker=1.0) for label in ("truth", "gray", "x", "y")),
    ]
    for mean in compare_report.averages(results):
        assert mean.score.ciede2000 == 3.0
        assert mean.flicker == 1.0
        assert mean.frames == 2


@pytest.mark.parametrize("gray", ["old.png", "old.mkv"])
def test_averages_leave_out_what_has_no_colour_itself(
    folder: Path, capsys: pytest.CaptureFixture[str], gray: str
) -> None:
    picture = folder / "old.png"
    write_picture(picture, np.repeat(scene(32, 32)[..., :1], 3, axis=2))
    if gray.endswith(".mkv"):
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", "-loop", "1", "-i", picture]
        subprocess.run([*command, "-t", "0.1", "-c:v", "ffv1", "-pix_fmt", "gray", folder / gray], check=True)
    options = ["--models", "ddcolor=dd.pth:10", "--device", "cpu", "--csv", "c.csv", "--html", "c.html"]
    assert cli.main(["compare", "pictures/a.png", gray, *options]) == 0
    assert f"{gray} has no colour itself" in capsys.readouterr().err
    with (folder / "c.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert row(rows, gray, "gray")["ab_psnr"] == "inf"
    for label in ("gray", "dd:10"):
        mean, own = row(rows, "average", label), row(rows, "a.png", label)
        assert {**mean, "file": ""} == {**own, "file": ""}
    assert "Averages over 1 input with colours" in (folder / "c.html").read_text(encoding="utf-8")
    # Alone it is measured, but there is nothing to count.
    assert cli.main(["compare", gray, *options]) == 0
    with (folder / "c.csv").open(encoding="utf-8", newline="") as file:
        assert {r["file"] for r in csv.DictReader(file)} == {gray}


def test_sheets_of_files_with_one_name_do_not_replace_each_other(tmp_path: Path) -> None:
    taken = [tmp_path / "a.png.compare.jpg"]
    assert compare_report._free_name(tmp_path, "A.png", taken).name == "A.png.2.compare.jpg"
    assert compare_report._free_name(tmp_path, "b.png", taken).name == "b.png.compare.jpg"
