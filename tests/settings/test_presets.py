"""Presets are nothing but valid parameters, ordered as their names say."""

import inspect
from itertools import product
from pathlib import Path

import pytest
import tiny
import torch
import vapoursynth as vs
from clips import frame_bytes, noise

from vsdeoldify import ddeoldify, ddeoldify_stabilizer
from vsdeoldify.functions import colorize
from vsdeoldify.settings import params
from vsdeoldify.settings.presets import (
    COLOURS,
    COLOURS_HELP,
    SPEED_HELP,
    SPEEDS,
    ddeoldify_parameters,
    preset,
    stabilizer_parameters,
)


@pytest.mark.parametrize(("name", "colours"), list(product(SPEEDS, COLOURS)))
def test_every_preset_holds_parameters_that_the_functions_take(name: str, colours: str) -> None:
    chosen = preset(name, colours)
    assert set(chosen.ddeoldify) <= set(ddeoldify_parameters())
    assert set(chosen.stabilizer) <= set(stabilizer_parameters())
    params.choice("method", chosen.ddeoldify["method"], params.METHODS)
    params.ddcolor_params(chosen.ddeoldify["ddcolor_p"])
    params.deoldify_params(chosen.ddeoldify.get("deoldify_p", []))
    params.dark_params(chosen.stabilizer["dark_p"])
    params.smooth_params(chosen.stabilizer["smooth_p"])
    params.stab_params(chosen.stabilizer["stab_p"])
    params.stabilizer_render_factor(chosen.stabilizer["render_factor"], 640)


def test_every_name_is_explained() -> None:
    assert tuple(SPEED_HELP) == SPEEDS
    assert tuple(COLOURS_HELP) == COLOURS


def test_medium_balanced_is_what_ddeoldify_does_by_itself() -> None:
    defaults = {key: p.default for key, p in inspect.signature(ddeoldify).parameters.items()}
    chosen = preset().ddeoldify
    assert params.choice("method", chosen["method"], params.METHODS) == params.METHODS[defaults["method"]]
    assert chosen["mweight"] == defaults["mweight"]
    assert params.deoldify_params(chosen["deoldify_p"]) == params.deoldify_params(defaults["deoldify_p"])
    assert params.ddcolor_params(chosen["ddcolor_p"]) == params.ddcolor_params(defaults["ddcolor_p"])


@pytest.mark.parametrize("colours", COLOURS)
def test_from_fastest_to_best_the_networks_see_more_pixels(colours: str) -> None:
    def pixels(name: str) -> int:
        chosen = preset(name, colours).ddeoldify
        return sum(chosen[key][1] ** 2 for key in ("deoldify_p", "ddcolor_p") if key in chosen)

    costs = [pixels(name) for name in SPEEDS]
    assert costs == sorted(set(costs))


@pytest.mark.parametrize("name", SPEEDS)
def test_from_stable_to_vivid_there_is_more_colour_and_less_averaging(name: str) -> None:
    chosen = [preset(name, colours) for colours in COLOURS]
    saturation = [c.ddeoldify["ddcolor_p"][2] for c in chosen]
    frames = [c.stabilizer["stab_p"][0] for c in chosen]
    assert saturation == sorted(set(saturation))
    assert frames == sorted(set(frames), reverse=True)
    if "mweight" in chosen[0].ddeoldify:
        weights = [c.ddeoldify["mweight"] for c in chosen]
        assert weights == sorted(set(weights))


def test_a_preset_is_not_changed_by_its_users() -> None:
    preset().ddeoldify["mweight"] = 7
    changed = preset().with_changes(mweight=0.9, stab=False)
    assert changed.ddeoldify["mweight"] == 0.9
    assert not changed.stabilizer["stab"]
    assert preset().ddeoldify["mweight"] == 0.4
    assert preset().stabilizer["stab"]


def test_colorize_is_the_two_functions_with_the_presets_parameters(tmp_path: Path) -> None:
    torch.save({"params": tiny.tiny_ddcolor_state_dict()}, tmp_path / "tiny.pth")
    clip = noise(vs.YUV420P8, 64, 48, length=3)
    model = [str(tmp_path / "tiny.pth"), 10, 0.85]
    changes = {"ddcolor_p": model, "device_index": 99, "stab_p": [3, "A"], "render_factor": 10}
    got = colorize(clip, "fast", "stable", **changes)
    chosen = preset("fast", "stable").stabilizer | {"stab_p": [3, "A"], "render_factor": 10}
    coloured = ddeoldify(clip, method=1, ddcolor_p=model, device_index=99)
    wanted = ddeoldify_stabilizer(coloured, **chosen)
    assert [frame_bytes(got, n) for n in range(3)] == [frame_bytes(wanted, n) for n in range(3)]
    assert frame_bytes(got, 1) != frame_bytes(coloured, 1) != frame_bytes(clip, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": "quick"}, "preset must be one of preview, fast, medium, slow, best, got 'quick'"),
        ({"colours": 3}, "colours must be one of stable, balanced, vivid, got 3"),
        ({"wieght": 0.4}, "there is no parameter 'wieght'"),
    ],
)
def test_unknown_names_are_errors_that_list_the_known_ones(
    arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(vs.Error, match=f"^colorize: .*{message}"):
        colorize(noise(vs.YUV420P8, 64, 48), **arguments)  # type: ignore[arg-type]
