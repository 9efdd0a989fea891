"""What may be a film at all: everything else is refused at once, by what it is."""

import codecs
import re
import stat
from pathlib import Path

from ..support.errors import FilmError
from ..support.words import format_size

_HEAD = 4096

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")

_SPECIAL = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

_LOSSLESS = "ffmpeg -i IN -c:v ffv1 OUT.mkv"

# Told by the first bytes, of files that no film's decoder opens.
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip archive; unpack it, and take the film in it"),
    (b"Rar!", "a rar archive; unpack it, and take the film in it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it, and take the film in it"),
    (b"\x1f\x8b", "a gzip archive; unpack it, and take the film in it"),
    (b"\xfd7zXZ\0", "an xz archive; unpack it, and take the film in it"),
    (b"BZh", "a bzip2 archive; unpack it, and take the film in it"),
    (b"%PDF", "a PDF document, no film"),
    (b"\x7fELF", "a program, no film"),
    (b"MZ", "a program, no film"),
)

# By what the source filter says when it cannot open a file.
_REASONS: tuple[tuple[str, str], ...] = (
    ("Not a video track", "holds no picture track"),
    ("Invalid track index", "holds no picture track"),
    (
        "degree rotation",
        "is to be turned by an angle other than 90, 180 or 270 degrees; leave that out first: "
        "ffmpeg -display_rotation 0 -i IN -map 0 -c copy OUT (ffmpeg 6 or newer)",
    ),
    ("codec", "has a picture whose codec the source filter does not know; another program may: " + _LOSSLESS),
    (
        "Unsupported",
        "has pictures of a format that VapourSynth does not have; convert them first, without loss: "
        "ffmpeg -i IN -c:v ffv1 -pix_fmt gbrp OUT.mkv",
    ),
    ("Indexing", "has no picture that can be decoded: it is damaged. Copy it again from where it came"),
    (
        "write index",
        "cannot be read while its index cannot be kept: make room where the cache folder lies",
    ),
)


def check_address(name: str) -> None:
    """Refuse what a person gives in place of a file's name.

    Raises:
        FilmError: it is an address of the web, or stands for the standard input.
    """
    if Path(name).exists():
        return
    if name == "-":
        raise FilmError(
            "a film cannot be read from a pipe, since it is read more than once: write it into a file first, "
            "and give that file's name"
        )
    if name.lower().startswith("file:"):
        raise FilmError(f"{name} is an address; give the file's name by itself, without file:")
    if _ADDRESS.match(name):
        raise FilmError(
            f"{name} is an address, no file: download the film first, for example with "
            f'ffmpeg -i "{name}" -c copy film.mkv'
        )


def check_film_file(path: Path, name: str | None = None) -> None:
    """Refuse what cannot be a film, without waiting for anything.

    Args:
        path: the file.
        name: what messages call it; by default the path.

    Raises:
        FilmError: there is no such file, or it is a folder, a pipe, a device, empty, a text or a script.
    """
    name = name if name is not None else str(path)
    try:
        state = path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            raise FilmError(f"{name} is a link to {path.readlink()}, which does not exist") from None
        raise FilmError(f"{name} does not exist") from None
    except NotADirectoryError:
        raise FilmError(f"{name} does not exist") from None
    except (OSError, ValueError) as error:
        raise FilmError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if stat.S_ISDIR(state.st_mode):
        raise FilmError(f"{name} is a folder, not a film")
    for is_such, what in _SPECIAL:
        if is_such(state.st_mode):
            raise FilmError(
                f"{name} is {what}, and a film is read more than once: write what it gives into a file, "
                "and give that file's name"
            )
    if not state.st_size:
        raise FilmError(f"{name} is empty (0 bytes): copy it again from where it came")
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except PermissionError:
        raise FilmError(f"{name} cannot be read: check its permissions") from None
    except OSError as error:
        raise FilmError(f"{name} cannot be read: {error.strerror or error}") from None
    if (text := _text(path, head)) is not None:
        raise FilmError(f"{name} is {text}")


def unreadable(path: Path, reason: str) -> FilmError:
    """The error for a file that the source filter does not open.

    Args:
        path: the file.
        reason: what the source filter says, which is put into other words.
    """
    for part, words in _REASONS:
        if part in reason:
            return FilmError(f"{path} {words}")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        return FilmError(f"{path} cannot be read: {error.strerror or error}")
    if others := [what for magic, what in _OTHERS if head.startswith(magic)]:
        return FilmError(f"{path} is {others[0]}")
    if not any(head):
        return FilmError(
            f"{path} begins with nothing but zeros ({format_size(size)}): its copy or download broke off; "
            "copy it again from where it came"
        )
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free"):
        return FilmError(
            f"{path} is an MP4 or QuickTime file that is cut off or damaged (its index is missing): copy it "
            "again from where it came, or give it to a program that repairs such files"
        )
    return FilmError(
        f"{path} is no film of a known format, or it is damaged; if another program plays it, convert it "
        f"first, without loss: {_LOSSLESS}"
    )


def _text(path: Path, head: bytes) -> str | None:
    """What kind of text a file is; None if it is none."""
    # Raw frames follow a line of text there.
    if head.startswith((b"YUV4MPEG2", b"\xef\xbb\xbfYUV4MPEG2")):
        return None
    text = _decoded(head)
    if text is None:
        return None
    begin = text.lstrip().lower()
    if path.suffix.lower() == ".vpy" or re.search(r"^\s*(import|from) vapoursynth\b", text, re.MULTILINE):
        return (
            "a script of VapourSynth; give the film that it reads, or make a film of it first: "
            "vspipe -c y4m SCRIPT.vpy - | ffmpeg -i - -c:v ffv1 film.mkv"
        )
    if path.suffix.lower() in (".avs", ".avsi"):
        return (
            "a script of AviSynth; give the film that it reads, or make a film of it first: "
            "ffmpeg -i SCRIPT.avs -c:v ffv1 film.mkv"
        )
    if begin.startswith(("<!doctype html", "<html", "<head")):
        return "a page of the web (HTML), no film: download the film itself"
    if begin.startswith("#extm3u"):
        return "a playlist, no film: ffmpeg -i LIST -c copy film.mkv makes one film of what it names"
    if begin.startswith("ffconcat"):
        return "a list of films: ffmpeg -f concat -safe 0 -i LIST -c copy film.mkv makes one film of it"
    return "a text file, no film"


def _decoded(head: bytes) -> str | None:
    encoding = "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        # The last character may be cut.
        text = codecs.getincrementaldecoder(encoding)().decode(head, len(head) < _HEAD)
    except UnicodeDecodeError:
        return None
    return text if text and all(c.isprintable() or c in "\r\n\t\f" for c in text) else None
