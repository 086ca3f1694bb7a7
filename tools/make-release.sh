#!/usr/bin/env bash
# Makes the files of a release from a clean tree: docs/VERSIONS.md, "Making a release".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() { printf 'make-release: %s\n' "$*" >&2; exit 1; }

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
[[ -n $version ]] || die "no version in Cargo.toml"
if [[ -z ${DRAFT:-} ]]; then
    [[ -z $(git status --porcelain) ]] || die "the tree has changes; DRAFT=1 makes files to look at"
    grep -q "^## \[$version\] - [0-9]\{4\}-" CHANGELOG.md || die "CHANGELOG.md has no part [$version] with a date"
    ! git rev-parse -q --verify "refs/tags/v$version" >/dev/null || die "v$version is tagged already"
fi
[[ $(target/release/clipsy --version) == "clipsy $version" ]] || die "target/release/clipsy is not of this version: make build"

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
machine=$(uname -m)
name=clipsy-$version-linux-$machine
out=target/release-$version
rm -rf "$out"
mkdir -p "$out/$name/bin" "$out/$name/lib/clipsy"

tools/make-deb.sh --output "$out/"
install -m 755 target/release/clipsy "$out/$name/bin/"
install -m 644 target/release/libgstclipsyx264ladder.so crates/x264-ladder/LICENSE "$out/$name/lib/clipsy/"
cp -r target/packaging "$out/$name/share"
cp -r docs README.md CHANGELOG.md LICENSE* packaging "$out/$name/"
mkdir "$out/$name/docker" && cp -r docker/kubernetes "$out/$name/docker/"
tar -C "$out" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -cf - "$name" |
    gzip -9n >"$out/$name.tar.gz"
rm -rf "${out:?}/$name"
tools/sbom.py >"$out/clipsy-$version.spdx.json"
(cd "$out" && sha256sum -- * >SHA256SUMS)
cat "$out/SHA256SUMS"
