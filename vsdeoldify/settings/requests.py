"""What a call asks for, checked: frozen values with narrow types, made from what people write."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .filters import FILTERS, Filter
from .methods import Method, find_method
from .params import (
    BATCH_SIZE,
    CMC_THRESHOLD,
    EVERY,
    STABILIZER_RENDER_FACTOR,
    WEIGHT,
    AdaptiveLuma,
    DDTweak,
    LumaMask,
    adaptive_luma_params,
    ddcolor_params,
    ddtweak_params,
    deoldify_params,
    luma_masked_params,
)
from .values import Models, boolean, folder, integer, number

_MOST_FRAMES = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Network:
    """A network of a call.

    Attributes:
        parameter: the parameter that names it: "deoldify_p" or "ddcolor_p".
        model: its model's name, or the path of a file.
        render_factor: the side of its square in units of 16 pixels; 0 chooses by the clip's width.
        saturation: factor on its colours.
        hue: rotation of its colours in degrees.
        half: half precision where the device is faster for it.
        tweak: how the picture that it sees is brightened, and its colours adjusted.
    """

    parameter: str
    model: str
    render_factor: int
    saturation: float
    hue: float
    half: bool = True
    tweak: DDTweak | None = None


@dataclass(frozen=True, slots=True)
class Merging:
    """The parameters of the merges.

    Attributes:
        weight: `mweight`, the second clip's share.
        threshold: `cmc_tresh`.
        luma_mask: `lmm_p`.
        adaptive_luma: `alm_p`.
        swap: `cmb_sw`, exchange the two clips.
    """

    weight: float
    threshold: float
    luma_mask: LumaMask
    adaptive_luma: AdaptiveLuma
    swap: bool


@dataclass(frozen=True, slots=True)
class Colouring:
    """What `ddeoldify()` is asked for.

    Attributes:
        method: the row of the table of methods.
        networks: those that the method uses, in its order.
        merging: the parameters of its merge.
        device: the device as the caller names it; only torch knows whether it is there.
        models_folder: where model files are looked for first.
        batch_size: frames per network call; None chooses.
        precision: a name, or "auto".
        backend: a name, or "auto".
        every: distance of the key frames; 1 colours every frame by itself.
    """

    method: Method
    networks: tuple[Network, ...]
    merging: Merging
    device: object
    models_folder: str | None
    batch_size: int | None
    precision: str
    backend: object
    every: int


@dataclass(frozen=True, slots=True)
class Calming:
    """What `ddeoldify_stabilizer()` is asked for.

    Attributes:
        filters: the rows of the filters that are on, each with its checked parameters, in their order.
        render_factor: the side of the square in units of 16 pixels; 0 chooses by the clip's width.
    """

    filters: tuple[tuple[Filter, Any], ...]
    render_factor: int


@dataclass(frozen=True, slots=True)
class Referring:
    """What `ddeoldify_references()` is asked for.

    Attributes:
        references: a folder of pictures, or the clip that the caller gave.
        reach: how many frames a reference reaches; None: its whole scene.
        strength: the references' weight, 0–1.
        offset: added to the numbers in the pictures' names.
        render_factor: the side of the square in units of 16 pixels; 0 chooses by the clip's width.
    """

    references: object
    reach: int | None
    strength: float
    offset: int
    render_factor: int


def check_referring(
    references: object,
    reach: object = "scene",
    strength: object = 1.0,
    offset: object = 0,
    render_factor: object = 24,
) -> Referring:
    """Check the parameters of `ddeoldify_references()`.

    Raises:
        TypeError: a value's type is wrong.
        ValueError: a value is wrong.
    """
    if isinstance(references, (str, os.PathLike)):
        references = folder("references", references)
    if isinstance(reach, str):
        if reach != "scene":
            raise ValueError(f'reach must be "scene" or a number of frames, got {reach!r}')
        frames = None
    else:
        frames = integer("reach", reach, 1, _MOST_FRAMES)
    return Referring(
        references,
        frames,
        number("strength", strength, 0, 1),
        integer("offset", offset, -_MOST_FRAMES, _MOST_FRAMES),
        STABILIZER_RENDER_FACTOR.check("render_factor", render_factor, {}),
    )


def check_colouring(given: Mapping[str, Any], models: Mapping[str, Models]) -> Colouring:
    """Check the parameters of `ddeoldify()`.

    Args:
        given: every one of them by name.
        models: for each parameter that names a network, the names that it takes.

    Raises:
        TypeError: a value's type is wrong.
        ValueError: a value is wrong.
    """
    method = find_method(given["method"])
    weight = WEIGHT.check("mweight", given["mweight"], {})
    deoldify = deoldify_params(given["deoldify_p"], models["deoldify_p"])
    ddcolor = ddcolor_params(given["ddcolor_p"], models["ddcolor_p"])
    tweaked = boolean("ddtweak", given["ddtweak"])
    tweak = ddtweak_params(given["ddtweak_p"])
    networks = {
        "deoldify_p": Network(
            "deoldify_p", deoldify.model, deoldify.render_factor, deoldify.saturation, deoldify.hue
        ),
        "ddcolor_p": Network(
            "ddcolor_p",
            ddcolor.model,
            ddcolor.render_factor,
            ddcolor.saturation,
            ddcolor.hue,
            ddcolor.half,
            tweak if tweaked else None,
        ),
    }
    merging = Merging(
        weight,
        CMC_THRESHOLD.check("cmc_tresh", given["cmc_tresh"], {}),
        luma_masked_params(given["lmm_p"]),
        adaptive_luma_params(given["alm_p"]),
        boolean("cmb_sw", given["cmb_sw"]),
    )
    batch_size = given["batch_size"]
    return Colouring(
        method,
        tuple(networks[parameter] for parameter in method.networks),
        merging,
        given["device_index"],
        folder("torch_dir", given["torch_dir"]),
        None if batch_size is None else BATCH_SIZE.check("batch_size", batch_size, {}),
        given["precision"],
        given["backend"],
        EVERY.check("every", given["every"], {}),
    )


def check_calming(given: Mapping[str, Any]) -> Calming:
    """Check the parameters of `ddeoldify_stabilizer()`.

    Args:
        given: them by name; a filter that is not named is off.

    Raises:
        TypeError: a value's type is wrong, or there is no parameter of that name.
        ValueError: a value is wrong.
    """
    on: list[tuple[Filter, Any]] = []
    unknown = set(given) - {"render_factor"}
    for row in FILTERS.values():
        unknown -= set(row.names())
        if (checked := row.check(given)) is not None:
            on.append((row, checked))
    if unknown:
        raise TypeError(f"there is no parameter {min(unknown)!r}")
    factor = STABILIZER_RENDER_FACTOR.check("render_factor", given.get("render_factor", 24), {})
    return Calming(tuple(on), factor)
