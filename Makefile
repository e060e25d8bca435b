# `make train`: set everything up and train on MNIST. `make test`: set everything up and test;
# `make test-long`: the tests that take longer.
# Needs Python 3.11 to 3.13, git and make.

PYTHON ?= $(shell for p in python3.12 python3.11 python3.13 python3 python; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin

.PHONY: train test test-training test-others test-long coverage digits setup setup-test lock clean

train: setup
	$(BIN)/danqing train

setup: .venv/.ready
setup-test: .venv/.ready-test

.venv/.python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 to 3.13 with venv was found; install one \
	(on Debian: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	touch $@

.venv/.ready: .venv/.python requirements/run.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

.venv/.ready-test: .venv/.ready requirements/test.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.lock
	touch $@

test: setup-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(MAKE) --jobs=2 test-training test-others

# In a process each: two cores are busy, and take half of the time.
test-training: setup-test
	$(BIN)/python -m pytest tests/training src

test-others: setup-test
	$(BIN)/python -m pytest tests --ignore=tests/training

# What takes longer: damaged files and kills by the thousand, environments of their own.
test-long: setup-test
	$(BIN)/python -m pytest -m long

# Which lines and branches no test runs; it takes twice as long as `make test`.
coverage: setup-test
	$(BIN)/python -m pytest --cov --cov-report=term --cov-report=json:coverage.json

# The digit network that comes with Danqing, anew: a quarter of an hour.
digits: setup
	$(BIN)/danqing train mnist --network best --seed 0 --cores 1 --out runs/digits
	$(BIN)/danqing export runs/digits --half --out runs/digits.danqing
	mv runs/digits.danqing src/danqing/models/

# Anew from pyproject.toml; needs uv. Pins and hashes only: no index is named.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--upgrade pyproject.toml requirements/build.in --output-file requirements/run.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--upgrade --group dev pyproject.toml requirements/build.in --output-file requirements/test.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--upgrade requirements/predict.in --output-file requirements/predict.txt

clean:
	rm -rf .venv
