"""A project: what a person has decided about a film, as a value, and what a hand does to it.

A project has settings for all scenes, scenes with marks and settings of their own, and references. Settings
go by name: "preset" and "colours", and the parameters of `ddeoldify` and `ddeoldify_stabilizer` that decide
on colours. Of a parameter that is a list, they name the fields: ``{"ddcolor_p": {"saturation": 0.8}}``. What
a scene does not name is as in the film's settings, and what these do not name is as the preset has it.

All functions here give a new project and leave the old one as it is. Scenes go by their place in the
project, counted from 0; messages count them from 1, as people do. `settings.project_file` reads and writes
projects, `film.project` brings them to films.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args

from ..support.paths import user_path
from .parameters import COLOURING, MACHINE_WORDS, stabilizing
from .params import Group
from .presets import Preset, preset
from .scenes import Scenes
from .values import MODEL_FILE_SUFFIXES, integer

type Mark = Literal["none", "good", "wrong"]
type Settings = Mapping[str, Any]
"""Values by name; of parameters that are lists, mappings of fields to values."""

MARKS: tuple[Mark, ...] = get_args(Mark.__value__)
PRESET_NAMES = ("preset", "colours")
_PRESET = {"preset": "medium", "colours": "balanced"}


@dataclass(frozen=True, slots=True)
class FilmIdentity:
    """Which film a project is for.

    Attributes:
        name: of its file, for people: a film may be renamed.
        size: the file's bytes; of a reel, those of all its pictures.
        frames: how many frames it has, from 1.
    """

    name: str
    size: int
    frames: int


@dataclass(frozen=True, slots=True)
class ProjectScene:
    """A scene of a project.

    Attributes:
        first: its first frame, counted from 0.
        last: its last frame.
        mark: what a person thinks of it; decides on nothing.
        settings: those that differ from the film's.
    """

    first: int
    last: int
    mark: Mark = "none"
    settings: Settings = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProjectReferences:
    """The pictures that correct the colours, as `ddeoldify_references` takes them.

    Attributes:
        folder: as the file names it: relative to the project's own folder, or absolute.
        reach: "scene", or the number of frames that a picture reaches.
        strength: the pictures' weight, 0–1.
        offset: added to the number in a picture's name to get the frame's.
    """

    folder: str
    reach: int | str = "scene"
    strength: float = 1.0
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Project:
    """What a person has decided about a film.

    Attributes:
        film: which film it is for.
        scenes: all frames of the film, in order; at least one.
        settings: for all scenes.
        references: pictures that correct the colours, if any.
        path: the file that it was read from or will be written to; what it names lies relative to it.
    """

    film: FilmIdentity
    scenes: tuple[ProjectScene, ...]
    settings: Settings = field(default_factory=dict)
    references: ProjectReferences | None = None
    path: Path | None = field(default=None, compare=False)

    def preset(self, scene: int | None = None) -> Preset:
        """The parameters of a scene, as the public functions take them.

        Args:
            scene: its place; None: those of the film, which hold where a scene has none of its own.

        Raises:
            ValueError: there is no such preset.
        """
        asked = self.settings if scene is None else _merged(self.settings, self.scenes[scene].settings)
        names = {name: asked.get(name, usual) for name, usual in _PRESET.items()}
        base = preset(names["preset"], names["colours"])
        given = base.ddeoldify | base.stabilizer
        changes = {
            name: _as_list(_GROUPS[name], given.get(name, ()), self._placed(value))
            if name in _GROUPS
            else value
            for name, value in asked.items()
            if name not in PRESET_NAMES
        }
        return base.with_changes(**changes).of_use()

    def references_folder(self) -> Path | None:
        """Where the references are; None where the project has none."""
        return None if self.references is None else self.beside(self.references.folder)

    def beside(self, name: str) -> Path:
        """The path that a name in the project's file means."""
        path = user_path(name)
        return path if self.path is None else self.path.absolute().parent / path

    def listed(self) -> Scenes:
        """The scenes as a list to obey."""
        origin = "the project" if self.path is None else self.path.name
        return Scenes(tuple(scene.first for scene in self.scenes), self.scenes[-1].last + 1, origin)

    def _placed(self, fields: Settings) -> Settings:
        """The fields of a list, a model's file with its whole path."""
        model = fields.get("model")
        if isinstance(model, str) and model.lower().endswith(MODEL_FILE_SUFFIXES):
            return {**fields, "model": str(self.beside(model))}
        return fields


_GROUPS: dict[str, Group] = {
    one.name: one.group for one in (*COLOURING, *stabilizing()) if one.group is not None
}
_NAMES = (
    *PRESET_NAMES,
    *(one.name for one in (*COLOURING, *stabilizing()) if one.name not in MACHINE_WORDS),
)


def setting_names() -> tuple[str, ...]:
    """The names of all settings."""
    return _NAMES


def fields_of(name: str) -> tuple[str, ...]:
    """The fields of a setting; none where it is a single value."""
    group = _GROUPS.get(name)
    return () if group is None else group.written._fields


def settings_of(chosen: Preset) -> Settings:
    """The settings that make some parameters: the names of their preset, and where they differ from it."""
    base = preset(chosen.name, chosen.colours)
    usual = base.ddeoldify | base.stabilizer
    settings: dict[str, Any] = {"preset": chosen.name, "colours": chosen.colours}
    for name, value in (chosen.ddeoldify | chosen.stabilizer).items():
        if name not in _NAMES or usual.get(name, _NOTHING) == value:
            continue
        group = _GROUPS.get(name)
        if group is None or not isinstance(value, (list, tuple)):
            settings[name] = value
            continue
        before = group.written(*usual.get(name, ()))._asdict()
        given = dict(zip(before, value, strict=False))
        if changed := {one: own for one, own in given.items() if own != before[one]}:
            settings[name] = changed
    return settings


def merge_scenes(project: Project, scene: int) -> Project:
    """Join a scene with the one after it.

    Settings are those of the first of the two; the mark is theirs where both have the same one, else none.

    Raises:
        ValueError: there is no such scene, or none after it.
    """
    one = _scene(project, scene)
    if scene + 1 == len(project.scenes):
        raise ValueError(f"scene {scene + 1} is the last one: there is none after it to merge it with")
    other = project.scenes[scene + 1]
    mark: Mark = one.mark if one.mark == other.mark else "none"
    return _with_scenes(project, scene, 2, replace(one, last=other.last, mark=mark))


def split_scene(project: Project, frame: int) -> Project:
    """Let a new scene begin with a frame; both parts keep the settings and the mark.

    Raises:
        ValueError: the film has no such frame, or a scene begins with it already.
    """
    scene = scene_at(project, frame)
    one = project.scenes[scene]
    if frame == one.first:
        raise ValueError(f"frame {frame} is the first one of scene {scene + 1} already")
    return _with_scenes(project, scene, 1, replace(one, last=frame - 1), replace(one, first=frame))


def shift_limit(project: Project, scene: int, first: int) -> Project:
    """Let a scene begin with another frame, and the scene before it end there.

    Args:
        project: the project.
        scene: the later of the two scenes.
        first: the scene's new first frame.

    Raises:
        ValueError: there is no such scene, it is the first one, or one of the two would have no frame left.
    """
    one = _scene(project, scene)
    if scene == 0:
        raise ValueError("the first scene begins with the film's first frame")
    before = project.scenes[scene - 1]
    first = integer("the first frame", first, before.first + 1, one.last)
    return _with_scenes(project, scene - 1, 2, replace(before, last=first - 1), replace(one, first=first))


def mark_scene(project: Project, scene: int, mark: str) -> Project:
    """Say what a scene is like: "good", "wrong", or "none".

    Raises:
        ValueError: there is no such scene or mark.
    """
    return _with_scenes(project, scene, 1, replace(_scene(project, scene), mark=check_mark("mark", mark)))


def set_settings(project: Project, changes: Settings, scene: int | None = None) -> Project:
    """Change settings, for one scene or for all.

    Args:
        project: the project.
        changes: the settings; all others stay.
        scene: the scene's place. Where a value is what the film's settings and its preset give, the scene
            needs none of its own, and follows the film from now on. None: all scenes, and what single scenes
            have of the same names is dropped.

    Raises:
        TypeError, ValueError: a name is unknown, or a list is given without the names of its fields. Values
            are checked where the project is, see `check_values`.
    """
    check_names(changes)
    if scene is None:
        film = _merged(project.settings, changes)
        scenes = tuple(
            replace(one, settings=_without(one.settings, _paths(changes))) for one in project.scenes
        )
        return replace(project, settings=film, scenes=scenes)
    one = _scene(project, scene)
    own = _merged(one.settings, changes)
    # A preset of its own gives the scene other values than the film's where neither names them.
    other = any(name in own and own[name] != _of_film(project, name) for name in _PRESET)
    usual = project.settings if other else _full(project)
    same = [path for path in _paths(own) if _value(usual, path) == _value(own, path)]
    return _with_scenes(project, scene, 1, replace(one, settings=_without(own, same)))


def reset_settings(project: Project, names: Iterable[str] | None = None, scene: int | None = None) -> Project:
    """Take settings back: a scene's to the film's, the film's to the preset's.

    Args:
        project: the project.
        names: which ones, "stab" or, for a field of a list, "ddcolor_p.saturation"; None: all of them.
        scene: the scene's place. None: the film's settings, and those of all scenes.

    Raises:
        ValueError: there is no such scene or setting.
    """
    paths = None if names is None else [_path(name) for name in names]
    if scene is None:
        scenes = tuple(replace(one, settings=_without(one.settings, paths)) for one in project.scenes)
        return replace(project, settings=_without(project.settings, paths), scenes=scenes)
    one = _scene(project, scene)
    return _with_scenes(project, scene, 1, replace(one, settings=_without(one.settings, paths)))


def scene_at(project: Project, frame: int) -> int:
    """The place of the scene that holds a frame.

    Raises:
        ValueError: the film has no such frame.
    """
    frame = integer("frame", frame, 0, project.scenes[-1].last)
    return next(place for place, scene in enumerate(project.scenes) if frame <= scene.last)


def check_mark(place: str, mark: object) -> Mark:
    """The mark that somebody wrote.

    Raises:
        ValueError: there is no such mark.
    """
    for known in MARKS:
        if mark == known:
            return known
    raise ValueError(f"{place} must be one of {', '.join(MARKS)}, got {mark!r}")


def check_names(settings: object, place: str = "settings") -> None:
    """Check the names of settings, and that those that are lists name their fields.

    Args:
        settings: what somebody wrote.
        place: what messages call it.

    Raises:
        TypeError: it is no mapping, or a list is no mapping of its fields.
        ValueError: a name is unknown; the message says which one is like it.
    """
    if not isinstance(settings, Mapping):
        raise TypeError(f'{place} must be settings by name, such as {{"preset": "fast"}}, got {settings!r}')
    for name, value in settings.items():
        if name in MACHINE_WORDS:
            raise ValueError(
                f"{place}: {name} says where to compute and not what, so it is no part of a project: remove "
                "it, and give it to the command (--device, --torch-dir, --set)"
            )
        if name not in _NAMES:
            raise ValueError(f"{place}: there is no setting {name!r}{_meant(name, _NAMES)}")
        fields = fields_of(name)
        if not fields:
            if isinstance(value, (list, tuple, Mapping)):
                raise TypeError(f"{place}: {name} must be a single value, got {value!r}")
            continue
        if not isinstance(value, Mapping):
            raise TypeError(f"{place}: {name} must name its fields{_with_fields(value, fields)}")
        for one, own in value.items():
            if one not in fields:
                raise ValueError(f"{place}: {name} has no field {one!r}{_meant(one, fields)}")
            if isinstance(own, (list, tuple, Mapping)):
                raise TypeError(f"{place}: {name} {one} must be a single value, got {own!r}")


def check_values(project: Project, check: Callable[[Preset], object], place: str = "the project") -> None:
    """Check the values of all settings as the public functions do.

    Args:
        project: the project.
        check: raises `TypeError` or `ValueError` where these functions refuse parameters.
        place: what messages call the project.

    Raises:
        ValueError: a value is wrong; the message says where.
    """
    for scene in (None, *(n for n, one in enumerate(project.scenes) if one.settings)):
        where = place if scene is None else f"{place}: {scene_name(project, scene)}"
        try:
            check_names(project.settings if scene is None else project.scenes[scene].settings)
            check(project.preset(scene))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{where}: {_of_settings(str(error))}") from None


def scene_name(project: Project, scene: int) -> str:
    """What messages call a scene."""
    one = project.scenes[scene]
    return f"scene {scene + 1} (frames {one.first} to {one.last})"


def _of_settings(message: str) -> str:
    return message if message.startswith("settings") else f"settings: {message}"


def _scene(project: Project, scene: int) -> ProjectScene:
    if not 0 <= scene < len(project.scenes):
        raise ValueError(f"there is no scene {scene + 1}: the film has {len(project.scenes)}")
    return project.scenes[scene]


def _with_scenes(project: Project, scene: int, count: int, *scenes: ProjectScene) -> Project:
    """The project with others in place of some scenes."""
    kept = project.scenes
    return replace(project, scenes=(*kept[:scene], *scenes, *kept[scene + count :]))


def _merged(settings: Settings, changes: Settings) -> dict[str, Any]:
    merged = dict(settings)
    for name, value in changes.items():
        merged[name] = {**merged.get(name, {}), **value} if isinstance(value, Mapping) else value
    return merged


def _as_list(group: Group, base: Iterable[Any], fields: Settings) -> list[Any]:
    """A list with some of its fields replaced, as long as it was or as these need it."""
    names: tuple[str, ...] = group.written._fields
    given = list(base)
    values = group.written(*given)._replace(**fields)
    length = max(len(given), *(names.index(name) + 1 for name in fields)) if fields else len(given)
    return list(values)[:length]


def _paths(settings: Settings) -> list[tuple[str, ...]]:
    """Where the values are: ("stab",), ("ddcolor_p", "saturation")."""
    return [
        path
        for name, value in settings.items()
        for path in ([(name, one) for one in value] if isinstance(value, Mapping) else [(name,)])
    ]


def _path(name: str) -> tuple[str, ...]:
    """Where the value of a name is, "stab" or "ddcolor_p.saturation"."""
    setting, dot, one = name.partition(".")
    if setting not in _NAMES:
        raise ValueError(f"there is no setting {setting!r}{_meant(setting, _NAMES)}")
    if dot and one not in fields_of(setting):
        raise ValueError(f"{setting} has no field {one!r}{_meant(one, fields_of(setting))}")
    return (setting, one) if dot else (setting,)


_NOTHING = object()


def _of_film(project: Project, name: str) -> Any:
    """The film's "preset" or "colours"."""
    return project.settings.get(name, _PRESET[name])


def _full(project: Project) -> dict[str, Any]:
    """All settings of the film, those of its preset among them."""
    chosen = project.preset()
    return {"preset": chosen.name, "colours": chosen.colours} | {
        name: _GROUPS[name].written(*value)._asdict() if name in _GROUPS else value
        for name, value in (chosen.ddeoldify | chosen.stabilizer).items()
    }


def _value(settings: Settings, path: tuple[str, ...]) -> Any:
    value: Any = settings
    for name in path:
        value = value.get(name, _NOTHING) if isinstance(value, Mapping) else _NOTHING
    return value


def _without(settings: Settings, paths: Iterable[tuple[str, ...]] | None) -> dict[str, Any]:
    """The settings without some; None: without any."""
    if paths is None:
        return {}
    gone = set(paths)
    kept: dict[str, Any] = {}
    for name, value in settings.items():
        if (name,) in gone:
            continue
        if isinstance(value, Mapping):
            value = {one: own for one, own in value.items() if (name, one) not in gone}
            if not value:
                continue
        kept[name] = value
    return kept


def _with_fields(value: object, fields: tuple[str, ...]) -> str:
    """How a list is written with the names of its fields."""
    if isinstance(value, (list, tuple)) and 0 < len(value) <= len(fields):
        import json

        written = json.dumps(dict(zip(fields, value, strict=False)), default=str, ensure_ascii=False)
        return f": write {written}"
    return f" ({', '.join(fields)}), got {value!r}"


def _meant(name: object, known: Iterable[str]) -> str:
    like = get_close_matches(str(name), list(known), 1)
    return f"; did you mean {like[0]!r}?" if like else f"; there are {', '.join(known)}"
