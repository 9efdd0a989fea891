"""Parameters: what is accepted, and what every wrong value is told."""

import math
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lists import models

from vsdeoldify.settings import params as P
from vsdeoldify.settings.filters import FILTERS
from vsdeoldify.settings.parameters import COLOURING, stabilizing

deoldify_params = partial(P.deoldify_params, models=models("deoldify_p"))
ddcolor_params = partial(P.ddcolor_params, models=models("ddcolor_p"))
GROUPS: list[tuple[str, Any, Any]] = [
    ("deoldify_p", deoldify_params, P.DeOldifyParams),
    ("ddcolor_p", ddcolor_params, P.DDColorParams),
    ("ddtweak_p", P.ddtweak_params, P.DDTweakParams),
    ("lmm_p", P.luma_masked_params, P.LumaMaskedParams),
    ("alm_p", P.adaptive_luma_params, P.AdaptiveLumaParams),
    ("dark_p", P.dark_params, P.DarkParams),
    ("smooth_p", P.smooth_params, P.SmoothParams),
    ("stab_p", P.stab_params, P.StabParams),
]
IDS = [name for name, _, _ in GROUPS]
GROUP = {
    parameter.name: parameter.group
    for parameter in (*COLOURING, *stabilizing())
    if parameter.group is not None
}


def test_every_list_of_the_tables_is_under_these_tests() -> None:
    assert list(GROUP) == IDS
    groups = [row.group for row in FILTERS.values() if row.group is not None]
    assert [group.parameter for group in groups] == ["dark_p", "smooth_p", "stab_p"]
    for name, _, kind in GROUPS:
        assert GROUP[name].written is kind
        assert set(GROUP[name].kinds) == set(kind._fields) == set(GROUP[name].checked._fields)


@pytest.mark.parametrize(("name", "check", "kind"), GROUPS, ids=IDS)
def test_a_check_gives_a_frozen_twin_that_passes_again(name: str, check: Any, kind: Any) -> None:
    checked = check(kind())
    assert type(checked) is GROUP[name].checked is not kind
    assert check(checked) is checked


@pytest.mark.parametrize(("name", "check", "kind"), GROUPS, ids=IDS)
def test_every_shorter_list_keeps_the_remaining_defaults(name: str, check: Any, kind: Any) -> None:
    full = check(kind())
    for length in range(len(kind._fields) + 1):
        assert check(list(kind())[:length]) == full
        assert check(tuple(kind())[:length]) == full
    assert check(full) == full


@pytest.mark.parametrize(("name", "check", "kind"), GROUPS, ids=IDS)
@pytest.mark.parametrize("wrong", [None, 3, 1.5, "0.2", {"a": 1}, {1, 2}, object()])
def test_what_is_no_list_is_refused_by_name(name: str, check: Any, kind: Any, wrong: Any) -> None:
    with pytest.raises(TypeError, match=name):
        check(wrong)


@pytest.mark.parametrize(("name", "check", "kind"), GROUPS, ids=IDS)
def test_a_list_that_is_too_long_is_refused_by_name(name: str, check: Any, kind: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} takes at most"):
        check([*kind(), 0])


@pytest.mark.parametrize(("name", "check", "kind"), GROUPS, ids=IDS)
@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, -1e9, 1e9, "much", b"1", None, [1], 1j])
def test_every_element_refuses_nonsense_and_names_itself(
    name: str, check: Any, kind: Any, wrong: Any
) -> None:
    for index, field in enumerate(kind._fields):
        if wrong is None and field in ("hue_range", "hue_adjust"):
            continue
        values = [*kind()]
        values[index] = wrong
        with pytest.raises((TypeError, ValueError), match=f"{name} {field}"):
            check(values)


def test_lists_as_hybrid_sends_them_are_accepted() -> None:
    assert P.smooth_params([0.3, 0.7, 0.9, 0.05]) == P.smooth_params(P.SmoothParams())
    assert deoldify_params([0, 24.0, 1, 0]) == ("video", 24, 1.0, 0.0)
    assert ddcolor_params([1, 24, 1, 0, 1]) == ("artistic", 24, 1.0, 0.0, True)
    assert ddcolor_params([1.0, 24, 1, 0, 0]).half is False
    assert P.ddtweak_params([0, 1, 2.5, 1, 0.2, 0.5, 1.5, 0.5, "none"]).hue_adjust is None
    assert P.stab_params([5, "A", 1, 15, 0.2, 0.15]).mode == "A"


@pytest.mark.parametrize(
    ("check", "number", "name"),
    [
        (deoldify_params, 0, "video"),
        (deoldify_params, 1, "stable"),
        (deoldify_params, 2, "artistic"),
        (ddcolor_params, 0, "modelscope"),
        (ddcolor_params, 1, "artistic"),
    ],
)
def test_models_go_by_number_and_by_name(check: Any, number: int, name: str) -> None:
    assert check([number]).model == check([name.upper()]).model == name


def test_models_without_a_number_go_by_name_only() -> None:
    assert ddcolor_params(["preview"]).model == "preview"
    with pytest.raises(ValueError, match="ddcolor_p model"):
        ddcolor_params([2])


def test_a_model_may_be_the_path_of_a_file() -> None:
    assert deoldify_params(["/films/My Model.pth"]).model == "/films/My Model.pth"


@pytest.mark.parametrize("frames", range(3, 16))
def test_the_number_of_frames_becomes_odd(frames: int) -> None:
    assert P.stab_params([frames]).frames == frames | 1


def test_the_number_of_frames_has_a_limit_for_each_mode() -> None:
    assert P.stab_params([31, "G"]).frames == 31
    for values in ([2], [16], [31, "A"], [32, "G"]):
        with pytest.raises(ValueError, match="stab_p frames"):
            P.stab_params(values)


@pytest.mark.parametrize(
    ("names", "mode"), [(("A", "a", "arithmetic", "center"), "A"), (("W", "weighted", "left", "right"), "W")]
)
def test_old_names_of_modes_keep_working(names: tuple[str, ...], mode: str) -> None:
    assert {P.stab_params([5, name]).mode for name in names} == {mode}


def test_crossed_limits_are_refused() -> None:
    for check, name in ((P.luma_masked_params, "lmm_p"), (P.smooth_params, "smooth_p")):
        with pytest.raises(ValueError, match=f"{name} .* must not be above"):
            check([0.6, 0.3])
        assert check([0.4, 0.4])[:2] == (0.4, 0.4)


@pytest.mark.parametrize(
    "text", ["30", "0-30", "pink", "0:400", "a:b", "10:nan", "0:30,,", "-10:20", "30:30"]
)
def test_bad_hue_ranges_are_refused_by_name(text: str) -> None:
    for check, values in (
        (P.dark_params, [0.2, 0.8, text]),
        (P.smooth_params, [0.3, 0.7, 0.9, 0.05, text]),
    ):
        with pytest.raises(ValueError, match="hue_range"):
            check(values)


@pytest.mark.parametrize("text", ["300:360", "300:360|", "300:360|0.3", "rose|a,b", "rose|1,2,3", "x|1|2"])
def test_bad_adjustments_are_refused_by_name(text: str) -> None:
    for check, values in (
        (P.stab_params, [5, "A", 1, 15, 0.2, 0.15, text]),
        (P.ddtweak_params, [0.0, 1.0, 2.5, True, 0.2, 0.5, 1.5, 0.5, text]),
    ):
        with pytest.raises(ValueError, match="hue_adjust"):
            check(values)


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(["none", "rose", "0:30,300:360", "300:360|0.3,0.2", "A", "W", "preview", "video"]),
    st.complex_numbers(),
    st.lists(st.integers(), max_size=2),
)


@pytest.mark.parametrize(("name", "check", "kind"), GROUPS, ids=IDS)
@given(values=st.lists(anything, max_size=10))
def test_any_list_gives_checked_values_or_an_error_that_names_the_parameter(
    name: str, check: Any, kind: Any, values: list[Any]
) -> None:
    try:
        checked = check(values)
    except (TypeError, ValueError) as error:
        assert name in str(error)
    else:
        assert isinstance(checked, GROUP[name].checked)
        assert checked._fields == kind._fields
        assert all(not isinstance(v, float) or math.isfinite(v) for v in checked)
