"""What a person can choose, as the page needs it: names, words and ranges from the tables of settings."""

from functools import cache
from typing import Any

from ..networks.family import model_names
from ..settings.filters import FILTERS
from ..settings.methods import METHODS
from ..settings.presets import COLOURS, COLOURS_HELP, SPEED_HELP, SPEEDS


@cache
def describe() -> dict[str, Any]:
    """The choices of the settings, as JSON takes them."""
    return {
        "presets": [{"name": name, "help": SPEED_HELP[name]} for name in SPEEDS],
        "colours": [{"name": name, "help": COLOURS_HELP[name]} for name in COLOURS],
        "methods": [
            {"name": row.name, "title": row.title, "networks": list(row.networks), "own": list(row.own)}
            for row in METHODS.values()
        ],
        "models": {name: list(model_names(name)) for name in ("deoldify_p", "ddcolor_p")},
        "filters": [{"name": row.switch, "note": row.note} for row in FILTERS.values()],
    }
