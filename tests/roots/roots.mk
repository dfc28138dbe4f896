# Other systems and processors, without a container engine; as root. The top Makefile includes this.
.PHONY: roots roots/clean
ROOTS ?=

roots: $(STAMP)  ## demo, tests and files in Debian 12 and 13, amd64 and arm64 (emulated); as root; ROOTS=debian13-amd64 for one
	@$(BIN)/python -m tests.roots $(if $(ROOTS),,--page) $(ROOTS)

roots/clean:  ## remove these roots
	rm -rf --one-file-system build/roots
