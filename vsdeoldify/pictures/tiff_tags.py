"""The date, the scanner and other texts of a TIFF file, which the picture library does not write."""

import struct
from pathlib import Path

TEXT_TAGS = {
    270: "ImageDescription",
    271: "Make",
    272: "Model",
    305: "Software",
    306: "DateTime",
    315: "Artist",
    33432: "Copyright",
}
"""The tags whose values are texts, by the names that EXIF gives them."""

_ASCII = 2


def add_texts(path: Path, texts: dict[int, str]) -> None:
    """Add texts to the first page of a TIFF file, in place of those it has.

    The list of the page's tags is written anew at the end of the file; nothing else moves.

    Args:
        path: a TIFF or BigTIFF file.
        texts: by the number of the tag.
    """
    if not texts:
        return
    with path.open("r+b") as file:
        order = "<" if file.read(2) == b"II" else ">"
        big = struct.unpack(f"{order}H", file.read(2))[0] == 43
        word, counter = ("Q", "Q") if big else ("I", "H")
        width, head = struct.calcsize(word), 8 if big else 4
        entry_size = 4 + 2 * width
        file.seek(head)
        (place,) = struct.unpack(f"{order}{word}", file.read(width))
        file.seek(place)
        (count,) = struct.unpack(f"{order}{counter}", file.read(struct.calcsize(counter)))
        entries = {}
        for _ in range(count):
            entry = file.read(entry_size)
            entries[struct.unpack_from(f"{order}H", entry)[0]] = entry
        following = file.read(width)
        file.seek(0, 2)
        for tag, text in texts.items():
            value = text.encode("utf-8") + b"\0"
            start = struct.pack(f"{order}HH{word}", tag, _ASCII, len(value))
            if len(value) <= width:
                entries[tag] = start + value.ljust(width, b"\0")
                continue
            file.write(bytes(file.tell() % 2))
            entries[tag] = start + struct.pack(f"{order}{word}", file.tell())
            file.write(value)
        file.write(bytes(-file.tell() % 8))
        new_place = file.tell()
        file.write(struct.pack(f"{order}{counter}", len(entries)))
        file.write(b"".join(entries[tag] for tag in sorted(entries)))
        file.write(following)
        file.seek(head)
        file.write(struct.pack(f"{order}{word}", new_place))
