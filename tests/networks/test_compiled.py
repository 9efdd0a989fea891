"""What OpenVINO compiled is kept on the disk, and changes no colour."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import tiny_ddcolor_state_dict, tiny_deoldify_state_dict

from vsdeoldify.networks import loading
from vsdeoldify.networks.loading import load_runner
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
    """The sizes for which networks were converted."""
    sizes: list[int] = []
    convert = openvino.convert

    def counting(colorizer: torch.nn.Module, size: int) -> Any:
        sizes.append(size)
        return convert(colorizer, size)

    monkeypatch.setattr(openvino, "convert", counting)
    return sizes


def write(path: Path, family: str = "deoldify", factor: float = 1.0) -> str:
    state = tiny_deoldify_state_dict() if family == "deoldify" else tiny_ddcolor_state_dict()
    if factor != 1.0:
        state = {key: value * factor if key.endswith("bias") else value for key, value in state.items()}
    torch.save(state if family == "deoldify" else {"params": state}, path)
    return str(path)


def colours(model: str, family: str = "deoldify", gray: Planes = GRAY) -> Planes:
    """What a new engine makes of a picture."""
    loading._recent.clear()
    runner = load_runner(family, model, None, "cpu", backend="openvino", size=gray.shape[-1])
    return runner(gray)


@pytest.mark.parametrize("family", ["deoldify", "ddcolor"])
def test_the_colours_are_the_same_bit_for_bit_with_and_without_it(
    folder: Path, compiled: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    model = write(tmp_path / "m.pth", family)
    first, second = colours(model, family), colours(model, family)
    assert compiled == [SIZE]
    monkeypatch.setenv(kept.LIMIT_VARIABLE, "0")
    without = colours(model, family)
    assert compiled == [SIZE] * 2
    assert np.ptp(first) > 0.01
    assert first.tobytes() == second.tobytes() == without.tobytes()


def test_another_size_other_weights_and_other_options_are_compiled_anew(
    folder: Path, compiled: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = write(tmp_path / "m.pth")
    colours(model)
    larger = np.random.default_rng(4).random((1, 96, 96), np.float32)
    colours(model, gray=larger)
    other = colours(write(tmp_path / "m.pth", factor=3.0))
    assert compiled == [SIZE, 96, SIZE]
    write(tmp_path / "m.pth")
    assert not np.array_equal(colours(model), other)
    monkeypatch.setattr("vsdeoldify.networks.loading.usual_threads", lambda: 1, raising=False)
    monkeypatch.setattr("vsdeoldify.runtime.engines.openvino.usual_threads", lambda: 1)
    colours(model)
    assert compiled == [SIZE, 96, SIZE, SIZE]
    assert len(list(folder.iterdir())) == 4


def test_a_damaged_file_is_compiled_anew(folder: Path, compiled: list[int], tmp_path: Path) -> None:
    model = write(tmp_path / "m.pth")
    first = colours(model)
    (path,) = folder.iterdir()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    assert colours(model).tobytes() == first.tobytes()
    assert compiled == [SIZE] * 2
    (path,) = folder.iterdir()
    # Whole, but nothing that OpenVINO reads.
    (key,) = (one.stem for one in folder.iterdir())
    kept.keep(key, 10, 10**7, lambda place: (place / "x").write_bytes(b"x" * 99) and place / "x")  # type: ignore[arg-type,return-value]
    assert colours(model).tobytes() == first.tobytes()
    assert compiled == [SIZE] * 3


def test_a_small_network_that_openvino_was_asked_for_once_is_torchs_all_the_same(
    folder: Path, tmp_path: Path
) -> None:
    model = write(tmp_path / "m.pth")
    colours(model)
    loading._recent.clear()
    automatic = load_runner("deoldify", model, None, "cpu", backend="auto", size=SIZE)(GRAY)
    torchs = load_runner("deoldify", model, None, "cpu", backend="torch")(GRAY)
    assert automatic.tobytes() == torchs.tobytes()


def test_a_changed_parameter_runs_no_compilation(compiled: list[int], tmp_path: Path) -> None:
    """Also where the old script and its clip have gone, and nothing is kept on the disk."""
    model = write(tmp_path / "m.pth")
    first = load_runner("deoldify", model, None, "cpu", backend="openvino", size=SIZE)
    expected = first(GRAY)
    first.close()
    again = load_runner("deoldify", model, None, "cpu", backend="openvino", size=SIZE)
    assert again(GRAY).tobytes() == expected.tobytes()
    assert compiled == [SIZE]
    loading._recent.clear()


def test_the_second_start_loads_neither_torch_nor_the_weights(folder: Path, tmp_path: Path) -> None:
    model = write(tmp_path / "m.pth")
    code = (
        "import sys, json, hashlib, vapoursynth as vs\n"
        "from vsdeoldify import ddeoldify\n"
        "clip = vs.core.std.BlankClip(format=vs.GRAY8, width=64, height=64, length=1, color=90)\n"
        f"options = dict(deoldify_p=[{model!r}, 10], device_index=99, backend='openvino')\n"
        "frame = ddeoldify(clip, 0, **options).get_frame(0)\n"
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
