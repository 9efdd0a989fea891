"""How films are coloured: one thing to hand to whoever colours one."""

from dataclasses import dataclass
from pathlib import Path

from ..networks.files import UsedModel, used_models
from ..settings.presets import Preset
from ..settings.scenes import Scenes
from .reel import Reel
from .script import make_script


@dataclass(frozen=True)
class Recipe:
    """How films are coloured.

    A subclass may colour by other means: what it needs to give is a script, and the files that decide on the
    colours beside the parameters.

    Attributes:
        chosen: the parameters of the public functions.
        scenes: a list of the film's scenes; None lets the functions find them.
        references: a folder of pictures that correct the colours; None: there are none.
    """

    chosen: Preset
    scenes: Scenes | None = None
    references: Path | None = None

    def script(self, source: Path | Reel, *, cache: Path | None = None, track: int | None = None) -> str:
        """The VapourSynth script of a film: output 0 is the coloured film, output 1 the source.

        Args:
            source: the film.
            cache: folder of the source filter's index; by default the user's cache folder;
                of a reel none.
            track: which of the file's tracks is the film; by default the first picture track.
        """
        return make_script(
            source, self.chosen, cache=cache, track=track, scenes=self.scenes, references=self.references
        )

    def models(self) -> dict[str, UsedModel]:
        """The models in use, by the parameters that name them.

        Raises:
            ModelError: a named model is not installed; the message says how to get it.
        """
        return used_models(self.chosen.ddeoldify)
