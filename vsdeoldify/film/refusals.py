"""What other programs say when they fail, in words that tell what to do."""

import re

_FULL = "the disk is full: make room; the same command with --resume then goes on"

# What ffmpeg says first, and ours for it.
_FFMPEG: tuple[tuple[str, str], ...] = (
    (r"No space left on device", _FULL),
    (
        r"Unknown encoder '(?P<a>[^']+)'",
        "this ffmpeg has no encoder {a}: ffmpeg -encoders lists those it has",
    ),
    (
        r"Unrecognized option '(?P<a>[^']+)'",
        "ffmpeg has no option -{a}: ffmpeg -h full lists all it has, and ffmpeg -h encoder=NAME an encoder's",
    ),
    (
        r"Value (?P<b>\S+?)(?:\.0+)? for parameter '(?P<a>[^']+)' out of range \[(?P<c>[^\]]+)\]",
        "-{a} takes values of {c}, not {b}",
    ),
    (
        r"Error setting option (?P<a>\S+) to value|Unable to parse \"(?P<c>\S+)\" option value",
        "-{a}{c} does not take the value that was given: ffmpeg -h encoder=NAME tells which it takes",
    ),
    (
        r"invalid (?P<a>preset|tune|profile) '(?P<b>[^']+)'|setting preset/tune (?P<c>[^/]+)/",
        "the encoder has no such {a} as {b}{c}: ffmpeg -h encoder=NAME tells which it takes",
    ),
    (
        r"(?:Unknown pixel format requested: |Incompatible pixel format '|Specified pixel format )(?P<a>\w+)",
        "-pix_fmt {a} is nothing that the encoder takes: ffmpeg -h encoder=NAME tells what it takes",
    ),
    (r"No such filter: '(?P<a>[^']+)'", "ffmpeg has no filter {a}: ffmpeg -filters lists those it has"),
    (
        r"Error (?:applying option '[^']+' to filter|initializing filter) '(?P<a>[^']+)'"
        r"|\[(?:Parsed_)?(?P<b>[a-z]\w*?)(?:_\d+)? @ \w+\] "
        r"(?:Error applying options|Option '[^']+' not found)",
        "the filter {a}{b} does not take what it was given: ffmpeg -h filter={a}{b} tells what it takes",
    ),
    (
        r"(?P<a>width|height) not divisible by (?P<b>\d+) \((?P<c>\d+x\d+)\)",
        "the encoder takes a {a} that is divisible by {b} only, and that of {c} is not: "
        "change it with -vf scale=W:H or crop=W:H, or leave -pix_fmt to this program",
    ),
    (
        r"At least one output file must be specified|Missing argument for option|requires an argument",
        "an option lacks its value, as in -crf 16",
    ),
    (
        r"Cannot load lib|No (?:NVENC )?capable devices|Device creation failed|No VA display|"
        r"Failed to (?:create|initialise|initialize) .*(?:device|VAAPI)|No device available|"
        r"Error creating a MFX",
        "the encoder needs a graphics card or a driver that is not here; libx264 needs none",
    ),
    (
        r"strict (?:experimental|-2)|experimental (?:codec|encoder)",
        "the encoder is an experimental one: add -strict -2 to use it",
    ),
    (
        r"codec not currently supported in container|not supported in this container|Only .* supported|"
        r"Could not find tag for codec",
        "the container does not hold what the encoder makes: .mkv files hold most",
    ),
    (
        r"Error while opening encoder|Error initializing output stream|Could not open encoder",
        "the encoder does not take a film of this size or format, or one of its options",
    ),
    (r"Permission denied", "a file may not be written there: check the permissions of the folder"),
    (
        r"Cannot allocate memory|Out of memory",
        "the memory is full: close other programs, or use a faster preset",
    ),
)

UNDECODED = "the film cannot be decoded"
"""How the sentence begins for a film that breaks while it is read."""

_BROKEN_FRAME = re.compile(r"VideoSource: .*frame (?:number )?(\d+)")


def of_ffmpeg(log: str) -> str | None:
    """Why ffmpeg failed, by what it said; None where that is nothing known.

    Args:
        log: its messages.
    """
    for pattern, words in _FFMPEG:
        if found := re.search(pattern, log, re.MULTILINE):
            parts = dict.fromkeys("abc", "") | {n: v for n, v in found.groupdict().items() if v is not None}
            return words.format(**parts)
    return None


def of_source(text: str) -> str | None:
    """What the source filter says while frames are read, in other words; None of what others say.

    Args:
        text: an error.
    """
    if "VideoSource:" not in text:
        return None
    found = _BROKEN_FRAME.search(text)
    place = f"at frame {found[1]}" if found else "at one of its frames"
    return (
        f"{UNDECODED} {place}: it is damaged there, or was changed while it was read. Copy it "
        "again from where it came, or leave the place out with --start and --end"
    )
