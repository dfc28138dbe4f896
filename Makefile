# Every target sets up what it needs from a bare checkout: python3 >= 3.11 and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
PREFIX ?= $(HOME)/.local

.PHONY: help demo test fuzz soak faults differential lint format pictures venv install clean
help:
	@echo "make demo      set up, then show the main job on loopback clouds"
	@echo "make test      set up, then run everything that must pass"
	@echo "make fuzz      a million server URLs, and spoiled inputs for every parser"
	@echo "make soak      kills at random moments, and fifty processes at once"
	@echo "make faults    every fault at every step of the three clouds"
	@echo "make differential  random machines that share a cache, each compared with itself without one"
	@echo "make lint      ruff, mypy strict, import contracts"
	@echo "make frozen    the single file, dist/docker-credential-multi; PROVIDERS=gcr,ecr for a slim one"
	@echo "make bench     how long a get takes and what it weighs, beside what else there is"
	@echo "make pictures  draw README's pictures of a terminal anew, and fill in its help texts"
	@echo "make install   install the executable under PREFIX ($(PREFIX))"

venv: $(STAMP)

# Pinned by version and hash; the package itself is editable and brings nothing along.
$(STAMP): packaging/requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "python3 >= 3.11 is needed, this is " + sys.version.split()[0])'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r packaging/requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

demo: $(STAMP)
	@$(BIN)/python -m tests.demo

test: $(STAMP) lint
	$(BIN)/python -m pytest -n 2 --dist worksteal

# At random first, then guided by coverage. What breaks a promise is kept under tests/fuzz/seeds.
FUZZ_SECONDS ?= 8
FUZZ_PYTHON := build/fuzz/venv/bin/python
fuzz: $(STAMP) build/fuzz/venv/.ready
	@$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)
	@$(FUZZ_PYTHON) -m tests.fuzz --guided --seconds $(FUZZ_SECONDS)

# A venv of its own: the engine is made for fewer versions of Python than we are.
build/fuzz/venv/.ready: packaging/requirements-fuzz.txt
	@rm -rf build/fuzz/venv && $(PYTHON) -m venv build/fuzz/venv
	@$(FUZZ_PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r packaging/requirements-fuzz.txt
	@touch $@

SOAK_KILLS ?= 1000
soak: $(STAMP)
	@echo "writers of the cache, killed"; $(BIN)/python -m tests.soak.kills --kills $(SOAK_KILLS)
	@echo "writers of our own store, killed"; $(BIN)/python -m tests.soak.logins --kills $(SOAK_KILLS)
	@echo "gets, killed while they ask"; $(BIN)/python -m tests.soak.killed_gets
	@$(BIN)/python -m tests.soak.parallel

faults: $(STAMP)
	@$(BIN)/python -m tests.faults

differential: $(STAMP)
	@$(BIN)/python -m tests.differential

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

pictures: $(STAMP)
	@$(BIN)/python -m tests.pictures
	@$(BIN)/python -m tests.readme

# A build of another day leaves its modules in build/lib, and they would be packed again.
install:
	rm -rf build/lib
	$(PYTHON) -m venv $(PREFIX)/lib/docker-credential-multi
	$(PREFIX)/lib/docker-credential-multi/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r packaging/requirements-runtime.txt
	$(PREFIX)/lib/docker-credential-multi/bin/python -m pip install --quiet --disable-pip-version-check --no-deps .
	mkdir -p $(PREFIX)/bin
	ln -sf ../lib/docker-credential-multi/bin/docker-credential-multi $(PREFIX)/bin/docker-credential-multi
	@echo "installed $(PREFIX)/bin/docker-credential-multi"

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache *.egg-info

include packaging/frozen.mk
include tests/bench/bench.mk
