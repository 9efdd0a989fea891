"""The official networks' layout and size with made-up weights, and what the original code gave with these."""

import json
import lzma
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import fill_ddcolor
import fill_deoldify
import numpy as np
import numpy.typing as npt
import torch
from goldens import GOLDEN

Array = npt.NDArray[Any]

DEOLDIFY, DDCOLOR = GOLDEN / "deoldify.npz.xz", GOLDEN / "ddcolor.npz.xz"
# Keys, shapes and types of the files that were released.
MANIFESTS = GOLDEN / "manifests.json.xz"


def manifest(network: str) -> list[tuple[str, tuple[int, ...], str]]:
    """What the released file of `wide`, `deep`, `large` or `tiny` holds: rows (key, shape, type)."""
    rows = json.loads(lzma.decompress(MANIFESTS.read_bytes()))[network]
    return [(key, tuple(shape), dtype) for key, shape, dtype in rows]


def state_dict(network: str) -> dict[str, torch.Tensor]:
    """The weights of `wide`, `deep`, `large` or `tiny`."""
    fill = fill_deoldify.fill if network in ("wide", "deep") else fill_ddcolor.fill
    return {key: torch.from_numpy(value) for key, value in fill(manifest(network)).items()}


def write(network: str, path: Path) -> None:
    """Write a file as the official one of this network is laid out: torch's old format for DeOldify."""
    state = state_dict(network)
    if network in ("wide", "deep"):
        torch.save(state, path, _use_new_zipfile_serialization=False)
    else:
        torch.save({"params": state}, path)


def read_picture(path: Path) -> Array:
    """A picture of 8 or 16 bits as (H, W, 3) in the order RGB; (H, W) if it is gray."""
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert picture is not None, path
    return picture if picture.ndim == 2 else np.ascontiguousarray(picture[..., ::-1])


@cache
def deoldify_results(folder: Path) -> Mapping[str, Array]:
    """All results of DeOldify's code in a folder as it wrote them, by the names of the packed ones."""
    found: dict[str, Array] = {}
    for path in sorted((folder / "raw").glob("*.npz")):
        name, net = path.stem.rsplit(".", 1)
        found[f"raw/{name}/in"] = read_picture(path.with_name(f"{name}.in.png"))
        with np.load(path) as arrays:
            found |= {f"raw/{name}/{net}/{key}": arrays[key] for key in arrays.files}
            if "strided" in arrays:
                step = found[f"raw/{name}/in"].shape[0] // arrays["strided"].shape[1]
                found[f"raw/{name}/grid"] = np.array([step // 2, step, step])
    for path in sorted((folder / "filter").glob("*.png")):
        name, *rest = path.stem.split(".")
        if rest[-1] != "square":
            found["/".join(["filter", name, *rest])] = read_picture(path)
    return found


@cache
def ddcolor_results(folder: Path) -> Mapping[str, Array]:
    """All results of DDColor's code in a folder as it wrote them, by the names of the packed ones."""
    found = {
        f"net/{path.stem.removeprefix('net_in_')}/in": read_picture(path)
        for path in sorted(folder.glob("net_in_*.png"))
    }
    for name in ("smooth", "photo"):
        found[f"frame/{name}/in"] = read_picture(folder / f"frame_in_{name}.png")
    with np.load(folder / "frame_in_range.npz") as arrays:
        found["frame/range/in"] = arrays["rgb"]
    for net in ("large", "tiny"):
        for kind in ("net", "frame"):
            with np.load(folder / f"{kind}_{net}.npz") as arrays:
                for key in arrays.files:
                    name, size, what = key.split("_", 2)
                    case = f"{name}_{size}" if kind == "net" else f"{name}/{size}"
                    found[f"{kind}/{case}/{net}/{what}"] = arrays[key]
        with np.load(folder / f"taps_{net}_photo_256.npz") as arrays:
            for key in arrays.files:
                found[f"taps/{net}/{key}"] = arrays[key]
    for path in sorted(folder.glob("frame_out_*.png")):
        net, name, size = path.stem.removeprefix("frame_out_").split("_")
        found[f"frame/{name}/{size}/{net}/out"] = read_picture(path)
    return found
