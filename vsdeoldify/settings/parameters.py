"""Every parameter of `ddeoldify()` and `ddeoldify_stabilizer()` apart from the clip, as data."""

from __future__ import annotations

from dataclasses import dataclass

from .filters import FILTERS
from .params import ADAPTIVE_LUMA, DDCOLOR, DDTWEAK, DEOLDIFY, LUMA_MASK, Group


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter.

    Attributes:
        name: as the function calls it.
        note: what it is, in a few words, for scripts.
        group: what it holds where it is a list.
    """

    name: str
    note: str
    group: Group | None = None


COLOURING: tuple[Parameter, ...] = (
    Parameter("method", "how the networks' colours become one picture"),
    Parameter("mweight", "share of DDColor in the mix, 0 to 1"),
    Parameter(
        "deoldify_p",
        "model (video, stable, artistic), render factor (10 to 44), saturation, hue in degrees",
        DEOLDIFY,
    ),
    Parameter(
        "ddcolor_p",
        "model (modelscope, artistic, paper_tiny, preview), render factor (10 to 64), and so on",
        DDCOLOR,
    ),
    Parameter("ddtweak", "brighten what DDColor sees, by ddtweak_p"),
    Parameter("ddtweak_p", "brightness, contrast, gamma, and when they act", DDTWEAK),
    Parameter("cmc_tresh", "how far DDColor's colours may leave DeOldify's, 0 to 1"),
    Parameter("lmm_p", "dark below this luma, bright above that one; saturation in the dark", LUMA_MASK),
    Parameter("alm_p", "less DDColor below this mean luma; how quickly; its least share", ADAPTIVE_LUMA),
    Parameter("cmb_sw", "exchange the two networks' roles in the mix"),
    Parameter("device_index", "0 to 7: a GPU; 99: the CPU; or a torch device name"),
    Parameter("torch_dir", "where the model files are"),
    Parameter("batch_size", "frames per call of a network, 1 to 64"),
    Parameter("precision", "auto, float32, bfloat16 or float16"),
    Parameter("backend", "auto, torch or openvino"),
    Parameter("every", "run the networks on every Nth frame only"),
)
"""The parameters of `ddeoldify()` in its order."""

MACHINE_WORDS = frozenset({"device_index", "torch_dir", "batch_size", "backend"})
"""Parameters that say where and how fast, and leave the colours what they are but for rounding.

The backends (torch, OpenVINO) and batches of other sizes differ by less than a tenth of an 8-bit level;
devices differ in rounding too, and where `precision` is "auto" a GPU computes in half precision. Whoever
wants a film's frames to agree to the last bit whatever the device asks for precision="float32", which is a
parameter of the colours.
"""

_RENDER_FACTOR = Parameter("render_factor", "fineness of the colours: a square of 16 times this")


def stabilizing() -> tuple[Parameter, ...]:
    """The parameters of `ddeoldify_stabilizer()`: those of the table of filters, and the render factor.

    In the function's order, in which filters without a list come last, for they go by keyword only.
    """
    lists: list[Parameter] = []
    switches: list[Parameter] = []
    for row in FILTERS.values():
        if row.group is None:
            switches.append(Parameter(row.switch, row.note))
        else:
            lists.append(Parameter(row.switch, row.note))
            lists.append(Parameter(row.group.parameter, row.group_note, row.group))
    return (*lists, _RENDER_FACTOR, *switches)


def colouring_names() -> tuple[str, ...]:
    """The names of the parameters of `ddeoldify()`."""
    return tuple(parameter.name for parameter in COLOURING)


def stabilizing_names() -> tuple[str, ...]:
    """The names of the parameters of `ddeoldify_stabilizer()`."""
    return tuple(parameter.name for parameter in stabilizing())
