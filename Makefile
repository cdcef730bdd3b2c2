# One target a task; `make help` lists them.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Test processes side by side; a file stays whole, so that what it shares is made once.
WORKERS ?= 2
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export RAY_USAGE_STATS_ENABLED := 0

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-golden test check fix test-integration mutation bench lock docs

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml constraints.txt
	@echo "[1/2] making $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@echo "[2/2] installing about 190 packages (one to two minutes the first time)"
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

setup: $(STAMP) ## make the environment in .venv and the git hook
	@if [ -d .git ]; then printf '#!/bin/sh\nexec %s/ruff check .\n' "$(BIN)" > .git/hooks/pre-commit && chmod +x .git/hooks/pre-commit; fi

demo: $(STAMP) ## a sample company with faults, from raw records to 14 investor snapshots, on Ray; UI=1 shows it in the Prefect pages too, KAFKA=1 has its topics come from Kafka
	@$(BIN)/techflow --home techflow-home demo $(if $(UI),--ui) $(if $(KAFKA),--kafka)

demo-golden: $(STAMP) ## the quick one: a company small enough to add up by hand; UI=1 and KAFKA=1 too
	@$(BIN)/techflow --home techflow-home demo golden $(if $(UI),--ui) $(if $(KAFKA),--kafka)

check: $(STAMP) ## the quick part of the tests: format, lint, types, layers, unit, property, architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal -m "not integration"

test-integration: $(STAMP) ## the tests with real Ray, Delta and a Prefect server
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m integration

test: check test-integration ## all tests
	@echo "All tests passed: lint, types, layers, unit, property, architecture, integration."

mutation: $(STAMP) ## change compute/ in small ways and see which changes no test notices; an hour or two
	$(BIN)/python -m tests.mutation.run

bench: $(STAMP) ## all benchmarks, beside DuckDB, Polars, PySpark, Daft and Ray Data: some hours; docs/performance.md says what CLICKS, SMALL, CURVE, ACCOUNTS, LINES and ROUNDS are
	$(BIN)/python -m tests.benchmarks.bench $(if $(CLICKS),--clicks $(CLICKS)) $(if $(SMALL),--small $(SMALL)) $(if $(CURVE),--curve $(CURVE)) \
		$(if $(ACCOUNTS),--accounts $(ACCOUNTS)) $(if $(LINES),--lines $(LINES)) $(if $(ROUNDS),--rounds $(ROUNDS))

fix: $(STAMP) ## format and apply safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(STAMP) ## write docs/metrics.md, codes.md and tables.md anew from the code
	$(BIN)/python docs/write_metrics.py
	$(BIN)/python docs/write_codes.py
	$(BIN)/python docs/write_tables.py

lock: $(STAMP) ## pin what is installed into constraints.txt and show the difference
	$(BIN)/pip freeze --exclude-editable | sort -f > constraints.txt
	git diff --stat constraints.txt
