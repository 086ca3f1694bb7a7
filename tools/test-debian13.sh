#!/usr/bin/env bash
# Runs the suites of the pipeline, the command line and the service on Debian 13, with GStreamer 1.26; graphics
# cards over the emulated driver. The binaries are those built here.
#
#   tools/test-debian13.sh ROOT
#
# ROOT is a folder with Debian 13 in it; it is made if it is not there. Needs root or user namespaces.
set -euo pipefail

if (($# != 1)); then
    printf 'usage: tools/test-debian13.sh ROOT\n' >&2
    exit 2
fi
root=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
packages=(
    ca-certificates ffmpeg g++ nodejs pkg-config
    gstreamer1.0-libav gstreamer1.0-plugins-{base,good,bad,ugly} gstreamer1.0-tools
    libavcodec-dev libffmpeg-nvenc-dev libgstreamer1.0-dev libx264-dev
)

say() { printf 'test-debian13: %s\n' "$*" >&2; }

if [[ ! -e $root/etc/debian_version ]]; then
    command -v mmdebstrap >/dev/null || { say "install mmdebstrap first"; exit 1; }
    say "making $root"
    mmdebstrap --variant=apt --include="$(IFS=,; printf '%s' "${packages[*]}")" trixie "$root"
fi
root=$(cd "$root" && pwd)

# The names of the test programs that cargo has just built.
program() {
    cargo test --locked --no-run --message-format=json "$@" 2>/dev/null |
        python3 -c '
import json, sys
found = [json.loads(line) for line in sys.stdin]
tests = [m["executable"] for m in found if m.get("profile", {}).get("test") and m.get("executable")]
print(tests[-1])'
}

cd "$here"
cli=$(program -p clipsy --test cli)
service=$(program -p clipsy --test service)
pipeline=$(program -p clipsy-pipeline --test pipeline)

inside() {
    # $1 is the folder of the repository, $2 that of the root, the rest the command.
    # shellcheck disable=SC2016
    unshare --mount bash -c '
        here=$1 root=$2; shift 2
        mount --rbind /dev "$root/dev"
        mount --rbind /proc "$root/proc"
        mkdir -p "$root$here" && mount --bind "$here" "$root$here"
        exec chroot "$root" env -C "$here/crates/clipsy" "$@"' -- "$here" "$root" "$@"
}

inside gst-inspect-1.0 --version | tail -n 2
inside "$pipeline"
inside "$cli" --test-threads=2
inside "$service" --test-threads=2
