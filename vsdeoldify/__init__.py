"""Colourise black-and-white film in VapourSynth, and calm the colours over time.

`ddeoldify()` colours a clip with DeOldify, DDColor or both; `ddeoldify_stabilizer()` makes the colours
steady. Both take any constant format and give it back with the source's luma untouched. `colorize()` is both
with the parameters of a preset::

    import vapoursynth as vs
    from vsdeoldify import ddeoldify, ddeoldify_stabilizer

    clip = vs.core.bs.VideoSource("film.mkv")
    clip = ddeoldify(clip)
    clip = ddeoldify_stabilizer(clip, dark=True, smooth=True, stab=True)
    clip.set_output()
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .functions import (
        colorize,
        ddeoldify,
        ddeoldify_stabilizer,
    )
    from .settings.params import (
        AdaptiveLumaParams,
        DarkParams,
        DDColorParams,
        DDTweakParams,
        DeOldifyParams,
        LumaMaskedParams,
        SmoothParams,
        StabParams,
    )
    from .settings.presets import preset

__all__ = [
    "AdaptiveLumaParams",
    "DDColorParams",
    "DDTweakParams",
    "DarkParams",
    "DeOldifyParams",
    "LumaMaskedParams",
    "SmoothParams",
    "StabParams",
    "colorize",
    "ddeoldify",
    "ddeoldify_stabilizer",
    "preset",
]
__version__ = "4.0.0"

_MODULES = {
    "AdaptiveLumaParams": "settings.params",
    "DDColorParams": "settings.params",
    "DDTweakParams": "settings.params",
    "DarkParams": "settings.params",
    "DeOldifyParams": "settings.params",
    "LumaMaskedParams": "settings.params",
    "SmoothParams": "settings.params",
    "StabParams": "settings.params",
    "colorize": "functions",
    "ddeoldify": "functions",
    "ddeoldify_stabilizer": "functions",
    "preset": "settings.presets",
}


def __getattr__(name: str) -> object:
    # On demand, so that `vsdeoldify doctor` can say what is wrong with a VapourSynth that does not load.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
