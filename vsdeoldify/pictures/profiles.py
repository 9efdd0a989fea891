"""ICC profiles: a gray scan's curve as a profile of colours, so that its result looks as bright as it did."""

import struct

# The primaries of sRGB (IEC 61966-2-1) and its white, adapted to D50 as profiles have them.
_PRIMARIES = {
    b"rXYZ": (0.43607, 0.22249, 0.01392),
    b"gXYZ": (0.38515, 0.71687, 0.09708),
    b"bXYZ": (0.14307, 0.06061, 0.71410),
}
_D50 = (0.9642, 1.0, 0.8249)


def rgb_profile(profile: bytes) -> bytes | None:
    """A profile for the coloured picture of a source that has this one.

    Args:
        profile: an ICC profile.

    Returns:
        The profile itself where it is one of RGB; for gray, one of RGB with the same curve and sRGB's
        primaries; None where there is no such curve (CMYK, or tables instead of a curve) or it is damaged.
    """
    if len(profile) < 132 or profile[36:40] != b"acsp":
        return None
    if profile[16:20] == b"RGB ":
        return profile
    if profile[16:20] != b"GRAY" or profile[20:24] != b"XYZ ":
        return None
    tags = _tags(profile)
    curve = tags.get(b"kTRC")
    if curve is None or curve[:4] not in (b"curv", b"para"):
        return None
    name = _text("gray scan's curve, colours of sRGB")
    parts = {b"desc": name, b"cprt": tags.get(b"cprt", _copyright()), b"wtpt": tags.get(b"wtpt", _xyz(_D50))}
    parts |= {tag: _xyz(value) for tag, value in _PRIMARIES.items()}
    parts |= {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    return _assembled(profile[:128], parts)


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    found = {}
    for index in range(min(count, (len(profile) - 132) // 12)):
        name, offset, size = struct.unpack_from(">4sII", profile, 132 + 12 * index)
        found[name] = profile[offset : offset + size]
    return found


def _assembled(header: bytes, parts: dict[bytes, bytes]) -> bytes:
    offset = 128 + 4 + 12 * len(parts)
    table, body = struct.pack(">I", len(parts)), b""
    places: dict[bytes, int] = {}
    for name, value in parts.items():
        if value not in places:
            places[value] = offset + len(body)
            body += value + bytes(-len(value) % 4)
        table += struct.pack(">4sII", name, places[value], len(value))
    size = 128 + len(table) + len(body)
    # Version 2.1, which every program reads; its description and copyright are plain texts.
    version = b"\x02\x10\0\0"
    return (
        struct.pack(">I", size)
        + header[4:8]
        + version
        + b"mntr"
        + b"RGB XYZ "
        + header[24:84]
        + bytes(44)
        + table
        + body
    )


def _xyz(value: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(part * 65536) for part in value))


def _text(text: str) -> bytes:
    data = text.encode("ascii") + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(data)) + data + bytes(4 + 4 + 2 + 1 + 67)


def _copyright() -> bytes:
    return b"text\0\0\0\0no copyright\0"
