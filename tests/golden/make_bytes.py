"""Make the stored bytes of `ddeoldify()` and `ddeoldify_stabilizer()` anew, for `test_bytes.py`.

    python tests/golden/make_bytes.py

Only where a change of the results is meant: the stored ones say what the functions have always given. What
differs from before is listed. The cases, and how they are compared, stand in `byte_cases.py`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "bytes"
# The helpers of the tests.
sys.path.insert(0, str(FOLDER.parents[1] / "support"))


def main() -> None:
    """Write `sums.json` and `samples.npz`."""
    import byte_cases

    from vsdeoldify.vsutils.propagation import motion

    # What the plugin makes of key frames is tested elsewhere; these are the results without it.
    motion.is_available = lambda: False
    before = json.loads((FOLDER / "sums.json").read_text()) if (FOLDER / "sums.json").is_file() else {}
    sums: dict[str, dict[str, str]] = {}
    arrays = {}
    with tempfile.TemporaryDirectory() as folder:
        byte_cases.write_models(Path(folder))
        for case in byte_cases.cases():
            clip = byte_cases.result(case, Path(folder))
            frames = byte_cases.render(clip)
            assert case.name not in sums, case.name
            sums[case.name] = {"format": clip.format.name, "sha256": byte_cases.digest(frames)}
            arrays[case.name] = byte_cases.samples(case, clip, frames)
    sources = {
        name: byte_cases.digest(byte_cases.render(byte_cases.source(name))) for name in byte_cases.ALL_FORMATS
    }
    record = {"made_on": byte_cases.mark(), "sources": sources, "results": sums}
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "sums.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    byte_cases.store(FOLDER, arrays)
    changed = [name for name, found in sums.items() if before.get("results", {}).get(name) != found]
    print(f"{len(sums)} results, {len(changed)} of them new or changed", *changed, sep="\n")


if __name__ == "__main__":
    main()
