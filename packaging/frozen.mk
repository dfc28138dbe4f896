# The single file and what ships with it. The top Makefile includes this.
comma := ,
CLOUDS = $(shell $(PYTHON) -c 'from cred_helper.clouds import NAMES; print(*NAMES, sep=",")')
PROVIDERS ?= $(CLOUDS)
FREEZE_PYTHON ?= $(PYTHON)
FREEZE := build/freeze
DIST := dist
FREEZE_READY := $(FREEZE)/venv/.ready
# A slim file has a name of its own, and leaves the whole one as it is.
SLIM_NAME = $(if $(subst $(CLOUDS),,$(PROVIDERS)),-$(subst $(comma),-,$(PROVIDERS)))
FREEZE_RUN = PYTHONPATH=packaging nice -n 5 $(FREEZE)/venv/bin/python -m freeze --dist $(DIST) \
	--name docker-credential-multi$(SLIM_NAME)
# auto: Python is linked in where it can be, and PyInstaller's bootloader is used elsewhere.
LAUNCHER ?= auto
FREEZE_OPTIONS = --work $(FREEZE)/work --providers "$(PROVIDERS)" --launcher $(LAUNCHER)

FREEZE_MODULE = SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} \
	PYTHONPATH=.:packaging $(FREEZE)/venv/bin/python -m

.PHONY: frozen frozen/static frozen/both frozen/folder frozen/naive frozen/deb frozen/interpreter \
	frozen/openssl frozen/sizes

frozen: $(FREEZE_READY)  ## the single file, dist/docker-credential-multi; PROVIDERS=gcr,ecr for a slim one
	@$(FREEZE_RUN) $(FREEZE_OPTIONS)

frozen/static: $(FREEZE_READY)  ## also dist/docker-credential-multi.static, which needs no libc
	@$(FREEZE_RUN) $(FREEZE_OPTIONS) --static

frozen/both: $(FREEZE_READY)  ## also dist/bootloader/docker-credential-multi, with PyInstaller's bootloader
	@$(FREEZE_RUN) $(FREEZE_OPTIONS) --static --both

frozen/folder: $(FREEZE_READY)  ## dist/docker-credential-multi.dir: its libraries are files beside it
	@$(FREEZE_RUN) $(FREEZE_OPTIONS) --folder

frozen/naive: $(FREEZE_READY)  ## PyInstaller's one-file build, for make bench
	@PYTHONPATH=packaging nice -n 5 $(FREEZE)/venv/bin/python -m freeze --dist $(DIST) --work $(FREEZE)/naive --naive

# Cargo compiles cryptography from its source in minutes: for releases, and not for every build.
frozen/openssl: $(FREEZE_READY)  ## compile cryptography for the next builds: a smaller file; needs cargo and OpenSSL's headers
	@$(FREEZE)/venv/bin/python $(PIP_INSTALL) --require-hashes --only-binary cffi,maturin \
		-r packaging/requirements-openssl.txt
	@PATH="$(CURDIR)/$(FREEZE)/venv/bin:$$PATH" OPENSSL_NO_VENDOR=1 MATURIN_PEP517_ARGS=--locked \
		$(FREEZE)/venv/bin/python $(PIP_INSTALL) --require-hashes --no-deps \
		--no-build-isolation --no-cache-dir --force-reinstall --no-binary cryptography \
		-r packaging/requirements-openssl.txt

frozen/deb: frozen  ## a Debian package, with manual page and completions
	@$(FREEZE_MODULE) freeze.deb $(DIST)

frozen/interpreter: $(FREEZE_READY)
	@$(FREEZE_MODULE) freeze.interpreter

frozen/sizes: $(FREEZE_READY)  ## build a slim file for each cloud, and print the sizes
	@printf '%-14s%8s%9s%9s%9s  MB\n' '' file gzipped static gzipped
	@for providers in none $(subst $(comma), ,$(CLOUDS)) $(CLOUDS); do \
	  PYTHONPATH=packaging nice -n 5 $(FREEZE)/venv/bin/python -m freeze --work $(FREEZE)/work --static \
	    --dist $(FREEZE)/slim/$$providers --providers $$providers > $(FREEZE)/slim.log || exit 1; \
	  awk -v p=$$providers '/^together|^gzipped/ {row = row sprintf("%9s", $$2)} END {printf "%-13s%s\n", p, row}' $(FREEZE)/slim.log; \
	done

# freeze/python.py finds a Python to build with, or says what each one lacks.
$(FREEZE_READY): packaging/requirements-freeze.txt
	@rm -rf $(FREEZE)/venv && mkdir -p $(FREEZE)
	@python="$$($(PYTHON) packaging/freeze/python.py $(FREEZE_PYTHON))" && "$$python" -m venv $(FREEZE)/venv
	@$(FREEZE)/venv/bin/python $(PIP_INSTALL) --require-hashes -r packaging/requirements-freeze.txt
	@touch $@
