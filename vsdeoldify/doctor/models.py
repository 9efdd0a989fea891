"""Which model files are here, and whether they are whole."""

from collections.abc import Iterator
from pathlib import Path

from ..support.kept import LIMIT_VARIABLE, kept_files, kept_folder, limit
from .findings import Finding, Level
from .surroundings import DISTRIBUTION, package_folder, pip, size
from .system import folder_finding

_MODEL_STATES = {
    "verified": "verified",
    "unpublished": "the right network",
    "different": "not the published file",
    "unchecked": "not verified",
}


def models(torch_dir: str | None) -> Iterator[Finding]:
    from ..models.catalogue import MODELS, short_name
    from ..models.store import search_folders
    from ..models.verify import status

    bundled = package_folder() / "preview" / "preview.safetensors"
    preview = bundled.is_file()
    if preview:
        yield Finding("Models", "ok", "preview", f"bundled, {size(bundled.stat().st_size)}")
    else:
        fix = pip(f"install --force-reinstall --no-deps {DISTRIBUTION}")
        yield Finding("Models", "warning", "preview", f"the bundled model {bundled} is missing", fix)
    missing = []
    for model in MODELS:
        name, fix = short_name(model), f"vsdeoldify models --download {short_name(model)}"
        report = status(model, torch_dir)
        if report.path is None:
            missing.append(model)
            continue
        data = {"file": str(report.path), "state": report.state, "detail": report.detail}
        if report.state == "damaged":
            yield Finding("Models", "warning", name, f"{report.path}: {report.detail}", fix, data)
        elif report.state == "unchecked" and report.detail:
            text = f"{report.path}: {report.detail}"
            yield Finding("Models", "warning", name, text, f"vsdeoldify models --verify {name}", data)
        else:
            text = f"{_MODEL_STATES[report.state]}, {report.path}"
            yield Finding("Models", "ok", name, text, data=data)
    if missing:
        names = ", ".join(f"{short_name(model)} ({model.size_text})" for model in missing)
        nothing = len(missing) == len(MODELS)
        level: Level = "error" if nothing and not preview else "note"
        first = "vsdeoldify models --download video" if nothing else None
        yield Finding("Models", level, "not installed", names, first)
    else:
        yield Finding("Models", "note", "verify", "checksums are checked by: vsdeoldify models --verify")
    yield _compiled()
    for number, folder in enumerate(search_folders(torch_dir), 1):
        yield folder_finding("Models", f"folder {number}", folder, Path(folder).is_dir())


def _compiled() -> Finding:
    """What was compiled for this processor, and the way to be rid of it."""
    folder = kept_folder()
    if folder is None:
        text = f"not kept ({LIMIT_VARIABLE}=0 or no home folder): every start compiles the networks anew"
        return Finding("Models", "note", "compiled", text)
    found = kept_files(folder)
    taken = sum(state.st_size for _, state in found)
    text = (
        f"{len(found)} networks for OpenVINO, {size(taken)} of at most {size(limit())} ({LIMIT_VARIABLE}) in "
        f"{folder}; removed by: vsdeoldify models --forget-compiled"
    )
    return Finding("Models", "note", "compiled", text, data={"folder": str(folder), "bytes": taken})
