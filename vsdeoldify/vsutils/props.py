"""Frame properties: whatever a filter or a script wrote, a number or a sentence comes out."""

from typing import overload

import vapoursynth as vs


@overload
def whole(frame: vs.VideoFrame, name: str, missing: int) -> int: ...
@overload
def whole(frame: vs.VideoFrame, name: str, missing: None = None) -> int | None: ...
def whole(frame: vs.VideoFrame, name: str, missing: int | None = None) -> int | None:
    """A frame property that is one whole number.

    Args:
        frame: the frame.
        name: the property's name.
        missing: what to return where the frame has no such property.

    Raises:
        ValueError: the property is something else: a text, a list, a fraction.
    """
    value = frame.props.get(name)
    if value is None:
        return missing
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    shown = value.decode(errors="replace") if isinstance(value, bytes) else value
    shown = repr(shown) if isinstance(shown, (str, int, float, list)) else type(shown).__name__
    raise ValueError(
        f"the frame property {name} must be one whole number, got {shown[:60]}; "
        f"correct it with std.SetFrameProps({name}=…) or remove it with std.RemoveFrameProps"
    )
