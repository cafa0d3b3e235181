# Everything a newcomer and a CI need. Only Python 3.11 has to be there; each target sees to the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo story test unit systems days whole-day e2e faults bench check house pictures messages texts fix lock clean

# The system's own Python first, where it can make environments: it is compiled with optimizations
# that pyenv leaves out, which saves a tenth of each run.
PYTHON ?= $(shell for it in /usr/bin/python3.11 python3.11 python3; do \
    $$it -c "import ensurepip" 2>/dev/null && command -v $$it && break; done)
VENV := .venv
BIN := $(VENV)/bin
# Twice as many as there are processors: many tests wait for processes of their own.
TESTS ?= -n $(shell $(PYTHON) -c "import os; print(os.cpu_count() * 2)") --dist loadfile --no-loadscope-reorder

# A stamp carries the checksum of its lock file: installed once, and again when the lock changes.
# A lock names every package, so nothing else is looked for: else pip takes a newer release for an
# extra (coverage[toml]) and then refuses it for want of a hash.
RUN_STAMP := $(VENV)/.run-$(shell cksum < requirements.lock | tr -d ' ')
DEV_STAMP := $(VENV)/.dev-$(shell cksum < requirements-dev.lock | tr -d ' ')
INSTALLED := $(if $(wildcard $(DEV_STAMP)),$(DEV_STAMP),$(RUN_STAMP))

help: ## show this list
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: $(DEV_STAMP) ## install everything for development into .venv

demo: $(INSTALLED) ## the whole system on a simulated Stripe and forum, with a member's life told; stays up
	@$(BIN)/bridge demo

story: $(INSTALLED) ## the member's life alone; fails when a step's groups are not as expected
	@$(BIN)/bridge demo --story

test: $(DEV_STAMP) ## all tests
	@$(MAKE) --no-print-directory --keep-going unit systems

# Two halves side by side, because handing single tests to workers takes longer than these tests.
HALF = $(wildcard tests/unit/core/test_[a-s]*.py)

unit: $(DEV_STAMP) ## unit tests, in less than five seconds
	@told=$$(mktemp); $(BIN)/pytest -q $(HALF) >$$told 2>&1 & half=$$!; \
	    $(BIN)/pytest -q $(filter-out $(HALF),$(shell find tests/unit -name 'test_*.py')); other=$$?; \
	    wait $$half; half=$$?; cat $$told; rm $$told; exit $$((half || other))

systems: $(DEV_STAMP) ## all tests but the unit tests
	$(BIN)/pytest $(TESTS) -m "not bench" --ignore=tests/unit

# CI runs three of the days of tests/other_days.py; `make days DAYS=--all` runs all of them.
# On the first line tests that never sleep (libfaketime breaks it); on the second those whose
# simulated world begins on that day.
ON_DAYS ?= tests/unit/core tests/unit/handlers tests/unit/test_render.py
WORLDS_ON_DAYS ?= $(addprefix tests/system/,test_orders.py test_standing.py)

days: $(DEV_STAMP) ## tests at month ends, on a leap day, around clock changes (needs faketime)
	$(BIN)/python tests/other_days.py $(DAYS) -q $(TESTS) $(ON_DAYS)
	$(BIN)/python tests/other_days.py --world $(DAYS) -q $(TESTS) $(WORLDS_ON_DAYS)

# A single day, with its zone, by DAY="2027-10-31 02:55 Europe/Berlin"; else the three days of CI.
# OF chooses the tests, as in OF=tests/system/test_standing.py.
OF ?= tests

whole-day: $(DEV_STAMP) ## all tests with the whole machine's clock on another day (needs a C compiler)
	$(BIN)/python tests/other_days.py --whole $(if $(DAY),--day "$(DAY)",$(DAYS)) -q $(TESTS) -m "not bench" $(OF)

e2e: $(DEV_STAMP) ## tests through the real processes and a browser
	$(BIN)/pytest $(TESTS) tests/e2e

faults: $(DEV_STAMP) ## tests in which something dies or lies on the way
	$(BIN)/pytest $(TESTS) tests/faults

bench: $(DEV_STAMP) ## measure everything; the last table compares it with the budgets
	$(BIN)/pytest -v -m bench tests/bench

check: $(DEV_STAMP) house ## lint, format, types, import contracts, docs, texts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

house: $(DEV_STAMP) ## the docs are as the code is, and every text can be translated
	$(BIN)/pytest -q tests/house

pictures: $(DEV_STAMP) ## take the pictures of pages for the docs, in docs/pictures (needs chromium)
	$(BIN)/python -m tests.pictures $(PICTURES)

messages: $(DEV_STAMP) ## print every message that members and moderators get, in weeks of the demo
	@$(BIN)/python -m tests.messages

texts: $(DEV_STAMP) ## gather the texts of pages for translation, in build/bridge.pot
	@mkdir -p build
	$(BIN)/pybabel -q extract -F babel.cfg --no-location --omit-header -o build/bridge.pot .

fix: $(DEV_STAMP) ## format, and mend what ruff can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(DEV_STAMP) ## pin new versions with their hashes (needs uv)
	uv pip compile -q --generate-hashes --universal --python-version 3.11 --extra embedded \
	    pyproject.toml -o requirements.lock
	uv pip compile -q --generate-hashes --universal --python-version 3.11 --extra embedded \
	    --group dev --constraints requirements.lock pyproject.toml -o requirements-dev.lock

clean: ## remove what was installed and what the demo left
	rm -rf $(VENV) "$${BRIDGE_DATA:-.}/demo-data"

$(RUN_STAMP): LOCK := requirements.lock
$(DEV_STAMP): LOCK := requirements-dev.lock
$(RUN_STAMP) $(DEV_STAMP):
	@test -n "$(PYTHON)" || { echo "Python 3.11 is needed: https://www.python.org/downloads/"; exit 1; }
	@echo "Installing from $(LOCK) into $(VENV), once …"
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(LOCK)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@
