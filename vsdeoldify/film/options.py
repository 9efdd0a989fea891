"""The user's options for ffmpeg's encoder: what would change more than the encoding is refused by name."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..support.errors import RequestError

_RATE = frozenset(
    {"-r", "-fpsmax", "-vsync", "-fps_mode", "-force_fps", "-itsscale", "-itsoffset", "-copyts", "-copytb"}
    | {"-start_at_zero", "-enc_time_base", "-video_track_timescale", "-output_ts_offset", "-async"}
)
_LENGTH = frozenset(
    {"-t", "-to", "-ss", "-sseof", "-frames", "-vframes", "-dframes", "-shortest", "-fs", "-stream_loop"}
)
_PLACES = frozenset(
    {"-i", "-f", "-map", "-y", "-n", "-filter_complex", "-lavfi", "-filter_complex_script", "-filter_script"}
    | {"-progress", "-target", "-attach", "-map_metadata", "-map_chapters", "-report", "-re", "-readrate"}
)
_SOUND = frozenset({"-acodec", "-ab", "-ac", "-ar", "-af", "-aq", "-vol", "-scodec", "-aframes"})
_FILTERS = frozenset({"-vf", "-filter"})
_CODECS = frozenset({"-c", "-codec", "-vcodec"})

# Filters that give out other frames than they take, or at other times.
_FRAME_FILTERS = frozenset(
    {"fps", "framerate", "framestep", "minterpolate", "select", "setpts", "settb", "trim", "tpad", "loop"}
    | {"decimate", "mpdecimate", "freezeframes", "reverse", "random", "shuffleframes", "thumbnail", "tile"}
    | {"telecine", "detelecine", "pullup", "fieldmatch", "tinterlace", "interlace", "separatefields", "weave"}
    | {"doubleweave", "repeatfields", "dejudder", "concat", "zoompan", "untile", "mcfps", "segment"}
)

_WITHOUT = {"-an": "Audio", "-sn": "Subtitle", "-dn": "Data"}


@dataclass(frozen=True)
class EncoderOptions:
    """What the user wants of ffmpeg.

    Attributes:
        encoder: options for the encoder.
        without: kinds of streams to leave out, as `ffmpeg.Stream` names them.
    """

    encoder: tuple[str, ...] = ()
    without: frozenset[str] = frozenset()


def encoder_options(given: Sequence[str]) -> EncoderOptions:
    """Sort the user's options.

    Args:
        given: ffmpeg's options.

    Raises:
        RequestError: one would change frames, times or sound, or what is read and written.
    """
    left: list[str] = []
    for option, value in pairwise([*given, ""]):
        if option in _WITHOUT:
            continue
        left.append(option)
        if option.startswith("-"):
            _check(option, value)
    return EncoderOptions(tuple(left), frozenset(_WITHOUT[option] for option in given if option in _WITHOUT))


def _check(option: str, value: str) -> None:
    name, _, stream = option.partition(":")
    if name in _SOUND or stream[:1] in ("a", "s"):
        raise RequestError(
            f"--encoder-options: {option} is for the sound or the subtitles, which are copied as they are; "
            f"change them afterwards: ffmpeg -i IN -map 0 -c copy {option} {value} OUT"
        )
    if name in _RATE:
        raise RequestError(
            f"--encoder-options: {option} would change the frames or their times, and the film would not fit "
            f"its sound; give it to ffmpeg afterwards, with its result: ffmpeg -i IN {option} {value} OUT"
        )
    if name in _LENGTH:
        raise RequestError(f"--encoder-options: {option} would cut frames off; --start and --end do that")
    if name == "-vn":
        raise RequestError(f"--encoder-options: {option} would leave the picture out")
    if name in _PLACES:
        raise RequestError(
            f"--encoder-options: {option} says what is read or written, which is this command's affair; "
            "-o names the file to write"
        )
    if name in _CODECS and value == "copy":
        raise RequestError(
            f"--encoder-options: {option} copy encodes nothing, and the coloured picture must be encoded"
        )
    if name in _FILTERS:
        used = re.findall(r"(?:^|[,;\]])\s*([a-z_0-9]+)(?:@\w+)?\s*(?=[=,;\[]|$)", value)
        if changing := [filter_ for filter_ in used if filter_ in _FRAME_FILTERS]:
            raise RequestError(
                f"--encoder-options: the filter {changing[0]} would change the frames or their times, and "
                "the film would not fit its sound; give it to ffmpeg afterwards, with the finished film"
            )


def split_options(text: str) -> list[str]:
    """Split the user's encoder options as a shell would.

    Raises:
        RequestError: a quote is not closed.
    """
    try:
        return shlex.split(text)
    except ValueError as error:
        raise RequestError(f"--encoder-options: {error}") from None
