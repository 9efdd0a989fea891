"""The runner: batches, the way down when memory runs out, errors, and OpenVINO."""

import subprocess
import sys
import threading
import weakref
from collections.abc import Callable

import numpy as np
import pytest
import torch
from tiny import tiny_ddcolor_state_dict, tiny_deoldify_state_dict
from torch import Tensor, nn

from vsdeoldify.ddcolor.colorizer import DDColorColorizer
from vsdeoldify.ddcolor.network import build as build_ddcolor
from vsdeoldify.deoldify.colorizer import DeOldifyColorizer
from vsdeoldify.deoldify.network import build as build_deoldify
from vsdeoldify.runtime.device import choose_backend
from vsdeoldify.runtime.engines import openvino
from vsdeoldify.runtime.engines.base import MAX_BATCH, Planes, batch_that_fits, is_out_of_memory
from vsdeoldify.runtime.engines.plain import PlainEngine
from vsdeoldify.runtime.runner import Runner

CPU = torch.device("cpu")
SIZE = 64


class LittleMemory(nn.Module):
    """A colorizer on a device that holds so many pictures at once."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room
        self.batches: list[int] = []

    def forward(self, gray: Tensor) -> Tensor:
        self.batches.append(len(gray))
        if len(gray) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return torch.cat((gray - 0.5, 0.5 - gray), 1)


def pictures(count: int, size: int = SIZE) -> Planes:
    return np.random.default_rng(count).random((count, size, size), np.float32)


def plain(colorizer: nn.Module, name: str = "tiny") -> Runner:
    return Runner(PlainEngine(colorizer, CPU), CPU, name)


def with_openvino(load: Callable[[], nn.Module], name: str = "tiny", *, required: bool = True) -> Runner:
    engine = openvino.OpenVinoEngine(load, name, required=required, way=openvino.Way("float32", 2))
    return Runner(engine, CPU, name)


def deoldify() -> nn.Module:
    return DeOldifyColorizer(build_deoldify(tiny_deoldify_state_dict()))


def ddcolor() -> nn.Module:
    return DDColorColorizer(build_ddcolor(tiny_ddcolor_state_dict()))


@pytest.mark.parametrize("make", [deoldify, ddcolor])
def test_a_batch_gives_what_its_pictures_give_one_by_one(make: Callable[[], nn.Module]) -> None:
    runner = plain(make())
    gray = pictures(3)
    together = runner(gray)
    assert together.shape == (3, 2, SIZE, SIZE)
    assert together.dtype == np.float32
    for i in range(3):
        np.testing.assert_allclose(runner(gray[i : i + 1])[0], together[i], atol=2e-5)


def test_out_of_memory_halves_the_batch_and_loses_no_picture() -> None:
    network = LittleMemory(room=2)
    gray = pictures(7)
    chroma = plain(network)(gray)
    np.testing.assert_array_equal(chroma, np.stack((gray - 0.5, 0.5 - gray), 1))
    assert network.batches == [7, 3, *[1] * 7]


def test_the_smaller_batch_is_remembered() -> None:
    network = LittleMemory(room=2)
    runner = plain(network)
    runner(pictures(8))
    network.batches.clear()
    runner(pictures(8))
    assert network.batches == [2, 2, 2, 2]


def test_one_picture_too_many_is_an_error_that_names_render_factor_and_way_out() -> None:
    runner = plain(LittleMemory(room=0), "some.pth")
    with pytest.raises(MemoryError, match=r"some\.pth .*64×64 .*render factor 4.*device_index=99"):
        runner(pictures(4))


def test_memory_of_a_failed_attempt_is_free_before_the_next() -> None:
    class Holding(nn.Module):
        def forward(self, gray: Tensor) -> Tensor:
            assert all(reference() is None for reference in held), "the failed attempt still holds memory"
            scratch = torch.empty(16)
            held.append(weakref.ref(scratch))
            if len(gray) > 1:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return torch.cat((gray, gray), 1)

    held: list[weakref.ref[Tensor]] = []
    plain(Holding())(pictures(2))
    assert len(held) == 3


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    class Broken(nn.Module):
        def forward(self, gray: Tensor) -> Tensor:
            raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        plain(Broken())(pictures(2))
    assert is_out_of_memory(RuntimeError("CUDA error: out of memory"))
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried …"))


def test_values_that_are_no_numbers_are_an_error() -> None:
    class Overflowing(nn.Module):
        def forward(self, gray: Tensor) -> Tensor:
            return torch.full((len(gray), 2, *gray.shape[2:]), torch.nan)

    with pytest.raises(ArithmeticError, match=r"some\.pth.*float32"):
        plain(Overflowing(), "some.pth")(pictures(1))


def test_luma_outside_its_range_is_clamped() -> None:
    network = LittleMemory(room=9)
    chroma = plain(network)(np.array([[[-1.0, 2.0], [0.0, 1.0]]], np.float32))
    np.testing.assert_array_equal(chroma[0, 0], [[-0.5, 0.5], [-0.5, 0.5]])


def test_close_lets_the_network_go() -> None:
    network = LittleMemory(room=1)
    reference = weakref.ref(network)
    runner = plain(network, "some.pth")
    del network
    runner.close()
    assert reference() is None
    with pytest.raises(RuntimeError, match=r"some\.pth was closed"):
        runner(pictures(1))
    runner.close()


def test_the_cpu_takes_one_picture_at_a_time() -> None:
    assert plain(LittleMemory(room=9)).batch_size(384) == 1


@pytest.mark.parametrize(
    ("free", "needed", "batch"),
    [(80e9, 1e9, MAX_BATCH), (8e9, 1e9, 3), (1e9, 1e9, 1), (1e8, 1e9, 1), (8e9, 0, MAX_BATCH)],
)
def test_the_batch_follows_the_free_memory(free: float, needed: float, batch: int) -> None:
    assert batch_that_fits(int(free), int(needed)) == batch


def test_threads_share_a_runner() -> None:
    runner = plain(deoldify())
    gray = pictures(4, 32)
    expected = [runner(one[None]) for one in gray]
    found: dict[int, Planes] = {}
    threads = [
        threading.Thread(target=lambda i=i: found.__setitem__(i, runner(gray[i][None]))) for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(4):
        np.testing.assert_array_equal(found[i], expected[i])


needs_openvino = pytest.mark.skipif(not openvino.available(), reason="OpenVINO is not installed")


@needs_openvino
@pytest.mark.parametrize(("make", "size"), [(deoldify, 160), (deoldify, 176), (ddcolor, 160), (ddcolor, 224)])
def test_openvino_gives_what_torch_gives(make: Callable[[], nn.Module], size: int) -> None:
    gray = pictures(2, size)
    expected = plain(make())(gray)
    found = with_openvino(make)(gray)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@needs_openvino
def test_openvino_keeps_no_second_copy_of_the_weights() -> None:
    networks: list[weakref.ref[nn.Module]] = []

    def load() -> nn.Module:
        network = deoldify()
        networks.append(weakref.ref(network))
        return network

    runner = with_openvino(load)
    for size in (SIZE, 96):
        runner(pictures(1, size))
    assert [reference() for reference in networks] == [None, None]


@needs_openvino
def test_what_openvino_cannot_run_torch_runs_unless_openvino_was_asked_for() -> None:
    class Refusing(LittleMemory):
        def forward(self, gray: Tensor) -> Tensor:
            if torch.jit.is_tracing():  # type: ignore[attr-defined,no-untyped-call]
                raise TypeError("no trace")
            return super().forward(gray)

    gray = pictures(1)
    with pytest.warns(UserWarning, match=r"OpenVINO cannot run some\.pth, torch does"):
        chroma = with_openvino(lambda: Refusing(1), "some.pth", required=False)(gray)
    np.testing.assert_array_equal(chroma[:, 0], gray - 0.5)
    with pytest.raises(RuntimeError, match='backend="torch"'):
        with_openvino(lambda: Refusing(1), "some.pth")(gray)


@needs_openvino
def test_openvino_is_loaded_without_its_telemetry() -> None:
    code = (
        "import sys; from vsdeoldify.runtime.engines import openvino; openvino.import_openvino(); "
        "assert 'openvino' in sys.modules; assert 'openvino_telemetry' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100)


def test_backends_are_checked() -> None:
    assert choose_backend("cpu", ["float32"], "torch") == "torch"
    assert choose_backend("cuda:0", ["float32"], "auto") == "torch"
    assert choose_backend("cpu", ["float16"], "auto") == "torch"
    with pytest.raises(ValueError, match="backend must be one of auto, torch, openvino"):
        choose_backend("cpu", ["float32"], "tensorrt")
    with pytest.raises(ValueError, match="openvino computes in float32 or bfloat16 on the CPU"):
        choose_backend("cpu", ["float16"], "openvino")
