# `make run` runs the main job on a built-in sample, `make test` runs every check. `make help` lists the rest.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RECIPE ?= default
INPUT ?=
AGAINST ?=
OUT ?= out/pipeline
ROWS ?= 2000
SEED ?= 0
SECONDS ?= 60
READY := $(VENV)/.ready
READY_FOR_TESTS := $(VENV)/.ready-for-tests

.PHONY: help run test check pipeline bench docs clean native fuzz

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  make pipeline RECIPE=default INPUT='data/*.parquet' AGAINST=aime.parquet OUT=out/mine"

$(READY): pyproject.toml constraints.txt hatch_build.py $(wildcard curate/kernels/native/*.cpp curate/kernels/native/*.hpp)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "curate needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Name one: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

$(READY_FOR_TESTS): $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,hf,kenlm]'
	@touch $@

run: $(READY)  ## generate the sample, run the default recipe on it, show what became of every row
	@$(BIN)/curate sample out/sample --rows $(ROWS) --seed $(SEED) > /dev/null
	@$(BIN)/curate run default --input out/sample/rows.parquet --against out/sample/benchmark.parquet --out out/run

pipeline: $(READY)  ## run RECIPE over INPUT (protecting AGAINST) into OUT
	@test -n '$(INPUT)' || { echo "name the input: make pipeline INPUT='data/*.parquet' AGAINST=aime.parquet OUT=out/mine"; exit 1; }
	@$(BIN)/curate run '$(RECIPE)' --input '$(INPUT)' $(if $(AGAINST),--against '$(AGAINST)') --out '$(OUT)'

test: $(READY_FOR_TESTS)  ## every check: lint, types, layers, tests
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest -n $$($(BIN)/python -c 'import os; print((os.cpu_count() or 1) + 1)')  # many tests wait

check: $(READY)  ## the quick checks: lint, format, types, import layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: $(READY)  ## speed and quality on real data: make bench DATA=FOLDER (benchmarks/ and corpora/ as Parquet)
	@test -d "$(DATA)" || { echo "name a folder of data: make bench DATA=FOLDER"; exit 1; }
	@for script in perf/pipeline.py perf/ngram_scan.py perf/dedup.py perf/dedup_real.py; do echo "== $$script"; $(BIN)/python $$script "$(DATA)" || exit 1; done

docs: $(READY)  ## write the generated pages: rules/schema.json, docs/cli.md, docs/stages.md
	@$(BIN)/curate schema > rules/schema.json
	@$(BIN)/python docs/generate.py

native: $(READY)  ## build the native kernels again
	@$(BIN)/python hatch_build.py

fuzz:  ## fuzz the native kernels under sanitizers for SECONDS (libFuzzer, or random inputs without clang)
	@$(PYTHON) fuzz/run.py --seconds $(SECONDS)

clean:  ## remove what `make` made
	rm -rf out build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis $(VENV)
