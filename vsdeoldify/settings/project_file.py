"""The file of a project: JSON that people can read, compare and edit. docs/project.md describes it.

Reading is strict: what is unknown, missing, twice there, of the wrong type or out of its range is refused
with a sentence that says where it stands, for a setting that is passed over in silence would be a film in
the wrong colours.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..support.files import write_whole
from .project import (
    FilmIdentity,
    Project,
    ProjectReferences,
    ProjectScene,
    Settings,
    check_mark,
    check_names,
    fields_of,
    setting_names,
)
from .requests import check_referring
from .scenes import SceneRow, check_rows
from .values import integer

FORMAT = 1
"""The number of the format that is written; others are refused."""
SUFFIX = ".vsdeoldify.json"
_WIDTH = 110
_LARGEST = 1 << 26
_MOST = 2**63 - 1
_MOST_FRAMES = 2**31 - 1


def project_path(film: Path) -> Path:
    """Where the project of a film lies: beside it, ``film.vsdeoldify.json``.

    Args:
        film: the film's file, or the folder of a reel.
    """
    return film.with_name((film.name if film.is_dir() else film.stem) + SUFFIX)


def read_project(path: Path) -> Project:
    """The project in a file; the values of its settings are not looked at, see `project.check_values`.

    Raises:
        ValueError: it cannot be read or is no project, or something in it is wrong; the message says where.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no project of vsdeoldify: a project is JSON in UTF-8") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"the project {path} cannot be read: {reason}") from None
    if len(data) > _LARGEST:
        raise ValueError(f"{path} is no project of vsdeoldify: it is too large")
    return parse_project(text, path)


def write_project(project: Project, path: Path | None = None) -> Path:
    """Write a project, whole or not at all.

    Args:
        project: the project.
        path: where to; None: where it was read from.

    Returns:
        The file.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    target = path or project.path
    if target is None:
        raise ValueError("this project has no file yet: say where to write it")
    write_whole(target, project_text(project).encode())
    return target


def project_text(project: Project) -> str:
    """A project as its file has it; equal projects give equal texts."""
    content = {"format": str(FORMAT), "film": _text(asdict(project.film), 2, 8)}
    if project.references is not None:
        content["references"] = _text(asdict(project.references), 2, 14)
    content["settings"] = _text(_plain(project.settings), 2, 12)
    scenes = ",\n".join("    " + _text(_scene(scene), 4) for scene in project.scenes)
    content["scenes"] = f"[\n{scenes}\n  ]"
    lines = ",\n".join(f'  "{name}": {value}' for name, value in content.items())
    return f"{{\n{lines}\n}}\n"


def parse_project(text: str, path: Path) -> Project:
    """The project that `project_text` wrote, or a person.

    Args:
        text: the text.
        path: the file that it stands in, for messages and for what lies beside it.

    Raises:
        ValueError: it is no project, or something in it is wrong; the message says where.
    """
    try:
        return _project(_loaded(text), path)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path.name}: {error}") from None


def _loaded(text: str) -> Mapping[str, Any]:
    if not text.lstrip().startswith("{"):
        raise ValueError("this is no project of vsdeoldify: a project is JSON and begins with {")
    try:
        content: dict[str, Any] = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"line {error.lineno}, column {error.colno}: this is no JSON ({error.msg}); look there for a "
            "comma, a quote or a bracket that is missing or too many"
        ) from None
    except RecursionError:
        raise ValueError("this is no project of vsdeoldify") from None
    if "format" not in content:
        raise ValueError('this is no project of vsdeoldify: it has no "format"')
    number = content["format"]
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ValueError(f"format must be {FORMAT}, got {number!r}")
    if number != FORMAT:
        raise ValueError(
            f"it has the format {number} of a later version of vsdeoldify, and this version knows {FORMAT}: "
            "update vsdeoldify"
        )
    return content


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(
                f"{name!r} stands twice in one place, as {found[name]!r} and as {value!r}: keep one"
            )
        found[name] = value
    return found


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number that a setting can have")


def _project(content: Mapping[str, Any], path: Path) -> Project:
    _check_keys("the project", content, ("format", "film", "scenes"), ("settings", "references"))
    film = _film(content["film"])
    settings = content.get("settings", {})
    check_names(settings)
    scenes = _scenes(content["scenes"], film.frames)
    return Project(film, scenes, settings, _references(content.get("references")), path.absolute())


def _film(content: Any) -> FilmIdentity:
    _check_keys("film", content, ("name", "size", "frames"))
    return FilmIdentity(
        _string("film: name", content["name"]),
        _whole("film: size", content["size"], 0, _MOST),
        _whole("film: frames", content["frames"], 1, _MOST_FRAMES),
    )


def _references(content: Any) -> ProjectReferences | None:
    if content is None:
        return None
    _check_keys("references", content, ("folder",), ("reach", "strength", "offset"))
    folder = _string("references: folder", content["folder"])
    usual = ProjectReferences(folder)
    asked = {name: content.get(name, getattr(usual, name)) for name in ("reach", "strength", "offset")}
    for name, value in asked.items():
        if isinstance(value, bool):
            raise TypeError(f"references: {name} must be no truth value, got {value!r}")
    try:
        request = check_referring(folder, **asked)
    except (TypeError, ValueError) as error:
        raise ValueError(f"references: {error}") from None
    reach = "scene" if request.reach is None else request.reach
    return ProjectReferences(folder, reach, request.strength, request.offset)


def _scenes(content: Any, frames: int) -> tuple[ProjectScene, ...]:
    if not isinstance(content, list) or not content:
        raise TypeError('scenes must be a list of at least one scene, such as {"first": 0, "last": 99}')
    scenes = [_read_scene(number, one) for number, one in enumerate(content, 1)]
    rows = [SceneRow(f"scene {number}", one.first, one.last) for number, one in enumerate(scenes, 1)]
    end = check_rows(rows, "scenes").end
    if end != frames:
        raise ValueError(
            f"scene {len(scenes)}, the last one, ends with frame {scenes[-1].last}, but the film's {frames} "
            f"frames end with {frames - 1} (they count from 0)"
        )
    return tuple(scenes)


def _read_scene(number: int, content: Any) -> ProjectScene:
    place = f"scene {number}"
    _check_keys(place, content, ("first", "last"), ("mark", "settings"))
    first, last = (_whole(f"{place}: {name}", content[name], 0, _MOST_FRAMES) for name in ("first", "last"))
    place = f"{place} (frames {first} to {last})"
    settings = content.get("settings", {})
    check_names(settings, f"{place}: settings")
    return ProjectScene(first, last, check_mark(f"{place}: mark", content.get("mark", "none")), settings)


def _check_keys(place: str, content: Any, needed: Iterable[str], others: Iterable[str] = ()) -> None:
    known = (*needed, *others)
    if not isinstance(content, dict):
        raise TypeError(f"{place} must be an object with {', '.join(known)}, got {content!r}")
    for name in content:
        if name not in known:
            raise ValueError(f"{place} has no {name!r}: it can have {', '.join(known)}")
    for name in needed:
        if name not in content:
            raise ValueError(f"{place} lacks {name!r}")


def _whole(place: str, value: Any, low: int, high: int) -> int:
    if isinstance(value, bool):
        raise TypeError(f"{place} must be a whole number in {low}–{high}, got {value!r}")
    return integer(place, value, low, high)


def _string(place: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise TypeError(f"{place} must be a name, got {value!r}")
    return value


def _scene(scene: ProjectScene) -> dict[str, Any]:
    content: dict[str, Any] = {"first": scene.first, "last": scene.last}
    if scene.mark != "none":
        content["mark"] = scene.mark
    if scene.settings:
        content["settings"] = _plain(scene.settings)
    return content


def _plain(settings: Settings) -> dict[str, Any]:
    """The settings in the order of the parameters, so that files of equal projects are equal."""
    return {
        name: {one: value[one] for one in fields_of(name) if one in value}
        if isinstance(value := settings[name], Mapping)
        else value
        for name in setting_names()
        if name in settings
    }


def _text(value: Any, indent: int, before: int = 0) -> str:
    """JSON on one line where it fits, else one entry a line.

    Args:
        value: what is written.
        indent: how many columns its line is indented.
        before: how many more stand before it.
    """
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if indent + before + len(line) < _WIDTH or not isinstance(value, dict):
        return line
    entries = []
    for name, own in value.items():
        head = json.dumps(name, ensure_ascii=False) + ": "
        entries.append(" " * (indent + 2) + head + _text(own, indent + 2, len(head)))
    return "{\n" + ",\n".join(entries) + "\n" + " " * indent + "}"
