"""Join the pieces of a film with the sound, subtitles, chapters and tags of its source."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..support.errors import FilmError
from ..support.files import flush_to_disk
from . import ffmpeg
from .pieces import Plan, Workshop
from .process import process
from .source import Film
from .streams import StreamPlan


@dataclass(frozen=True)
class Joint:
    """How the pieces of a film are joined with what else its source holds.

    Attributes:
        plan: what is made.
        film: the source.
        found: what its file holds.
        streams: how the other streams go along.
        tags: ffmpeg's options for the picture's tags.
    """

    plan: Plan
    film: Film
    found: ffmpeg.Contents
    streams: StreamPlan
    tags: Sequence[str]

    def make(self, workshop: Workshop, output: Path) -> None:
        """Join the pieces and add what else the source holds; then give the output its name."""
        pieces = workshop.write_list()
        joined = pieces.with_name(f"joined.part{output.suffix.lower()}")
        with process("ffmpeg", self._command(pieces, joined), part=joined) as joiner:
            joiner.finish()
        flush_to_disk(joined)
        joined.replace(output)

    def try_on(self, piece: Path, output: Path) -> None:
        """Join a short piece with the film's first sound, so that what does not fit is told before the work.

        Raises:
            FilmError: the container does not take the picture's or another stream's codec.
        """
        pieces = piece.with_name("try.ffconcat")
        pieces.write_text(f"ffconcat version 1.0\nfile '{piece.name}'\n", encoding="utf-8")
        joined = piece.with_name(f"tried{output.suffix.lower()}")
        *command, result = self._command(pieces, joined)
        try:
            with process("ffmpeg", [*command, "-t", "0.2", result]) as run:
                run.finish()
        except FilmError as error:
            raise FilmError(
                f"{output.name} cannot be written; another container (.mkv holds most) or other "
                f"--encoder-options may do: {error}"
            ) from None

    def _command(self, pieces: Path, joined: Path) -> list[str]:
        """What joins the pieces of a list with the source's streams; the last argument is the result."""
        suffix = joined.suffix
        delay = max(self.film.start - self.found.start, 0.0)
        whole = self.plan.start == 0 and self.plan.end == self.film.frames
        cut: list[str] = []
        drop: list[str] = []
        if not whole:
            first, last = (self.film.times[self.plan.start] / 1e6, self.film.times[self.plan.end] / 1e6)
            cut = ["-ss", f"{first + delay:.6f}", "-t", f"{last - first:.6f}"]
            # Copied packets from before the cut would shift the picture.
            drop = ["-bsf:a", "noise=drop='lt(pts,0)'", "-bsf:s", "noise=drop='lt(pts,0)'"]
            if not self.found.of_kind("Audio"):
                drop = drop[2:]
            if "1:s:" not in " ".join(self.streams.options):
                drop = drop[:-2]
            delay = 0.0
        return [
            self.plan.ffmpeg,
            *("-hide_banner", "-nostdin", "-v", "error", "-y"),
            *(("-itsoffset", f"{delay:.6f}") if delay > 1e-4 else ()),
            *("-f", "concat", "-safe", "0", "-i", ffmpeg.file_argument(pieces)),
            *cut,
            *("-i", ffmpeg.file_argument(self.film.path)),
            *("-map", "0:v:0", "-c:v", "copy", "-disposition:v:0", "default"),
            *self.tags,
            *self.streams.options,
            *drop,
            *(("-movflags", "+faststart") if suffix in (".mp4", ".m4v", ".mov") else ()),
            ffmpeg.file_argument(joined),
        ]
