"""What the page and the child are told of a project."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..film.scenes import Scene
from ..networks.files import used_models
from ..settings.presets import SPEEDS, Preset, preset
from ..settings.project import Project, fields_of
from ..support.errors import ModelError
from .pictures import Reference

type Machine = Mapping[str, Any]
"""Parameters of `ddeoldify` that say where to compute."""


def effective(chosen: Preset) -> dict[str, Any]:
    """All parameters by name, those of lists by their fields."""
    found: dict[str, Any] = {"preset": chosen.name, "colours": chosen.colours}
    for name, value in (chosen.ddeoldify | chosen.stabilizer).items():
        fields = fields_of(name)
        found[name] = dict(zip(fields, value, strict=False)) if fields else value
    return found


def look_of(
    project: Project, scene: int, references: Mapping[int, Reference], machine: Machine
) -> dict[str, Any]:
    """What the child needs to know to colour frames of a scene."""
    one = project.scenes[scene]
    own = {n: reference for n, reference in references.items() if one.first <= n <= one.last}
    return {
        **_colours(project, project.preset(scene if one.settings else None), machine),
        "firsts": [one.first for one in project.scenes],
        "references": {str(n): str(reference.path) for n, reference in own.items()},
    }


def scenes_of(
    project: Project, found: Sequence[Scene], references: Mapping[int, Reference], machine: Machine
) -> list[dict[str, Any]]:
    """The scenes as the page shows them; `version` changes with all that decides on a scene's pictures."""
    usual = _colours(project, project.preset(), machine)
    scenes = []
    numbers = sorted(references)
    for number, (one, seen) in enumerate(zip(project.scenes, found, strict=True)):
        own = [n for n in numbers if one.first <= n <= one.last]
        chosen = project.preset(number) if one.settings else None
        colours = usual if chosen is None else _colours(project, chosen, machine)
        stamps = [(n, references[n].stamp) for n in own]
        text = json.dumps([colours, stamps, one.first, one.last])
        scenes.append(
            {
                "first": one.first,
                "last": one.last,
                "mark": one.mark,
                "shown": seen.shown,
                "settings": dict(one.settings),
                "effective": None if chosen is None else effective(chosen),
                "references": own,
                "version": hashlib.sha256(text.encode()).hexdigest()[:12],
            }
        )
    return scenes


def _colours(project: Project, chosen: Preset, machine: Machine) -> dict[str, Any]:
    references = project.references
    return {
        "preset": chosen.name,
        "colours": chosen.colours,
        "changes": chosen.ddeoldify | chosen.stabilizer | dict(machine),
        "strength": 1.0 if references is None else references.strength,
        "reach": "scene" if references is None else references.reach,
    }


def missing_models(machine: Machine) -> dict[str, str]:
    """For each preset whose models are not there: what to do."""
    missing = {}
    for name in SPEEDS:
        try:
            used_models(preset(name).ddeoldify | dict(machine))
        except ModelError as error:
            lines = str(error).splitlines()
            cure = next((line for line in lines if "--download" in line), "")
            missing[name] = f"{lines[0].partition(':')[0]}. {cure}".strip()
    return missing
