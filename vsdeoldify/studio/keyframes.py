"""How far apart the studio puts key frames: as the commands do, unless a person says otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from ..film.identity import has_motion
from ..settings import project as editing
from ..settings.presets import preset, usual_every
from ..settings.project import Project, Settings


def with_usual_every(project: Project, scene: int | None = None) -> Project:
    """Give a project, or a scene of it, the distance of key frames that is usual for its preset."""
    chosen = project.preset(scene)
    every = usual_every(preset(chosen.name, chosen.colours), motion=has_motion())
    return editing.set_settings(project, {"every": every}, scene)


def set_settings(project: Project, changes: Settings, scene: int | None) -> Project:
    """As `settings.project.set_settings`; another preset comes with its own distance."""
    changed = editing.set_settings(project, changes, scene)
    return with_usual_every(changed, scene) if "preset" in changes and "every" not in changes else changed


def reset_settings(project: Project, names: Sequence[str] | None, scene: int | None) -> Project:
    """As `settings.project.reset_settings`; but the film keeps its preset and goes back to its distance."""
    changed = editing.reset_settings(project, names, scene)
    if scene is not None:
        return changed
    if names is None:
        kept = {name: project.settings[name] for name in editing.PRESET_NAMES if name in project.settings}
        changed = editing.set_settings(changed, kept)
    return with_usual_every(changed) if names is None or "every" in names else changed
