# Thin on purpose: what takes more than a line lives in tools/.
PYTHON ?= python3
BIN := venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup setup-languages sdks demo bench cutover test long verified matrix strangers languages shared chaos docs site format clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Create venv/ with the package, the development tools and a Pulumi CLI (does nothing if it is up to date)
	@command -v $(PYTHON) >/dev/null || { echo "setup: no $(PYTHON) found; install python3 (3.10 or newer)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "setup: $(PYTHON) is too old; install Python 3.10 or newer, or choose one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) tools/setup.py

setup-languages: setup ## Add the language hosts for TypeScript and Go programs, built if they are not on PATH
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tools.install_languages

sdks: setup-languages ## Generate the SDKs of the native provider into build/sdks/ (does nothing if they are up to date)
	@$(BIN)/python -m tools.sdks

demo: setup ## Run a complete migration on this machine, without a cloud account or network
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/demo.py

bench: setup ## Measure time, calls and memory, and write docs/bench.md (25 minutes; 3 with BENCH=--quick)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tools.bench $(BENCH)

cutover: setup ## Switch between two Redis servers under load, and write the figures of the online guide (1 minute)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tools.cutover

test: setup ## Lint, type-check and run every test tier, including those with the real Pulumi CLI
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/python -m tools.prose
	$(BIN)/python -m tools.prose --messages dcs_migration dcs_emulator
	$(BIN)/mypy
	DCS_MIGRATION_VERIFIED= PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n auto --dist worksteal

long: setup ## Run the slow tests that `make test` leaves out: more sources, quirks, waits and owners
	DCS_MIGRATION_VERIFIED= PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n auto --dist worksteal -m long

verified: setup ## Test against the real service with your account (docs/guides/verifying.md), or rehearse that
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tests.verified

matrix: setup ## Test the lowest and newest allowed versions, from registries (MATRIX="python3.10 python3.13")
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tests.packaging.matrix $(MATRIX)

strangers: setup ## Test the official Go and Node clients against the emulator, from registries (STRANGERS=--write updates the docs)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tools.strangers $(STRANGERS)

languages: sdks ## Test YAML, TypeScript and Go programs with the native provider, from registries
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest tests/languages

shared: setup ## Test state that pipelines share, in a bucket and a database: locks, kills, restored state (4 minutes)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n auto tests/shared

chaos: setup ## Run 20,000 random sequences of task operations, 4,000 of online migrations, and 280 kills (CHAOS="--help" lists the options)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/chaos.py $(CHAOS)

docs: setup ## Regenerate the reference, the emulator's tables, the demo's transcript and the native provider's schema
	@$(BIN)/python tools/reference.py
	@$(BIN)/python tools/messages.py
	@$(BIN)/python tools/native_schema.py
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/transcript.py
	@$(BIN)/python -m tools.translations

site: setup ## Build the documentation site in English and Chinese into build/site/
	@$(BIN)/python -m tools.website

format: setup ## Rewrite the Python sources in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove venv/ and everything else that is generated
	rm -rf venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis examples/*/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
