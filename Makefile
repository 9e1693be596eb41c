# Thin on purpose: what takes more than a line lives in tools/.
PYTHON ?= python3
BIN := venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup setup-languages sdks demo bench cutover test long verified matrix strangers languages shared chaos docs site format clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Make venv/ with the package, the development tools and a Pulumi CLI (a second run does nothing)
	@command -v $(PYTHON) >/dev/null || { echo "setup: no $(PYTHON) found: install python3 (3.10 or newer)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "setup: $(PYTHON) is too old: install Python 3.10 or newer, or name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) tools/setup.py

setup-languages: setup ## Add what runs programs in TypeScript and Go: their language hosts, built where PATH has none
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tools.install_languages

sdks: setup-languages ## Write the SDKs of the native provider into build/sdks/, from its schema (a second run does nothing)
	@$(BIN)/python -m tools.sdks

demo: setup ## Run a migration from start to end on this machine: no cloud account, no network
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/demo.py

bench: setup ## Measure time, calls and memory, and write docs/bench.md: 25 minutes (BENCH=--quick: three)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tools.bench $(BENCH)

cutover: setup ## Switch two Redis servers under load, and write the figures of the online guide: a minute
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tools.cutover

test: setup ## Lint, type-check and run every test tier, the real Pulumi CLI included
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/python -m tools.prose
	$(BIN)/mypy
	DCS_MIGRATION_VERIFIED= PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n auto --dist worksteal

long: setup ## The tests that `make test` leaves out, because they take long: further sources, quirks, waits and owners
	DCS_MIGRATION_VERIFIED= PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n auto --dist worksteal -m long

verified: setup ## Try it against the real service with an account of yours (docs/guides/verifying.md), else rehearse that
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tests.verified

matrix: setup ## Try the lowest and newest versions allowed, from registries (MATRIX="python3.10 python3.13")
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tests.packaging.matrix $(MATRIX)

strangers: setup ## Try the official Go and Node clients against the emulator, from registries (STRANGERS=--write: into the docs)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tools.strangers $(STRANGERS)

languages: sdks ## Try programs in YAML, TypeScript and Go with the native provider, from registries
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest tests/languages

shared: setup ## Try states that pipelines share, in a bucket and in a database: locks, kills, restored states; 4 minutes
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n auto tests/shared

chaos: setup ## Break it at random for long: 20,000 schedules, 4,000 online courses, 280 kills (CHAOS="--help" lists options)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/chaos.py $(CHAOS)

docs: setup ## Write what is generated anew: reference, tables of the emulator, transcript of the demo, schema of the native provider
	@$(BIN)/python tools/reference.py
	@$(BIN)/python -m tools.translations
	@$(BIN)/python tools/native_schema.py
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/transcript.py

site: setup ## Build the documentation site in English and Chinese into build/site/
	@$(BIN)/python -m tools.website

format: setup ## Rewrite the Python sources in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove venv/ and everything else that is generated
	rm -rf venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis examples/*/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
