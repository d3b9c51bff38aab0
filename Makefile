# Every target sets up first what it needs; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Override with `make setup PYTHON=/path/to/python3.12`.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made-by-make-setup
UV := 0.13.9
UV_COMPILE = $(VENV)-lock/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	--python-version 3.11 --custom-compile-command "make lock"
# Needs the npm registry the first time; without it all but the page works.
CONSOLE := tools/console.sh build || echo "the console could not be built (above); everything else goes on, and make console tries again" >&2
ARGS ?=
SABOTAGE ?=
# One more than two cores: much of a test is waiting for processes that start.
WORKERS ?= 3

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

.PHONY: setup
setup: $(STAMP) ## make .venv with everything in it, from hashes

$(STAMP): requirements/all.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then \
		echo "steth needs Python 3.11, 3.12 or 3.13, and none of python3, python3.13, python3.12, python3.11 is one" >&2; exit 1; fi
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) has no venv: install it (Debian: apt-get install python3-venv)" >&2; exit 1; }
	rm -f $@
	test -x $(BIN)/python && $(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements/all.lock
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .
	touch $@

.PHONY: run
run: setup ## steth up: all of it on one machine (ARGS='--devices 6 --seconds 60')
	@$(CONSOLE)
	$(BIN)/steth up $(ARGS)

.PHONY: console
console: setup ## build the web page into console/dist, if anything of it changed
	tools/console.sh build

.PHONY: screens
screens: console ## the page's pictures in docs/screens, from a real steth up (Chromium: make test-deps)
	$(BIN)/python -m tests.screens $(ARGS)

.PHONY: test
test: setup ## every test that what is installed allows; lists what it skipped
	@$(CONSOLE)
ifeq ($(strip $(ARGS)),)
	@# A module stays on one worker, and each worker has servers of its own (docs/tests.md); then what measures time.
	failed=0; $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --durations=20 -m 'not alone and not attack' || failed=1; \
	$(BIN)/python -m pytest -m 'alone and not attack' || failed=1; exit $$failed
else
	$(BIN)/python -m pytest $(ARGS)
endif

.PHONY: test-deps
test-deps: ## the Debian parts that tests need (root); after it a skip is a failure in CI
	tools/test-deps.sh

.PHONY: lint
lint: setup ## style, types, import order, catalog, console
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 wire catalog agent
	$(BIN)/lint-imports
	$(BIN)/steth catalog check
	tools/console.sh check

.PHONY: bench
bench: setup ## load and peers, results into bench/results (ARGS='…')
	$(BIN)/python -m bench $(ARGS)

.PHONY: chaos
chaos: setup ## kill everything, compare with the ledger (SABOTAGE=name must fail)
	SABOTAGE="$(SABOTAGE)" $(BIN)/python -m tests.chaos $(ARGS)

.PHONY: attack
attack: setup ## break in, as a hospital's security officer would, at a deployment and a steth up of its own
	$(BIN)/python -m pytest tests/attack $(ARGS)

.PHONY: upgrade
upgrade: setup ## migrate a database of the former version with a million rows of each table, broken off and repeated
	STETH_MIGRATE_ROWS=1000000 $(BIN)/python -m pytest -s -o faulthandler_timeout=3600 tests/integration/store/test_migrate_filled.py $(ARGS)

.PHONY: fuzz
fuzz: setup ## hostile bytes against every decoder (ARGS='--seconds 60')
	$(BIN)/python -m tests.fuzz $(ARGS)

.PHONY: soak
soak: setup ## a small hospital for hours: nothing may go on growing (ARGS='--minutes 60')
	$(BIN)/python -m tests.soak $(ARGS)

.PHONY: schema
schema: setup ## write store's schema.sql and its editions' differences anew from the migrations
	$(BIN)/python -m tests.write_schema

.PHONY: sbom
sbom: setup ## bills of materials of what is delivered, from the locks: CycloneDX in build/sbom
	tools/sbom.sh

.PHONY: lock
lock: ## resolve the dependencies anew into requirements/*.lock
	test -x $(VENV)-lock/bin/uv || $(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip --disable-pip-version-check install --quiet uv==$(UV)
	$(UV_COMPILE) --extra agent --extra server --extra dev pyproject.toml --output-file requirements/all.lock
	$(UV_COMPILE) --extra agent --constraint requirements/all.lock pyproject.toml --output-file requirements/agent.lock
	$(UV_COMPILE) --extra server --constraint requirements/all.lock pyproject.toml --output-file requirements/server.lock
