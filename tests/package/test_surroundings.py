"""Odd homes, paths, locales and rights; and what an import may not do."""

import ast
import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest
import torch
from tiny import tiny_ddcolor_state_dict

PACKAGE = Path(__file__).parents[2] / "vsdeoldify"

COLOUR = """
import sys
import vapoursynth as vs
from vsdeoldify import ddeoldify

clip = vs.core.std.BlankClip(format=vs.GRAY8, width=48, height=32, length=2, color=[90])
clip = ddeoldify(clip, 1, ddcolor_p=[{model!r}, 10], device_index=99)
frame = clip.get_frame(1)
print(bytes(frame[0]) == b"\\x5a" * (48 * 32), file=sys.stderr)
"""


def run(script: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process with nothing in its environment but what is given."""
    script.write_text(textwrap.dedent(code), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-P", script],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=120,
        check=False,
    )


def test_import_is_light_and_leaves_everything_as_it_is(tmp_path: Path) -> None:
    result = run(
        tmp_path / "light.py",
        """
        import os, sys, warnings
        import numpy, vapoursynth
        before = dict(os.environ), list(warnings.filters), sys.stdout, sys.stderr
        import vsdeoldify
        assert (dict(os.environ), list(warnings.filters), sys.stdout, sys.stderr) == before
        heavy = {"torch", "torchvision", "timm", "fastai", "cv2", "skimage", "safetensors", "openvino"}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
        """,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""


def test_no_module_imports_what_only_some_systems_have() -> None:
    special = {"fcntl", "resource", "pwd", "grp", "termios", "pty", "syslog", "msvcrt", "winreg"}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not special & set(names), path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("Größe мир 世界") / "mit Leerzeichen"
    folder.mkdir()
    path = folder / "Färbung.pth"
    torch.save({"params": tiny_ddcolor_state_dict()}, path)
    return path


@pytest.mark.parametrize(
    "environment",
    [
        {"HOME": "/nonexistent/home"},
        {"HOME": ""},
        {"LC_ALL": "C"},
        {"TZ": "Nowhere/Land", "HTTPS_PROXY": "http://localhost:9"},
    ],
    ids=["no-home", "empty-home", "plain-locale", "odd-zone-and-proxy"],
)
def test_frames_are_coloured_in_odd_surroundings(
    model: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    result = run(tmp_path / "colour.py", COLOUR.format(model=str(model)), **environment)
    assert result.returncode == 0, result.stderr
    assert result.stderr.strip().endswith("True")
    assert result.stdout == ""


def test_a_closed_stdout_does_not_matter(model: Path) -> None:
    process = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" -c "$1" >&-', sys.executable, COLOUR.format(model=str(model))],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert process.stderr.strip().endswith("True")


def test_the_wheel_works_from_a_folder_that_nobody_may_write_to(model: Path, tmp_path: Path) -> None:
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            tmp_path,
            ".",
        ],
        cwd=PACKAGE.parent,
        check=True,
        timeout=120,
    )
    (wheel,) = tmp_path.glob("vsdeoldify-*-py3-none-any.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(site)
    assert "vsdeoldify/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [
        name for name in names if name.endswith((".pth", ".mp4", ".webp")) or name.startswith("tests")
    ]
    for path in [site, *site.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = sorted(site.rglob("*"))
    code = "import vsdeoldify, sys; assert 'site' in vsdeoldify.__file__, vsdeoldify.__file__\n"
    result = run(
        tmp_path / "colour.py",
        code + COLOUR.format(model=str(model)),
        PYTHONPATH=str(site),
        HOME="/nonexistent",
        PYTHONDONTWRITEBYTECODE="1",
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr.strip().endswith("True")
    assert sorted(site.rglob("*")) == before
    for path in [site, *site.rglob("*")]:
        path.chmod(0o755)


def test_every_source_file_has_plain_line_ends_and_a_portable_name() -> None:
    seen = set()
    for path in PACKAGE.rglob("*.py"):
        assert b"\r" not in path.read_bytes(), path
        name = path.relative_to(PACKAGE).as_posix()
        assert name.lower() not in seen
        seen.add(name.lower())
        assert path.stem.lower() not in {"con", "prn", "aux", "nul"}
