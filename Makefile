# Every target with a comment after two hashes is listed by `make help`.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	--config-settings editable_mode=compat --editable

.DEFAULT_GOAL := help
.PHONY: help demo test check pictures bench format clean

help: ## list what can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "InSeason needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 demo"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing packages into .venv (once, about a minute) ..."
	@$(INSTALL) .
	@touch $@

.venv/installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing packages for development into .venv (once, about a minute) ..."
	@$(INSTALL) '.[dev]'
	@touch $@ .venv/installed

demo: .venv/installed ## make a demo retailer, run two nights and serve the app
	@$(BIN)/inseason demo

test: .venv/installed-dev ## run every test
	@$(BIN)/python -m pytest

check: .venv/installed-dev ## ruff, format, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

pictures: .venv/installed-dev ## take the pictures of the documentation anew
	@$(BIN)/python -m tests.pictures

bench: .venv/installed-dev ## list the measured claims, each one command
	@$(BIN)/python -m benchmarks

format: .venv/installed-dev ## put the code into its standard form
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

clean: ## remove the environment and what was built; var/ stays
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
