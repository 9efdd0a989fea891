"""Read the tensors in a model file; no code in it is run, and every bad file gets an error that helps."""

import os
import re
import stat
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import IO, TYPE_CHECKING, Any

from ..support.errors import ModelError
from ..support.words import one_line
from .catalogue import MODELS, short_name
from .store import by_hand_text, expected_text

if TYPE_CHECKING:
    from torch import Tensor

HEAD = 4096
"""How many bytes `foreign_content` wants to see."""

_WRAPPERS = ("model", "params", "params_ema")


def read_checkpoint(path: str | os.PathLike[str], *, mmap: bool = False) -> "dict[str, Tensor]":
    """Read the tensors of a model file; no code in the file is ever run.

    Torch's files of both formats (zip, and the one of before 2020) and ``.safetensors``; the weights of
    ``{"model": ...}``, ``{"params": ...}`` and ``{"params_ema": ...}`` are unwrapped. The data are held in
    memory once.

    Args:
        path: The file.
        mmap: Map zip and safetensors files into memory instead of reading them: instant, and several
            processes share the memory, but a file that is overwritten in place or whose disk goes
            away later changes the weights or kills the process. Only for callers that copy the tensors
            at once, within `unchanged`.

    Returns:
        Key to tensor on the CPU, in the file's order and precision.

    Raises:
        ModelError: The file cannot be read or is no file of weights; the message names the file, what
            was expected, and how to fetch it again.
    """
    path = Path(path)
    try:
        with unchanged(path) as file:
            return _tensors_of(path, _content_of(path, file, mmap))
    except OSError as error:
        raise _cannot_read(path, error) from error


@contextmanager
def unchanged(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a model file and make sure that it is the same at the end of the block.

    Raises:
        ModelError: It cannot be opened, or it was changed in place during the block.
    """
    path = Path(path)
    try:
        # Opening a pipe would wait for a writer, so look first.
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise _bad_file(path, "it is a folder, not a file")
        if not stat.S_ISREG(mode):
            raise _bad_file(path, "it is not an ordinary file")
        file = path.open("rb")
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the path
        raise _cannot_read(path, error) from error
    with file:
        before = _state(file)
        try:
            yield file
        finally:
            if _state(file) != before:
                raise ModelError(
                    f"{path} was changed while it was being read: wait until the program that writes it "
                    "(a download, a copy) has finished, then try again"
                )


def _state(file: IO[bytes]) -> tuple[int, int]:
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns


def _advice(path: Path) -> str:
    for model in MODELS:
        if model.file == path.name:
            return (
                f"Expected: {expected_text(model)}. Get it with the command: "
                f"vsdeoldify models --download {short_name(model)}\nor by hand from:\n{by_hand_text(model)}"
            )
    return (
        "Expected: a file of weights as torch.save or safetensors writes it. Fetch it again from where you "
        'got it, or use a model of the list that "vsdeoldify models" prints'
    )


def _bad_file(path: Path, reason: str) -> ModelError:
    return ModelError(f"{path} is no usable model file: {reason}. {_advice(path)}")


def _cannot_read(path: Path, error: OSError | ValueError) -> ModelError:
    if isinstance(error, FileNotFoundError):
        detail = "is a link to a file that is not there" if path.is_symlink() else "is not there (any more)"
        return ModelError(f"{path} {detail}. {_advice(path)}")
    if isinstance(error, PermissionError):
        return ModelError(
            f"{path} cannot be read: no permission. Make it readable for the user who runs this"
        )
    return ModelError(f"{path} cannot be read: {one_line(error)}")


def _content_of(path: Path, file: IO[bytes], mmap: bool) -> Any:
    head = file.read(HEAD)
    size = os.fstat(file.fileno()).st_size
    if reason := foreign_content(head, size):
        raise _bad_file(path, reason)
    if _is_safetensors(head):
        return _read_safetensors(path, size, mmap)
    is_zip = head.startswith(b"PK")
    if is_zip:
        _check_archive(path, file, size)
    file.seek(0)
    return _read_torch(path, file, mmap and is_zip)


def foreign_content(head: bytes, size: int) -> str | None:
    """Name what is not even the start of a model file."""
    if size == 0:
        return "it is empty"
    if not head.strip(b"\0"):
        return "it begins with zeros only, as an unfinished download or a failing disk leaves it"
    if head.startswith(b"version https://git-lfs"):
        return "it is a git-lfs pointer: the few lines that stand for a file whose content was not fetched"
    if head.startswith((b"PK\x03\x04", b"\x80")) or _is_safetensors(head):
        return None
    text = head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if re.match(r"<!doctype html|<html|<\?xml|<!--|<head|<body", text, re.IGNORECASE):
        return f"it is a web page of {size:,} bytes, not a model"
    if text[:80].isprintable() or re.match(r"[ -~\s]{40}", text):
        quote = " ".join(text.split())[:80]
        return f"it is a text of {size:,} bytes that begins with {quote!r}"
    return "it begins like no format of model files"


def _is_safetensors(head: bytes) -> bool:
    # Eight bytes of header length, then the header, which is JSON.
    return len(head) > 8 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= 100_000_000


def _check_archive(path: Path, file: IO[bytes], size: int) -> None:
    """Check the table of contents of a zip file, so that torch is given sound ones only."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries]
            if not any(name.endswith("/data.pkl") for name in names):
                raise _bad_file(
                    path, f"it is a zip archive with no weights in it, but {one_line(', '.join(names[:3]))}"
                )
            if any(name.endswith("/constants.pkl") for name in names):
                raise _bad_file(path, "it is a TorchScript program, not a file of weights")
            for entry in entries:
                if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
                    raise _bad_file(path, "it is a compressed archive: unpack it, if a model is inside")
                if entry.header_offset + entry.file_size > size:
                    raise _bad_file(path, f"it is cut off or damaged: it has only {size:,} bytes")
                with archive.open(entry):  # compares the name here with the one in the table
                    pass
    except ModelError:
        raise
    except Exception as error:  # zipfile raises many kinds, OSError among them, for what is not sound
        reason = f"it is cut off or damaged: {size:,} bytes long, and its table of contents is not sound"
        raise _bad_file(path, f"{reason} ({one_line(error)})") from error


def _read_torch(path: Path, file: IO[bytes], mmap: bool) -> Any:
    import torch

    try:
        return torch.load(str(path) if mmap else file, map_location="cpu", weights_only=True, mmap=mmap)
    except OSError:
        raise
    except MemoryError as error:
        raise ModelError(f"not enough memory to read {path}: {one_line(error)}") from error
    except Exception as error:
        message = str(error)
        if isinstance(error, UnpicklingError) and (found := re.search(r"GLOBAL ([\w.]+)", message)):
            reason = (
                f"it asks for {found[1]}, which is no part of plain weights: refused, and nothing was run"
            )
        elif "alloc" in message or "not enough memory" in message:
            reason = f"it needs more memory than there is, or is damaged ({one_line(error)})"
        else:
            reason = f"it is cut off, damaged or of another kind ({_unpickling_detail(error)})"
        raise _bad_file(path, reason) from error


def _unpickling_detail(error: Exception) -> str:
    """What torch says, without its long advice to run the code in the file."""
    found = re.search(r"WeightsUnpickler error:\s*(.+)", str(error))
    return one_line(found[1] if found else error)


def _read_safetensors(path: Path, size: int, mmap: bool) -> "dict[str, Tensor]":
    from safetensors import safe_open

    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            names = file.keys()
            # get_tensor gives views of the mapped file.
            return {key: file.get_tensor(key) if mmap else file.get_tensor(key).clone() for key in names}
    except OSError:
        raise
    except Exception as error:
        reason = f"it is cut off or damaged: it has only {size:,} bytes ({one_line(error)})"
        raise _bad_file(path, reason) from error


def _tensors_of(path: Path, content: Any) -> "dict[str, Tensor]":
    import torch

    weights = content
    if isinstance(content, Mapping):
        weights = next((content[k] for k in _WRAPPERS if isinstance(content.get(k), Mapping)), content)
    if not isinstance(weights, Mapping) or not weights:
        raise _bad_file(path, f"it holds {_kind(weights)} in place of named tensors")
    result: dict[str, Tensor] = {}
    for key, value in weights.items():
        if not isinstance(key, str) or not isinstance(value, torch.Tensor):
            raise _bad_file(path, f"its entry {key!r} is {_kind(value)}, not a tensor")
        if value.device.type != "cpu" or value.layout is not torch.strided or value.is_quantized:
            raise _bad_file(path, f"its entry {key!r} is not an ordinary tensor of numbers")
        result[key] = value.detach()
    return result


def _kind(value: object) -> str:
    return f"an empty {type(value).__name__}" if value == {} else f"one {type(value).__name__}"
