"""Join the pieces of a film with the sound, subtitles, chapters and tags of its source."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..support.errors import FilmError
from ..support.files import flush_to_disk
from . import ffmpeg
from .encoding import codec_of
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
        sound = self._cut_sound(pieces.parent, output.suffix.lower())
        with process("ffmpeg", self._command(pieces, joined, sound), part=joined) as joiner:
            joiner.finish()
        flush_to_disk(joined)
        joined.replace(output)
        if sound is not None:
            sound.unlink()

    def tried_on(self, piece: Path, output: Path) -> "Joint":
        """Join a short piece with the film's first sound, so that what does not fit is told before the work.

        Returns:
            This, or the same where streams that do not fit go along otherwise.

        Raises:
            FilmError: the container does not take what the encoder makes of the picture.
        """
        pieces = piece.with_name("try.ffconcat")
        pieces.write_text(f"ffconcat version 1.0\nfile '{piece.name}'\n", encoding="utf-8")
        joined = piece.with_name(f"tried{output.suffix.lower()}")

        def works(streams: StreamPlan) -> bool:
            *command, result = replace(self, streams=streams)._command(pieces, joined)
            try:
                with process("ffmpeg", [*command, "-t", "0.2", result]) as run:
                    run.finish()
            except FilmError:
                return False
            return True

        if works(self.streams):
            return self
        if not works(StreamPlan()):
            raise FilmError(
                f"{output.name} cannot be written; another container (.mkv holds most) or other "
                f"--encoder-options may do: {output.suffix.lower()} files do not take pictures of "
                f"{codec_of(self.plan.encoder)}"
            )
        return replace(self, streams=self.streams.that_works(works))

    def _cut_sound(self, folder: Path, suffix: str) -> Path | None:
        """The sound of a range in a file of its own, where it cannot be copied from the film at one go.

        MP4 files may say that their sound begins in the middle of what they hold (an edit list). Copied from
        there into Matroska, a range would have that much silence at its start, wherever the range begins.
        """
        isobmff = "mp4" in self.found.format.split(",")
        kept = [passenger.index for passenger, _ in self.streams.kept("a")]
        if self._whole or suffix not in (".mkv", ".webm") or not (isobmff and kept):
            return None
        # Between the two, they hold what such files may.
        for own in (".mp4", ".mov"):
            sound = folder / f"sound.part{own}"
            command = [self.plan.ffmpeg, "-hide_banner", "-nostdin", "-v", "error", "-y", *self._cut]
            command += ["-i", ffmpeg.file_argument(self.film.path), "-c", "copy"]
            for index in kept:
                command += ["-map", f"0:a:{index}"]
            try:
                with process(
                    "ffmpeg", [*command, *_drop("a"), ffmpeg.file_argument(sound)], part=sound
                ) as run:
                    run.finish()
            except FilmError:
                continue
            return sound
        return None

    @property
    def _whole(self) -> bool:
        return self.plan.start == 0 and self.plan.end == self.film.frames

    @property
    def _delay(self) -> float:
        """By how many seconds the film's picture begins after its file."""
        return max(self.film.start - self.found.start, 0.0)

    @property
    def _cut(self) -> list[str]:
        """Options that read the plan's range of the source."""
        if self._whole:
            return []
        first, last = (self.film.times[self.plan.start] / 1e6, self.film.times[self.plan.end] / 1e6)
        return ["-ss", f"{first + self._delay:.6f}", "-t", f"{last - first:.6f}"]

    def _command(self, pieces: Path, joined: Path, sound: Path | None = None) -> list[str]:
        """What joins the pieces of a list with the source's streams; the last argument is the result."""
        suffix, delay = joined.suffix, self._delay if self._whole else 0.0
        # Numbered pictures hold nothing beside themselves.
        streams = [] if self.film.reel else list(self.streams.options)
        drop: list[str] = []
        beside: list[str] = []
        for kind in "as":
            if not self._whole and self.streams.kept(kind):
                drop += _drop(kind)
        if sound is not None:
            start = ffmpeg.contents(self.plan.ffmpeg, sound).start
            beside = ["-itsoffset", f"{start:.6f}", "-i", ffmpeg.file_argument(sound)]
            for place, (passenger, _) in enumerate(self.streams.kept("a")):
                streams[streams.index(f"1:a:{passenger.index}")] = f"2:a:{place}"
                streams += [f"-map_metadata:s:a:{place}", f"1:s:a:{passenger.index}"]
        return [
            self.plan.ffmpeg,
            *("-hide_banner", "-nostdin", "-v", "error", "-y"),
            *(("-itsoffset", f"{delay:.6f}") if delay > 1e-4 else ()),
            *("-f", "concat", "-safe", "0", "-i", ffmpeg.file_argument(pieces)),
            *(() if self.film.reel else (*self._cut, "-i", ffmpeg.file_argument(self.film.path))),
            *beside,
            *("-map", "0:v:0", "-c:v", "copy", "-disposition:v:0", "default"),
            *self.tags,
            *streams,
            *drop,
            *(("-movflags", "+faststart") if suffix in (".mp4", ".m4v", ".mov") else ()),
            ffmpeg.file_argument(joined),
        ]


def _drop(kind: str) -> list[str]:
    """Leave out copied packets from before the cut, which would shift the picture."""
    return [f"-bsf:{kind}", "noise=drop='lt(pts,0)'"]
