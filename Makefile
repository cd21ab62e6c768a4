# Every target says what it does; `make` alone lists them.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test test-full lint types bench bench-memory clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.plot  ## install, average the sample bars, draw them
	@rm -rf out/demo && mkdir -p out
	$(BIN)/windrow moving-average --indicator sma:20 --indicator ema:12 -o out/demo data/bars.csv
	@echo "its first rows, from out/demo/part-00000:" && head -n 3 out/demo/part-00000
	$(BIN)/windrow plot out/demo --bars data/bars.csv -o out/demo.html --force

test: $(VENV)/.test  ## install what the tests need and run them
	$(BIN)/python -m pytest $(PYTEST)

test-full: $(VENV)/.test  ## the same with the whole matrix of invariance runs
	$(BIN)/python -m pytest -m "full or not full" $(PYTEST)

lint: $(VENV)/.lint  ## ruff: rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.lint  ## mypy, strict on sort_keys and windrow
	$(BIN)/mypy

bench: $(VENV)/.test  ## windrow beside DuckDB on the same bars, in one run
	$(BIN)/python benchmarks/peers.py

bench-memory: $(VENV)/.test  ## peak memory at 1 and 10 million bars of one symbol
	$(BIN)/python benchmarks/memory.py

clean:  ## remove what these targets made
	rm -rf $(VENV) out build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# One file a set of extras says that it is installed.
$(VENV)/.%: setup.cfg pyproject.toml | $(BIN)/python
	@echo "installing windrow and what '$*' needs into $(VENV)"
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --editable '.[$*]'  # setuptools warns of itself
	@touch $@

$(BIN)/python:
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade pip
