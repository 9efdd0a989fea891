"""Reading good, bad and hostile model files."""

import os
import pickle
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import CASES
from checkpoints import WEIGHTS, to_legacy, to_safetensors, to_zip
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from vsdeoldify.models.catalogue import find_model
from vsdeoldify.models.reading import read_checkpoint, unchanged
from vsdeoldify.support.errors import ModelError

pytestmark = [
    pytest.mark.filterwarnings("ignore:Detected pickle protocol"),
    pytest.mark.filterwarnings("ignore:Validating sparse tensor"),
    pytest.mark.filterwarnings("ignore:`torch.jit.script`"),
]

VIDEO = find_model("deoldify", "video")

FORMATS = pytest.mark.parametrize("save", [to_zip, to_legacy], ids=["zip", "legacy"])
MAPPED = pytest.mark.parametrize("mmap", [False, True], ids=["read", "mapped"])


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert set(found) == set(expected)
    for key, value in expected.items():
        assert found[key].dtype == value.dtype
        assert torch.equal(found[key], value)


@FORMATS
@MAPPED
@pytest.mark.parametrize("wrapper", [None, "model", "params", "params_ema"])
def test_weights_are_read_from_each_layout(
    file: Path, save: Callable[[object], bytes], mmap: bool, wrapper: str | None
) -> None:
    file.write_bytes(save(WEIGHTS if wrapper is None else {wrapper: WEIGHTS}))
    assert_same(read_checkpoint(file, mmap=mmap), WEIGHTS)


@FORMATS
def test_the_optimizers_state_beside_the_weights_is_left_out(
    file: Path, save: Callable[[object], bytes]
) -> None:
    file.write_bytes(save({"model": WEIGHTS, "opt": {"state": [{"step": 3}], "hypers": [{"lr": 1e-3}]}}))
    assert_same(read_checkpoint(file), WEIGHTS)


def test_averaged_weights_beside_the_plain_ones_are_not_taken(file: Path) -> None:
    averaged = {key: value * 2 for key, value in WEIGHTS.items()}
    file.write_bytes(to_zip({"params_ema": averaged, "params": WEIGHTS}))
    assert_same(read_checkpoint(file), WEIGHTS)


@MAPPED
def test_safetensors_are_read_whatever_their_name(file: Path, mmap: bool) -> None:
    file.write_bytes(to_safetensors(WEIGHTS))
    assert_same(read_checkpoint(file, mmap=mmap), WEIGHTS)


def test_a_module_of_torch_gives_its_parameters_without_gradients(file: Path) -> None:
    file.write_bytes(to_zip(dict(torch.nn.Linear(2, 2).named_parameters())))
    assert not any(value.requires_grad for value in read_checkpoint(file).values())


@FORMATS
def test_tensors_read_outlive_the_file_and_may_be_changed(
    file: Path, save: Callable[[object], bytes]
) -> None:
    file.write_bytes(save(WEIGHTS))
    found = read_checkpoint(file)
    file.write_bytes(b"\xff" * file.stat().st_size)
    assert_same(found, WEIGHTS)
    found["layers.0.weight"].zero_()
    file.unlink()


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_a_big_file_is_in_memory_once(tmp_path: Path) -> None:
    size = 80_000_000
    content = {"model": {f"{i}.weight": torch.ones(size // 40) for i in range(10)}}
    (tmp_path / "zip").write_bytes(to_zip(content))
    (tmp_path / "legacy").write_bytes(to_legacy(content))
    code = (
        "import ctypes, sys, torch\n"
        "from vsdeoldify.models.reading import read_checkpoint\n"
        "trim = getattr(ctypes.CDLL(None), 'malloc_trim', lambda pad: None)\n"
        "def memory(name):\n"
        "    return 1024 * int(open('/proc/self/status').read().split(name + ':')[1].split()[0])\n"
        "def measure(name, mmap):\n"
        "    trim(0)\n"  # what was freed and kept would hide what is used now
        "    open('/proc/self/clear_refs', 'w').write('5')\n"
        "    before = memory('VmRSS')\n"
        "    state = read_checkpoint(f'{sys.argv[1]}/{name}', mmap=mmap)\n"
        "    assert sum(float(v.sum()) for v in state.values()) == 20_000_000\n"
        "    print(memory('VmHWM') - before)\n"
        "for name, mmap in [('zip', False), ('zip', False), ('legacy', False), ('zip', True)]:\n"
        "    measure(name, mmap)\n"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    _, *peaks = map(int, done.stdout.split())  # the first one also pays for torch's own set-up
    assert len(peaks) == 3
    assert all(0.5 * size < peak < 1.4 * size for peak in peaks), peaks


# Bad files.

BAD_FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "it is empty"),
    "one byte": (b"\x80", "cut off"),
    "zeros": (bytes(9999), "zeros only"),
    "web page": (b"\n<!DOCTYPE html><html><title>Error</title>", "a web page of 42 bytes"),
    "web page with mark": ("\ufeff<html lang='en'>".encode(), "a web page"),
    "xml answer": (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "a web page"),
    "json answer": (b'{"error":"Repository not found"}', "a text of 32 bytes that begins with"),
    "one-word answer": (b"Forbidden", "begins with 'Forbidden'"),
    "git-lfs pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "git-lfs"),
    "picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "no format of model files"),
    "binary rubbish": (b"\x01\x02\xfe" * 500, "no format of model files"),
    "zip cut in half": (to_zip(WEIGHTS)[:900], "cut off or damaged: 900 bytes"),
    "zip cut at the end": (to_zip(WEIGHTS)[:-1], "cut off or damaged"),
    "zip cut at the start": (b"PK\x03\x04" + to_zip(WEIGHTS)[700:], "cut off"),
    "legacy cut in half": (to_legacy(WEIGHTS)[:900], "cut off"),
    "legacy cut at the end": (to_legacy(WEIGHTS)[:-1], "cut off"),
    "safetensors cut in half": (to_safetensors(WEIGHTS)[:200], "cut off"),
    "safetensors cut at the end": (to_safetensors(WEIGHTS)[:-1], "cut off"),
    "a bare tensor": (to_zip(torch.zeros(3)), "one Tensor in place of named tensors"),
    "no weights": (to_zip({"model": {}}), "an empty dict in place of named tensors"),
    "a number": (to_zip({"model": {"a": torch.zeros(2), "b": 3}}), "its entry 'b' is one int"),
    "a numbered tensor": (to_zip({3: torch.zeros(2)}), "its entry 3 is one Tensor"),
    "a sparse tensor": (to_zip({"a": torch.eye(3).to_sparse()}), "its entry 'a' is not an ordinary tensor"),
    "a tensor without data": (to_zip({"a": torch.zeros(3, device="meta")}), "'a' is not an ordinary tensor"),
    "a training run": (to_zip({"epoch": 3, "model": None, "lr": 0.1}), "its entry 'epoch' is one int"),
}


@pytest.mark.parametrize("name", BAD_FILES)
@MAPPED
def test_a_bad_file_is_called_what_it_is(file: Path, name: str, mmap: bool) -> None:
    data, expected = BAD_FILES[name]
    file.write_bytes(data)
    with pytest.raises(ModelError) as caught:
        read_checkpoint(file, mmap=mmap)
    message = str(caught.value)
    assert expected in message
    assert message.startswith(str(file))
    assert "874,066,230 bytes, sha256 e3d98bb6" in message
    assert "vsdeoldify models --download video" in message


def test_a_bad_file_of_another_name_has_general_advice(tmp_path: Path) -> None:
    (tmp_path / "mine.pth").write_bytes(b"")
    with pytest.raises(ModelError, match="Fetch it again from where you got it"):
        read_checkpoint(tmp_path / "mine.pth")


def test_other_archives_are_told_apart(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("ColorizeVideo_gen.pth", to_legacy(WEIGHTS))
    with pytest.raises(ModelError, match=r"zip archive with no weights in it, but ColorizeVideo_gen\.pth"):
        read_checkpoint(file)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(5000))
    with pytest.raises(ModelError, match="compressed archive: unpack it"):
        read_checkpoint(file)
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(file))  # type: ignore[no-untyped-call]
    with pytest.raises(ModelError, match="TorchScript program"):
        read_checkpoint(file)


def test_what_is_no_ordinary_file_is_told(file: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is not there \(any more\)"):
        read_checkpoint(file)
    with pytest.raises(ModelError, match="it is a folder"):
        read_checkpoint(file.parent)
    file.symlink_to(tmp_path / "gone")
    with pytest.raises(ModelError, match="a link to a file that is not there"):
        read_checkpoint(file)
    for path in ("\0", "a\0b", "x" * 5000, file / "below"):
        with pytest.raises(ModelError):
            read_checkpoint(path)


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes of POSIX")
@pytest.mark.timeout(10)
def test_a_pipe_under_the_models_name_does_not_block(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(ModelError, match="not an ordinary file"):
        read_checkpoint(file)


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_a_file_without_permission_is_told(file: Path) -> None:
    file.write_bytes(to_zip(WEIGHTS))
    file.chmod(0)
    if os.getuid() != 0:
        with pytest.raises(ModelError, match="no permission"):
            read_checkpoint(file)
        return
    # Root reads everything: look as somebody else, who can reach the folder.
    for folder in file.parents:
        if folder.stat().st_uid == 0 and folder.name.startswith(("pytest", "test", "Mod", "no_")):
            folder.chmod(0o755)
    code = (
        "import os, sys\n"
        "from vsdeoldify.models.reading import read_checkpoint\n"
        "os.setuid(54321)\n"
        "try: read_checkpoint(sys.argv[1])\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True)
    assert done.stdout.startswith("ModelError"), done.stderr
    assert "no permission" in done.stdout


@FORMATS
@pytest.mark.parametrize("change", ["overwritten", "cut off", "removed"])
def test_a_file_that_changes_while_it_is_read_gives_an_error_or_its_old_content(
    file: Path, save: Callable[[object], bytes], change: str
) -> None:
    """A writer works on the file again and again while it is read again and again."""
    expected = {"a": torch.arange(200_000.0)}
    data = save(expected)
    stop = threading.Event()
    file.write_bytes(data)

    def work() -> None:
        while not stop.wait(0.001):
            if change == "overwritten":
                file.write_bytes(data)
            elif change == "cut off":
                os.truncate(file, len(data) // 2)
                file.write_bytes(data)
            else:
                file.unlink(missing_ok=True)
                file.write_bytes(data)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        errors = 0
        end = time.monotonic() + 1
        while time.monotonic() < end:
            try:
                assert_same(read_checkpoint(file), expected)
            except ModelError:
                errors += 1
    finally:
        stop.set()
        thread.join()
    assert errors or change == "removed"
    assert_same(read_checkpoint(file), expected)


def test_a_change_within_the_block_is_noticed_even_if_the_size_stays(file: Path) -> None:
    file.write_bytes(to_zip(WEIGHTS))
    found = []

    def read_and_change() -> None:
        with unchanged(file):
            found.append(read_checkpoint(file))
            file.write_bytes(to_zip({k: v + 1 for k, v in WEIGHTS.items()}))

    with pytest.raises(ModelError, match="was changed while it was being read"):
        read_and_change()
    assert_same(found[0], WEIGHTS)


def test_a_replaced_file_is_no_change(file: Path) -> None:
    file.write_bytes(to_zip(WEIGHTS))
    with unchanged(file) as opened:
        file.with_name("new").write_bytes(b"new")
        file.with_name("new").replace(file)
        assert opened.read(2) == b"PK"


# Hostile files.


class Attack:
    """Unpickles to a call that leaves a trace."""

    def __init__(self, trace: Path, function: Any = os.mkdir) -> None:
        self.trace = trace
        self.function = function

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (self.function, (str(self.trace),))


def hostile_files(trace: Path) -> dict[str, bytes]:
    attack = Attack(trace)
    files = {
        "zip": to_zip({"model": WEIGHTS | {"x": attack}}),
        "legacy": to_legacy({"model": WEIGHTS | {"x": attack}}),
        "zip, in the optimizer": to_zip({"model": WEIGHTS, "opt": attack}),
        "zip, as a key": to_zip({attack: 1}),
        "through torch": to_zip({"model": Attack(trace, torch.serialization.load)}),
        "through numpy": to_zip({"model": Attack(trace, __import__("numpy").save)}),
        "through builtins": to_zip({"model": Attack(trace, open)}),
    }
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        files[f"bare pickle, protocol {protocol}"] = pickle.dumps(attack, protocol)
    # Torch's legacy files are several pickles one after another; put the attack in place of each.
    for i in range(4):
        parts: list[Any] = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, {"a": 1}]
        parts[i] = attack
        files[f"legacy, part {i}"] = b"".join(pickle.dumps(part, 2) for part in parts)
    return files


@MAPPED
def test_no_pickle_runs_code(file: Path, tmp_path: Path, mmap: bool) -> None:
    trace = tmp_path / "trace"
    for name, data in hostile_files(trace).items():
        file.write_bytes(data)
        with pytest.raises(ModelError) as caught:
            read_checkpoint(file, mmap=mmap)
        assert not trace.exists(), name
        if name in ("zip", "legacy"):
            assert "nothing was run" in str(caught.value)
            assert ".mkdir" in str(caught.value)
    # The trap works: unpickled carelessly, the trace is there.
    pickle.loads(pickle.dumps(Attack(trace)))
    assert trace.exists()


def test_advice_to_switch_the_protection_off_is_not_passed_on(file: Path, tmp_path: Path) -> None:
    for data in hostile_files(tmp_path / "trace").values():
        file.write_bytes(data)
        with pytest.raises(ModelError) as caught:
            read_checkpoint(file)
        assert "weights_only" not in str(caught.value)


SMALL = {"model": {"a.weight": torch.linspace(0, 1, 12).reshape(4, 3), "b": torch.arange(5)}}
SMALL_FILES = [to_zip(SMALL), to_legacy(SMALL), to_safetensors(SMALL["model"])]


@given(
    original=st.sampled_from(SMALL_FILES),
    flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 7)), max_size=6),
    cut=st.one_of(st.none(), st.integers(0, 10**6)),
    insert=st.tuples(st.integers(0, 10**6), st.binary(max_size=8)),
    mmap=st.booleans(),
)
@settings(max_examples=600 * CASES)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_damaged_file_gives_tensors_or_a_model_error_and_nothing_else(
    tmp_path: Path,
    original: bytes,
    flips: list[tuple[int, int]],
    cut: int | None,
    insert: tuple[int, bytes],
    mmap: bool,
) -> None:
    data = bytearray(original)
    for position, bit in flips:
        data[position % len(data)] ^= 1 << bit
    place = insert[0] % len(data)
    data[place:place] = insert[1]
    if cut is not None:
        del data[cut % len(data) :]
    file = tmp_path / "damaged.pth"
    file.unlink(missing_ok=True)
    file.write_bytes(data)
    try:
        found = read_checkpoint(file, mmap=mmap)
    except ModelError as error:
        assert str(error).startswith(str(file)), error
        return
    for key, value in found.items():
        assert isinstance(key, str)
        assert type(value) is Tensor
        value.double().sum()  # every number can be reached
