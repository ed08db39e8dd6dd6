PYTHON ?= python3
BIN := .venv/bin
export HF_HUB_OFFLINE ?= 1
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: quickstart test soak bench lint clean
.DEFAULT_GOAL := quickstart

quickstart: .venv/installed  ## 47 small trials on real text, and reports/quickstart.md
	$(BIN)/python -m harness.sweep sweeps/quickstart.yaml

test: .venv/installed  ## every test but the slow ones, on 2 cores
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow"

soak: .venv/installed  ## the slow tests: complete corpora, killed drivers and workers
	$(BIN)/python -m pytest -m slow

bench: .venv/installed  ## every benchmark that needs no GPU, over an hour; pages in reports/bench/
	for name in step overhead evaluation resampling report growth sweep corpora predicting; do $(BIN)/python -m tests.bench.$$name || exit 1; done

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Renamed into being last, so that an interrupted installation starts anew.
.venv/installed: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed; name one with: make PYTHON=python3.12" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@touch $@

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
