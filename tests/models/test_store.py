"""Finding model files."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vsdeoldify.models.catalogue import MODELS, find_model
from vsdeoldify.models.store import locate, search_folders
from vsdeoldify.support.errors import ModelError
from vsdeoldify.support.files import cache_folder

VIDEO = find_model("deoldify", "video")


def test_folders_are_searched_from_the_users_own_to_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VSDEOLDIFY_MODELS", str(tmp_path / "shared"))
    import vsdeoldify.models

    assert search_folders(tmp_path / "own") == [
        tmp_path / "own",
        tmp_path / "own" / "checkpoints",
        tmp_path / "shared",
        Path(str(vsdeoldify.models.__file__)).parent,
        cache_folder(),
    ]


def test_a_folder_is_searched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSDEOLDIFY_MODELS", str(tmp_path))
    assert search_folders(str(tmp_path)).count(tmp_path) == 1


def test_a_tilde_and_a_relative_folder_are_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert search_folders("models")[0] == tmp_path / "models"
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    assert search_folders("~/models")[0] == tmp_path / "home" / "models"


@pytest.mark.skipif(sys.platform != "linux", reason="the XDG rules are those of Linux")
def test_the_cache_folder_follows_the_xdg_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == tmp_path / "home" / "vsdeoldify"
    for value in ("relative/path", ""):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache_folder() == tmp_path / "home" / ".cache" / "vsdeoldify"


@pytest.mark.skipif(
    sys.platform == "win32" or os.getuid() != 0, reason="only root can become a nameless user"
)
def test_a_user_without_a_home_folder_gets_no_cache_folder_and_no_error() -> None:
    code = (
        "import os, pwd\n"
        "from vsdeoldify.models.store import search_folders, locate, ModelError\n"
        "from vsdeoldify.support.files import cache_folder\n"
        "from vsdeoldify.models.catalogue import MODELS\n"
        "os.setuid(54321)\n"
        "assert cache_folder() is None, cache_folder()\n"
        "assert search_folders('~/x')[0].name == 'x'\n"
        "try: locate(MODELS[5])\n"
        "except ModelError: print('fine')\n"
    )
    environment = {k: v for k, v in os.environ.items() if k not in ("HOME", "XDG_CACHE_HOME")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout == "fine\n", done.stderr


@pytest.mark.parametrize("place", ["own", "own/checkpoints", "shared", "home/vsdeoldify"])
def test_a_file_is_found_in_each_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setenv("VSDEOLDIFY_MODELS", str(tmp_path / "shared"))
    if sys.platform != "linux" and place.startswith("home"):
        place = str(cache_folder())
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / VIDEO.file).touch()
    assert locate(VIDEO, tmp_path / "own") == tmp_path / place / VIDEO.file


def test_the_first_folder_wins(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    for folder in (tmp_path, tmp_path / "checkpoints"):
        (folder / VIDEO.file).touch()
    assert locate(VIDEO, tmp_path).parent == tmp_path


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.full_name)
def test_a_missing_file_is_answered_with_folders_command_addresses_and_the_preview(
    tmp_path: Path, model: Any
) -> None:
    with pytest.raises(ModelError) as caught:
        locate(model, tmp_path)
    message = str(caught.value)
    assert model.file in message
    for folder in search_folders(tmp_path):
        assert f"  {folder}\n" in message
    for url in model.urls:
        assert f"  {url}\n" in message
    assert "vsdeoldify models --download " in message
    assert 'method=1 with ddcolor_p=["preview"]' in message


@pytest.mark.parametrize("folder", ["", "\0", "a\0b", "x" * 5000, "/dev/null/x", "\udcff"])
def test_no_folder_name_is_too_strange(folder: str) -> None:
    with pytest.raises(ModelError):
        locate(VIDEO, folder)
