# make demo   colour a short film that comes with the project
# make test   run the tests
# make lint   style and type checks
# Each makes its own .venv on the first run. PYTHON=… names the Python (3.12 or newer) to make it with.

VENV := .venv
RUN := $(VENV)/bin/python
SHELL := /bin/sh

.PHONY: demo test lint clean

demo: $(VENV)/.installed-cli
	$(RUN) demo/run.py

test: $(VENV)/.installed-test
	$(RUN) -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.installed-test
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

$(VENV)/.installed-%: pyproject.toml | $(VENV)/bin/python
	$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

$(VENV)/bin/python:
	@python=$$(sh tools/find-python.sh "$(PYTHON)") && echo "making $(VENV) with $$python" && "$$python" -m venv $(VENV)

clean:
	rm -rf $(VENV) out build dist
