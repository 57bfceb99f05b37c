VENV   := .venv
BIN    := $(VENV)/bin
PYTHON ?= python3
GODTUI_ARGS ?=
BENCH_ARGS ?=

.PHONY: run generate generate-python generate-typescript test lint bench bench-store soak clean

run: $(VENV)/.installed
	@$(BIN)/godtui $(GODTUI_ARGS)

generate: $(VENV)/.installed
	@$(BIN)/holyfields generate

generate-python generate-typescript: generate-%: $(VENV)/.installed
	@$(BIN)/holyfields generate $*

test: $(VENV)/.developing
	$(BIN)/python -m pytest -m "not soak" --numprocesses 2 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.developing
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

bench-store: $(VENV)/.developing
	$(BIN)/python -m benchmarks --store $(BENCH_ARGS)

soak: $(VENV)/.developing
	$(BIN)/python -m pytest -m soak -s --timeout=3600

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml
	@echo "Installing godtui into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.developing: $(VENV)/.installed tests/holyfields/package.json
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary jsonschema \
		--dest $(VENV)/suite jsonschema==4.26.0
	@mkdir -p $(VENV)/node && cp tests/holyfields/package.json $(VENV)/node/
	@command -v npm >/dev/null || echo "npm is missing: what generated TypeScript does is not tested"
	@! command -v npm >/dev/null || npm install --prefix $(VENV)/node --no-package-lock --no-audit --no-fund --silent
	@touch $@

clean:
	rm -rf $(VENV) dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
