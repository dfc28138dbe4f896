# Every target works in a bare checkout: it needs python3 >= 3.11, and sets up the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
PREFIX ?= $(HOME)/.local

PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
# No package without a hash: neither an index nor a build environment of pip's own.
OFFLINE := --no-index --no-deps

.PHONY: help live demo test outside coverage fuzz soak faults differential memo lint format docs pictures venv \
	install clean
help:
	@awk -F ':.*## ' '/^[a-z\/]+:.*## / {printf "make %-21s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP)

# Pinned by version and hash. The package itself is editable and installs no dependencies.
$(STAMP): packaging/requirements-dev.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is not installed (Debian: python3, python3-venv)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: python3 >= 3.11 is needed, this is " + sys.version.split()[0])'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "error: $(PYTHON) cannot make a virtual environment (Debian: python3-venv)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(PIP_INSTALL) --require-hashes -r packaging/requirements-dev.txt
	@$(BIN)/python $(PIP_INSTALL) $(OFFLINE) --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)  ## the main job, on loopback clouds
	@$(BIN)/python -m tests.demo

# pytest keeps the tests that it has rewritten as bytecode.
unexport PYTHONDONTWRITEBYTECODE

# Standard input is named because the caller may have closed it. Three processes for two cores: many tests
# wait for a time limit.
test: $(STAMP) lint  ## everything that must pass: lint, and all tests
	$(BIN)/python -m pytest -n 3 --dist worksteal </dev/null

# The first time it builds the clients, which takes half an hour or more. Root, for the namespaces. It fails if
# a client cannot be installed: WITHOUT="kaniko* helm" leaves those out, and does not write the page.
outside: $(STAMP) frozen/static  ## real engines, clients and libraries on every registry; installs them; as root
	@$(BIN)/python -m tests.outside.set_up
	@DOCKER_CREDENTIAL_MULTI_UNDER_TEST=$(DIST)/docker-credential-multi $(BIN)/python -m tests.outside \
		$(patsubst %,--without '%',$(WITHOUT))

# Every Python of this venv measures itself from its start, whatever environment a test gives it.
# combine reports the files that killed processes left half-written.
COVERAGE := build/coverage
MEASURE = import coverage; coverage.Coverage(config_file="$(CURDIR)/pyproject.toml", \
	data_file="$(CURDIR)/$(COVERAGE)/data", source=["$(CURDIR)/cred_helper"], \
	auto_data=True, messages=False).start()
coverage: $(STAMP) $(COVERAGE)/venv/.ready  ## branch coverage of the tests, subprocesses included
	@rm -f $(COVERAGE)/data*
	-$(COVERAGE)/venv/bin/python -m pytest -n 3 --dist worksteal </dev/null
	-@$(BIN)/coverage combine --quiet --data-file=$(COVERAGE)/data $(COVERAGE)
	@$(BIN)/coverage report --data-file=$(COVERAGE)/data

$(COVERAGE)/venv/.ready: packaging/requirements-dev.txt
	@rm -rf $(COVERAGE)/venv && $(PYTHON) -m venv $(COVERAGE)/venv
	@$(COVERAGE)/venv/bin/python $(PIP_INSTALL) --require-hashes -r packaging/requirements-dev.txt
	@$(COVERAGE)/venv/bin/python $(PIP_INSTALL) $(OFFLINE) --no-build-isolation --editable .
	@echo '$(MEASURE)' >"$$(echo $(COVERAGE)/venv/lib/python*/site-packages)/measure.pth"
	@touch $@

# Random inputs first, then inputs guided by coverage. An input that fails is kept in tests/fuzz/seeds.
FUZZ_SECONDS ?= 8
FUZZ_PYTHON := build/fuzz/venv/bin/python
fuzz: $(STAMP) build/fuzz/venv/.ready  ## a million server URLs, and damaged inputs for every parser
	@$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)
	@$(FUZZ_PYTHON) -m tests.fuzz --guided --seconds $(FUZZ_SECONDS)

# A separate venv: the engine supports fewer versions of Python than this program.
build/fuzz/venv/.ready: packaging/requirements-fuzz.txt
	@rm -rf build/fuzz/venv && $(PYTHON) -m venv build/fuzz/venv
	@$(FUZZ_PYTHON) $(PIP_INSTALL) --require-hashes -r packaging/requirements-fuzz.txt
	@touch $@

SOAK_KILLS ?= 1000
soak: $(STAMP)  ## kills at random moments, and fifty processes at once
	@echo "writers of the cache, killed"; $(BIN)/python -m tests.soak.kills --kills $(SOAK_KILLS)
	@echo "writers of our own store, killed"; $(BIN)/python -m tests.soak.logins --kills $(SOAK_KILLS)
	@echo "gets, killed while they ask"; $(BIN)/python -m tests.soak.killed_gets
	@$(BIN)/python -m tests.soak.parallel

faults: $(STAMP)  ## every fault at every step of every cloud
	@$(BIN)/python -m tests.faults

differential: $(STAMP)  ## random machines that share a cache, each compared with itself without one
	@$(BIN)/python -m tests.differential

live: $(STAMP)  ## a get and a pull from each real cloud that LIVE_ECR=HOST/REPOSITORY:TAG and the like name
	@$(BIN)/python -m tests.live

# Random machines with a memo, each changed at random: the launcher answers as Python does, or is silent.
memo: $(STAMP)  ## random machines and changes: the launcher's answers compared with Python's
	@$(BIN)/python -m tests.memo

# The program as each system has it. A cache for each: 18 s the first time, then 2 s.
MYPY = $(BIN)/mypy --cache-dir .mypy_cache
lint: $(STAMP)  ## ruff, mypy strict for Linux, macOS and Windows, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(MYPY)/linux --platform linux
	$(MYPY)/darwin --platform darwin cred_helper
	$(MYPY)/win32 --platform win32 cred_helper
	$(BIN)/lint-imports
	@! git log --format=%s '@{upstream}..' 2>/dev/null | grep -E '.{73}' || \
		{ echo "error: these subjects of commits have more than 72 characters" >&2; exit 1; }

format: $(STAMP)  ## let ruff mend and format the code
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

docs: $(STAMP)  ## generate the tables, help texts and errors page of the documentation
	@$(BIN)/python -m tests.docs

pictures: $(STAMP)  ## draw the terminal pictures of README
	@$(BIN)/python -m tests.pictures

# The build backend is pinned by hash too, in a venv that is not installed. build/lib may have modules
# of an earlier build.
WHEEL := build/wheel
INSTALLED = $(PREFIX)/lib/docker-credential-multi
install:  ## install the executable under PREFIX, which is ~/.local by default
	rm -rf build/lib $(WHEEL)
	$(PYTHON) -m venv $(WHEEL)/venv
	$(WHEEL)/venv/bin/python $(PIP_INSTALL) --require-hashes -r packaging/requirements-build.txt
	$(WHEEL)/venv/bin/python -m pip wheel --quiet --disable-pip-version-check $(OFFLINE) --no-build-isolation --wheel-dir $(WHEEL) .
	$(PYTHON) -m venv $(INSTALLED)
	$(INSTALLED)/bin/python $(PIP_INSTALL) --require-hashes -r packaging/requirements-runtime.txt
	$(INSTALLED)/bin/python $(PIP_INSTALL) $(OFFLINE) --force-reinstall $(WHEEL)/docker_credential_multi-*.whl
	mkdir -p $(PREFIX)/bin
	ln -sf ../lib/docker-credential-multi/bin/docker-credential-multi $(PREFIX)/bin/docker-credential-multi
	@echo "installed $(PREFIX)/bin/docker-credential-multi"

clean:  ## remove what the other targets made here: the venv, builds and caches
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache *.egg-info

include packaging/frozen.mk
include packaging/release.mk
include tests/bench/bench.mk
include tests/roots/roots.mk
