"""What is in the wheel, what it asks for, and what its code may not do."""

import ast
import email
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from email.message import Message
from importlib import metadata
from pathlib import Path

import pytest

import vsdeoldify

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "vsdeoldify"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
MODULE_OF = {"opencv-python-headless": "cv2", "scikit-image": "skimage", "pillow": "PIL"}
# VapourSynth and pyvips load them; nothing of ours imports them.
START = "vsdeoldify_start.py"
"""Beside the package, so that Ctrl-C is met before it loads."""
PLUGINS = {"vapoursynth-bestsource", "vapoursynth-mvutensils", "pyvips-binary"}

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
        timeout=150,
    )
    (path,) = folder.iterdir()
    assert path.name == f"vsdeoldify-{vsdeoldify.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(path) as archive:
        yield archive


@pytest.fixture(scope="module")
def wheel_metadata(wheel: zipfile.ZipFile) -> Message:
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return email.message_from_bytes(wheel.read(name))


def git_files(folder: str) -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode or not listed.stdout:
        pytest.skip("not a git checkout, so there is no list of what belongs to the project")
    return {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}


def test_the_wheel_holds_the_package_as_committed_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    committed = git_files("vsdeoldify") | {START}
    assert committed <= inside
    assert {"index.html", "main.js", "style.css"} <= {
        Path(name).name for name in inside if "/static/" in name
    }
    kinds = {Path(name).suffix for name in inside - committed}
    assert kinds <= {".py"}, "only a module that is being written may be there before it is committed"
    assert all(name.startswith("vsdeoldify/") for name in inside - {START})


def test_the_wheel_is_small_and_has_the_command(wheel: zipfile.ZipFile) -> None:
    assert sum(entry.compress_size for entry in wheel.infolist()) < 20_000_000
    (entry_points,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert b"vsdeoldify = vsdeoldify_start:main" in wheel.read(entry_points)


def test_everything_bundled_comes_with_its_licence(wheel: zipfile.ZipFile, wheel_metadata: Message) -> None:
    assert wheel_metadata["License-Expression"] == "MIT"
    licences = {Path(name).as_posix() for name in wheel_metadata.get_all("License-File", [])}
    assert "LICENSE" in licences
    for name in wheel.namelist():
        # The studio's page is source, as the modules are.
        page = name.startswith("vsdeoldify/studio/static/")
        if ".dist-info/" in name or name.endswith((".py", "/py.typed")) or page or "LICENSE" in name:
            continue
        # Data: its folder holds the licence of what it was made from.
        beside = [one for one in licences if Path(one).parent == Path(name).parent]
        assert beside, f"{name} is in the wheel without a licence beside it"
    for licence in licences:
        stored = [name for name in wheel.namelist() if name.endswith(f".dist-info/licenses/{licence}")]
        assert stored
        assert wheel.read(stored[0]) == (ROOT / licence).read_bytes()
        text = wheel.read(stored[0]).decode("utf-8")
        if "Apache License" in text and "TERMS AND CONDITIONS" not in text:
            full = Path(licence).with_name("LICENSE.Apache-2.0").as_posix()
            assert full in licences, f"{licence} names the Apache licence, whose text must come along"


def test_versions_agree(wheel_metadata: Message) -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+)", changes, re.MULTILINE)
    assert newest
    assert vsdeoldify.__version__ == PROJECT["version"] == wheel_metadata["Version"] == newest[1]
    assert wheel_metadata["Requires-Python"] == PROJECT["requires-python"] == ">=3.12"


def test_every_bound_is_a_plain_lower_one() -> None:
    """No upper bounds, which rot; and tools/oldest.sh can turn each into the version to test with."""
    for requirement in [*PROJECT["dependencies"], *(r for extra in EXTRAS.values() for r in extra)]:
        assert re.fullmatch(r"[a-z0-9-]+(\[[a-z]+\])?>=[\d.]+|vsdeoldify\[[a-z,]+\]", requirement), (
            requirement
        )


def test_one_package_has_one_bound() -> None:
    bounds: dict[str, str] = {}
    for requirement in [*PROJECT["dependencies"], *(r for extra in EXTRAS.values() for r in extra)]:
        name = requirement.partition(">=")[0]
        assert bounds.setdefault(name, requirement) == requirement


def modules_of(requirements: list[str]) -> set[str]:
    names = {requirement.partition(">=")[0] for requirement in requirements}
    return {MODULE_OF.get(name, name.replace("-", "_")) for name in names - PLUGINS}


def imported(path: Path) -> set[str]:
    """Top-level packages that a file imports anywhere, by statement or by a name in text."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).endswith("import_module")
            and isinstance(node.args[0], ast.Constant)
            and not node.args[0].value.startswith(".")
        ):
            found.add(node.args[0].value.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"vsdeoldify"}


def test_every_import_is_declared_where_it_is_needed() -> None:
    base = modules_of(PROJECT["dependencies"])
    of_the_command = base | modules_of(EXTRAS["cli"])
    allowed_in = {
        **dict.fromkeys(("cli", "comparison", "doctor", "film", "metrics.py", "pictures"), of_the_command),
        "studio": of_the_command | modules_of(EXTRAS["studio"]),
        # Dask's settings are a package of its own, which comes with it.
        "cluster": base | modules_of(EXTRAS["cluster"]) | {"dask"},
        "training": base | modules_of(EXTRAS["train"]),
        "runtime": base | modules_of(EXTRAS["openvino"]),
        # Its absence is a sentence with the command.
        "vsutils/propagation/folder.py": base | {"pyvips"},
    }
    for path in PACKAGE.rglob("*.py"):
        place = path.relative_to(PACKAGE)
        extra = imported(path) - allowed_in.get(place.as_posix(), allowed_in.get(place.parts[0], base))
        assert not extra, f"{path} imports {extra}, which pyproject.toml does not ask for there"


def test_nothing_is_asked_for_in_vain() -> None:
    used = {module for path in PACKAGE.rglob("*.py") for module in imported(path)}
    for extra in ("cli", "cluster", "openvino", "studio", "train"):
        assert modules_of(EXTRAS[extra]) - {"vsdeoldify[cli]"} <= used, extra
    assert modules_of(PROJECT["dependencies"]) <= used


def test_installed_packages_fit_each_other() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "pip", "check"], capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stdout


def test_installed_packages_are_not_older_than_allowed() -> None:
    for requirement in [*PROJECT["dependencies"], *EXTRAS["cli"]]:
        name, _, bound = requirement.partition(">=")
        found = re.match(r"[\d.]+", metadata.version(name))
        assert found
        installed, oldest = ([int(part) for part in text.strip(".").split(".")] for text in (found[0], bound))
        assert installed >= oldest, name


def test_no_code_is_run_that_a_model_file_could_bring() -> None:
    """Torch files are read as plain weights, and nothing else in the package unpickles or evaluates."""
    runs_a_users_script = {("film/frames.py", "exec")}
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                options = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                if called == "torch.load":
                    assert options.get("weights_only") == "True", f"{name}:{node.lineno}"
                assert options.get("allow_pickle", "False") == "False", f"{name}:{node.lineno}"
                assert called != "torch.jit.load", f"{name}:{node.lineno}"
                if called in ("eval", "exec", "compile", "__import__"):
                    script = (name, "exec") in runs_a_users_script and called in ("exec", "compile")
                    assert script, f"{name}:{node.lineno} calls {called}"
            elif isinstance(node, ast.Import):
                forbidden = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
                assert not forbidden & {alias.name for alias in node.names}, f"{name}:{node.lineno}"
            elif isinstance(node, ast.ImportFrom) and node.module == "pickle":
                assert [alias.name for alias in node.names] == ["UnpicklingError"], f"{name}:{node.lineno}"


def test_no_address_is_fetched_from_without_encryption() -> None:
    from vsdeoldify.models.catalogue import MODELS

    assert all(url.startswith("https://") for model in MODELS for url in model.urls)
    published = {model.name for model in MODELS if model.sha256}
    assert {"video", "stable", "artistic", "modelscope"} <= published
