"""The table of families: every row keeps its word, and agrees with the list of model files."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from checkpoints import to_safetensors
from safetensors.torch import load_file
from tiny import tiny_ddcolor_state_dict, tiny_deoldify_state_dict

from vsdeoldify.models.catalogue import BUNDLED_MODEL, MODELS
from vsdeoldify.networks.family import FAMILIES, Family, family_of, guess, model_names, recognise
from vsdeoldify.networks.loading import build_network, choose_precision, load_runner
from vsdeoldify.runtime import processor
from vsdeoldify.runtime.device import PRECISIONS

ROOT = Path(__file__).parents[2]

EVERY_FAMILY = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


@EVERY_FAMILY
def test_a_row_is_complete(family: Family) -> None:
    assert FAMILIES[family.name] is family
    assert family.title
    assert family.models
    assert 0 <= family.numbered <= len(family.models)
    assert family.stride > 0
    assert family.architectures
    assert set(family.half) <= set(PRECISIONS) - {"auto", "float32"}
    assert family.marks
    assert (ROOT / family.page).is_file()
    for model in family.models:
        assert family_of(family.parameter, model) is family


@EVERY_FAMILY
def test_its_models_are_the_files_of_the_catalogue_or_come_with_the_package(family: Family) -> None:
    files = {model.name: model for model in MODELS if model.family == family.name}
    if family.bundled is None:
        assert set(files) == set(family.models)
        assert family.bundled_file() is None
    else:
        assert not files
        assert family.models == (BUNDLED_MODEL,)
        bundled = family.bundled_file()
        assert bundled is not None
        assert bundled.is_file()
    for number, name in enumerate(family.models):
        if name in files:
            assert files[name].number == (number if number < family.numbered else None)
            assert files[name].architecture in family.architectures


def test_every_file_of_the_catalogue_has_a_family() -> None:
    assert {model.family for model in MODELS} <= set(FAMILIES)


def test_a_name_belongs_to_one_family_of_its_parameter() -> None:
    for parameter in {family.parameter for family in FAMILIES.values()}:
        names = model_names(parameter)
        assert len(set(names)) == len(names)


def test_the_table_is_light() -> None:
    code = (
        "import sys; import vsdeoldify.networks.family; print(*{'torch', 'numpy', 'timm'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def checkpoint(family: Family) -> dict[str, torch.Tensor]:
    if (bundled := family.bundled_file()) is not None:
        return load_file(bundled)
    return {"deoldify": tiny_deoldify_state_dict, "ddcolor": tiny_ddcolor_state_dict}[family.name]()


@EVERY_FAMILY
def test_a_checkpoint_is_recognised_by_its_keys_and_built(family: Family) -> None:
    state = checkpoint(family)
    assert recognise(state, FAMILIES.values()) is family
    assert guess(state) in [what for _, what in family.marks]
    built = build_network(family, state, torch.float32)
    assert built.architecture in family.architectures
    assert {parameter.dtype for parameter in built.colorizer.parameters()} == {torch.float32}


@EVERY_FAMILY
def test_a_foreign_checkpoint_is_refused_with_what_it_looks_like(family: Family) -> None:
    other = next(f for f in FAMILIES.values() if f is not family)
    with pytest.raises(ValueError, match=r"this is not a .*; it looks like ") as caught:
        build_network(family, checkpoint(other), torch.float32)
    assert guess(checkpoint(other)) in str(caught.value)


@EVERY_FAMILY
def test_half_precision_is_refused_where_the_colours_do_not_survive_it(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "computes_bfloat16", lambda: True)
    for name in ("float16", "bfloat16"):
        if name in family.half:
            assert choose_precision("cpu", family.name, half=True, precision=name) == name
        else:
            with pytest.raises(ValueError, match=rf"^precision: .*{name}.*float32 or auto"):
                choose_precision("cpu", family.name, half=True, precision=name)
    for half in (True, False):
        assert choose_precision("cpu", family.name, half=half, precision="auto") == "float32"
    with pytest.raises(ValueError, match="precision must be one of"):
        choose_precision("cpu", family.name, half=True, precision="float8")


def test_a_path_is_loaded_as_the_family_that_its_file_is_of(tmp_path: Path) -> None:
    """`ddcolor_p` takes a file that the training of the bundled model wrote, too."""
    preview = FAMILIES["preview"]
    path = tmp_path / "mine.safetensors"
    path.write_bytes(to_safetensors(checkpoint(preview)))
    picture = torch.rand((1, 64, 64), generator=torch.Generator().manual_seed(1)).numpy()
    mine = load_runner("ddcolor", str(path), None, "cpu")
    bundled = load_runner("preview", "preview", None, "cpu")
    assert (mine(picture) == bundled(picture)).all()
