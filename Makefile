# The same few words for every task; `make` alone lists them. Variables reach the processes: make run RELOAD=1 JOIN=1.
PY := .venv/bin/python
TESTS ?= tests/unit tests/integration tests/acceptance
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install run test lint bench soak servers fork-check

help: ## list these words
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

install: ## make .venv ready (nothing to do when it already is)
	@scripts/install.sh

run: install ## web and executor in the foreground; RELOAD=1 restarts on edits, JOIN=1 joins a shared console, APP_ENV picks the config
	@exec $(PY) -m app run

test: install ## all tests with coverage of app/; TESTS=tests/unit narrows, PYTEST_ARGS passes options
	@$(PY) -m pytest $(TESTS) --cov=app --cov-report=term:skip-covered $(PYTEST_ARGS)

lint: install ## ruff, mypy --strict, import contracts, house rules
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@PYTHONPATH=. .venv/bin/lint-imports --no-cache
	@$(PY) scripts/house_rules.py

bench: install ## measure the chassis and the executor against their peers
	@$(PY) -m bench

soak: install ## the tests that take minutes, at full size: TESTS and PYTEST_ARGS as for test
	@$(PY) -m pytest -m soak $(TESTS) $(PYTEST_ARGS)

servers: ## build the real test servers (Nacos, XXL-JOB console) once, outside the checkout
	@scripts/build_servers.sh

fork-check: install ## prove on a copy that everything stays green without the demo; FORK_CHECK=full adds the slow tests
	@scripts/fork_check.sh
