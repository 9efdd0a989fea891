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

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING

from .functions import colorize as colorize
from .functions import ddeoldify as ddeoldify
from .functions import ddeoldify_references as ddeoldify_references
from .functions import ddeoldify_scenes as ddeoldify_scenes
from .functions import ddeoldify_stabilizer as ddeoldify_stabilizer
from .settings.params import AdaptiveLumaParams as AdaptiveLumaParams
from .settings.params import DarkParams as DarkParams
from .settings.params import DDColorParams as DDColorParams
from .settings.params import DDTweakParams as DDTweakParams
from .settings.params import DeOldifyParams as DeOldifyParams
from .settings.params import LumaMaskedParams as LumaMaskedParams
from .settings.params import SmoothParams as SmoothParams
from .settings.params import StabParams as StabParams
from .settings.presets import preset as preset

__version__ = "4.0.0"
# The imports above are the table of public names: its functions and classes.
__all__ = sorted(name for name, value in globals().items() if callable(value) and not name.startswith("_"))


if not _TYPE_CHECKING:  # Else a type checker would take every name for one that is here.

    def __getattr__(name: str) -> object:
        """The names of other versions, for scripts that were written for them."""
        if name.startswith("HAVC_") or name in ("ddeoldify_main", "dd_video_stabilizer", "disable_warnings"):
            # A room above this one: by its name, and only when a script asks for it.
            return _import_module(".havc", __name__).named(name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
