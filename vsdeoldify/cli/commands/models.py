"""``vsdeoldify models``: list, fetch and check the model files."""

import argparse
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ...models.catalogue import MODELS, ModelFile, select_models, short_name
from ...models.download import download, download_folder
from ...models.store import locate, search_folders
from ...models.verify import NetworkCheck, Report, status, verify
from ...networks.family import FAMILIES, Family
from ...networks.loading import check_network
from ...support.errors import ModelError
from ...support.kept import empty
from ...support.words import format_size
from ..errors import DONE, FAILED, USAGE, CommandError
from ..terminal import StatusLine, answer, say

_DEFAULTS = ("video", "ddcolor-artistic")
"""What `ddeoldify` uses when it is not told otherwise."""

_STATES = {
    "missing": "not here",
    "damaged": "DAMAGED",
    "verified": "verified",
    "unpublished": "right network",
    "different": "not the published file",
    "unchecked": "not verified",
}

_EPILOG = """\
names:
  video, stable, deoldify-artistic      DeOldify
  modelscope, ddcolor-artistic,         DDColor
  paper_tiny                            DDColor, small: for computers without a graphics card
  deoldify, ddcolor, all                all of a kind

examples:
  vsdeoldify models                         what is here
  vsdeoldify models --download              what ddeoldify() uses by default: video, ddcolor-artistic
  vsdeoldify models --download paper_tiny
  vsdeoldify models --download all --folder D:\\models
  vsdeoldify models --verify                compare the files here with the published ones
  vsdeoldify models --path                  the folder for files that you save by hand
  vsdeoldify models --forget-compiled       free the disk of what was compiled

A download that was interrupted goes on where it stopped when the same command is run again. Behind a proxy,
set the environment variable https_proxy. exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "models",
        help="list, download and verify the model files",
        description="List the model files, download them, or check that they are the published ones.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    action = parser.add_mutually_exclusive_group()
    action.add_argument(
        "--download", nargs="*", metavar="NAME", help="download models (default: video, ddcolor-artistic)"
    )
    action.add_argument(
        "--verify", nargs="*", metavar="NAME", help="read the files through and compare their checksums"
    )
    action.add_argument(
        "--path",
        nargs="*",
        metavar="NAME",
        help="print where the files of these models lie, or without names the folder that downloads go to",
    )
    action.add_argument(
        "--forget-compiled",
        action="store_true",
        help="remove what OpenVINO has compiled for this processor; it is made again when it is needed",
    )
    parser.add_argument(
        "--folder",
        "--torch-dir",
        metavar="DIR",
        help="a folder of your own for model files (the filter's torch_dir)",
    )
    parser.add_argument(
        "--force", action="store_true", help="replace a file that is here but is not the published one"
    )
    parser.add_argument(
        "--accept-unknown",
        action="store_true",
        help="keep a download that has the right network but not the published checksum",
    )
    parser.add_argument(
        "--mirror",
        action="append",
        default=[],
        metavar="URL",
        help="an address under which the files lie by their names, tried first; may be repeated",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="give a connection up after so long without any data (default: 30)",
    )


def run(
    args: argparse.Namespace,
    models: Sequence[ModelFile] = MODELS,
    check: NetworkCheck = check_network,
) -> int:
    """Carry the command out.

    Args:
        args: The parsed options.
        models: The models there are.
        check: Looks at the network in a file whose checksum does not settle the matter.

    Returns:
        The exit code.
    """
    if args.download is not None:
        return _download(args, _select(args.download or _DEFAULTS, models), check)
    if args.force or args.accept_unknown or args.mirror:
        raise CommandError("--force, --accept-unknown and --mirror go with --download", USAGE)
    if args.forget_compiled:
        answer(f"{format_size(empty())} of compiled networks removed")
        return DONE
    if args.verify is not None:
        return _verify(args, _select(args.verify, models), _select(args.verify or ["all"], models), check)
    if args.path is not None:
        return _print_paths(args, _select(args.path, models))
    return _list(args, models)


def _select(names: Iterable[str], models: Iterable[ModelFile]) -> list[ModelFile]:
    try:
        return select_models(names, models)
    except ValueError as error:
        raise CommandError(str(error), USAGE) from error


def _list(args: argparse.Namespace, models: Sequence[ModelFile]) -> int:
    rows: list[tuple[str, ...]] = [("NAME", "NETWORK", "SIZE", "LICENCE", "STATE", "WHERE")]
    rows += [_bundled_row(family) for family in FAMILIES.values() if family.bundled]
    notes = []
    for model in models:
        report = status(model, args.folder)
        name = short_name(model, models)
        where = "" if report.path is None else str(report.path)
        title = FAMILIES[model.family].title
        rows.append((name, title, model.size_text, model.licence, _STATES[report.state], where))
        if report.detail and report.state != "unpublished":
            notes.append(f"{name}: {report.detail}")
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    answer("\n".join(line.rstrip() for line in lines))
    for note in notes:
        answer(f"\n{note}")
    answer("\nFolders searched, first to last:")
    for folder in search_folders(args.folder):
        answer(f"  {folder}{'' if folder.is_dir() else ' (does not exist)'}")
    answer("\nDownload with: vsdeoldify models --download NAME    Check with: vsdeoldify models --verify")
    return DONE


def _bundled_row(family: Family) -> tuple[str, ...]:
    name, file = family.models[0], family.bundled_file()
    if file is None or not file.is_file():
        return (name, "small", "", "MIT", "not here", "(not in this copy of the package)")
    return (name, "small", format_size(file.stat().st_size), "MIT", "ready", "comes with the package")


def _print_paths(args: argparse.Namespace, models: list[ModelFile]) -> int:
    if not args.path:
        answer(str(_folder(args)))
        return DONE
    code = DONE
    for model in models:
        try:
            answer(str(locate(model, args.folder)))
        except ModelError as error:
            say(f"{args.prog}: {error}")
            code = FAILED
    return code


def _verify(
    args: argparse.Namespace, named: list[ModelFile], models: list[ModelFile], check: NetworkCheck
) -> int:
    code, found = DONE, False
    for model in models:
        with _Bar(f"reading {model.file}") as bar:
            report = verify(model, args.folder, progress=bar.update, check=check)
        if report.state == "missing" and model not in named:
            continue
        found = True
        where = "" if report.path is None else f" {report.path}"
        detail = f": {report.detail}" if report.detail else ""
        answer(f"{model.full_name}: {_STATES[report.state]}{where}{detail}")
        if report.state not in ("verified", "unpublished"):
            code = FAILED
    if not found:
        answer("there is no model file here to verify; vsdeoldify models --download NAME fetches one")
    return code


def _download(args: argparse.Namespace, models: list[ModelFile], check: NetworkCheck) -> int:
    code = DONE
    for model in models:
        try:
            _download_one(args, model, check)
        except ModelError as error:
            say(f"{args.prog}: {error}")
            code = FAILED
        except KeyboardInterrupt:
            say(f"{model.file}: what was fetched is kept, the same command goes on from there")
            raise
    return code


def _download_one(args: argparse.Namespace, model: ModelFile, check: NetworkCheck) -> None:
    report = _present(args, model, check)
    if not args.force and report.state in ("verified", "unpublished"):
        say(f"{model.full_name} is here already ({_STATES[report.state]}): {report.path}")
        return
    if not args.force and report.state == "different":
        say(
            f"{model.full_name} is here, though it is not the published file, and is kept: {report.path}\n"
            f"  {report.detail}\n  --force replaces it"
        )
        return
    # A file that is there is replaced in its place: elsewhere, the old one might still be found first.
    folder = _folder(args) if report.path is None else download_folder([report.path.parent])
    if report.state == "damaged":
        say(f"{report.path} is damaged and will be replaced")
    mirrors = tuple(f"{mirror.rstrip('/')}/{model.file}" for mirror in args.mirror)
    sources = replace(model, urls=mirrors + model.urls)
    say(f"downloading {model.file} ({model.size_text}) to {folder}")
    with _Bar(model.file) as bar:
        done = download(
            sources,
            folder,
            progress=bar.update,
            notify=bar.say,
            accept_unknown=args.accept_unknown,
            check=check,
            timeout=args.timeout,
        )
    if done.verified:
        say(f"{model.full_name} is installed and verified: {done.path}")
    elif model.sha256 is None:
        say(f"{model.full_name} is installed: {done.path}\n  the right network; no checksum is published")
        say(f"  sha256 {done.sha256}")
    else:
        say(f"{model.full_name} is installed, but is not the published file: {done.path}")
        say(f"  sha256 {done.sha256}, published {model.sha256}")


def _present(args: argparse.Namespace, model: ModelFile, check: NetworkCheck) -> Report:
    """What is there of a model, where a download into the named folder would count."""
    report = status(model, args.folder)
    if report.path is not None and args.folder is not None:
        own = search_folders(args.folder)[:2]
        if report.path.parent not in own:
            return Report(model, None, "missing")
    if report.state == "unchecked" and not args.force:
        with _Bar(f"checking {model.file}") as bar:
            return verify(model, args.folder, progress=bar.update, check=check)
    return report


def _folder(args: argparse.Namespace) -> Path:
    # A folder that the user names is used or refused, never silently replaced by another.
    return download_folder(search_folders(args.folder)[:1] if args.folder is not None else None)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e6:
        raise ValueError
    return value


class _Bar:
    """A progress bar on stderr, where that is a terminal; nothing elsewhere."""

    _WIDTH = 24
    _INTERVAL = 0.1

    def __init__(self, title: str) -> None:
        self._title = title
        self._line = StatusLine()
        self._last = 0.0
        self._start: tuple[float, int] | None = None

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self._line.wipe()

    def update(self, done: int, total: int) -> None:
        """Show how far the work is; both in bytes, `total` 0 where it is not known."""
        now = time.monotonic()
        if not self._line.terminal or now - self._last < self._INTERVAL:
            return
        self._last = now
        if self._start is None or done < self._start[1]:
            self._start = (now, done)
        text = f"{self._title}  {self._amount(done, total)}"
        seconds, gained = now - self._start[0], done - self._start[1]
        if seconds > 1 and gained > 0:
            text += f"  {format_size(gained / seconds)}/s"
            if total:
                left = round((total - done) * seconds / gained)
                text += f"  {left // 60}:{left % 60:02d} left"
        self._line.show(text)

    def say(self, message: str) -> None:
        """Print a message above the bar."""
        self._line.say(message)

    def _amount(self, done: int, total: int) -> str:
        if not total:
            return format_size(done)
        filled = self._WIDTH * done // total
        bar = "#" * filled + "." * (self._WIDTH - filled)
        return f"[{bar}] {100 * done // total:3d} %  {format_size(done)} of {format_size(total)}"
