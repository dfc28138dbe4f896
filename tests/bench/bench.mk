# What the bench compares: made where it is missing, or older than what it is made from.
.PHONY: bench
BENCH := build/bench
CLIENTS := build/clients
OWN := $(shell find cred_helper -name '*.py')
FROZEN_FROM := $(OWN) $(shell find packaging -type f -not -path '*/docker/*' -not -name '*.pyc')
FILE := $(DIST)/docker-credential-multi

bench: $(STAMP) $(BENCH)/.ready $(FILE) $(FILE).dir/docker-credential-multi $(DIST)/naive $(CLIENTS)/.peers
	@PATH="$(CURDIR)/$(CLIENTS):$$PATH" $(BIN)/python -m tests.bench --json build/bench.json
	@echo; echo "all of it is in build/bench.json"

$(FILE): $(FROZEN_FROM)
	@$(MAKE) --no-print-directory frozen

$(FILE).dir/docker-credential-multi: $(FROZEN_FROM)
	@$(MAKE) --no-print-directory frozen/folder

# Its time is PyInstaller's and the SDKs': a change of ours is not worth the minutes.
$(DIST)/naive:
	@$(MAKE) --no-print-directory frozen/naive

# As a user has it: no editable package, everything compiled, a console script.
$(BENCH)/.ready: $(OWN) pyproject.toml packaging/requirements-runtime.txt
	@rm -rf $(BENCH) build/lib
	@$(MAKE) --no-print-directory install PREFIX="$(CURDIR)/$(BENCH)"
	@touch $@

# The helpers that this one stands in for, as their projects have them today, stripped as they are
# shipped; a distribution's may be years older. Anything else of these names on PATH will do.
PEERS := \
	github.com/awslabs/amazon-ecr-credential-helper/ecr-login/cli/docker-credential-ecr-login@v0.12.0 \
	github.com/GoogleCloudPlatform/docker-credential-gcr/v2@v2.2.1 \
	github.com/chrismellard/docker-credential-acr-env@v0.0.0-20230304212654-82a0ddb27589

$(CLIENTS)/.peers: tests/bench/bench.mk
	@mkdir -p $(CLIENTS)
	@command -v go >/dev/null || echo "without go, only helpers that are on PATH already are compared"
	@for peer in $(PEERS); do \
		! command -v go >/dev/null || GOBIN="$(CURDIR)/$(CLIENTS)" go install -trimpath -ldflags="-s -w" $$peer \
			|| echo "go could not install $$peer"; \
	done
	@! command -v go >/dev/null || touch $@
