# Other systems and processors, without a container engine; as root. The top Makefile includes this.
.PHONY: roots roots/clean
ROOTS ?=

roots: $(STAMP)  ## ROOTS=debian13-amd64 is one root; all: Debian 12 and 13, amd64 and arm64
	@$(BIN)/python -m tests.roots $(if $(ROOTS),,--page) $(ROOTS)

roots/clean:
	rm -rf --one-file-system build/roots
