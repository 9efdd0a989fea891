"""What OpenVINO compiled is kept on the disk, and changes no colour."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import tiny_ddcolor_state_dict, tiny_deoldify_state_dict
from torch import Tensor, nn

from vsdeoldify.networks import loading
from vsdeoldify.networks.loading import load_runner
from vsdeoldify.runtime.checkpoint import Built
from vsdeoldify.runtime.engines import openvino
from vsdeoldify.runtime.engines.base import Planes
from vsdeoldify.support import kept

pytestmark = pytest.mark.skipif(not openvino.available(), reason="OpenVINO is not installed")

SIZE = 64
GRAY = np.random.default_rng(3).random((1, SIZE, SIZE), np.float32)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the networks of a test are kept."""
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    monkeypatch.setenv(kept.LIMIT_VARIABLE, "1")
    found = kept.kept_folder()
    assert found is not None
    yield found
    loading._recent.clear()


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes for which networks were converted; each network is, in truth, converted once for a size."""
    sizes: list[int] = []
    models: dict[object, Any] = {}
    convert = openvino.convert

    def counting(colorizer: nn.Module, size: int, precision: str) -> Any:
        sizes.append(size)
        key = (size, precision, *(float(parameter.sum()) for parameter in colorizer.parameters()))
        if key not in models:
            models[key] = convert(colorizer, size, precision)
        return models[key]

    monkeypatch.setattr(openvino, "convert", counting)
    return sizes


class Simple(nn.Module):
    """A colorizer that goes by its file's first byte."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 2, 3, padding=1)
        nn.init.constant_(self.layer.weight, path.read_bytes()[0] / 1000)
        nn.init.zeros_(self.layer.bias)

    def forward(self, gray: Tensor) -> Tensor:
        chroma: Tensor = self.layer(gray) - 0.3
        return chroma


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of a network that is compiled quickly."""
    path = tmp_path / "simple.pth"
    path.write_bytes(b"a")
    monkeypatch.setattr(
        loading, "_read", lambda family, model, path, dtype: Built(Simple(path), "simple", official=True)
    )
    return path


def colours(model: Path, family: str = "deoldify", gray: Planes = GRAY) -> Planes:
    """What a new engine makes of a picture."""
    loading._recent.clear()
    runner = load_runner(family, str(model), None, "cpu", backend="openvino", size=gray.shape[-1])
    return runner(gray)


@pytest.mark.parametrize("family", ["deoldify", "ddcolor"])
def test_the_colours_are_the_same_bit_for_bit_with_and_without_it(
    folder: Path, compiled: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    model = tmp_path / "m.pth"
    state = {"params": tiny_ddcolor_state_dict()} if family == "ddcolor" else tiny_deoldify_state_dict()
    torch.save(state, model)
    first, second = colours(model, family), colours(model, family)
    assert compiled == [SIZE]
    monkeypatch.setenv(kept.LIMIT_VARIABLE, "0")
    without = colours(model, family)
    assert compiled == [SIZE] * 2
    assert np.ptp(first) > 0.01
    assert first.tobytes() == second.tobytes() == without.tobytes()


def test_another_size_other_weights_and_other_options_are_compiled_anew(
    folder: Path, compiled: list[int], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = colours(model)
    colours(model, gray=np.random.default_rng(4).random((1, 96, 96), np.float32))
    model.write_bytes(b"b")
    assert not np.array_equal(colours(model), first)
    assert compiled == [SIZE, 96, SIZE]
    model.write_bytes(b"a")
    assert colours(model).tobytes() == first.tobytes()
    assert compiled == [SIZE, 96, SIZE]
    monkeypatch.setattr("vsdeoldify.runtime.engines.openvino.usual_threads", lambda: 1)
    colours(model)
    monkeypatch.setattr("vsdeoldify.runtime.engines.openvino.tracing", lambda: ["another torch"])
    colours(model)
    assert compiled == [SIZE, 96, *[SIZE] * 3]
    assert len(list(folder.iterdir())) == 5


def test_a_file_that_was_put_in_the_models_place_with_its_size_and_time_is_seen(
    folder: Path, compiled: list[int], model: Path
) -> None:
    first = colours(model)
    time = model.stat().st_mtime_ns
    other = model.with_name("other")
    other.write_bytes(b"b")
    other.replace(model)
    os.utime(model, ns=(time, time))
    assert not np.array_equal(colours(model), first)


def test_a_damaged_file_is_compiled_anew(folder: Path, compiled: list[int], model: Path) -> None:
    first = colours(model)
    (path,) = folder.iterdir()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    assert colours(model).tobytes() == first.tobytes()
    assert compiled == [SIZE] * 2

    def nonsense(place: Path) -> Path:
        (place / "x").write_bytes(b"whole, but nothing that OpenVINO reads")
        return place / "x"

    assert kept.keep(path.stem, 10, 10**7, nonsense)
    assert colours(model).tobytes() == first.tobytes()
    assert compiled == [SIZE] * 3


def test_where_nothing_can_be_written_it_is_compiled_all_the_same(
    folder: Path, compiled: list[int], model: Path
) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_bytes(b"a file where the folder should be")
    assert np.ptp(colours(model)) > 0
    assert compiled == [SIZE]


def test_a_small_network_that_openvino_was_asked_for_once_is_torchs_all_the_same(
    folder: Path, compiled: list[int], model: Path
) -> None:
    colours(model)
    loading._recent.clear()
    automatic = load_runner("deoldify", str(model), None, "cpu", backend="auto", size=SIZE)(GRAY)
    torchs = load_runner("deoldify", str(model), None, "cpu", backend="torch")(GRAY)
    assert automatic.tobytes() == torchs.tobytes()
    assert compiled == [SIZE]


def test_a_changed_parameter_runs_no_compilation(compiled: list[int], model: Path) -> None:
    """Also where the old script and its clip have gone, and nothing is kept on the disk."""
    first = load_runner("deoldify", str(model), None, "cpu", backend="openvino", size=SIZE)
    expected = first(GRAY)
    first.close()
    again = load_runner("deoldify", str(model), None, "cpu", backend="openvino", size=SIZE)
    assert again(GRAY).tobytes() == expected.tobytes()
    assert compiled == [SIZE]
    loading._recent.clear()


def test_the_second_start_loads_neither_torch_nor_the_weights(folder: Path, tmp_path: Path) -> None:
    model = str(tmp_path / "m.pth")
    torch.save({"params": tiny_ddcolor_state_dict()}, model)
    code = (
        "import sys, json, hashlib, vapoursynth as vs\n"
        "from vsdeoldify import ddeoldify\n"
        "clip = vs.core.std.BlankClip(format=vs.GRAY8, width=64, height=64, length=1, color=90)\n"
        f"options = dict(ddcolor_p=[{model!r}, 10], device_index=99, backend='openvino')\n"
        "frame = ddeoldify(clip, 1, **options).get_frame(0)\n"
        "sums = [hashlib.sha256(bytes(frame[p])).hexdigest() for p in range(3)]\n"
        "print(json.dumps([sums, sorted({'torch', 'torchvision', 'timm'} & sys.modules.keys())]))\n"
    )
    found = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, timeout=200, check=True
            ).stdout
        )
        for _ in range(2)
    ]
    assert "torch" in found[0][1]
    assert found[1][1] == []
    assert found[0][0] == found[1][0]
