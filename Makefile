# Two commands are all that a newcomer needs: `make book` and `make test`.
# Everything runs by .venv/bin/python; nothing has to be activated. Without make (Windows): README.md.

PY = .venv/bin/python
INSTALLED = .venv/.installed
JUPYTER_BOOK = $(PY) -c "from jupyter_book.cli.main import main; main()"

export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PIP_NO_INPUT = 1
# A kernel chooses its own backend; a caller's setting would leave the notebooks without figures.
unexport MPLBACKEND
# Quiet a debugger's note that would stand before every executed notebook.
export PYDEVD_DISABLE_FILE_VALIDATION = 1

SITE = _build/html
WITH_SITE = .venv/.installed-site

.PHONY: help book notebooks test lint lab exercises matrix site-check handouts site-zip figures studies clean

help:
	@echo 'make book        execute every notebook and build _build/html'
	@echo 'make notebooks   run the notebooks and store what they print (before a commit)'
	@echo 'make test        run the whole test suite, docstrings and notebooks included'
	@echo 'make lint        ruff (lint and format) and mypy'
	@echo 'make lab         open your copies of the exercise notebooks in JupyterLab (FRESH=1: new copies)'
	@echo 'make exercises   derive the exercise notebooks, without solutions, in _build/exercises'
	@echo 'make handouts    print every chapter to _build/handouts, for learners and for instructors'
	@echo 'make site-check  open every page of the book in Chromium, look for faults there and in the handouts'
	@echo 'make site-zip    pack the book into one file to read without a network'
	@echo 'make figures     redraw the figures of README.md and of shared links with the engine'
	@echo 'make studies     rerun the long simulation studies in benchmarks/studies/ (long)'
	@echo 'make matrix      test on every Python found, with the oldest and newest dependencies (long)'
	@echo 'make clean       remove what the above made, except .venv'

# The stamp makes a second run instant: pip works again only when the pins have changed.
$(INSTALLED): pyproject.toml constraints.txt tools/make_venv.sh
	@sh tools/make_venv.sh "$(PYTHON)"
	@echo 'Installing the pinned packages into .venv (a few minutes, once) ...'
	@$(PY) -m pip install -qq -c constraints.txt -e ".[dev]"
	@mkdir -p .venv/etc/ipython
	@echo 'c.IPKernelApp.log_level = 40  # kernels on one machine need not warn about their transport' \
		> .venv/etc/ipython/ipython_kernel_config.py
	@touch $(INSTALLED)

# BOOK_NOTEBOOKS=stored keeps the notebooks' stored outputs, which `make test` has just compared
# with a rerun; the pages of book/ are executed either way.
book: $(INSTALLED)
	@$(JUPYTER_BOOK) build . --all -q -W -n --keep-going

notebooks: $(INSTALLED)
	@$(PY) tools/run_notebooks.py

test: $(INSTALLED)
	@$(PY) -m pytest -n auto --dist loadfile --doctest-modules --nbval --nbval-sanitize-with tests/nbval_sanitize.cfg glmmlab tests notebooks

lint: $(INSTALLED)
	@$(PY) -m ruff check --quiet .
	@$(PY) -m ruff format --check --quiet .
	@$(PY) -m mypy --no-error-summary

lab: $(INSTALLED)
	@$(PY) tools/lab.py $(if $(FRESH),--fresh)

exercises: $(INSTALLED)
	@$(PY) tools/exercises.py

# What the browser's part needs beside the rest; newcomers never install it.
$(WITH_SITE): $(INSTALLED)
	@$(PY) -m pip install -qq -c constraints.txt -e ".[site]"
	@touch $(WITH_SITE)

site-check: handouts
	@$(PY) tests/site/check_site.py $(SITE)
	@$(PY) tests/site/check_handouts.py $(SITE) _build/handouts

handouts: $(WITH_SITE)
	@$(PY) tools/handouts.py $(SITE) _build/handouts

site-zip: $(INSTALLED)
	@$(PY) tools/site_zip.py $(SITE) _build

figures: $(INSTALLED)
	@$(PY) tools/readme_figure.py
	@$(PY) tools/social_card.py

studies: $(INSTALLED)
	@set -e; for study in benchmarks/studies/*.py; do echo "$$study"; $(PY) "$$study"; done

matrix: $(INSTALLED)
	@$(PY) tools/matrix.py

clean:
	@rm -rf _build build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -path ./.venv -prune -o -name __pycache__ -type d -exec rm -rf {} +
