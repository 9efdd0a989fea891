"""How the sound, subtitles, chapters and attachments of a film go along."""

from dataclasses import dataclass

from .ffmpeg import Contents

# What the containers hold; None: anything. A film's other streams are copied where they fit.
_AUDIO: dict[str, frozenset[str] | None] = {
    ".mkv": None,
    ".mp4": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac", "dts", "mp2"}),
    ".m4v": frozenset({"aac", "ac3", "alac"}),
    ".mov": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "mp2"}),
    ".webm": frozenset({"opus", "vorbis"}),
}

_NOT_IN_MATROSKA = frozenset({"pcm_dvd", "pcm_bluray", "nellymoser", "adpcm_swf"})

_TEXT_SUBTITLES = frozenset({"subrip", "ass", "ssa", "webvtt", "mov_text", "text"})

CONTAINERS = tuple(_AUDIO)


@dataclass(frozen=True)
class StreamPlan:
    """How the streams other than the picture go into the output.

    Attributes:
        options: ffmpeg's options, for the source as input number 1.
        notes: what is changed or left out, in sentences.
    """

    options: tuple[str, ...]
    notes: tuple[str, ...] = ()


def plan_streams(found: Contents, suffix: str) -> StreamPlan:
    """Copy sound, subtitles, chapters and attachments where the container holds them.

    Args:
        found: the source.
        suffix: the output's ending, one of `CONTAINERS`.
    """
    options: list[str] = []
    notes: list[str] = []
    allowed = _AUDIO[suffix]
    if len(found.pictures) > 1:
        notes.append("one picture track is coloured, the one that players show; others are left out")
    if found.covers:
        notes.append("the cover picture is left out")
    for index, stream in enumerate(found.of_kind("Audio")):
        options += ["-map", f"1:a:{index}"]
        if (
            (allowed is None and stream.codec not in _NOT_IN_MATROSKA)
            or (allowed is not None and stream.codec in allowed)
            or (suffix == ".mov" and stream.codec.startswith("pcm"))
        ):
            options += [f"-c:a:{index}", "copy"]
        else:
            encoder = {".webm": "libopus", ".mkv": "flac"}.get(suffix, "aac")
            options += [f"-c:a:{index}", encoder]
            if encoder != "flac":
                options += [f"-b:a:{index}", "192k"]
            target = encoder.removeprefix("lib")
            notes.append(f"{suffix} files hold no {stream.codec} sound: it is encoded as {target}")
    kept = 0
    for index, stream in enumerate(found.of_kind("Subtitle")):
        text = stream.codec in _TEXT_SUBTITLES
        if suffix == ".mkv":
            codec = "srt" if stream.codec in ("mov_text", "text") else "copy"
        elif not text:
            notes.append(
                f"{suffix} files hold no {stream.codec} subtitles: they are left out (.mkv files keep them)"
            )
            continue
        else:
            codec = "webvtt" if suffix == ".webm" else "mov_text"
            if codec == stream.codec:
                codec = "copy"
        options += ["-map", f"1:s:{index}", f"-c:s:{kept}", codec]
        kept += 1
    if found.of_kind("Attachment"):
        if suffix == ".mkv":
            options += ["-map", "1:t?", "-c:t", "copy"]
        else:
            notes.append(f"{suffix} files hold no attached files (fonts): they are left out")
    options += ["-map_metadata", "1", "-map_chapters", "1"]
    return StreamPlan(tuple(options), tuple(notes))
