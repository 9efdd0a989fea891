"""`ddeoldify()` with small networks in the official layout, read from real files."""

import inspect
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import vapoursynth as vs
from cases import CASES
from clips import frame_bytes, noise, plane
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import tiny_ddcolor_state_dict, tiny_deoldify_state_dict
from vapoursynth import core

import vsdeoldify
from vsdeoldify import ddeoldify, ddeoldify_stabilizer

CPU = 99


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small networks in files of both of torch's formats."""
    folder = tmp_path_factory.mktemp("models of mine")
    torch.save(tiny_deoldify_state_dict("wide"), folder / "wide.pth", _use_new_zipfile_serialization=False)
    torch.save({"model": tiny_deoldify_state_dict("deep")}, folder / "deep.pth")
    torch.save({"params": tiny_ddcolor_state_dict("tiny")}, folder / "tiny.pth")
    return folder


@pytest.fixture(scope="session")
def colour(models: Path) -> Any:
    """`ddeoldify()` with the small networks in the place of the official ones."""

    def call(clip: vs.VideoNode, method: int | str = 2, **options: Any) -> vs.VideoNode:
        options.setdefault("deoldify_p", [str(models / "wide.pth"), 10])
        options.setdefault("ddcolor_p", [str(models / "tiny.pth"), 10])
        return ddeoldify(clip, method, device_index=CPU, **options)

    return call


def test_the_signature_is_the_originals() -> None:
    def signature(function: Any) -> list[tuple[str, Any]]:
        # What goes by keyword only, or stands for filters that the original does not have, is left out.
        parameters = inspect.signature(function).parameters.values()
        return [(p.name, p.default) for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]

    ours = signature(ddeoldify)[:13]
    names = """
        clip method mweight deoldify_p ddcolor_p ddtweak ddtweak_p cmc_tresh lmm_p alm_p cmb_sw
        device_index torch_dir
    """
    assert [name for name, _ in ours] == names.split()
    assert dict(ours[1:12]) == {
        "method": 2,
        "mweight": 0.4,
        "deoldify_p": (0, 24, 1.0, 0.0),
        "ddcolor_p": (1, 24, 1.0, 0.0, True),
        "ddtweak": False,
        "ddtweak_p": (0.0, 1.0, 2.5, True, 0.2, 0.5, 1.5, 0.5, "300:360|0.3,0.2"),
        "cmc_tresh": 0.2,
        "lmm_p": (0.2, 0.8, 1.0),
        "alm_p": (0.8, 1.0, 0.15),
        "cmb_sw": False,
        "device_index": 0,
    }
    assert dict(signature(ddeoldify_stabilizer)[1:]) == {
        "dark": False,
        "dark_p": (0.2, 0.8, "0:30,300:360"),
        "smooth": False,
        "smooth_p": (0.3, 0.7, 0.9, 0.05, "none"),
        "stab": False,
        "stab_p": (5, "A", 1, 15, 0.2, 0.15, "300:360|0.5,0.0"),
        "render_factor": 24,
    }


@pytest.mark.parametrize("method", range(6))
def test_every_method_colours_and_keeps_the_luma(colour: Any, method: int) -> None:
    clip = noise(vs.YUV420P10, 64, 48)
    result = colour(clip, method)
    assert (plane(result, 0, 0) == plane(clip, 0, 0)).all()
    assert np.ptp(plane(result, 0, 1)) > 8
    assert not (plane(result, 0, 1) == plane(clip, 0, 1)).all()


def test_methods_are_the_merges_of_the_two_models(colour: Any) -> None:
    clip = noise(vs.GRAYS, 160, 160, length=1)
    a, b = (plane(colour(clip, method), 0, 1) for method in (0, 1))
    assert np.abs(a - b).max() > 0.01
    assert plane(colour(clip, 2, mweight=0.25), 0, 1) == pytest.approx(0.75 * a + 0.25 * b, abs=2e-3)
    assert plane(colour(clip, 2, mweight=0.25, cmb_sw=True), 0, 1) == pytest.approx(
        0.25 * a + 0.75 * b, abs=2e-3
    )
    assert plane(colour(clip, 3, cmc_tresh=0.0, mweight=1.0), 0, 1) == pytest.approx(a, abs=2e-3)
    assert plane(colour(clip, 4, lmm_p=[0.0, 0.0], mweight=0.0), 0, 1) == pytest.approx(a, abs=2e-3)
    assert plane(colour(clip, 5, alm_p=[0.0], mweight=1.0), 0, 1) == pytest.approx(b, abs=2e-3)


def test_saturation_stays_with_its_model(colour: Any, models: Path) -> None:
    clip = noise(vs.GRAYS, 160, 160, length=1)
    b = plane(colour(clip, 1), 0, 1)
    gray_a = [str(models / "wide.pth"), 10, 0.0]
    for swap, share in ((False, 0.4), (True, 0.6)):
        result = plane(colour(clip, 2, deoldify_p=gray_a, cmb_sw=swap), 0, 1)
        assert result == pytest.approx(share * b, abs=2e-3)


def test_the_tweak_changes_colours_only_when_it_is_on(colour: Any) -> None:
    clip = noise(vs.GRAY8, 64, 64, length=1)
    plain = frame_bytes(colour(clip, 1), 0)
    tweaks = [0.3, 0.8, 2.0, False]
    assert frame_bytes(colour(clip, 1, ddtweak_p=tweaks), 0) == plain
    tweaked = colour(clip, 1, ddtweak=True, ddtweak_p=tweaks)
    assert frame_bytes(tweaked, 0) != plain
    assert (plane(tweaked, 0, 0) == plane(clip, 0, 0)).all()


def test_models_of_different_render_factors_meet_on_the_larger_canvas(colour: Any, models: Path) -> None:
    clip = noise(vs.GRAY8, 64, 64, length=1)
    for deoldify, ddcolor in ((10, 13), (12, 10), (11, 0)):
        result = colour(
            clip,
            2,
            deoldify_p=[str(models / "deep.pth"), deoldify],
            ddcolor_p=[str(models / "tiny.pth"), ddcolor],
        )
        assert np.ptp(plane(result, 0, 1)) > 0


@pytest.mark.parametrize("batch_size", [2, 3, 8])
def test_batches_give_the_frames_of_single_calls(colour: Any, batch_size: int) -> None:
    clip = noise(vs.GRAYS, 48, 48, length=7)
    one, many = colour(clip), colour(clip, batch_size=batch_size)
    for n in (6, 0, 3, 1, 5, 2, 4):
        assert plane(many, n, 1) == pytest.approx(plane(one, n, 1), abs=1e-4)
        assert (plane(many, n, 0) == plane(clip, n, 0)).all()


def test_any_order_and_any_part_gives_the_same_bytes(colour: Any) -> None:
    clip = noise(vs.YUV420P8, 48, 48, length=6)
    whole = [frame_bytes(colour(clip), n) for n in range(6)]
    backwards = colour(clip)
    assert [frame_bytes(backwards, n) for n in reversed(range(6))] == whole[::-1]
    assert [frame_bytes(colour(clip[2:5]), n) for n in range(3)] == whole[2:5]


def test_a_model_is_loaded_once_for_two_calls(colour: Any) -> None:
    from vsdeoldify.networks import loading as networks

    clip = noise(vs.GRAY8, 48, 48)
    first = colour(clip, 0)
    loaded = set(networks._engines.values())
    second = colour(clip, 0, mweight=0.1)
    assert set(networks._engines.values()) == loaded
    del first, second


def test_nothing_is_printed(colour: Any, capfd: pytest.CaptureFixture[str]) -> None:
    colour(noise(vs.YUV420P8, 48, 48)).get_frame(0)
    assert capfd.readouterr().out == ""


def test_environment_and_torch_settings_are_left_alone(colour: Any) -> None:
    def state() -> tuple[object, ...]:
        return (
            dict(os.environ),
            torch.get_num_threads(),
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            torch.get_float32_matmul_precision(),
            torch.backends.cudnn.benchmark,
        )

    before = state()
    colour(noise(vs.YUV420P8, 48, 48)).get_frame(0)
    assert state() == before


GRAY = core.std.BlankClip(format=vs.GRAY8, width=64, height=64, length=2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"clip": None}, "must be a VapourSynth video clip"),
        ({"clip": core.std.BlankClip(format=vs.GRAY32)}, "GRAY32|Gray32"),
        ({"method": 7}, "method must be"),
        ({"method": "best"}, "method must be"),
        ({"mweight": 1.5}, "mweight must be in 0–1"),
        ({"mweight": math.nan}, "mweight must be in 0–1"),
        ({"mweight": "half"}, "mweight must be a number"),
        ({"deoldify_p": [0, 9]}, "deoldify_p render_factor"),
        ({"deoldify_p": [3]}, "deoldify_p model"),
        ({"ddcolor_p": [0, 65]}, "ddcolor_p render_factor"),
        ({"ddcolor_p": [1, 24, 1, 0, True, 5]}, "ddcolor_p takes at most 5"),
        ({"ddtweak": "yes"}, "ddtweak must be True or False"),
        ({"ddtweak_p": [0, 1, 0]}, "ddtweak_p gamma"),
        ({"cmc_tresh": -0.1}, "cmc_tresh"),
        ({"lmm_p": [0.2, 7]}, "lmm_p luma_white_limit must be in 0–1, got 7"),
        ({"alm_p": "x"}, "alm_p"),
        ({"device_index": 8}, "device_index"),
        ({"device_index": None}, "device_index"),
        ({"device_index": "toaster"}, "device_index"),
        ({"torch_dir": 5}, "torch_dir"),
        ({"batch_size": 0}, "batch_size"),
        ({"precision": "float8"}, "precision"),
    ],
)
def test_wrong_arguments_are_refused_when_called(arguments: dict[str, Any], words: str) -> None:
    options = {"clip": GRAY, "device_index": CPU, **arguments}
    with pytest.raises(vs.Error, match=f"^ddeoldify: .*({words})"):
        ddeoldify(**options)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_missing_gpu_is_told_with_what_there_is() -> None:
    with pytest.raises(vs.Error, match=r"no device cuda:3; it has: cpu.*device_index=99"):
        ddeoldify(GRAY, device_index=3)


def test_a_missing_model_is_told_with_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(vs.Error, match="preview") as error:
        ddeoldify(GRAY, device_index=CPU, torch_dir=tmp_path)
    text = str(error.value)
    for part in ("ddeoldify: ", "ColorizeVideo_gen.pth", str(tmp_path), "vsdeoldify models --download"):
        assert part in text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html><body>Not found</body></html>", "web page"),
        (b"PK\x03\x04 and then nothing", "cut off|damaged"),
        (b"\x80\x02", "cut off|damaged"),
    ],
)
def test_a_damaged_model_file_is_told_with_how_to_get_it_again(
    tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "ColorizeVideo_gen.pth").write_bytes(content)
    with pytest.raises(vs.Error, match=words) as error:
        ddeoldify(GRAY, 0, device_index=CPU, torch_dir=tmp_path)
    assert "ColorizeVideo_gen.pth" in str(error.value)
    assert "--download" in str(error.value)


@pytest.mark.parametrize("other", ["wide.pth", "deep.pth", "tiny.pth"])
@pytest.mark.parametrize(("method", "file"), [(0, "ColorizeVideo_gen.pth"), (1, "ddcolor_artistic.pth")])
def test_an_official_name_on_another_network_is_never_read_in_silence(
    models: Path, tmp_path: Path, method: int, file: str, other: str
) -> None:
    (tmp_path / file).write_bytes((models / other).read_bytes())
    with pytest.raises(vs.Error, match=file):
        ddeoldify(GRAY, method, device_index=CPU, torch_dir=tmp_path)


def test_half_a_network_is_refused(models: Path, tmp_path: Path) -> None:
    state = tiny_deoldify_state_dict("wide")
    del state["layers.10.layers.0.0.weight_orig"]
    torch.save(state, tmp_path / "half.pth")
    with pytest.raises(vs.Error, match=r"layers\.10\.layers\.0\.0\.weight_orig"):
        ddeoldify(GRAY, 0, deoldify_p=[str(tmp_path / "half.pth")], device_index=CPU)


def test_a_network_that_gives_no_numbers_is_an_error_and_not_a_frame(tmp_path: Path) -> None:
    state = tiny_deoldify_state_dict("wide")
    state["layers.11.0.bias"] = torch.full_like(state["layers.11.0.bias"], math.nan)
    torch.save(state, tmp_path / "nan.pth")
    result = ddeoldify(GRAY, 0, deoldify_p=[str(tmp_path / "nan.pth"), 10], device_index=CPU)
    with pytest.raises(vs.Error, match="no numbers"):
        result.get_frame(0)


NUMBER = st.one_of(st.floats(-1, 2), st.integers(-1, 5), st.just(math.nan), st.text(max_size=3), st.none())


@settings(max_examples=150 * CASES)
@given(
    method=st.one_of(st.integers(-1, 6), st.sampled_from(["simple", "x"])),
    options=st.fixed_dictionaries(
        {},
        optional={
            "mweight": NUMBER,
            "ddtweak": st.one_of(st.booleans(), st.integers(0, 2)),
            "ddtweak_p": st.lists(NUMBER, max_size=10),
            "cmc_tresh": NUMBER,
            "lmm_p": st.lists(NUMBER, max_size=4),
            "alm_p": st.lists(NUMBER, max_size=4),
            "cmb_sw": st.one_of(st.booleans(), st.none()),
            "batch_size": st.one_of(st.none(), st.integers(0, 4)),
        },
    ),
)
def test_any_parameters_give_a_clip_or_an_error_that_names_one(
    colour: Any, method: Any, options: dict[str, Any]
) -> None:
    try:
        result = colour(GRAY, method, **options)
    except vs.Error as error:
        assert str(error).startswith("ddeoldify: ")
        assert any(name in str(error) for name in ("method", *options)), error
    else:
        assert (result.format.id, result.width, len(result)) == (vs.YUV444P8, 64, 2)


def test_the_stabilizer_keeps_luma_and_format() -> None:
    for format_id in (vs.YUV420P8, vs.YUV444PS, vs.YUV422P10):
        clip = noise(format_id, 64, 48, length=5)
        result = ddeoldify_stabilizer(clip, dark=True, smooth=True, stab=True, render_factor=10)
        assert result.format.id == format_id
        assert (plane(result, 2, 0) == plane(clip, 2, 0)).all()
        assert not (plane(result, 2, 1) == plane(clip, 2, 1)).all()


def test_the_stabilizer_with_nothing_on_is_the_clip_itself() -> None:
    clip = noise(vs.YUV420P8, 64, 48)
    assert frame_bytes(ddeoldify_stabilizer(clip), 1) == frame_bytes(clip, 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"clip": GRAY}, "gray"),
        ({"dark": "on"}, "dark must be True or False"),
        ({"dark_p": [2]}, "dark_p threshold"),
        ({"smooth_p": [0.7, 0.3]}, "smooth_p dark_threshold must not be above"),
        ({"stab_p": [5, "X"]}, "stab_p mode"),
        ({"stab_p": [99]}, "stab_p frames"),
        ({"render_factor": 5}, "render_factor"),
        ({"render_factor": 65}, "render_factor"),
    ],
)
def test_wrong_arguments_of_the_stabilizer_are_refused_when_called(
    arguments: dict[str, Any], words: str
) -> None:
    options = {"clip": core.std.BlankClip(format=vs.YUV420P8, width=64, height=64, length=2), **arguments}
    with pytest.raises(vs.Error, match=f"^ddeoldify_stabilizer: .*({words})"):
        ddeoldify_stabilizer(**options)


def test_the_public_names_are_what_the_package_says() -> None:
    assert all(hasattr(vsdeoldify, name) for name in vsdeoldify.__all__)
