#!/usr/bin/env bash
# Makes the Debian package of what `make build` has built: target/debian/clipsy_VERSION_ARCHITECTURE.deb
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cargo_deb=target/tools/bin/cargo-deb
if [[ ! -x $cargo_deb ]]; then
    printf 'make-deb: installing cargo-deb into target/tools\n' >&2
    cargo install --quiet --locked --root target/tools --target-dir target/tools/build cargo-deb --version "^3"
    rm -rf target/tools/build
fi

clipsy=target/release/clipsy
to=target/packaging
rm -rf "$to"
mkdir -p "$to"
"$clipsy" man "$to/man"
"$clipsy" completions bash >"$to/clipsy.bash"
"$clipsy" completions zsh >"$to/_clipsy"
"$clipsy" completions fish >"$to/clipsy.fish"
# The date of the newest commit, so that the same tree makes the same package.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH
"$cargo_deb" deb --package clipsy --no-build --locked "$@"
