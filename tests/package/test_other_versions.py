"""Scripts for other versions of the plugin run with their meaning, or end in a sentence that says what to do.

The lines are from the manuals, programs and reports of these versions.
"""

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
import vapoursynth as vs
from clips import frame_bytes, noise, plane
from vapoursynth import core

import vsdeoldify
from vsdeoldify import ddeoldify, ddeoldify_scenes, ddeoldify_stabilizer
from vsdeoldify.settings import havc
from vsdeoldify.settings.hues import parse_adjustment
from vsdeoldify.vsutils.propagation import motion

TWEAK = "0.0, 1.0, 2.5, True, 0.3, 0.6, 1.5, 0.5"
MERGING = "cmc_tresh=0.15, lmm_p=[0.15, 0.65, 1.0], alm_p=[0.8, 1.0, 0.15]"
MEDIUM = (
    'dark=True, dark_p=[0.2, 0.8, "none"], smooth=True, smooth_p=[0.3, 0.7, 0.9, 0.0, "none"], stab=True, '
    'stab_p=[5, "A", 1, 15, 0.2, 0.15, "none"], render_factor=24'
)

DEEP = MEDIUM.replace('[5, "A", 1, 15, 0.2,', '[3, "A", 1, 0, 0,')


def colorize_(factor: int, adjustment: str, filters: str = "", **others: object) -> str:
    """A call of `colorize` with all that HAVC's presets say; what `filters` does not name is off."""
    changes = "".join(f", {name}={value!r}" for name, value in others.items())
    filters = filters or "dark=False, smooth=False, stab=False, render_factor=24"
    return (
        f'clip = colorize(clip, method=2, mweight=0.4, deoldify_p=["video", {factor}, 1.0, 0.0], '
        f'ddcolor_p=["artistic", {factor}, 1.0, 0.0], ddtweak=True, ddtweak_p=[{TWEAK}, "{adjustment}"], '
        f"{MERGING}, {filters}, device_index=0{changes})"
    )


@pytest.fixture(autouse=True)
def no_other_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VSDEOLDIFY_MODELS", str(tmp_path / "no models"))


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is asked for, in place of networks of a gigabyte that make it."""
    asked: list[Any] = []

    def build(
        clip: vs.VideoNode, colouring: object, calming: object, referring: object = None
    ) -> vs.VideoNode:
        asked.append((colouring, calming) if referring is None else (colouring, calming, referring))
        return clip.std.BlankClip(format=vs.YUV444P8, keep=True)

    monkeypatch.setattr("vsdeoldify.chain.build", build)
    return asked


def run(code: str, clip: vs.VideoNode | None = None) -> vs.VideoNode:
    """Run the lines of a script; what it makes of `clip`."""
    names: dict[str, Any] = {"clip": noise(vs.YUV420P8, 64, 48) if clip is None else clip}
    exec("import vapoursynth as vs\nfrom vapoursynth import core\nfrom vsdeoldify import *", names)
    exec(textwrap.dedent(code), names)
    result = names["clip"]
    assert isinstance(result, vs.VideoNode)
    return result


FAST = colorize_(22, "300:360|0.8,0.1")
RUNNING = {
    "readme 1.0.2": ("from vsdeoldify import ddeoldify\nclip = ddeoldify(clip)", "clip = ddeoldify(clip)"),
    "readme 3.0.0": (
        "clip = ddeoldify(clip, method=0)\nclip = ddeoldify_stabilizer(clip, smooth=True, stab=True)",
        'clip = ddeoldify(clip, "deoldify")\nclip = ddeoldify_stabilizer(clip, smooth=1, stab=1)',
    ),
    "readme 3.1.1": (
        "clip = ddeoldify_stabilizer(clip, dark=True, smooth=True, stab=True)",
        "clip = ddeoldify_stabilizer(clip, True, smooth=True, stab=True)",
    ),
    "readme 3.5.0": (
        'from vsdeoldify import ddeoldify_main\nclip = ddeoldify_main(clip=clip, Preset="fast")',
        FAST,
    ),
    "readme 3.5.0, words": (
        "from vsdeoldify import ddeoldify_main\nclip = ddeoldify_main("
        'clip=clip, Preset="fast", ColorFix="violet/red", ColorTune="medium", ColorMap="none")',
        colorize_(22, "300:360|0.5,0.1"),
    ),
    "readme 4.0.0": (
        'from vsdeoldify import HAVC_main, HAVC_ddeoldify\nclip = HAVC_main(clip=clip, Preset="fast")',
        colorize_(22, "250:360|0.8,0.1"),
    ),
    "readme 4.0.0, one network": (
        "from vsdeoldify import HAVC_main, HAVC_ddeoldify\nclip = HAVC_ddeoldify(clip, method=0)",
        "clip = ddeoldify(clip, method=0)",
    ),
    "readme 4.0.0, references": (
        "from vsdeoldify import HAVC_main\nclip = HAVC_main(clip=clip, EnableDeepEx=True, ScThreshold=0.1)",
        colorize_(24, "250:360|0.8,0.1", DEEP),
    ),
    "guide, page 14": (
        "from vsdeoldify import HAVC_ddeoldify\n"
        "clip = HAVC_ddeoldify(clip=clip, ddtweak=True, "
        'ddtweak_p=[0.0, 1.0, 2.5, True, 0.3, 0.6, 0.7, 0.5, "300:360|0.5,0.1"])',
        "clip = ddeoldify(clip, ddtweak=True, "
        'ddtweak_p=[0.0, 1.0, 2.5, True, 0.3, 0.6, 0.7, 0.5, "300:360|0.5,0.1"])',
    ),
    "guide, page 13": (
        "from vsdeoldify import HAVC_stabilizer\n"
        'clip = HAVC_stabilizer(clip=clip, dark=True, colormap="30:90|+250,0.8")',
        'clip = ddeoldify_stabilizer(clip, dark=True, dark_p=[0.2, 0.8, "none"], colormap="30:90|+250,0.8")',
    ),
    "guide, page 13, smooth": (
        "from vsdeoldify import HAVC_stabilizer\n"
        "clip = HAVC_stabilizer(clip=clip, dark=True, smooth=True, "
        'smooth_p=[0.3, 0.7, 0.9, 0.1, "300:360|0.5,0.1"])',
        'clip = ddeoldify_stabilizer(clip, dark=True, dark_p=[0.2, 0.8, "none"], smooth=True, '
        'smooth_p=[0.3, 0.7, 0.9, 0.1, "300:360|0.5,0.1"])',
    ),
    "readme 5.0.1": (
        "import vsdeoldify as havc\nclip = havc.HAVC_colorizer(clip, method=1)",
        f"clip = ddeoldify(clip, method=1, {MERGING})",
    ),
    "readme 5.6.7": (
        "import vsdeoldify as havc\nclip = havc.HAVC_main("
        'clip=clip, Preset="fast", ColorFix="violet/red", ColorTune="medium", ColorMap="none")',
        colorize_(22, "300:360|0.5,0.1"),
    ),
    "HAVC's own calls": (
        "from vsdeoldify import HAVC_stabilizer\n"
        "clip = HAVC_stabilizer(clip, dark=True, dark_p=[0.2, 0.8], colormap='none', smooth=True, "
        "smooth_p=[0.3, 0.7, 0.9, 0.0, 'none'], stab=True, stab_p=[5, 'A', 1, 15, 0.2, 0.8])",
        f"clip = ddeoldify_stabilizer(clip, {MEDIUM})",
    ),
    "HAVC's own calls, quick": (
        "from vsdeoldify import HAVC_stabilizer\n"
        "clip = HAVC_stabilizer(clip, stab=True, stab_p=[3, 'A', 1, 0, 0, 0])",
        'clip = ddeoldify_stabilizer(clip, stab=True, stab_p=[3, "A", 1, 0, 0, 0.15, "none"])',
    ),
    "readme 5.8.7, by the old name": (
        "import vsdeoldify as havc\nclip = havc.HAVC_main(clip=clip, EnableDeepEx=True, ScThreshold=0.1)",
        colorize_(24, "250:360|0.8,0.1", DEEP),
    ),
    "3.5 on names of ours": (
        "clip = ddeoldify(clip, dotweak=False, dotweak_p=[0.0, 1.0], degrain_strength=0, method=1)",
        "clip = ddeoldify(clip, method=1)",
    ),
    "3.5's stabilizer by place": (
        'clip = ddeoldify_stabilizer(clip, False, [0.2, 0.8, "none"], True, [0.3], False, [5], "none", 32)',
        "clip = ddeoldify_stabilizer(clip, smooth=True, smooth_p=[0.3], render_factor=32)",
    ),
}


@pytest.mark.parametrize(("line", "here"), RUNNING.values(), ids=RUNNING)
def test_a_line_asks_for_what_it_means(line: str, here: str, requests: list[Any]) -> None:
    gray = noise(vs.GRAY8, 64, 48)
    clip = noise(vs.YUV420P8, 64, 48) if "stabilizer" in line else gray
    run(line, clip)
    asked = requests.copy()
    requests.clear()
    run(here, clip)
    assert asked
    assert asked == requests


ENDING = {
    "readme 1.1.0": ("clip = ddeoldify(clip, dd_weight=0.5)", "dd_weight; write mweight=0.5, method=2"),
    "readme 2.0.0": ("clip = ddeoldify(clip, dd_method=0)", "dd_method; write method=0"),
    "Hybrid 2024-03": (
        "clip = ddeoldify(clip=clip, model=0, sat=[1.00,1], hue=[0.00,0], chroma_resize=False)",
        "model, sat, hue, chroma_resize; write deoldify_p=[0, 24, 1.0, 0.0], ddcolor_p=[1, 24, 1, 0]; "
        "leave out chroma_resize",
    ),
    "2.0, many": (
        "clip = ddeoldify(clip, dd_method=4, merge_weight=0.6, dd_method_params=[0.6, 2.0, 0.15, 0.3, True], "
        "dd_tweak_luma_bind=[True, 0.4, 0.5], dd_tweak_gamma=1.2, torch_hub_dir='x')",
        'write method=3, mweight=0.6, cmc_tresh=0.3, cmb_sw=True, torch_dir="x", ddtweak=True, '
        "alm_p=[0.6, 2.0, 0.15], ddtweak_p=[0.0, 1.0, 1.2, True, 0.4, 0.5]",
    ),
    "2.0's filters": (
        "clip = ddeoldify(clip, color_stabilizer=[True, False, False, 5, 'arithmetic', True])",
        "stab and stab_p of ddeoldify_stabilizer",
    ),
    "2.0's stabilizer": (
        "from vsdeoldify import dd_video_stabilizer\nclip = dd_video_stabilizer(clip)",
        "use ddeoldify_stabilizer",
    ),
    "3.5": (
        "clip = ddeoldify(clip, dotweak=True, dotweak_p=[0.1], degrain_strength=2)",
        "dotweak: brighten the clip .* degrain_strength: take the grain out",
    ),
    "3.5 by place": (
        "clip = ddeoldify(clip, 2, 0.5, [0], [1], False, [0.0], True, [0.0], 0)",
        "in the order of version 3.5, .* write every parameter's name",
    ),
    "readme 5.8.7, files": (
        'import vsdeoldify as havc\nclip = havc.HAVC_read_video(source="video_bw.mp4")',
        r"is not here; .*core.bs.VideoSource\(",
    ),
    "5.8.7, servers": (
        "import vsdeoldify as havc\n"
        'clip = havc.HAVC_cmnet2dit(clip, dit_engine_params={"model_precision": "int4"})',
        "is not here; .*colour every frame, .*, or .*ddeoldify_references",
    ),
}


@pytest.mark.parametrize(("line", "sentence"), ENDING.values(), ids=ENDING)
def test_a_line_ends_in_its_sentence(line: str, sentence: str) -> None:
    with pytest.raises(
        vs.Error, match=r"^\w+: .*" + sentence.replace("[", r"\[").replace("'", ".")
    ) as caught:
        run(line)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("package", ["vshavc", "vscmnet2"])
def test_other_packages_are_no_names_of_ours_and_the_page_says_what_to_write(package: str) -> None:
    code = f"import vsdeoldify, {package}"
    child = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert package in child.stderr.splitlines()[-1]
    page = (Path(__file__).parents[2] / "docs" / "hybrid.md").read_text(encoding="utf-8")
    assert package in page


def test_lines_around_the_calls_run() -> None:
    line = """
        clip = core.resize.Bicubic(clip, range_in_s="limited", range_s="full")
        clip = core.std.SetFrameProps(clip=clip, _ColorRange=0)
        clip = clip.resize.Bicubic(format=vs.RGB24, matrix_in_s="709", range_s="full")
        clip = ddeoldify_stabilizer(clip, stab=True, stab_p=[5, "A", 1, 15, 0.2, 0.15, "290:360|0.4,0.1"])
        clip = core.resize.Bicubic(clip, format=vs.YUV420P8, matrix_s="709", range_s="limited")
    """
    result = run(line)
    assert result.get_frame(1).format.id == vs.YUV420P8


def test_every_function_of_havc_answers() -> None:
    names = "bw_tune cmnet2 cmnet1 cmnet2dit ColorAdjust retinex main_restore"
    names += " adjust_rgb tweak rgb_denoise TimeCube auto_levels clip_overlay clip_slice clip_reconstruct"
    names += " recover_clip_color read_video extract_reference_frames export_reference_frames"
    names += " export_list_frames set_tweak_params set_merge_params veryslow_preset something_new"
    for name in names.split():
        function = getattr(vsdeoldify, f"HAVC_{name}")
        assert function.__name__ == f"HAVC_{name}"
        for arguments in ((), (1, 2), (noise(vs.GRAY8, 64, 48),)):
            with pytest.raises(vs.Error, match=rf"HAVC_{name}: this function .* is not here; \w+"):
                function(*arguments, anything=1)
    assert vsdeoldify.disable_warnings() is None
    assert vsdeoldify.HAVC_set_debug_level(2) is None


def test_other_names_are_as_unknown_as_ever() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'ddeoldify_colorizer'"):
        vsdeoldify.ddeoldify_colorizer  # noqa: B018
    with pytest.raises(ImportError):
        exec("from vsdeoldify import havc_main")
    assert not [name for name in vsdeoldify.__all__ if "HAVC" in name or name.endswith("main")]


def test_the_package_does_not_load_them_before_a_script_asks() -> None:
    code = (
        "import sys, vsdeoldify\n"
        "assert 'vsdeoldify.havc' not in sys.modules\n"
        "assert not {'vapoursynth', 'numpy', 'torch'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_no_version_has_is_an_error_with_the_name() -> None:
    clip = noise(vs.YUV420P8, 64, 48)
    with pytest.raises(vs.Error, match="ddeoldify: there is no parameter 'dd_wait'"):
        ddeoldify(clip, dd_wait=1)  # type: ignore[call-arg]
    with pytest.raises(vs.Error, match=r"ddeoldify: at most 13 values go without a name, .* got 14"):
        ddeoldify(clip, *range(13))  # type: ignore[arg-type]
    with pytest.raises(vs.Error, match="ddeoldify_stabilizer: colormap is given twice"):
        ddeoldify_stabilizer(clip, False, [], False, [], False, [], "none", colormap="none")  # type: ignore
    with pytest.raises(vs.Error, match="HAVC_main: there is no parameter 'Presets'; there are clip, Preset,"):
        vsdeoldify.HAVC_main(clip, Presets="fast")
    with pytest.raises(vs.Error, match="HAVC_stabilizer: dark is given twice"):
        vsdeoldify.HAVC_stabilizer(clip, True, dark=True)
    with pytest.raises(vs.Error, match="HAVC_stabilizer: it takes at most 9 values, got 10"):
        vsdeoldify.HAVC_stabilizer(*[clip] * 10)
    with pytest.raises(vs.Error, match="HAVC_stabilizer: the clip is gray"):
        vsdeoldify.HAVC_stabilizer(noise(vs.GRAY8, 64, 48), dark=True)
    with pytest.raises(vs.Error, match="HAVC_main: clip must be a VapourSynth video clip"):
        vsdeoldify.HAVC_main()


WORDS = {
    "Preset": havc.RENDER_FACTORS,
    "VideoTune": havc.WEIGHTS,
    "ColorFix": havc.FIXED_HUES,
    "ColorTune": havc.FADED,
    "ColorTemp": havc.STEADINESS,
}


@pytest.mark.parametrize(("parameter", "word"), [(p, word) for p, words in WORDS.items() for word in words])
def test_every_word_has_a_meaning(parameter: str, word: str, requests: list[Any]) -> None:
    clip = noise(vs.GRAY8, 64, 48)
    vsdeoldify.HAVC_main(clip, **{parameter: word})
    vsdeoldify.HAVC_main(clip, **{parameter: f" {word.upper()}"})
    assert requests[0] == requests[1]
    vsdeoldify.HAVC_main(clip)
    defaults = ("medium", "stable", "magenta/violet", "light", "none")
    assert (requests[0] == requests[2]) == (word in defaults and havc_default(parameter) == word)


def havc_default(parameter: str) -> str:
    return str(havc.PARAMETERS["HAVC_main"][parameter]).lower()


@pytest.mark.parametrize("parameter", [*WORDS, "CombMethod", "ColorModel", "ColorMap", "FrameInterp"])
@pytest.mark.parametrize("wrong", ["purple", 3.5, ["fast"]])
def test_a_wrong_word_is_named_with_those_there_are(parameter: str, wrong: object) -> None:
    with pytest.raises(
        vs.Error, match=f"(?i)HAVC_main: {parameter} .*(must be|is neither)|colormap: .*neither"
    ):
        vsdeoldify.HAVC_main(noise(vs.GRAY8, 64, 48), **{parameter: wrong})


@pytest.mark.parametrize(
    ("model", "method", "models"),
    [
        ("Video+Artistic", "simple", ["video", "artistic"]),
        ("Stable+ModelScope", "simple", ["stable", "modelscope"]),
        ("DeOldify(Artistic)", "deoldify", ["artistic"]),
        ("DDColor( ModelScope )", "ddcolor", ["modelscope"]),
    ],
)
def test_models_go_by_havcs_words(model: str, method: str, models: list[str], requests: list[Any]) -> None:
    vsdeoldify.HAVC_main(noise(vs.GRAY8, 64, 48), ColorModel=model, Preset="slow")
    ((colouring, calming),) = requests
    assert colouring.method.name == method
    assert [network.model for network in colouring.networks] == models
    assert {network.render_factor for network in colouring.networks} == {28}
    # HAVC leaves the colours of DeOldify alone unaveraged.
    assert [row.switch for row, _ in calming.filters] == [
        "dark",
        "smooth",
        *["stab"] * (method != "deoldify"),
    ]


@pytest.mark.parametrize(
    ("call", "cure"),
    [
        ({"ColorModel": "Video+ECCV16"}, "Zhang's networks .* take DDColor's"),
        ({"ColorModel": "Zhang(Siggraph17)"}, "Zhang's networks .* take DDColor's"),
        ({"ColorModel": "Video"}, "two models such as"),
        ({"CombMethod": "ChromaBound Adaptive"}, "method 7 is not here; take"),
        ({"FrameInterp": 11}, "FrameInterp must be a whole number in 0–10"),
        ({"EnableDeepEx": True, "DeepExMethod": 5}, r"DeepExMethod 5 .*ddeoldify_references\("),
        ({"EnableDeepEx": True, "DeepExMethod": 1}, "ScFrameDir must be the folder"),
        ({"EnableDeepEx": True, "DeepExMethod": 7}, "DeepExMethod must be a whole number in 0–6"),
        ({"EnableDeepEx": True, "DeepExOnlyRefFrames": True}, "vsdeoldify references FILM"),
    ],
    ids=str,
)
def test_what_a_preset_cannot_do_is_said(call: dict[str, Any], cure: str) -> None:
    with pytest.raises(vs.Error, match=f"HAVC_main: .*{cure}"):
        vsdeoldify.HAVC_main(noise(vs.GRAY8, 64, 48), **call)


def test_what_has_no_effect_is_said_in_one_line(requests: list[Any], log: list[str]) -> None:
    clip = noise(vs.GRAY8, 64, 48)
    vsdeoldify.HAVC_main(clip, BlackWhiteTune="Light", DeepExVivid=False, ScThreshold=0.1, debug_level=1)
    assert log == ["HAVC_main: without effect here: BlackWhiteTune, DeepExVivid"]
    log.clear()
    vsdeoldify.HAVC_main(clip, Preset="fast", BlackWhiteTune="none", enable_fp16=False, FrameInterp=3)
    assert log == []
    assert requests[-1][0].every == 3
    assert requests[-1][0].networks[1].half is False
    vsdeoldify.HAVC_main(clip, EnableDeepEx=True, DeepExPreset="slow")
    assert log == [
        "HAVC_main: without effect here: DeepExPreset",
        "HAVC_main: EnableDeepEx has no effect here: every frame is coloured, none from another one",
    ]
    log.clear()
    vsdeoldify.HAVC_colorizer(clip, ddtweak=[True, True, False])
    assert len(log) == 1
    assert "ddtweak but its first" in log[0]


def test_havcs_lists_have_havcs_meaning(requests: list[Any]) -> None:
    clip = noise(vs.GRAY8, 64, 48)
    nested = [[0.0, 1.0, 2.5, True, 0.3, 0.6, 1.5, 0.5], "300:360|0.8,0.1"]
    for tweak in (nested, [*nested[0], nested[1]]):
        vsdeoldify.HAVC_colorizer(clip, ddtweak=[True, False, False], ddtweak_p=tweak, cmc_p=[0.3, True])
    vsdeoldify.HAVC_colorizer(clip, ddtweak=True, ddtweak_p=nested, cmc_tresh=0.3)
    assert requests[0] == requests[1] == requests[2]
    assert requests[0][0].merging.threshold == 0.3
    assert requests[0][0].networks[1].tweak.hue_adjust == parse_adjustment("300:360|0.8,0.1")
    vsdeoldify.HAVC_colorizer(clip, ddtweak=True, ddtweak_p=nested[0])
    assert requests[-1][0].networks[1].tweak.hue_adjust is None
    for weight, method in ((0, "deoldify"), (1.0, "ddcolor"), (0.5, "simple")):
        vsdeoldify.HAVC_colorizer(clip, mweight=weight)
        assert requests[-1][0].method.name == method
    vsdeoldify.HAVC_colorizer_fast(clip, frame_interp=4, chroma_adjust="180:280|+140,0.9")
    colouring, calming = requests[-1]
    assert colouring.every == 4
    assert [row.switch for row, _ in calming.filters] == ["colormap"]


@pytest.mark.parametrize(
    "call", [{"sc_threshold": 0.1}, {"sc_min_freq": 5}, {"method": 6}, {"ddcolor_p": [2]}]
)
def test_what_the_colorizer_cannot_do_is_said(call: dict[str, Any]) -> None:
    with pytest.raises(vs.Error, match=r"HAVC_colorizer: .*(without sc_threshold|take)"):
        vsdeoldify.HAVC_colorizer(noise(vs.GRAY8, 64, 48), **call)


def test_the_colorizer_colours(tmp_path: Path) -> None:
    torch.save({"params": tiny.tiny_ddcolor_state_dict()}, tmp_path / "tiny.pth")
    torch.save(tiny.tiny_deoldify_state_dict(), tmp_path / "wide.pth")
    models = {
        "deoldify_p": [str(tmp_path / "wide.pth"), 10, 1.0, 0.0],
        "ddcolor_p": [str(tmp_path / "tiny.pth"), 10, 1.0, 0.0, True],
        "device_index": 99,
    }
    clip = noise(vs.YUV420P10, 64, 48)
    for method in range(6):
        theirs = vsdeoldify.HAVC_colorizer(clip, method, 0.6, **models, cmc_p=[0.2], lmm_p=[0.2, 0.8, 1.0])
        assert frame_bytes(theirs, 1) == frame_bytes(ddeoldify(clip, method, 0.6, **models), 1), method


def test_two_clips_are_merged_with_the_luma_of_a_third() -> None:
    first, second = noise(vs.YUV444PS, 96, 96, seed=1), noise(vs.YUV444PS, 96, 96, seed=5)
    luma = noise(vs.GRAY8, 96, 96, seed=9)
    mixed = vsdeoldify.HAVC_merge(first, second, weight=0.25)
    for p in (1, 2):
        expected = 0.75 * plane(first, 1, p) + 0.25 * plane(second, 1, p)
        assert np.abs(plane(mixed, 1, p) - expected).max() < 1e-5
    assert np.array_equal(plane(mixed, 1, 0), plane(first, 1, 0))
    for method in range(2, 6):
        result = vsdeoldify.HAVC_merge(first, second, luma, 0.5, method)
        assert np.array_equal(plane(result, 2, 0), plane(luma, 2, 0))
        assert result.format.id == vs.YUV444P8
    for call in ({"weight": 0}, {"method": 0}):
        assert (
            np.abs(plane(vsdeoldify.HAVC_merge(first, second, **call), 0, 1) - plane(first, 0, 1)).max()
            < 1e-5
        )
    for call in ({"weight": 1}, {"method": 1}):
        assert (
            np.abs(plane(vsdeoldify.HAVC_merge(first, second, **call), 0, 1) - plane(second, 0, 1)).max()
            < 1e-5
        )
    for wrong in (first[:2], first.resize.Point(64, 64), None, 7):
        with pytest.raises(vs.Error, match="HAVC_merge: "):
            vsdeoldify.HAVC_merge(first, wrong)


def test_scenes_are_marked(log: list[str]) -> None:
    film = core.std.BlankClip(format=vs.GRAY8, length=4, color=40, keep=True)
    film += core.std.BlankClip(film, color=90, keep=True)
    marked = vsdeoldify.HAVC_SceneDetect(film, sc_threshold=0.10)
    assert [f.props["_SceneChangePrev"] for f in marked.frames()][4] == 1
    ours = ddeoldify_scenes(film, 0.10)
    assert [dict(f.props) for f in marked.frames()] == [dict(f.props) for f in ours.frames()]
    assert log == []
    vsdeoldify.HAVC_SceneDetect(film, sc_min_freq=5, sc_tht_ssim=0.5)
    assert log == ["HAVC_SceneDetect: without effect here: sc_min_freq, sc_tht_ssim"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"stab": True, "stab_p": [5, "A", 1, 15, 0.2, 0.15]}, 'stab_p of 6 values has "300:360|0.5,0.0"'),
        ({"dark": True, "dark_p": [0.2, 0.8]}, 'dark_p of 2 values has "0:30,300:360"'),
        ({"stab": True, "stab_p": [5, "A", 1, 15, 0.2, 0.15, "none"]}, None),
        ({"stab": True, "stab_p": [5, "G"]}, None),
        ({"stab": False, "stab_p": [5, "A", 1, 15, 0.2, 0.15]}, None),
    ],
    ids=str,
)
def test_a_list_without_its_last_value_says_which_it_has(
    call: dict[str, Any], said: str | None, log: list[str]
) -> None:
    ddeoldify_stabilizer(noise(vs.YUV420P8, 64, 48), **call)
    assert len(log) == (said is not None)
    if said is not None:
        assert said in log[0]
        assert 'write "none"' in log[0]


def test_a_tweak_of_eight_values_says_which_adjustment_it_has(requests: list[Any], log: list[str]) -> None:
    clip = noise(vs.GRAY8, 64, 48)
    eight = [0.0, 1.0, 2.5, True, 0.2, 0.5, 1.5, 0.5]
    ddeoldify(clip, ddtweak_p=eight)
    assert log == []
    ddeoldify(clip, ddtweak=True, ddtweak_p=eight)
    assert len(log) == 1
    assert 'ddtweak_p of 8 values has "300:360|0.3,0.2"' in log[0]


def test_smooth_takes_an_adjustment_as_havc_does() -> None:
    clip = noise(vs.YUV444PS, 160, 160).std.Expr(["x 0.2 *", "", ""])
    smooth_p = [0.3, 0.7, 0.9, 0.1]

    def smoothed(hues: str, factor: float = 0.9) -> Any:
        lists = [0.3, 0.7, factor, 0.1, hues]
        result = ddeoldify_stabilizer(clip, smooth=True, smooth_p=lists, render_factor=10)
        return np.stack([plane(result, 1, p) for p in (1, 2)])

    before = np.stack([plane(clip, 1, p) for p in (1, 2)])
    both = smoothed("300:360|0.5,0.1")
    kept = 0.9 * 0.9 * 0.5
    inside = smoothed("300:360", 0.0) == 0
    assert 0.02 < inside.mean() < 0.5
    assert np.allclose(both[inside], before[inside] * kept, atol=1e-5)
    assert np.allclose(both[~inside], before[~inside] * (1 - 0.1 * (1 - kept)), atol=1e-5)
    assert np.allclose(smoothed("300:360|1,0"), smoothed("300:360"))
    with pytest.raises(vs.Error, match="smooth_p hue_range turns no hues, but colormap does"):
        ddeoldify_stabilizer(clip, smooth=True, smooth_p=[*smooth_p, "300:360|+50,0"])


def test_a_folder_of_reference_pictures_is_carried_on(requests: list[Any], tmp_path: Path) -> None:
    gray = noise(vs.GRAY8, 64, 48)
    folder = tmp_path / "ref_color"
    line = (
        "from vsdeoldify import HAVC_main\n"
        "clip = HAVC_main(clip,Preset='Fast',ColorFix='Violet/Red',ColorTune='Light', EnableDeepEx=True, "
        f"DeepExMethod=1, DeepExPreset='Medium', DeepExRefMerge=2, ScFrameDir={str(folder)!r})"
    )
    run(line, gray)
    run(colorize_(22, "300:360|0.8,0.1", DEEP), gray)
    vsdeoldify.ddeoldify_references(gray, folder)
    (colouring, calming, referring), plain, (_, _, alone) = requests
    assert (colouring, calming) == plain
    assert referring == alone
    requests.clear()
    run(line.replace("DeepExMethod=1", "DeepExMethod=4"), gray)
    ((colouring, calming, referring),) = requests
    assert colouring is None
    assert referring == alone
    assert [row.switch for row, _ in calming.filters] == ["dark", "smooth"]


def test_pictures_and_clips_of_references_alone_colour_a_clip(requests: list[Any], tmp_path: Path) -> None:
    clip, colours = noise(vs.YUV420P8, 64, 48), noise(vs.YUV420P8, 64, 48, seed=5)
    vsdeoldify.HAVC_deepex(clip, method=3, sc_framedir=tmp_path, dark=True, colormap="blue->red")
    vsdeoldify.HAVC_DeepRemaster(clip, ref_dir=str(tmp_path))
    vsdeoldify.HAVC_deepex(clip, colours, method=5)
    vsdeoldify.HAVC_restore_video(clip, colours, method=5)
    assert [colouring for colouring, *_ in requests] == [None] * 4
    given = [referring.references for *_, referring in requests]
    assert given == [str(tmp_path), str(tmp_path), colours, colours]
    assert [row.switch for row, _ in requests[0][1].filters] == ["dark", "colormap"]
    # HAVC's dark without hues acts on all.
    assert requests[0][1].filters[0][1].hue_range.everything


@pytest.mark.parametrize(
    ("name", "call", "cure"),
    [
        ("deepex", {}, "ddeoldify_references"),
        ("deepex", {"method": 3}, "sc_framedir must be the folder"),
        ("deepex", {"method": 5}, "clip_ref must be a clip"),
        ("deepex", {"method": 6}, "ddeoldify_references"),
        ("deepex", {"method": 9}, "method must be a whole number in 0–6"),
        ("deepex", {"method": 3, "only_ref_frames": True}, "vsdeoldify references FILM"),
        ("restore_video", {}, "ddeoldify_references"),
        ("restore_video", {"method": 5}, "clip_ref must be a clip"),
        ("DeepRemaster", {}, "ref_dir must be the folder"),
    ],
    ids=str,
)
def test_references_that_are_not_here_are_said(name: str, call: dict[str, Any], cure: str) -> None:
    with pytest.raises(vs.Error, match=f"HAVC_{name}: .*{cure}"):
        getattr(vsdeoldify, f"HAVC_{name}")(noise(vs.YUV420P8, 64, 48), **call)


@pytest.mark.skipif(not motion.is_available(), reason="vapoursynth-mvutensils is not installed")
@pytest.mark.parametrize("format_", [vs.GRAY8, vs.YUV420P8, vs.RGB24])
def test_a_colour_clip_gives_its_colours_whatever_the_first_one_has(format_: int) -> None:
    colours = noise(vs.YUV444P8, 64, 48).std.SetFrameProps(_Matrix=6, _Range=1)
    if format_ == vs.GRAY8:
        clip = colours.std.ShufflePlanes(0, vs.GRAY)
    else:  # The same luma with other colours.
        clip = colours.std.Expr(["", "x 60 - abs", "255 x -"]).resize.Bicubic(format=format_)
    result = vsdeoldify.HAVC_restore_video(clip, colours, method=5)
    taken = result.resize.Bicubic(format=vs.YUV444P8, matrix=6, range=1).std.BoxBlur([1, 2], 4, 1, 4, 1)
    wanted = colours.std.BoxBlur([1, 2], 4, 1, 4, 1)
    for p in (1, 2):
        apart = np.abs(plane(taken, 1, p).astype(float) - plane(wanted, 1, p)).mean()
        assert apart < np.abs(plane(wanted, 1, p).astype(float) - 128).mean() / 2
    assert result.format.id == (vs.YUV444P8 if format_ == vs.GRAY8 else format_)
