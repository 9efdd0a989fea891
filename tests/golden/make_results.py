"""Pack the results of the original programs for the tests.

    python tests/golden/make_results.py FOLDER

FOLDER holds them as the original programs wrote them; the README beside this file says what they are.
"""

from __future__ import annotations

import argparse
import json
import lzma
import sys
from pathlib import Path
from typing import Any

import numpy as np

GOLDEN = Path(__file__).resolve().parent
# The helpers of the tests.
sys.path.insert(0, str(GOLDEN.parent / "support"))

KINDS = ("corrected", "original")


def filters(folder: Path) -> None:
    """The merges and filters: `filters.json` lists the cases, `filters.npz.xz` holds their pictures."""
    import goldens
    import packing
    from official import read_picture

    pictures = {
        f"inputs/{name}/{path.stem.removeprefix('f')}": read_picture(path)
        for name in "ab"
        for path in sorted((folder / "inputs" / name).glob("f*.png"))
    }
    bases = {f"inputs/b/{n:02}": f"inputs/a/{n:02}" for n in range(24)}
    listed: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for kind in KINDS:
        for case in json.loads((folder / kind / "index.json").read_text(encoding="utf-8"))["cases"]:
            frames: dict[str, str | None] = {}
            for number, found in case.get("frames", {}).items():
                n = int(number)
                if kind == "original" and goldens.defect(case, n) and case["id"] not in goldens.TAKEN_OFF:
                    continue
                if isinstance(found, dict):
                    frames[number] = found["identical_to_input"]
                    continue
                key = f"{kind}/{case['id']}/{n:02}"
                frames[number] = None
                pictures[key] = read_picture(folder / kind / found)
                source = case["clips"].get("clip") or case["clips"]["clip_a"]
                bases[key] = f"inputs/{'a' if source == 'bw' else source}/{n:02}"
            if frames:
                listed[kind].append(
                    {name: case[name] for name in ("id", "function", "clips", "params")} | {"frames": frames}
                )
    text = ",\n".join(
        f' "{kind}": [\n' + ",\n".join(f"  {json.dumps(case)}" for case in listed[kind]) + "\n ]"
        for kind in KINDS
    )
    goldens.CASES.write_text(f"{{\n{text}\n}}\n", encoding="utf-8")
    packing.write(goldens.FILTERS, pictures, bases)


def manifests(folder: Path) -> None:
    """What the released files hold."""
    import official

    found = {
        net: json.loads((folder / f"manifest_{net}.json").read_text(encoding="utf-8"))
        for net in ("wide", "deep", "large", "tiny")
    }
    official.MANIFESTS.write_bytes(lzma.compress(json.dumps(found).encode(), preset=9 | lzma.PRESET_EXTREME))


def deoldify(folder: Path) -> None:
    """Inputs, raw outputs and coloured pictures of DeOldify's code."""
    import official
    import packing

    found = official.deoldify_results(folder)
    packed: dict[str, Any] = {}
    bases = {}
    for name in ("noise_gray_160", "noise_colour_96x160", "photo_176", "photo_256"):
        packed |= {key: found[key] for key in found if key.startswith(f"raw/{name}/")}
        if name in ("noise_gray_160", "photo_176"):
            # Every phase of the last upsampling's blocks is among every third pixel.
            packed[f"raw/{name}/grid"] = np.array([1, 3, 8])
            for net in ("wide", "deep"):
                full = packed.pop(f"raw/{name}/{net}/full")
                height, width = (size // 8 for size in full.shape[1:])
                packed[f"raw/{name}/{net}/strided"] = np.ascontiguousarray(full[:, 1::3, 1::3])
                packed[f"raw/{name}/{net}/pooled"] = full.reshape(3, height, 8, width, 8).mean((2, 4))
    for name in ("noise", "photo"):
        packed[f"filter/{name}/in"] = found[f"filter/{name}/in"]
        for net in ("wide", "deep"):
            for factor, step in ((10, 1), (11, 2), (16, 2)):
                key = f"filter/{name}/{net}/rf{factor}"
                packed[key] = np.ascontiguousarray(found[key][::step, ::step])
                if step == 1:
                    bases[key] = f"filter/{name}/in"
    packing.write(official.DEOLDIFY, packed, bases)


def ddcolor(folder: Path) -> None:
    """Inputs, raw outputs and coloured frames of DDColor's code."""
    import official
    import packing

    found = official.ddcolor_results(folder)
    packed = {f"frame/{name}/in": found[f"frame/{name}/in"] for name in ("smooth", "range")}
    for name in ("smooth_256", "smooth_384"):
        packed |= {key: found[key] for key in found if key.startswith(f"net/{name}/")}
    for net in ("large", "tiny"):
        full = packed.pop(f"net/smooth_256/{net}/full")
        packed[f"net/smooth_256/{net}/strided"] = np.ascontiguousarray(full[:, 1::3, 1::3])
        for name in ("smooth", "range"):
            start = f"frame/{name}/256/{net}/"
            packed |= {start + what: found[start + what] for what in ("out_pool80x60", "out_mean")}
            if f"{start}out" in found:
                packed[f"{start}out"] = np.ascontiguousarray(found[f"{start}out"][::2, ::2])
    packing.write(official.DDCOLOR, packed, {})


def main() -> None:
    """Write all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    folder = parser.parse_args().folder
    manifests(folder / "networks")
    deoldify(folder / "networks" / "golden_deoldify")
    ddcolor(folder / "networks" / "golden_ddcolor")
    filters(folder / "filters")
    for path in sorted(GOLDEN.glob("*.*")):
        print(f"{path.stat().st_size:>9,} {path.name}")


if __name__ == "__main__":
    main()
