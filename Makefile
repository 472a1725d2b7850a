# Everything a developer types. Each target sets up what it needs first.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
UI_PORT ?= 3000

.PHONY: help setup demo dev serve tick check test test-tools test-browser images test-long lint bench backtest soak psql docs lock clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(READY) ## Set up .venv from requirements.lock, with pip or uv

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "Python 3.11, 3.12 or 3.13 is needed; $$($(PYTHON) --version) was found. Try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	@if command -v uv >/dev/null; then \
		uv pip install --quiet --python $(BIN)/python --require-hashes --no-deps --compile-bytecode -r requirements.lock && \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else \
		$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock && \
		$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $@

demo: $(READY) ## A first look: make dev and make serve together, and the board in a browser; Ctrl-C stops everything
	@exec $(BIN)/python -m orchestration.demo --port $(UI_PORT)

dev: $(READY) ## The Dagster UI on http://localhost:3000 with all schedules running; Ctrl-C stops everything (UI_PORT=3001: another port)
	@exec $(BIN)/python -m orchestration.dev --port $(UI_PORT)

serve: $(READY) ## The board, the charts and the API on http://localhost:5000; prints an API key if the market is simulated
	@exec $(BIN)/python -m serving

tick: $(READY) ## One tick now, without a UI
	@$(BIN)/tickettape tick

check: lint ## Lint, and the tests that start no process: before each commit
	@$(BIN)/python -m pytest -q -n auto --dist loadfile --no-processes

test: $(READY) ## The tests, against a real PostgreSQL
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

test-tools: ## Install what some tests need beyond Python: Chromium, Redis, Node, curl, PostgREST, supabase-js, TypeScript, axe
	@tests/support/install_tools.sh

test-browser: $(READY) ## The pages in a headless Chromium; leaves its pictures in target/screenshots
	@$(BIN)/python -m pytest tests/browser

images: $(READY) ## The README's pictures, of a running make demo
	@$(BIN)/python -m tests.support.readme_images

test-long: $(READY) ## Property and race tests with many more examples, and faults of a whole program: two hours
	@HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest -s -m long

lint: $(READY) ## ruff, mypy and sqlfluff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --processes 2 dbt_project

bench: $(READY) ## Speed and sizes as ratios (sizes by variables: see bench/README.md)
	@$(BIN)/python -m bench

backtest: $(READY) ## How forecasts would have done: HISTORY=file.csv or the name of a source (OPTIONS: those of tickettape import)
	@$(BIN)/tickettape backtest $(HISTORY) $(OPTIONS)

soak: $(READY) ## The scraper, unattended on an unreliable network for half an hour (sizes: see bench/README.md)
	@$(BIN)/python -m bench.soak

psql: $(READY) ## psql, connected to the database
	@$(BIN)/tickettape psql

docs: $(READY) ## Every table, column and test explained, with the lineage: one HTML page, made offline
	@$(BIN)/tickettape dbt --quiet docs generate --static
	@$(BIN)/python -m webbrowser -t "file://$(CURDIR)/target/static_index.html" >/dev/null 2>&1 || true
	@echo "Open file://$(CURDIR)/target/static_index.html, or /docs/data on the service (make serve)."

lock: $(READY) ## Renew requirements.lock (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv on the PATH: pip install uv"; exit 1; }
	uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --no-annotate \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" pyproject.toml -o requirements.lock

clean: ## Remove .venv and caches; the data in .local stays
	rm -rf .venv tests/support/node/node_modules target logs .pytest_cache .mypy_cache .ruff_cache .hypothesis
