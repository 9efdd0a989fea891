"""Presets are nothing but valid parameters, ordered as their names say."""

import inspect
from itertools import product

import pytest
import vapoursynth as vs
from clips import noise

from vsdeoldify import ddeoldify, ddeoldify_stabilizer
from vsdeoldify.functions import colorize
from vsdeoldify.networks.family import model_names
from vsdeoldify.settings import params
from vsdeoldify.settings.methods import find_method
from vsdeoldify.settings.parameters import colouring_names, stabilizing_names
from vsdeoldify.settings.presets import (
    COLOURS,
    COLOURS_HELP,
    SPEED_HELP,
    SPEEDS,
    USUAL_EVERY,
    preset,
    usual_every,
)
from vsdeoldify.settings.requests import check_calming
from vsdeoldify.settings.values import Models

DEOLDIFY, DDCOLOR = Models(model_names("deoldify_p"), 3), Models(model_names("ddcolor_p"), 2)


@pytest.mark.parametrize(("name", "colours"), list(product(SPEEDS, COLOURS)))
def test_every_preset_holds_parameters_that_the_functions_take(name: str, colours: str) -> None:
    chosen = preset(name, colours)
    assert set(chosen.ddeoldify) <= set(colouring_names())
    assert set(chosen.stabilizer) <= set(stabilizing_names())
    find_method(chosen.ddeoldify["method"])
    params.ddcolor_params(chosen.ddeoldify["ddcolor_p"], DDCOLOR)
    params.deoldify_params(chosen.ddeoldify.get("deoldify_p", []), DEOLDIFY)
    params.dark_params(chosen.stabilizer["dark_p"])
    params.smooth_params(chosen.stabilizer["smooth_p"])
    params.stab_params(chosen.stabilizer["stab_p"])
    check_calming(chosen.stabilizer)


def test_the_names_of_the_parameters_are_those_of_the_functions() -> None:
    assert tuple(inspect.signature(ddeoldify).parameters)[1:] == colouring_names()
    stabilizing = inspect.signature(ddeoldify_stabilizer).parameters.values()
    assert tuple(p.name for p in stabilizing if p.kind is not p.VAR_KEYWORD)[1:] == stabilizing_names()


def test_every_name_is_explained() -> None:
    assert tuple(SPEED_HELP) == SPEEDS
    assert tuple(COLOURS_HELP) == COLOURS


def test_medium_balanced_is_what_ddeoldify_does_by_itself() -> None:
    defaults = {key: p.default for key, p in inspect.signature(ddeoldify).parameters.items()}
    chosen = preset().ddeoldify
    assert find_method(chosen["method"]) == find_method(defaults["method"])
    assert chosen["mweight"] == defaults["mweight"]
    assert params.deoldify_params(chosen["deoldify_p"], DEOLDIFY) == params.deoldify_params(
        defaults["deoldify_p"], DEOLDIFY
    )
    assert params.ddcolor_params(chosen["ddcolor_p"], DDCOLOR) == params.ddcolor_params(
        defaults["ddcolor_p"], DDCOLOR
    )


@pytest.mark.parametrize("colours", COLOURS)
def test_from_fastest_to_best_the_networks_see_more_pixels(colours: str) -> None:
    def pixels(name: str) -> int:
        chosen = preset(name, colours).ddeoldify
        return sum(chosen[key][1] ** 2 for key in ("deoldify_p", "ddcolor_p") if key in chosen)

    costs = [pixels(name) for name in SPEEDS if "every" not in preset(name).ddeoldify]
    assert len(costs) == len(SPEEDS) - 1
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


def test_films_have_key_frames_where_colours_can_follow_what_moves() -> None:
    assert usual_every(preset("medium"), motion=True) == USUAL_EVERY == 10
    assert usual_every(preset("medium"), motion=False) == 1
    assert usual_every(preset("overnight"), motion=True) == preset("overnight").ddeoldify["every"] == 40
    assert usual_every(preset("overnight"), motion=False) == 3
    medium = preset("medium").ddeoldify
    assert preset("overnight").ddeoldify == medium | {"every": 40}


def test_a_preset_is_not_changed_by_its_users() -> None:
    preset().ddeoldify["mweight"] = 7
    changed = preset().with_changes(mweight=0.9, stab=False)
    assert changed.ddeoldify["mweight"] == 0.9
    assert not changed.stabilizer["stab"]
    assert preset().ddeoldify["mweight"] == 0.4
    assert preset().stabilizer["stab"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"preset": "quick"},
            "preset must be one of preview, fast, medium, slow, best, overnight, got 'quick'",
        ),
        ({"colours": 3}, "colours must be one of stable, balanced, vivid, got 3"),
        ({"wieght": 0.4}, "there is no parameter 'wieght'"),
    ],
)
def test_unknown_names_are_errors_that_list_the_known_ones(
    arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(vs.Error, match=f"^colorize: .*{message}"):
        colorize(noise(vs.YUV420P8, 64, 48), **arguments)  # type: ignore[arg-type]
