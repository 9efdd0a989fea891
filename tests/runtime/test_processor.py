"""What the processor can do, and what is chosen by it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest

from vsdeoldify.networks.family import FAMILIES
from vsdeoldify.networks.loading import choose_precision
from vsdeoldify.runtime import device, processor
from vsdeoldify.runtime.engines import make_engine, openvino

EPYC = "processor\t: 0\nflags\t\t: fpu sse2 avx2 fma\nbugs\t\t: bf16\n"
SAPPHIRE = "processor\t: 0\nflags\t\t: fpu avx2 avx512_bf16 amx_bf16\n"
NEOVERSE = "processor\t: 0\nFeatures\t: fp asimd bf16 i8mm\n"

needs_openvino = pytest.mark.skipif(not openvino.available(), reason="OpenVINO is not installed")


class Core:
    """OpenVINO on a processor with other abilities."""

    capabilities: ClassVar[list[str]] = []

    def get_property(self, name: str, what: str) -> list[str]:
        assert (name, what) == ("CPU", "OPTIMIZATION_CAPABILITIES")
        return self.capabilities


@pytest.mark.parametrize(("text", "able"), [(EPYC, False), (SAPPHIRE, True), (NEOVERSE, True), ("", False)])
def test_linux_tells_what_the_processor_computes_in(text: str, able: bool) -> None:
    assert bool(processor._BFLOAT16_FLAGS & processor.flags_of(text)) == able


@pytest.mark.parametrize(
    ("capabilities", "chosen"),
    [
        (["FP32", "INT8", "BIN", "EXPORT_IMPORT"], "float32"),
        (["FP32", "BF16", "INT8", "EXPORT_IMPORT"], "bfloat16"),
    ],
)
@needs_openvino
def test_bfloat16_is_chosen_only_where_the_processor_computes_in_it(
    monkeypatch: pytest.MonkeyPatch, capabilities: list[str], chosen: str
) -> None:
    monkeypatch.setattr(openvino, "import_openvino", lambda: type("", (), {"Core": Core}))
    monkeypatch.setattr(Core, "capabilities", capabilities)
    processor.computes_bfloat16.cache_clear()
    try:
        for family in FAMILIES:
            options: dict[str, Any] = {"half": True, "precision": "auto"}
            assert choose_precision("cpu", family, **options, backend="auto") == chosen
            assert choose_precision("cpu", family, **options, backend="openvino") == chosen
            assert choose_precision("cpu", family, **options, backend="torch") == "float32"
            assert choose_precision("cpu", family, half=False, precision="auto", backend="auto") == "float32"
            if chosen == "bfloat16":
                assert choose_precision("cpu", family, half=False, precision="bfloat16") == "bfloat16"
            else:
                with pytest.raises(
                    ValueError, match="precision: this processor does not compute in bfloat16"
                ):
                    choose_precision("cpu", family, half=True, precision="bfloat16")
    finally:
        processor.computes_bfloat16.cache_clear()


@needs_openvino
def test_openvino_is_told_the_precision_and_keeps_each_under_its_own_name() -> None:
    float32, bfloat16 = (openvino.Way(name, 2) for name in ("float32", "bfloat16"))
    assert float32.options()["INFERENCE_PRECISION_HINT"] == "f32"
    assert bfloat16.options()["INFERENCE_PRECISION_HINT"] == "bf16"
    assert float32.key("same", 64) != bfloat16.key("same", 64)


@needs_openvino
def test_openvino_sees_the_abilities_that_linux_sees() -> None:
    info = Path("/proc/cpuinfo")
    if not info.is_file():
        pytest.skip("only Linux lists them")
    listed = bool(processor._BFLOAT16_FLAGS & processor.flags_of(info.read_text()))
    assert processor.computes_bfloat16() <= listed


def test_where_there_may_be_a_gpu_torch_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "may_have_gpu", lambda: False)
    monkeypatch.setattr(device, "_graphics_cards", lambda: {"cuda:0": "a card"})
    assert device.available_devices() == {"cpu": "CPU"}
    monkeypatch.setattr(processor, "may_have_gpu", lambda: True)
    assert device.available_devices() == {"cuda:0": "a card", "cpu": "CPU"}
    assert device.default_device_index() == 0


@needs_openvino
def test_a_network_that_is_too_small_for_openvino_stays_in_float32_unless_somebody_asks() -> None:
    import torch

    asked: list[str] = []

    def load(precision: str) -> torch.nn.Module:
        asked.append(precision)
        return torch.nn.Conv2d(1, 2, 1)

    by_itself = make_engine(load, "cpu", "auto", "tiny", precision="bfloat16")
    by_choice = make_engine(load, "cpu", "auto", "tiny", precision="bfloat16", chosen=True)
    assert asked == ["float32", "float32"]
    assert not isinstance(by_itself, openvino.OpenVinoEngine)
    assert isinstance(by_choice, openvino.OpenVinoEngine)


@needs_openvino
def test_threads_are_the_processors_unless_somebody_sets_torchs() -> None:
    code = (
        "import os, sys\n"
        "from vsdeoldify.runtime.engines import openvino\n"
        "before = openvino.usual_threads()\n"
        "assert 'torch' not in sys.modules\n"
        "torch = openvino.load_torch()\n"
        "assert openvino.usual_threads() == before\n"
        "torch.set_num_threads(before + 3)\n"
        "assert openvino.usual_threads() == before + 3\n"
        "print(before)\n"
    )
    for threads in ("7",):
        surroundings = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
        surroundings |= {"OMP_NUM_THREADS": threads} if threads else {}
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=True)
        assert 1 <= int(done.stdout) <= (os.cpu_count() or 1) or done.stdout.strip() == threads
