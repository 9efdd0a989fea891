"""``vsdeoldify project INPUT``: begin a project, the file that says how each scene of a film is coloured."""

import argparse
import os
from pathlib import Path
from typing import Any

from ...functions import check_parameters
from ...settings.project import Project, ProjectReferences, ProjectScene, settings_of
from ...settings.project_file import SUFFIX, project_path
from ..errors import DONE, USAGE, CommandError
from ..options import (
    add_colour_options,
    add_progress_option,
    add_references_option,
    add_scenes_option,
    coloured_by,
    film_file,
    output_file,
    reporter_of,
)


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "project",
        help="begin a file that says how each scene of a film is coloured",
        description="Find the scenes of a film and write a project beside it: a text file with these scenes "
        "and the settings that the options name, for all of them. There single scenes may get settings of "
        "their own; colorize and script go by it with --project.",
        epilog="examples:\n"
        f"  vsdeoldify project film.mkv                    writes film{SUFFIX}\n"
        "  vsdeoldify project film.mkv --preset slow --colours stable --scenes film_scenes.csv\n"
        f"  vsdeoldify colorize film.mkv --project film{SUFFIX}\n"
        f"  vsdeoldify colorize film.mkv --project film{SUFFIX} --resume\n"
        "                                                 after a change: only what it reaches anew",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("input", metavar="INPUT", help="the film")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help=f"the file to write (default: INPUT's name with {SUFFIX})"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing project")
    add_scenes_option(parser)
    add_references_option(parser)
    add_progress_option(parser)
    add_colour_options(parser)
    parser.set_defaults(project=None)


def run(args: argparse.Namespace) -> int:
    """Write the project."""
    source = film_file(args.input)
    output = output_file(args.output, source, project_path(source).name, overwrite=args.overwrite)
    recipe = coloured_by(args, source)
    try:
        check_parameters(recipe.chosen)
    except (TypeError, ValueError) as error:
        raise CommandError(str(error), USAGE) from None

    from ...film.project import identity_of, save_project
    from ...film.scenes import find_scenes

    reporter = reporter_of(args)
    film, scenes = find_scenes(source, scenes=recipe.scenes, reporter=reporter)
    project = Project(
        identity_of(source, film.frames),
        tuple(ProjectScene(scene.first, scene.end - 1) for scene in scenes),
        settings_of(recipe.chosen),
        None if recipe.references is None else ProjectReferences(_beside(recipe.references, output)),
        output,
    )
    save_project(project)
    count = f"{len(scenes)} scene{'s' * (len(scenes) != 1)}"
    reporter.result(f"{output}: {count}", output=output, scenes=len(scenes))
    return DONE


def _beside(folder: Path, project: Path) -> str:
    """What a project calls a folder: a relative name where both may be moved together."""
    inside = folder.is_relative_to(project.parent)
    return folder.relative_to(project.parent).as_posix() if inside else os.fspath(folder)
