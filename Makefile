# Everything that a newcomer, a developer or CI runs. Each target sets up what it needs.
#
#   make demo               real footage through real Blender, without window, GPU or hub
#   make test               all checks: format, lint, types, the wall, tests (bpy 5.0)
#   make test-blender-4.2   the Blender tests on bpy 4.2 (likewise 4.5)
#   make gui-test           the installed zip in windowed Blenders 5.2 and 4.3 (docs/testing.md)
#   make screenshots        the documentation's pictures of the panel
#   make addon              the installable zip, with the default weights, in dist/
#   make bench              the benchmarks, which keep what they find for the documentation
#   make docs               docs/models.md and the tables of docs/performance.md, of what they found

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= $(shell tools/find-python)
VENV := .venv
BIN := $(VENV)/bin
WEIGHTS := build/weights
CODE := blender_vfi build_addon.py tools tests benchmarks examples

USERS_CHECKPOINTS := $(BLENDER_VFI_CHECKPOINTS)
export BLENDER_VFI_CHECKPOINTS := $(CURDIR)/build/checkpoints
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: setup demo test check lint types wall unit gui-test screenshots addon weights bench docs \
	lock clean

setup: $(VENV)/installed

$(VENV)/installed: requirements/dev.txt pyproject.toml tools/find-python
	tools/make-venv "$(PYTHON)" $(VENV) requirements/dev.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python tools/check_setup.py
	touch $@

weights: setup
	$(BIN)/python tools/fetch_weights.py $(WEIGHTS)

demo: setup
	$(BIN)/python -m tools.demo --output build/demo

test: check unit

check: lint types wall

lint: setup
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)

types: setup
	$(BIN)/mypy

wall: setup
	$(BIN)/lint-imports

unit: weights
	$(BIN)/python -m pytest

test-blender-%: weights
	tools/make-venv "$(PYTHON)" .venv-bpy-$* requirements/bpy-$*.txt
	BLENDER_VFI_PYTHON=$(CURDIR)/$(BIN)/python .venv-bpy-$*/bin/python -m pytest tests/blender

gui-test: weights
	$(BIN)/python -m tools.gui $(GUI_OPTIONS)

screenshots: weights
	$(BIN)/python -m tools.gui --suite sid --only tests/gui/screenshots.py

# what it fetches is for the user's own jobs as well
addon: export BLENDER_VFI_CHECKPOINTS := $(USERS_CHECKPOINTS)
addon: setup
	$(BIN)/python build_addon.py

bench: weights
	$(BIN)/python -m benchmarks

docs: setup
	$(BIN)/python -m tools.models_page
	$(BIN)/python -m tools.performance_page

lock: setup
	$(BIN)/python tools/lock.py requirements/dev.txt

clean:
	rm -rf build dist .venv .venv-bpy-*
