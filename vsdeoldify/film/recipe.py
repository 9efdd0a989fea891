"""How films are coloured: one thing to hand to whoever colours one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..networks.files import UsedModel, used_models
from ..settings.presets import Preset
from ..settings.scenes import Scenes
from .reel import Reel
from .script import make_script, unique


@dataclass(frozen=True)
class Recipe:
    """How films are coloured.

    A subclass may colour by other means: what it needs to give is a script, and the files that decide on the
    colours beside the parameters.

    Attributes:
        chosen: the parameters of the public functions.
        scenes: a list of the film's scenes; None lets the functions find them.
        references: a folder of pictures that correct the colours; None: there are none.
        referring: how these act, where it is not as usual: "reach", "strength", "offset".
        of_scenes: the parameters of each scene of the list, where scenes may have their own; none where all
            have `chosen`.
    """

    chosen: Preset
    scenes: Scenes | None = None
    references: Path | None = None
    referring: Mapping[str, Any] = field(default_factory=dict)
    of_scenes: tuple[Preset, ...] = ()

    def script(self, source: Path | Reel, *, cache: Path | None = None, track: int | None = None) -> str:
        """The VapourSynth script of a film: output 0 is the coloured film, output 1 the source.

        Args:
            source: the film.
            cache: folder of the source filter's index; by default the user's cache folder;
                of a reel none.
            track: which of the file's tracks is the film; by default the first picture track.
        """
        return make_script(
            source,
            self.chosen,
            cache=cache,
            track=track,
            scenes=self.scenes,
            references=self.references,
            referring=self.referring,
            of_scenes=self.of_scenes,
        )

    def models(self, chosen: Preset | None = None) -> dict[str, UsedModel]:
        """The models of some parameters, by the parameters that name them.

        Args:
            chosen: the parameters; None: `chosen` of this.

        Raises:
            ModelError: a named model is not installed; the message says how to get it.
        """
        return used_models((chosen or self.chosen).ddeoldify)

    def in_use(self) -> list[Preset]:
        """All the different parameters by which frames are coloured."""
        return unique(self.of_scenes or [self.chosen])

    def check_models(self) -> None:
        """Look for all models, before anything long is begun.

        Raises:
            ModelError: a named model is not installed; the message says how to get it.
        """
        for chosen in self.in_use():
            self.models(chosen)
