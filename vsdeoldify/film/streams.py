"""How the sound, subtitles, chapters and attachments of a film go along."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from .ffmpeg import Contents, Stream

# What the containers hold; None: anything. A film's other streams are copied where they fit.
_AUDIO: dict[str, frozenset[str] | None] = {
    ".mkv": None,
    ".mp4": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac", "dts", "mp2"}),
    ".m4v": frozenset({"aac", "ac3", "alac"}),
    ".mov": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "mp2"}),
    ".webm": frozenset({"opus", "vorbis"}),
}

_NOT_IN_MATROSKA = frozenset({"pcm_dvd", "pcm_bluray", "nellymoser", "adpcm_swf"})

# What sound becomes that cannot be copied, the first that works.
_AUDIO_ENCODERS = {".webm": ("libopus",), ".mkv": ("flac", "aac")}

# ffmpeg's names of QuickTime's languages, where it knows the usual ones by others only.
_QUICKTIME = dict(
    pair.split(":")
    for pair in (
        "fre:fra deu:ger nld:dut swe:sve ell:gre isl:ice zho:chi fas:per sqi:alb rum:ron cze:ces slo:slk "
        "mkd:mac hye:arm kat:geo bod:tib mya:bur msa:may cym:wel eus:baq"
    ).split()
)
# QuickTime numbers its languages; these are they, as ffmpeg names them.
_NUMBERED = frozenset(
    (
        "eng fra ger ita dut sve spa dan por nor heb jpn ara fin gre ice mlt tur chi urd hin tha kor lit "
        "pol hun est lav rus iri per alb ron ces slk slv yid mac bul ukr bel uzb kaz aze arm geo mol kir "
        "tgk tuk mon pus kur kas snd tib nep san mar ben asm guj ori mal kan tam tel sin bur khm lao vie "
        "ind tgl may amh tir orm som swa kin run nya mlg epo wel baq cat lat que grn aym tat uig dzo jav "
    ).split()
)

_MARKED = frozenset({".mkv", ".mp4"})
"""The containers that say what a track is for."""

_TEXT_SUBTITLES = frozenset({"subrip", "ass", "ssa", "webvtt", "mov_text", "text"})

_PICTURE_SUBTITLES = frozenset({"dvd_subtitle", "dvb_subtitle", "hdmv_pgs_subtitle"})

CONTAINERS = tuple(_AUDIO)


@dataclass(frozen=True)
class Way:
    """How a stream may go along.

    Attributes:
        codec: ffmpeg's name of the encoder, "copy", or "" where the stream is left out.
        note: what is to be said of it, a sentence.
        options: of the encoder: an option without the stream, and its value.
    """

    codec: str
    note: str = ""
    options: tuple[str, str] | None = None


@dataclass(frozen=True)
class Passenger:
    """A stream of the source that goes along if it can.

    Attributes:
        kind: "a" for sound, "s" for subtitles, "t" for attached files.
        index: its number among those of its kind.
        ways: from best to worst; the last one always works.
        language: what the container calls its language; "" leaves that to ffmpeg.
    """

    kind: str
    index: int
    ways: tuple[Way, ...]
    language: str = ""


@dataclass(frozen=True)
class StreamPlan:
    """How the streams other than the picture go into the output, each by the first of its ways.

    Attributes:
        passengers: the streams.
        general: notes of no single stream, in sentences.
    """

    passengers: tuple[Passenger, ...] = ()
    general: tuple[str, ...] = ()

    @property
    def options(self) -> tuple[str, ...]:
        """ffmpeg's options, for the source as input number 1."""
        options: list[str] = []
        for kind in "ast":
            for place, (passenger, way) in enumerate(self.kept(kind)):
                options += ["-map", f"1:{kind}:{passenger.index}", f"-c:{kind}:{place}", way.codec]
                if passenger.language:
                    options += [f"-metadata:s:{kind}:{place}", f"language={passenger.language}"]
                if way.options:
                    options += [f"{way.options[0]}:{kind}:{place}", way.options[1]]
        return (*options, "-map_metadata", "1", "-map_chapters", "1")

    @property
    def notes(self) -> tuple[str, ...]:
        """What is changed or left out, in sentences, each once."""
        own = (passenger.ways[0].note for passenger in self.passengers)
        return tuple(dict.fromkeys(note for note in (*self.general, *own) if note))

    def kept(self, kind: str) -> list[tuple[Passenger, Way]]:
        """The streams of a kind that go along, in order, each with its way."""
        chosen = ((passenger, passenger.ways[0]) for passenger in self.passengers)
        return [(passenger, way) for passenger, way in chosen if passenger.kind == kind and way.codec]

    def that_works(self, works: Callable[["StreamPlan"], bool]) -> "StreamPlan":
        """Each stream by the first way that works.

        Args:
            works: whether the picture can be joined with the streams of a plan.
        """
        found = []
        for passenger in self.passengers:
            ways = passenger.ways
            while ways[0].codec and not works(replace(self, passengers=(replace(passenger, ways=ways),))):
                ways = ways[1:]
            found.append(replace(passenger, ways=ways))
        return replace(self, passengers=tuple(found))


def plan_streams(found: Contents, suffix: str) -> StreamPlan:
    """Copy sound, subtitles, chapters and attachments where the container holds them.

    Args:
        found: the source.
        suffix: the output's ending, one of `CONTAINERS`.
    """
    general = []
    if len(found.pictures) > 1:
        general.append("one picture track is coloured, the one that players show; others are left out")
    if found.alpha:
        general.append("transparency is left out")
    if found.covers:
        general.append("the cover picture is left out")
    if data := len(found.of_kind("Data")):
        general.append(f"{data} data track{'s' if data > 1 else ''} (time codes or the like): left out")
    attached = found.of_kind("Attachment")
    if attached and suffix != ".mkv":
        general.append(f"{suffix} files hold no attached files (fonts): they are left out")
        attached = []
    beside = [stream for stream in found.streams if stream.kind in ("Audio", "Subtitle")]
    if suffix not in _MARKED and (marks := sorted({mark for stream in beside for mark in stream.marks})):
        general.append(
            f"{suffix} files do not say what a track is for ({', '.join(marks)}): .mkv and .mp4 files do"
        )
    unnamed = sorted({s.language for s in beside if s.language} - _NUMBERED - _QUICKTIME.keys())
    if suffix == ".mov" and unnamed:
        general.append(
            f"{suffix} files have no name for the language {' and '.join(unnamed)}: .mkv and .mp4 files have"
        )
    return StreamPlan(
        (
            *(
                Passenger("a", n, _sound(stream, n, suffix), _language(stream, suffix))
                for n, stream in enumerate(found.of_kind("Audio"))
            ),
            *(
                Passenger("s", n, _subtitles(stream, n, suffix), _language(stream, suffix))
                for n, stream in enumerate(found.of_kind("Subtitle"))
            ),
            *(
                Passenger("t", n, (Way("copy"), _left_out("attached file", n, stream, suffix)))
                for n, stream in enumerate(attached)
            ),
        ),
        tuple(general),
    )


def _language(stream: Stream, suffix: str) -> str:
    return _QUICKTIME.get(stream.language, "") if suffix == ".mov" else ""


def _sound(stream: Stream, number: int, suffix: str) -> tuple[Way, ...]:
    allowed = _AUDIO[suffix]
    if allowed is None:
        fits = stream.codec not in _NOT_IN_MATROSKA
    else:
        fits = stream.codec in allowed or (suffix == ".mov" and stream.codec.startswith("pcm"))
    converted = (
        Way(
            encoder,
            f"{suffix} files hold no {stream.codec} sound: it is encoded as {encoder.removeprefix('lib')}",
            None if encoder == "flac" else ("-b", "192k"),
        )
        for encoder in _AUDIO_ENCODERS.get(suffix, ("aac",))
    )
    return *([Way("copy")] if fits else []), *converted, _left_out("sound track", number, stream, suffix)


def _subtitles(stream: Stream, number: int, suffix: str) -> tuple[Way, ...]:
    left_out = _left_out("subtitle track", number, stream, suffix)
    if suffix == ".mkv":
        as_text = Way("srt", f"{suffix} files hold no {stream.codec} subtitles: they become SubRip")
        if stream.codec in ("mov_text", "text"):
            return Way("srt"), left_out
        return Way("copy"), as_text, left_out
    if stream.codec not in _TEXT_SUBTITLES:
        elsewhere = " (.mkv files keep them)" if stream.codec in _PICTURE_SUBTITLES else ""
        return (Way("", f"{suffix} files hold no {stream.codec} subtitles: they are left out{elsewhere}"),)
    codec = "webvtt" if suffix == ".webm" else "mov_text"
    return Way("copy" if codec == stream.codec else codec), left_out


def _left_out(what: str, number: int, stream: Stream, suffix: str) -> Way:
    codec = "of an unknown codec" if stream.codec in ("none", "unknown") else f"({stream.codec})"
    return Way(
        "",
        f"{what} {number + 1} {codec} is left out: {suffix} files do not hold it and it cannot be converted",
    )
