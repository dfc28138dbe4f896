# The programs that the bench compares: built if missing or older than their sources.
.PHONY: bench
BENCH := build/bench
CLIENTS := build/clients
OWN := $(shell find cred_helper -name '*.py')
FROZEN_FROM := $(OWN) $(shell find packaging -type f -not -path '*/docker/*' -not -name '*.pyc')
FILE := $(DIST)/docker-credential-multi

bench: $(STAMP) $(BENCH)/.ready $(FILE).static $(FILE).dir/docker-credential-multi
bench: $(DIST)/bootloader/docker-credential-multi $(DIST)/naive $(CLIENTS)/.peers  ## time and size of a get, compared with other helpers
	@PATH="$(CURDIR)/$(CLIENTS):$$PATH" $(BIN)/python -m tests.bench --json build/bench.json --page
	@echo; echo "build/bench.json has all samples; packaging/docs/benchmarks.md and its picture are written"

$(FILE).static: $(FROZEN_FROM)
	@$(MAKE) --no-print-directory frozen/static

$(FILE).dir/docker-credential-multi: $(FROZEN_FROM)
	@$(MAKE) --no-print-directory frozen/folder

$(DIST)/bootloader/docker-credential-multi: $(FROZEN_FROM)
	@$(MAKE) --no-print-directory frozen LAUNCHER=pyinstaller DIST=$(DIST)/bootloader

# Not built again: its time is that of PyInstaller and the SDKs.
$(DIST)/naive:
	@$(MAKE) --no-print-directory frozen/naive

# As a user installs it: no editable package, everything compiled, a console script.
$(BENCH)/.ready: $(OWN) pyproject.toml packaging/requirements-runtime.txt
	@rm -rf $(BENCH) build/lib
	@$(MAKE) --no-print-directory install PREFIX="$(CURDIR)/$(BENCH)"
	@touch $@

# The current versions of the helpers that this one replaces, stripped as they are shipped. Without Go,
# helpers of these names on PATH are compared.
PEERS := \
	github.com/awslabs/amazon-ecr-credential-helper/ecr-login/cli/docker-credential-ecr-login@v0.12.0 \
	github.com/GoogleCloudPlatform/docker-credential-gcr/v2@v2.2.1 \
	github.com/chrismellard/docker-credential-acr-env@v0.0.0-20230304212654-82a0ddb27589

$(CLIENTS)/.peers: tests/bench/bench.mk
	@mkdir -p $(CLIENTS)
	@command -v go >/dev/null || echo "go is not installed: only helpers on PATH are compared"
	@for peer in $(PEERS); do \
		! command -v go >/dev/null || GOBIN="$(CURDIR)/$(CLIENTS)" go install -trimpath -ldflags="-s -w" $$peer \
			|| echo "go cannot install $$peer"; \
	done
	@! command -v go >/dev/null || touch $@
