#!/bin/sh
# Print a Python that is new enough: the one given, one on the PATH, or one of pyenv's.
new_enough() {
    "$1" -c 'import sys, venv; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1
}

if [ -n "$1" ]; then
    new_enough "$1" && echo "$1" && exit
    echo "vsdeoldify needs Python 3.12 or newer, and PYTHON=$1 is not: name another." >&2
    exit 1
fi
for python in python3.12 python3.13 python3.14 python3 python \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[2-9]*/bin/python; do
    # A shim of pyenv may be on the PATH and still refuse to run.
    new_enough "$python" && command -v "$python" && exit
done
echo "vsdeoldify needs Python 3.12 or newer and finds none: install one, or name it with make PYTHON=/path/to/python." >&2
exit 1
