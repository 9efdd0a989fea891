"""What several tests of the package share."""

from collections.abc import Iterator

import pytest
from vapoursynth import core


@pytest.fixture
def log() -> Iterator[list[str]]:
    """What is written to VapourSynth's log."""
    messages: list[str] = []
    handle = core.add_log_handler(lambda kind, text: messages.append(text))
    messages.clear()  # It writes that it is there.
    yield messages
    core.remove_log_handler(handle)
