import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from vsdeoldify.film.process import process

WRITING = "import sys, time; open(sys.argv[1], 'w').write('half'); time.sleep(60)"


def test_an_interruption_while_a_program_is_begun_ends_it_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = tmp_path / "piece.part.mov"
    begun: list[subprocess.Popen[bytes]] = []
    begin = subprocess.Popen

    def interrupted(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        begun.append(begin(*arguments, **options))
        deadline = time.monotonic() + 30
        while not part.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        signal.raise_signal(signal.SIGINT)
        return begun[0]

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    command = [sys.executable, "-c", WRITING, str(part)]
    handler = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(KeyboardInterrupt), process("python", command, part=part):
            raise AssertionError("the interruption was lost")
        assert begun[0].poll() is not None
        assert not part.exists()
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        begun[0].kill()
        begun[0].wait()
