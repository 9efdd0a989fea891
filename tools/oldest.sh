#!/bin/sh
# Run the tests with the oldest versions that pyproject.toml allows, in an environment of its own.
# Usage: sh tools/oldest.sh [arguments of pytest]
#   PYTHON=…      the Python to make it with
#   KEEP=1        keep the environment
#   TORCH_OF=…    take torch, torchvision and whatever has no lower bound from this environment instead of
#                 downloading the oldest torch (5 GB)
set -eu
cd "$(dirname "$0")/.."
venv=.venv-oldest
pip="$venv/bin/python -m pip --quiet --disable-pip-version-check"
if ! [ -e "$venv/installed" ]; then
    python=$(sh tools/find-python.sh "${PYTHON:-}")
    rm -rf "$venv"
    "$python" -m venv "$venv"
    echo '*' >"$venv/.gitignore"
    # What people run, not what trains networks or checks style: those may be new.
    "$venv/bin/python" - "${TORCH_OF:+torch}" >"$venv/oldest.txt" <<'END'
import re, sys, tomllib

project = tomllib.load(open("pyproject.toml", "rb"))["project"]
extras = project["optional-dependencies"]
for bound in [*project["dependencies"], *extras["cli"], *extras["openvino"]]:
    name, version = re.fullmatch(r"([\w.-]+)>=([\w.]+)", bound).groups()
    if not (sys.argv[1] and name.startswith("torch")):
        print(f"{name}=={version}")
END
    cat "$venv/oldest.txt"
    if [ -n "${TORCH_OF:-}" ]; then
        $pip install --no-deps --requirement "$venv/oldest.txt"
        # After the environment's own packages, so that those are found first.
        "$venv/bin/python" - "$(cd "$TORCH_OF" && pwd)" <<'END'
import sys, sysconfig
from pathlib import Path

own = Path(sysconfig.get_path("purelib"))
other = Path(sys.argv[1]) / own.relative_to(sys.prefix)
(own / "zz_other_environment.pth").write_text(f"import site; site.addsitedir({str(other)!r})\n", encoding="utf-8")
END
    else
        $pip install --no-cache-dir --constraint "$venv/oldest.txt" --editable '.[cli,openvino]' \
            pytest pytest-timeout hypothesis matplotlib build hatchling
        $pip check
    fi
    touch "$venv/installed"
fi
status=0
# vspipe sets itself up with the vapoursynth command that it finds on the PATH.
PATH="$PWD/$venv/bin:$PATH" "$venv/bin/python" -m pytest -m "not slow and not long" "$@" || status=$?
[ -n "${KEEP:-}" ] || rm -rf "$venv"
exit "$status"
