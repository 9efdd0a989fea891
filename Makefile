# make demo   colour a short film that comes with the project
# make test   run the tests
# make lint   style and type checks
# make docs   the pages with the reference of all functions, in out/docs
# make test-oldest   run the tests with the oldest versions that pyproject.toml allows (downloads 5 GB;
#                    TORCH_OF=.venv: with the torch that is there, in a minute)
# Each makes its own .venv on the first run. PYTHON=… names the Python (3.12 or newer) to make it with.

VENV := .venv
RUN := $(VENV)/bin/python
SHELL := /bin/sh
# vspipe sets itself up with the vapoursynth command that it finds on the PATH.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: demo test test-oldest lint docs clean

demo: $(VENV)/.installed-cli
	$(RUN) demo/run.py

test: $(VENV)/.installed-test
	$(RUN) -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.installed-test
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	set -e; for system in linux darwin win32; do \
		$(RUN) -m mypy --platform $$system --cache-dir .mypy_cache/$$system; done

# Warnings are errors: a link to nowhere, a parameter that its function does not have.
docs: $(VENV)/.installed-docs
	$(RUN) docs/drawing.py
	$(RUN) -m mkdocs build --quiet --strict

test-oldest:
	PYTHON="$(PYTHON)" TORCH_OF="$(TORCH_OF)" sh tools/oldest.sh $(PYTEST_ARGS)

$(VENV)/.installed-%: pyproject.toml | $(VENV)/bin/python
	$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

$(VENV)/bin/python:
	@python=$$(sh tools/find-python.sh "$(PYTHON)") && echo "making $(VENV) with $$python" && "$$python" -m venv $(VENV)

clean:
	rm -rf $(VENV) .venv-oldest out build dist
