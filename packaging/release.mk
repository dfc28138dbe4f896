# What is released. The top Makefile includes this; release/__init__.py has the map.
# The interpreter of packaging/interpreter.toml.
RELEASE_PYTHON ?= /usr/bin/python3
# Clouds with a slim file of their own; SLIM= for none.
SLIM ?= $(shell $(PYTHON) -c 'from cred_helper.clouds import CLOUDS; print(*(c.name for c in CLOUDS if c.sdk))')
RELEASE := build/release
PARTS ?= $(RELEASE)/$(VERSION)
RELEASE_RUN = PYTHONPATH=packaging $(PYTHON) -m

.PHONY: release release/roots release/part release/assemble release/check release/reproducible

release:  ## everything that ships, dist/release/VERSION; VERSION=0.2.0
	@$(RELEASE_RUN) release.checkout "$(VERSION)" $(RELEASE)/source
	@umask 022 && $(MAKE) --no-print-directory -C $(RELEASE)/source release/part FREEZE_PYTHON="$(RELEASE_PYTHON)" \
		PARTS="$(CURDIR)/$(PARTS)" SLIM="$(SLIM)"
	@$(MAKE) --no-print-directory release/assemble

# Hours, for the emulated one.
ARCHITECTURES ?= amd64 arm64
release/roots: $(STAMP)  ## the same for amd64 and arm64, each in a Debian 12; as root, takes hours
	@$(RELEASE_RUN) release.checkout "$(VERSION)" $(RELEASE)/source
	@$(BIN)/python -m tests.roots.release "$(VERSION)" $(ARCHITECTURES)
	@$(MAKE) --no-print-directory release/assemble COMPLETE=linux

release/part: frozen/interpreter  ## what this machine builds of a release: PARTS/SYSTEM-ARCHITECTURE
	@PYTHONPATH=.:packaging nice -n 5 $(FREEZE)/venv/bin/python -m release.part --slim "$(SLIM)" "$(PARTS)"

release/assemble:  ## the parts of all machines as one release: image, formula, checksums
	@$(RELEASE_RUN) release.assemble $(if $(COMPLETE),--complete "$(COMPLETE)") "$(VERSION)" $(PARTS) dist/release/$(VERSION)

release/check: $(STAMP)  ## install and use dist/release/VERSION as the documentation says
	@RELEASE="dist/release/$(VERSION)" $(BIN)/python -m pytest tests/release </dev/null

release/reproducible:  ## build the release twice, and compare the files byte by byte
	@rm -rf $(RELEASE)/twice && mkdir -p $(RELEASE)/twice
	@git clone -q . $(RELEASE)/twice/one && git clone -q . $(RELEASE)/twice/two/further/down
	@umask 002 && TZ=Asia/Tokyo LANG=C $(MAKE) -C $(RELEASE)/twice/one release
	@umask 077 && TZ=America/New_York taskset -c 0 $(MAKE) -C $(RELEASE)/twice/two/further/down release
	@diff -r $(RELEASE)/twice/one/dist/release $(RELEASE)/twice/two/further/down/dist/release && echo "both releases are the same, byte for byte"
