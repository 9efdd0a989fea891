"""Find model files on disk and read the tensors in them, with an error that helps for every bad file."""

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
from ..support.files import cache_folder
from ..support.words import one_line
from .catalogue import FAMILY_TITLES, MODELS, ModelFile, short_name

if TYPE_CHECKING:
    from torch import Tensor

MODELS_VARIABLE = "VSDEOLDIFY_MODELS"
HEAD = 4096
_WRAPPERS = ("model", "params", "params_ema")


def search_folders(torch_dir: str | os.PathLike[str] | None = None) -> list[Path]:
    """The folders in which model files are looked for, first to last; they need not exist.

    Args:
        torch_dir: The folder that the user names, searched first, with its sub-folder ``checkpoints``.
    """
    folders: list[Path] = []
    if torch_dir is not None:
        own = _absolute(torch_dir)
        folders += [own, own / "checkpoints"]
    if from_environment := os.environ.get(MODELS_VARIABLE):
        folders.append(_absolute(from_environment))
    folders.append(Path(__file__).resolve().parent)
    if (cache := cache_folder()) is not None:
        folders.append(cache)
    return list(dict.fromkeys(folders))


def locate(model: ModelFile, torch_dir: str | os.PathLike[str] | None = None) -> Path:
    """Find the file of a model.

    Args:
        model: The model.
        torch_dir: See `search_folders`.

    Returns:
        The first path of that name in the search folders. What it holds is not looked at: a damaged
        file is reported by `read_checkpoint`, not passed over in silence.

    Raises:
        ModelError: It is in none of the folders.
    """
    folders = search_folders(torch_dir)
    for folder in folders:
        path = folder / model.file
        try:
            if os.path.lexists(path):
                return path
        except ValueError:  # a NUL character in torch_dir
            continue
    raise ModelError(_missing_message(model, folders))


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


def expected_text(model: ModelFile) -> str:
    """What the official file of a model is, for messages."""
    if model.sha256 is None:
        return f"{model.size_text}, checksum not published"
    return f"{model.size:,} bytes, sha256 {model.sha256}"


def by_hand_text(model: ModelFile) -> str:
    """The addresses of a model's file, one a line, for messages."""
    return "\n".join(f"  {url}" for url in model.urls)


def _absolute(folder: str | os.PathLike[str]) -> Path:
    return Path(os.path.abspath(os.path.expanduser(folder)))  # noqa: PTH100, PTH111


def _state(file: IO[bytes]) -> tuple[int, int]:
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns


def _missing_message(model: ModelFile, folders: list[Path]) -> str:
    name = short_name(model)
    if model.family == "deoldify":
        trial = 'use method=1 with ddcolor_p=["preview"]'
    else:
        trial = 'use ddcolor_p=["preview"]'
    return "\n".join(
        [
            f"the {FAMILY_TITLES[model.family]} model {model.name!r} is not installed: its file {model.file} "
            f"({model.size_text}) is in none of these folders:",
            *(f"  {folder}" for folder in folders),
            f"Get it with the command: vsdeoldify models --download {name}",
            "or save it by hand in one of these folders from:",
            by_hand_text(model),
            f"To try without any download, {trial}: the small model that comes with the package.",
        ]
    )


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
