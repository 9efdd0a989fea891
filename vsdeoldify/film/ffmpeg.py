"""ffmpeg: find it, see what a file holds, and choose how a film is encoded and joined with its sound."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ..support.errors import FilmError

_ATTACHED = re.compile(r"\((?:attached pic|timed thumbnails)\)")


@dataclass(frozen=True)
class Stream:
    """One stream of a file.

    Attributes:
        kind: "Video", "Audio", "Subtitle", "Attachment" or "Data".
        codec: ffmpeg's name of the codec.
        attached: whether it is a cover picture or the like, and no film.
        index: its number among all streams of the file.
        size: of a picture, width and height as it is stored; None where that is unknown.
    """

    kind: str
    codec: str
    attached: bool = False
    index: int = 0
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Contents:
    """What a file holds.

    Attributes:
        start: time of its first packet in seconds; ffmpeg counts from there.
        seconds: how long it lasts, 0 where that is unknown.
        streams: in the file's order.
        format: ffmpeg's names of the container, with commas between.
    """

    start: float = 0.0
    seconds: float = 0.0
    streams: tuple[Stream, ...] = ()
    format: str = ""

    def of_kind(self, kind: str) -> list[Stream]:
        """The streams of a kind, in order."""
        return [stream for stream in self.streams if stream.kind == kind]

    @property
    def pictures(self) -> list[Stream]:
        """The picture tracks."""
        return [stream for stream in self.of_kind("Video") if not stream.attached]

    @property
    def covers(self) -> list[Stream]:
        """The cover pictures."""
        return [stream for stream in self.of_kind("Video") if stream.attached]


def find_ffmpeg() -> str:
    """The system's ffmpeg, else the one of the package imageio-ffmpeg.

    Raises:
        FilmError: there is neither.
    """
    if (found := shutil.which("ffmpeg")) is not None:
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        raise FilmError(
            'ffmpeg, which writes films, is not installed: pip install "vsdeoldify[cli]" '
            "(or: pip install imageio-ffmpeg), or install it with your system's package manager"
        ) from None


def contents(ffmpeg: str, path: Path) -> Contents:
    """See what a file holds; imageio-ffmpeg has no ffprobe, so this reads what ``ffmpeg -i`` prints."""
    done = subprocess.run(
        [ffmpeg, "-hide_banner", "-nostdin", "-i", file_argument(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    text = done.stderr.decode(errors="replace")
    start = re.search(r"^\s+Duration: .*?start: (-?[\d.]+)", text, re.MULTILINE)
    length = re.search(r"^\s+Duration: (\d+):(\d+):(\d+\.\d+)", text, re.MULTILINE)
    seconds = float(length[1]) * 3600 + float(length[2]) * 60 + float(length[3]) if length else 0.0
    streams = re.findall(
        r"^\s+Stream #0:(\d+)(?:\[\w+\])?(?:\([^)]*\))?: (Video|Audio|Subtitle|Attachment|Data): (\w+)(.*)$",
        text,
        re.MULTILINE,
    )
    container = re.search(r"^Input #0, (.*), from ", text, re.MULTILINE)
    return Contents(
        float(start[1]) if start else 0.0,
        seconds,
        tuple(
            Stream(kind, codec, bool(_ATTACHED.search(rest)), int(index), _size(rest))
            for index, kind, codec, rest in streams
        ),
        container[1] if container else "",
    )


def _size(rest: str) -> tuple[int, int] | None:
    found = re.search(r", (\d+)x(\d+)(?=[ ,]|$)", rest)
    return (int(found[1]), int(found[2])) if found else None


def file_argument(path: Path) -> str:
    """A path as ffmpeg takes it: a name with a colon or a leading dash is no protocol or option then."""
    return f"file:{path}"


def failure(program: str, code: int, log: str) -> FilmError:
    """The error for a program that failed: how it ended, and the end of what it said."""
    if code < 0:
        how = f"{program} was killed (signal {-code})"
        if -code == 9:
            how += ": perhaps the memory was full"
    else:
        how = f"{program} failed (exit code {code})"
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    # ffmpeg says the cause first and what followed from it last.
    return FilmError(how + (": " + " | ".join(lines[:4]) if lines else ""))
