"""The table of methods: how the networks' colours become one picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .values import choice


@dataclass(frozen=True, slots=True)
class Method:
    """A row of the table.

    Attributes:
        name: what people write, and what the merge is called in `vsutils.filters.merge`.
        number: what people write in its place.
        title: what it does, in a few words.
        networks: the parameters that name its networks, one or two, in the order in which a merge takes them.
        own: the further parameters that it uses.
    """

    name: str
    number: int
    title: str
    networks: tuple[str, ...]
    own: tuple[str, ...] = ()


_BOTH = ("deoldify_p", "ddcolor_p")

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (
            Method("deoldify", 0, "DeOldify alone", ("deoldify_p",)),
            Method("ddcolor", 1, "DDColor alone", ("ddcolor_p",)),
            Method("simple", 2, "both, mixed by mweight", _BOTH, ("mweight", "cmb_sw")),
            Method(
                "constrained_chroma",
                3,
                "DDColor held near DeOldify by cmc_tresh",
                _BOTH,
                ("mweight", "cmc_tresh", "cmb_sw"),
            ),
            Method(
                "luma_masked",
                4,
                "DeOldify in the dark, DDColor in the light, by lmm_p",
                _BOTH,
                ("mweight", "lmm_p", "cmb_sw"),
            ),
            Method(
                "adaptive_luma",
                5,
                "less DDColor in dark frames, by alm_p",
                _BOTH,
                ("mweight", "alm_p", "cmb_sw"),
            ),
        )
    }
)
NETWORKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"deoldify_p": ("deoldify_p",), "ddcolor_p": ("ddcolor_p", "ddtweak", "ddtweak_p")}
)
"""For each parameter that names a network, all parameters that act on this network alone."""


def find_method(value: object) -> Method:
    """The method that a name or a number stands for.

    Raises:
        ValueError: there is no such method; the message lists those there are.
    """
    return METHODS[choice("method", value, list(METHODS))]


def unused_parameters(method: Method) -> frozenset[str]:
    """The parameters of networks and merges that have no effect with this method."""
    networks = {name for key, names in NETWORKS.items() if key not in method.networks for name in names}
    merges = {name for other in METHODS.values() for name in other.own}
    return frozenset(networks | (merges - set(method.own)))
