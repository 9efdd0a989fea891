"""Fixtures shared by all tests."""

import os
import signal
import sys
from pathlib import Path

import pytest
from cases import CASES
from hypothesis import HealthCheck, is_hypothesis_test, settings

# As in an activated environment: vspipe sets itself up with the vapoursynth command it finds on the PATH.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

# Tests leave nothing compiled in the user's cache folder; those that are about it have one of their own.
os.environ["VSDEOLDIFY_COMPILED_GB"] = "0"

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # Shells start background jobs so, and every process of the tests would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder that long tests read: films, photographs and results that the repository does not hold."""
    named = os.environ.get("VSDEOLDIFY_SHARED")
    if not named:
        pytest.skip("a long test: it reads the folder that VSDEOLDIFY_SHARED names, which is not set")
    folder = Path(named)
    assert folder.is_dir(), f"VSDEOLDIFY_SHARED names {named}, which is no folder"
    return folder


settings.register_profile(
    "vsdeoldify",
    max_examples=100 * CASES,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("vsdeoldify")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """More cases take more time."""
    for item in items:
        if CASES > 1 and is_hypothesis_test(getattr(item, "function", None)):
            item.add_marker(pytest.mark.timeout(int(config.getini("timeout")) * CASES))
