#!/bin/sh
# Run the tests with the oldest versions that pyproject.toml allows, in an environment of its own (5 GB).
# Usage: sh tools/oldest.sh [arguments of pytest]     PYTHON=… names the Python, KEEP=1 keeps the environment.
set -eu
cd "$(dirname "$0")/.."
venv=.venv-oldest
if ! [ -e "$venv/installed" ]; then
    python=$(sh tools/find-python.sh "${PYTHON:-}")
    rm -rf "$venv"
    "$python" -m venv "$venv"
    echo '*' >"$venv/.gitignore"
    # What people run, not what trains networks or checks style: those may be new.
    "$venv/bin/python" - >"$venv/oldest.txt" <<'END'
import re, tomllib

project = tomllib.load(open("pyproject.toml", "rb"))["project"]
extras = project["optional-dependencies"]
for bound in [*project["dependencies"], *extras["cli"], *extras["openvino"]]:
    name, version = re.fullmatch(r"([\w.-]+)>=([\w.]+)", bound).groups()
    print(f"{name}=={version}")
END
    cat "$venv/oldest.txt"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir \
        --constraint "$venv/oldest.txt" --editable '.[cli,openvino]' \
        pytest pytest-timeout hypothesis matplotlib build hatchling
    touch "$venv/installed"
fi
"$venv/bin/python" -m pip check
status=0
"$venv/bin/python" -m pytest -m "not slow and not long" "$@" || status=$?
[ -n "${KEEP:-}" ] || rm -rf "$venv"
exit "$status"
