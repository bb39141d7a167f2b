# What one does with this repository. `make` alone lists it.
#
# Needs git, make, and Python 3.11 or newer with venv; everything else is put into .venv, from requirements.lock.
# Paths are relative to this file, so that a directory with a space in its name works.

PY := .venv/bin/python
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup run stop test machines check format bench docs

help: ## This list
	@echo 'Usage: make TARGET'
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo '  PYTHON=/usr/bin/python3 chooses the Python, POTIONS_HOME=DIRECTORY where Potions'
	@echo '  keeps everything (run, stop), ARGS="-k storage" is handed on to pytest (test,'
	@echo '  machines) or to the benches (bench: ARGS="--quick switch").'

setup: ## Make or refresh .venv (the others do it by themselves)
	@scripts/setup

run: setup ## Start Potions here and watch it do its main job
	@$(PY) scripts/story.py

stop: ## Stop what `make run` left running; nothing is deleted
	@if [ -x $(PY) ]; then $(PY) -m potions.cli.main down; else echo 'Nothing was set up here.'; fi

# Four at a time on whatever computer: most of them wait for programs to start and to end.
test: setup ## Run all tests against the real programs
	@scripts/install_test_tools
	@$(PY) -m pytest -n 4 $(ARGS)

# Three at a time: most of the time a machine boots, installs or waits. A file's tests stay together and may share a machine.
machines: setup ## Try it on real Debian machines with systemd (as root)
	@scripts/install_test_tools machines
	@$(PY) -m pytest -n 3 --dist loadfile tests/machines $(ARGS)

check: setup ## Format, lint, types, layers, docs: what takes seconds
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@$(PY) -m mypy scripts
	@$(PY) -m pytest -q tests/unit/test_architecture.py tests/unit/test_contract.py tests/unit/test_docs.py

format: setup ## Format the code, and mend what ruff can
	@$(PY) -m ruff check --fix-only .
	@$(PY) -m ruff format .

bench: setup ## Measure switches and deploys beside their floors (minutes)
	@$(PY) -m bench $(ARGS)

docs: setup ## Write the generated pages of docs/ anew
	@$(PY) -m scripts.docs
