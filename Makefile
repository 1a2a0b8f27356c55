# For people. `.ci/run` does all of this in a fresh environment.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: check test zones faults fuzz format grids clean

check: .venv/dev          ## every check there is, in this tree
	.ci/run --here $(CURDIR)/$(BIN)/python

test: .venv/dev           ## the tests alone
	$(BIN)/pytest

zones: .venv/dev          ## schedules at every change of every clock of the world, 2025 to 2030: a minute
	FLOWCTL_ALL_ZONES=1 $(BIN)/pytest -s -k walk_over tests/core/daemon/test_occurrences_around_transitions.py

faults: .venv/dev         ## kill everything, again and again; ROUNDS=200 for a long night
	FAULT_SEEDS=$(ROUNDS) FAULT_ROUNDS=$(ROUNDS) FLOWCTL_TEST_KILLS=$$((20 * $(ROUNDS))) $(BIN)/pytest -rP --timeout=3600 \
	    tests/faults tests/core/daemon/test_cut_off_starts.py \
	    tests/core/daemon/test_daemon.py::test_of_many_daemons_started_at_once_one_lives

fuzz: .venv/dev           ## type random keys at the terminal interface; KEYS=10000 takes minutes, SEED=… goes back to a seed
	FLOWCTL_FUZZ_KEYS=$(or $(KEYS),10000) FLOWCTL_TEST_SEED=$(SEED) $(BIN)/pytest -s --timeout 0 tests/tui/screens/test_fuzz.py

format: .venv/dev         ## format, and mend what can be mended by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

grids: .venv/dev          ## write the pictures of the terminal interface's screens anew; then look at the diff
	WRITE_GRIDS=1 $(BIN)/pytest -q tests/tui/screens/test_grids.py
	git diff --stat tests/tui/screens/grids

clean:                    ## what builds and checks leave behind
	rm -rf build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

.venv/dev: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q -e '.[dev]'
	@touch $@
