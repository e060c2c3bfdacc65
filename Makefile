# Everything a machine with Python 3.11 or newer needs: `make demo` and `make test` set themselves up.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
WORKERS ?= 2

.PHONY: help setup demo test check bench clean

help:
	@echo "make demo    fly a simulated night patrol and map what it saw"
	@echo "make test    run the tests"
	@echo "make check   lint and check types"
	@echo "make bench   measure beside the peers, write bench/RESULTS.md"

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt mapping/maps/package-lock.json mapping/maps/build_assets.py
	@$(PYTHON) -c 'import sys; sys.exit("Picket needs Python 3.11 or newer; say make PYTHON=python3.12, for example") if sys.version_info < (3, 11) else 0'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python lacks its venv module: install the package python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up in $(VENV): this downloads some gigabytes once and takes a few minutes"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' --constraint constraints.txt
	@touch $@

demo: $(INSTALLED)
	$(BIN)/picket demo

test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadgroup

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(INSTALLED)
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) mapping/maps/assets mapping/ground/assets .mypy_cache .ruff_cache .pytest_cache .hypothesis
