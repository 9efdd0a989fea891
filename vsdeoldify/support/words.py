"""Numbers, times and errors in words."""

import re


def one_line(message: object) -> str:
    """A foreign message made short and printable: no line breaks, no control characters."""
    text = "".join(c if c.isprintable() else " " for c in str(message))
    text = " ".join(text.split())
    return (text[:197] + "...") if len(text) > 200 else text or type(message).__name__


def format_size(size: float) -> str:
    """A number of bytes for people, in decimal units."""
    if size < 1000:
        return f"{size:.0f} bytes"
    for unit in ("kB", "MB"):
        size /= 1000
        if size < 999.5:
            return f"{size:.0f} {unit}" if size >= 10 else f"{size:.1f} {unit}"
    return f"{size / 1000:.2f} GB"


def clock(seconds: float) -> str:
    """Seconds as people read them: ``1:02:03`` or ``2:03``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def sentence(error: BaseException) -> str:
    """What an error says, without the traceback that VapourSynth puts around errors of callbacks."""
    text = str(error).strip() or type(error).__name__
    if "Traceback (most recent call last)" in text:
        # The last line that starts an exception's text, and what follows it.
        matches = list(re.finditer(r"^(?:[\w.]+(?:Error|Exception|Interrupt)): ", text, re.MULTILINE))
        if matches:
            text = text[matches[-1].end() :]
    if isinstance(error, SyntaxError | NameError | AttributeError | ImportError):
        text = f"{type(error).__name__}: {text}"
    return text.strip()
