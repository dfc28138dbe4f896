#!/bin/sh
# cargo_build.sh FOLDER: build a crate with the versions and hashes of its crates.lock, which is a
# Cargo.lock without the lines that name the index to fetch from. Cargo requires those lines, and
# writes the same one for every package.
set -eu
cd "$1"
rm -f Cargo.lock
cargo generate-lockfile --quiet
index=$(grep -m 1 '^source = ' Cargo.lock)
awk -v index_line="$index" '/^checksum = / { print index_line } { print }' crates.lock >Cargo.lock
cargo build --quiet --locked
