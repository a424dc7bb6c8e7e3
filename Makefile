# make demo | demo-real | certificate | reproduce WORKFLOW=… | expected | test | test-all | bench WORKFLOW=… | lint | fmt |
# test-data | demo-permit | lock | environments CHANNEL=… | references-bundle … | references-install … | clean | help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
VENV := .venv
READY := $(VENV)/.ready
WORKFLOWS := synthetic genomics singlecell imaging clinical_text cohort
# Tests at the same time: make test PROCESSES=0 runs them in one process, for a debugger.
PROCESSES ?= 2
PYTHON_CODE := scripts src envs/host tests
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# Same results for everybody: no hash randomisation, no user packages.
export PYTHONHASHSEED := 0
export PYTHONNOUSERSITE := 1

# Governed; where bubblewrap could not be installed set-up has said so, and the demonstration runs without governance.
PROFILE = $(shell command -v bwrap >/dev/null && echo spe || echo profiles/local)

.PHONY: help setup demo certificate reproduce expected demo-real test test-all bench lint fmt test-data demo-permit lock
.PHONY: environments references-bundle references-install clean

help: ## show what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY) ## build the environment (part of all other targets)

$(READY): requirements/bootstrap.lock requirements/dev.lock requirements/torch.txt pyproject.toml envs/host/set_up.sh
	@bash envs/host/set_up.sh

demo: $(READY) ## run the cohort study on the synthetic cohort and on the real data that packages ship
	@snakemake --profile $(PROFILE) cohort packaged
	@$(MAKE) --no-print-directory results/cohort/report.html
	@echo
	@echo "Summary for readers:  results/cohort/summary.html"
	@echo "Report with all runs: results/cohort/report.html"
	@$(MAKE) --no-print-directory certificate

# Of the governed run that was just made; `make reproduce` runs everything again in a fresh folder.
certificate:
	@if [ "$(PROFILE)" != spe ]; then \
	  echo "No crate, no certificate: without bubblewrap runs are not governed, and nothing proves what made the results."; \
	else \
	  rm -rf results/crate && spe crate export results/crate; \
	  if [ -f workflows/cohort/expected/expected.json ]; then \
	    spe reproduce cohort --finished --review; \
	  else \
	    echo "No certificate: workflows/cohort/expected holds no published results to compare with."; \
	  fi \
	fi

reproduce: $(READY) ## run a published workflow again and certify how close it came: make reproduce WORKFLOW=cohort
	@spe reproduce "$(WORKFLOW)"

expected: $(READY) ## take ./results of a finished `make demo` as what is expected of the next run (its data are synthetic)
	@for name in genomics singlecell imaging cohort; do spe expected write $$name --synthetic; done

# Made again only when the study changed; needs no network.
results/cohort/report.html: results/cohort/summary.html
	@snakemake --profile $(PROFILE) cohort --report $@ >/dev/null 2>$@.log || { cat $@.log; exit 1; }
	@rm -f $@.log

# Public data, not the demonstration permit's: ungoverned. A site that holds such data signs a permit over them.
demo-real: $(READY) ## run the three demonstrators on the real data in KIMED_DATA and score them
	@if [ ! -d "$${KIMED_DATA:-}" ]; then \
	  echo "KIMED_DATA does not name a folder with the real data sets: nothing was run. docs/data.md says how to get them."; \
	else \
	  for name in genomics singlecell imaging; do \
	    snakemake --profile profiles/local -s workflows/$$name/Snakefile --configfile config/real/$$name.yaml \
	      --config 'pathvars={root: results/real}'; \
	    echo; echo "$$name against published truth:"; column -t results/real/$$name/scores.tsv; \
	  done; \
	fi

test: $(READY) ## all tests but the slow ones
	@pytest -n $(PROCESSES) -m "not slow"

test-all: $(READY) ## all tests
	@pytest -n $(PROCESSES) --cov --cov-report=term:skip-covered

bench: $(READY) ## score a workflow against published truth: make bench WORKFLOW=genomics [KIMED_DATA=dir]
	@python tests/benchmarks/bench.py "$(WORKFLOW)"

lint: $(READY) ## ruff, mypy, snakefmt, snakemake --lint
	@ruff check $(PYTHON_CODE)
	@ruff format --check $(PYTHON_CODE)
	@mypy
	@snakefmt --check rules workflows
	@for name in $(WORKFLOWS); do echo "snakemake --lint $$name"; snakemake -s workflows/$$name/Snakefile --lint; done

fmt: $(READY) ## format all code
	@ruff check --fix $(PYTHON_CODE)
	@ruff format $(PYTHON_CODE)
	@snakefmt rules workflows

test-data: $(READY) ## write test_data/ and the sample sheets in config/ again, from their seed
	@snakemake -s workflows/synthetic/Snakefile --cores all --config 'pathvars={results: test_data}'
	@cp test_data/sheets/*.tsv config/ && mv config/imaging.cine.samples.tsv config/cine/

demo-permit: $(READY) ## sign the demonstration permit for the workflows as they are now
	@spe permit demo

lock: $(READY) ## resolve pyproject.toml and write requirements/*.lock
	@uv pip compile pyproject.toml --group host --group analysis --group imaging --group text --group dev \
	  --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet \
	  --output-file requirements/dev.lock
	@echo "uv==$$(uv --version | cut -d' ' -f2)" | uv pip compile - --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet --output-file requirements/bootstrap.lock

environments: $(READY) ## on a machine with conda and its channels: pin, render and make envs/*.yaml: make environments CHANNEL=<address>
	@spe env solve envs/*.yaml
	@spe env render --channel "$(CHANNEL)" envs/*.yaml
	@spe env create -s workflows/cohort/Snakefile

references-bundle: $(READY) ## fetch and pack reference files, connected: make references-bundle SPECIFICATION=x.yaml BUNDLE=x.tar
	@python -m kimed_hosttools.references prepare "$(SPECIFICATION)" "$(BUNDLE)"

references-install: $(READY) ## check and unpack them, without a network: make references-install BUNDLE=x.tar FOLDER=dir
	@python -m kimed_hosttools.references install "$(BUNDLE)" "$(FOLDER)"

clean: ## remove everything that can be made again
	@rm -rf results .snakemake $(VENV) .coverage .pytest_cache .mypy_cache .ruff_cache
