"""How the command starts: Ctrl-C finds it ready before the package is loaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import vsdeoldify_start

INTERRUPTS = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Interrupt())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("module", ["vsdeoldify", "vsdeoldify.settings.params", "vsdeoldify.cli.terminal"])
def test_ctrl_c_while_the_package_loads_shows_no_traceback(tmp_path: Path, module: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTS.format(module=module))
    paths = [str(tmp_path), str(Path(vsdeoldify_start.__file__).parent)]
    done = subprocess.run(
        [sys.executable, "-c", "import sys, vsdeoldify_start; sys.exit(vsdeoldify_start.main())", "models"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "vsdeoldify: interrupted\n")


def test_the_command_is_the_packages() -> None:
    done = subprocess.run(
        [sys.executable, vsdeoldify_start.__file__, "--version"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.split()[0]) == (0, "vsdeoldify")
