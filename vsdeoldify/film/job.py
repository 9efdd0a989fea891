"""What is to be made of a film: a value that is the same on every machine.

The *identity* of a job is all that decides on the frames that come out: the film by its content, the
parameters of the colours, the weights by their sums, the versions of what computes and encodes. Where the
film, the models and the programs lie, and which device computes, is the machine's affair and no part of it:
a job that was begun on one machine can go on after the film was moved, on another device, or elsewhere.
"""

import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..networks.files import UsedModel
from ..settings.parameters import MACHINE_WORDS
from ..settings.presets import Preset
from .reel import Reel

_BY_SUM = "a file"
"""Stands for a model that is given by its path."""

_REACH = 64
"""Frames: the colours of a frame depend on no frame farther away than this."""


@dataclass(frozen=True)
class Place:
    """Where a machine has what a job needs; no part of the job's identity.

    Attributes:
        film: the film.
        ffmpeg: the program.
        device_index: what computes, as `ddeoldify()` takes it.
        torch_dir: where the files of named models are.
        models: the model files by the parameters that name them.
        track: which of the film's tracks it is; None for the first picture track.
        reel: the numbered pictures that the film is; None for a file.
    """

    film: Path
    ffmpeg: str
    device_index: int | str = 0
    torch_dir: str | None = None
    models: Mapping[str, Path] = field(default_factory=dict)
    track: int | None = None
    reel: Reel | None = None


@dataclass(frozen=True)
class FilmMark:
    """A film by its content.

    Attributes:
        size: the file's bytes; of a reel, those of all its pictures.
        head: SHA-256 of its first mebibyte, in hex digits; of a reel, of parts of all its pictures.
        tail: SHA-256 of its last mebibyte; of a reel, empty.
        frames: how many frames the source filter finds in it.
    """

    size: int
    head: str
    tail: str
    frames: int


@dataclass(frozen=True)
class Job:
    """What is to be made of a film.

    Attributes:
        film: the film.
        timing: its frame rate as a fraction, "24000/1001"; where it varies, a sum of the times of all frames.
        first: first frame of the range.
        end: the frame after its last.
        colours: parameters of the public functions by their function's name, as `portable` gives them; and
            the names of the "preset", which stands for what they leave out.
        weights: SHA-256 of the model files by the parameters that name them.
        chain: `CHAIN_VERSION`.
        encoder: ffmpeg's options that encode a piece.
        encoder_version: of ffmpeg and the encoder's library, as they name themselves.
        motion: version of the plugin that carries colours along motion; empty where none does.
        scenes: of a film with a list of scenes, each with the "first" frame and the "end" after its last;
            empty where the functions find the scenes.
        references: SHA-256 of coloured frames to go by, by frame number.
        referring: how these act, where it is not as usual.
        own: of a film whose scenes may have settings of their own, what the colours go by, by its sum: the
            "colours" and the "weights" as above, and the version of the plugin for "motion". Each scene names
            its own one as "settings", and the fields above are empty.
    """

    film: FilmMark
    timing: str
    first: int
    end: int
    colours: Mapping[str, Any]
    weights: Mapping[str, str]
    chain: int
    encoder: tuple[str, ...]
    encoder_version: str
    motion: str = ""
    scenes: tuple[Mapping[str, Any], ...] = ()
    references: Mapping[str, str] = field(default_factory=dict)
    referring: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """The job as text: equal jobs give equal texts."""
        return json.dumps(asdict(self), sort_keys=True, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Job":
        """The job that `to_json` wrote.

        Raises:
            ValueError: the text is no job.
        """
        try:
            values = json.loads(text)
            return cls(
                **values
                | {
                    "film": FilmMark(**values["film"]),
                    "encoder": tuple(values["encoder"]),
                    "scenes": tuple(values["scenes"]),
                }
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"this is no job: {error}") from error

    def piece_digest(self, first: int, end: int) -> str:
        """A sum of all that decides on the frames first … end − 1: pieces with the same one are the same.

        The range of the whole job is no part of it, nor how it is cut into pieces.
        """
        # Where a scene begins or ends beyond the reach does not matter, and nothing comes from another one.
        before, behind = first - _REACH, end + _REACH
        scenes = [
            {**scene, "first": max(scene["first"], before), "end": min(scene["end"], behind)}
            for scene in self.scenes
            if scene["first"] < end and scene["end"] > first
        ]
        references = {
            str(number): self.references[str(number)]
            for number in _near([int(number) for number in self.references], before, behind)
            if self._reaches(number, first, end)
        }
        decisive = asdict(self) | {"first": first, "end": end, "scenes": scenes, "references": references}
        del decisive["own"]  # The scenes name theirs.
        if not references:
            del decisive["referring"]
        text = json.dumps(decisive, sort_keys=True)
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]

    def _reaches(self, reference: int, first: int, end: int) -> bool:
        """Whether a reference's scene has frames of first … end − 1; where no scene is known, it may."""
        return not self.scenes or any(
            scene["first"] <= reference < scene["end"] and scene["first"] < end and scene["end"] > first
            for scene in self.scenes
        )

    def differences(self, other: "Job") -> list[str]:
        """What keeps a film that was begun as another job from going on as this one, in words.

        Scenes, their settings and references are not looked at: each piece says for itself whether it holds
        what they ask for, and is made again where it does not.
        """
        found = [
            words
            for name, words in (
                ("film", "the film"),
                ("timing", "the times of its frames"),
                ("chain", "the version of vsdeoldify's colours"),
                ("encoder", "encoder options"),
            )
            if getattr(self, name) != getattr(other, name)
        ]
        if (self.first, self.end) != (other.first, other.end):
            found.append(f"range: frames {other.first} to {other.end} then, {self.first} to {self.end} now")
        if bool(self.own) != bool(other.own):
            then, now = ("a project" if job.own else "options" for job in (other, self))
            return [*found, f"colours: by {then} then, by {now} now"]
        if names := _different(_flat(self.colours), _flat(other.colours)):
            found.append("colours: " + ", ".join(name.partition(".")[2] for name in names))
        for parameter in _different(self.weights, other.weights):
            # Where another model is asked for, the colours say so.
            if (model := self._model(parameter)) is not None and model == other._model(parameter):
                found.append(f"the model file of {parameter} ({model})")
        if self.encoder_version != other.encoder_version:
            found.append(f"the encoder: {other.encoder_version} then, {self.encoder_version} now")
        if self.motion != other.motion:
            then, now = (f"mvutensils {job.motion}" if job.motion else "none" for job in (other, self))
            found.append(f"the plugin for motion: {then} then, {now} now")
        return found

    def _model(self, parameter: str) -> Any:
        return (self.colours.get("ddeoldify", {}).get(parameter) or [None])[0]


def _near(numbers: Iterable[int], first: int, end: int) -> list[int]:
    """The numbers in first … end − 1, and the nearest one on either side: none beyond these is looked at."""
    rising = sorted(numbers)
    low, high = bisect_left(rising, first), bisect_left(rising, end)
    return rising[max(0, low - 1) : high + 1]


def portable(chosen: Preset, models: Mapping[str, UsedModel]) -> dict[str, dict[str, Any]]:
    """The parameters of a job's colours, without the words of a machine.

    Args:
        chosen: the parameters as the public functions take them.
        models: the models in use by the parameters that name them.

    Returns:
        By function the parameters, as values of JSON.
    """
    ddeoldify = {key: _plain(value) for key, value in chosen.ddeoldify.items() if key not in MACHINE_WORDS}
    for parameter, model in models.items():
        # Numbers and paths stand for what has a name, or a sum that the job knows.
        ddeoldify[parameter] = [model.name or _BY_SUM, *(ddeoldify.get(parameter) or [])[1:]]
    return {
        "preset": {"preset": chosen.name, "colours": chosen.colours},
        "ddeoldify": ddeoldify,
        "ddeoldify_stabilizer": {key: _plain(value) for key, value in chosen.stabilizer.items()},
    }


def preset_at(job: Job, place: Place) -> Preset:
    """The parameters of a job as the public functions take them on a machine."""
    ddeoldify = dict(job.colours["ddeoldify"])
    for parameter in job.weights:
        if ddeoldify[parameter][0] == _BY_SUM:
            ddeoldify[parameter] = [str(place.models[parameter]), *ddeoldify[parameter][1:]]
    ddeoldify |= {"device_index": place.device_index}
    if place.torch_dir is not None:
        ddeoldify["torch_dir"] = place.torch_dir
    names = job.colours["preset"]
    return Preset(names["preset"], names["colours"], ddeoldify, dict(job.colours["ddeoldify_stabilizer"]))


def _plain(value: Any) -> Any:
    """The value as JSON has it; whole numbers look alike whatever their type."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float)):
        return int(value) if float(value).is_integer() else float(value)
    return str(value)


def _flat(colours: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{function}.{name}": value for function, own in colours.items() for name, value in own.items()}


def _different(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    return [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
