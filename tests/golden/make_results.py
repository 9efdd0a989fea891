"""Pack the results of the original programs for the tests.

    python tests/golden/make_results.py FOLDER

FOLDER holds them as the original programs wrote them; the README beside this file says what they are.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

GOLDEN = Path(__file__).resolve().parent
# The helpers of the tests.
sys.path.insert(0, str(GOLDEN.parent / "support"))

KINDS = ("corrected", "original")


def read_rgb(path: Path) -> Any:
    """A picture of 8 or 16 bits as (H, W, 3); (H, W) if it is gray."""
    import cv2

    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert picture is not None, path
    return picture if picture.ndim == 2 else np.ascontiguousarray(picture[..., ::-1])


def filters(folder: Path) -> None:
    """The merges and filters: `filters.json` lists the cases, `filters.npz.xz` holds their pictures."""
    import goldens
    import packing

    pictures = {
        f"inputs/{name}/{path.stem.removeprefix('f')}": read_rgb(path)
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
                pictures[key] = read_rgb(folder / kind / found)
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


def main() -> None:
    """Write all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    folder = parser.parse_args().folder
    filters(folder / "filters")
    for path in sorted(GOLDEN.glob("*.*")):
        print(f"{path.stat().st_size:>9,} {path.name}")


if __name__ == "__main__":
    main()
