"""Fixtures for tests of model files."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.delenv("VSDEOLDIFY_MODELS", raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "Modèles 模型"
    folder.mkdir()
    return folder / "ColorizeVideo_gen.pth"
