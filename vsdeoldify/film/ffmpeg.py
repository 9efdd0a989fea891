"""ffmpeg: find one that works here, and see what a file holds."""

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..support.errors import FilmError
from ..support.words import one_line

_ATTACHED = re.compile(r"\((?:attached pic|timed thumbnails)\)")

_MARKS = frozenset(
    {"comment", "forced", "dub", "original", "lyrics", "karaoke", "hearing impaired", "visual impaired"}
    | {"captions", "descriptions"}
)

_GET = 'pip install "vsdeoldify[cli]" (or: pip install imageio-ffmpeg)'
_LACKS = "lacks the encoder libx264"


@dataclass(frozen=True)
class Stream:
    """One stream of a file.

    Attributes:
        kind: "Video", "Audio", "Subtitle", "Attachment" or "Data".
        codec: ffmpeg's name of the codec.
        attached: whether it is a cover picture or the like, and no film.
        index: its number among all streams of the file.
        size: of a picture, width and height as it is stored; None where that is unknown.
        language: three letters, or "" where none is told.
        marks: what it is for, as in "comment" or "forced".
    """

    kind: str
    codec: str
    attached: bool = False
    index: int = 0
    size: tuple[int, int] | None = None
    language: str = ""
    marks: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Contents:
    """What a file holds.

    Attributes:
        start: time of its first packet in seconds; ffmpeg counts from there.
        seconds: how long it lasts, 0 where that is unknown.
        streams: in the file's order.
        format: ffmpeg's names of the container, with commas between.
        alpha: whether transparency lies beside the picture, as in WebM files.
    """

    start: float = 0.0
    seconds: float = 0.0
    streams: tuple[Stream, ...] = ()
    format: str = ""
    alpha: bool = False

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
    """The ffmpeg on the PATH, or where that does not work the one of the package imageio-ffmpeg.

    Raises:
        FilmError: there is none, or none works.
    """
    return choose_ffmpeg()[0]


def choose_ffmpeg() -> tuple[str, str | None]:
    """The program, and what to say of another that was passed over.

    Raises:
        FilmError: there is none, or none works.
    """
    troubles: list[str] = []
    found = _candidates()
    if not found:
        raise FilmError(
            f"ffmpeg, which writes films, is not installed: {_GET}, or install it with your system's package "
            "manager"
        )
    for program in found:
        trouble = _trouble(program)
        if trouble is None:
            note = f"{troubles[0]}: {program} is used instead" if troubles else None
            return program, note
        troubles.append(f"the ffmpeg {program} {trouble}")
    lacking = [program for program in found if _trouble(program) == _LACKS]
    if lacking:
        # Another encoder may be asked for.
        return lacking[0], f"{'; '.join(troubles)}: to get one that has it, {_GET}"
    raise FilmError(f"{'; '.join(troubles)}: repair or remove it, or get another one: {_GET}")


def find_all() -> list[str]:
    """All programs of that name that work here, the one that is used first of all first."""
    return [program for program in _candidates() if _trouble(program) is None]


def see(program: str, path: Path) -> tuple[str, Contents, str | None]:
    """What a film holds, by an ffmpeg that can open it.

    Args:
        program: the first to be asked.
        path: the film.

    Returns:
        The ffmpeg, what it sees, and what to say where it is another one; nothing is seen where none opens
        the film.
    """
    seen = contents(program, path)
    if seen.format:
        return program, seen, None
    for other in _candidates():
        if other != program and _trouble(other) is None and (found := contents(other, path)).format:
            note = f"the ffmpeg {program} cannot open {path}: {other} is used instead"
            return other, found, note
    return program, seen, None


def cannot_open(program: str, path: Path) -> FilmError:
    """The error for a film that the source filter reads and ffmpeg does not."""
    return FilmError(
        f"the ffmpeg {program} cannot open {path}, so its sound cannot be taken along: one of snap or "
        f"flatpak sees only parts of the disk; get another ({_GET}), or move the film to your home folder"
    )


def _candidates() -> list[str]:
    found = [program] if (program := shutil.which("ffmpeg")) is not None else []
    try:
        import imageio_ffmpeg

        found.append(str(imageio_ffmpeg.get_ffmpeg_exe()))
    except (ImportError, RuntimeError):
        pass
    return list(dict.fromkeys(found))


@cache
def _trouble(program: str) -> str | None:
    """Why an ffmpeg cannot be used here; None if it can."""
    with tempfile.TemporaryDirectory(prefix="vsdeoldify-") as folder:
        piece = Path(folder, "trial.mov")
        picture = ["-f", "lavfi", "-i", "color=gray:s=64x64:r=25", "-frames:v", "1"]
        encode = ["-c:v", "libx264", "-pix_fmt", "yuv420p", file_argument(piece)]
        try:
            done = subprocess.run(
                [program, "-hide_banner", "-nostdin", "-v", "error", *picture, *encode],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        except OSError as error:
            return f"does not start ({error.strerror or error})"
        said = plain(done.stderr.decode(errors="replace"))
        if done.returncode == 0:
            if piece.is_file() and piece.stat().st_size:
                return None
            return "writes where this program does not see it, as those of snap and flatpak do"
    if "libx264" in said:
        return _LACKS
    return f"does not work ({one_line(said) if said.strip() else f'exit code {done.returncode}'})"


def plain(text: str) -> str:
    """What ffmpeg says without the colours that AV_LOG_FORCE_COLOR asks for."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def contents(ffmpeg: str, path: Path) -> Contents:
    """See what a file holds; imageio-ffmpeg has no ffprobe, so this reads what ``ffmpeg -i`` prints."""
    done = subprocess.run(
        [ffmpeg, "-hide_banner", "-nostdin", "-i", file_argument(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    text = plain(done.stderr.decode(errors="replace"))
    start = re.search(r"^\s+Duration: .*?start: (-?[\d.]+)", text, re.MULTILINE)
    length = re.search(r"^\s+Duration: (\d+):(\d+):(\d+\.\d+)", text, re.MULTILINE)
    seconds = float(length[1]) * 3600 + float(length[2]) * 60 + float(length[3]) if length else 0.0
    streams = re.findall(
        r"^\s+Stream #0:(\d+)(?:\[\w+\])?(?:\(([^)]*)\))?: "
        r"(Video|Audio|Subtitle|Attachment|Data): (\w+)(.*)$",
        text,
        re.MULTILINE,
    )
    container = re.search(r"^Input #0, (.*), from ", text, re.MULTILINE)
    return Contents(
        float(start[1]) if start else 0.0,
        seconds,
        tuple(
            Stream(
                kind,
                codec,
                bool(_ATTACHED.search(rest)),
                int(index),
                _size(rest),
                "" if language == "und" else language,
                frozenset(re.findall(r"\(([a-z ]+)\)", rest)) & _MARKS,
            )
            for index, language, kind, codec, rest in streams
            # The titles of chapters, as a track of MP4 files; they go along as chapters.
            if (codec, rest[:7]) != ("bin_data", " (text ")
        ),
        container[1] if container else "",
        re.search(r"^\s+alpha_mode\s*: 1", text, re.MULTILINE) is not None,
    )


def _size(rest: str) -> tuple[int, int] | None:
    found = re.search(r", (\d+)x(\d+)(?=[ ,]|$)", rest)
    return (int(found[1]), int(found[2])) if found else None


def file_argument(path: Path) -> str:
    """A path as ffmpeg takes it: a name with a colon or a leading dash is no protocol or option then."""
    return f"file:{path}"
