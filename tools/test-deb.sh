#!/usr/bin/env bash
# Installs the Debian package into fresh roots of Debian 12 and 13, plays a video there, upgrades while a job
# runs, and purges. What systemd would do is done by hand: a root has no running systemd.
#
#   tools/test-deb.sh PACKAGE [SUITE…]
#
# Needs root, mmdebstrap, ffprobe and curl.
set -euo pipefail

if (($# < 1)); then
    printf 'usage: tools/test-deb.sh PACKAGE [SUITE...]\n' >&2
    exit 2
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
package=$(realpath "$1")
shift
suites=("$@")
((${#suites[@]})) || suites=(bookworm trixie)
clip=$here/.media/clips/trailer_bbb.mp4
folder=$(mktemp -d)
server=
clean() {
    if [[ -n $server ]]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
    rm -rf "$folder"
}
trap clean EXIT

say() { printf 'test-deb: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# inside ROOT COMMAND...: in the root, with what programs expect of a machine.
inside() {
    # shellcheck disable=SC2016
    unshare --mount bash -c '
        root=$1; shift
        mount --rbind /dev "$root/dev" && mount --rbind /proc "$root/proc" && mount -t tmpfs tmpfs "$root/run"
        exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@"' \
        -- "$@"
}

# start ROOT PORT: what the unit does.
start() {
    local root=$1 port=$2 exec_start
    exec_start=$(sed -n 's/^ExecStart=//p' "$root/usr/lib/systemd/system/clipsy.service")
    # shellcheck disable=SC2086
    inside "$root" setpriv --reuid=clipsy --regid=clipsy --init-groups --inh-caps=-all --bounding-set=-all --no-new-privs \
        env CLIPSY_STATE_DIR=/var/lib/clipsy CLIPSY_ADMIN_PASSWORD=correct-horse-9 $exec_start --listen "127.0.0.1:$port" \
        >"$folder/log" 2>&1 &
    server=$!
    for _ in $(seq 300); do
        curl -sf "http://127.0.0.1:$port/readyz" >"$folder/ready" && return
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    cat "$folder/log" >&2
    die "it does not start"
}

stop() {
    # The server is the child of those that made its place.
    pkill -TERM -P "$server" 2>/dev/null || kill -TERM "$server"
    wait "$server" 2>/dev/null || true
    server=
}

ask() { # ask PORT TOKEN PATH [CURL ARGUMENTS]
    local port=$1 token=$2 path=$3
    shift 3
    curl -sf -H "Authorization: Bearer $token" "http://127.0.0.1:$port$path" "$@"
}

field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

try() {
    local suite=$1 root=$folder/$1 port token video begun
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    say "$suite: making a root"
    mmdebstrap --quiet --variant=apt --include=adduser,ca-certificates "$suite" "$root"
    find "$root" -xdev | sed "s,^$root,," | grep -vE '^/(var/cache|var/lib/(apt|dpkg)|var/log|tmp|run|proc|dev)' | sort >"$folder/before"
    cp "$package" "$root/tmp/clipsy.deb"
    # mmdebstrap leaves no lists of packages, which an installed machine has.
    inside "$root" apt-get update -qq

    begun=$SECONDS
    inside "$root" apt-get install -y -qq --no-install-recommends /tmp/clipsy.deb >"$folder/apt" 2>&1 || { tail -n 25 "$folder/apt" >&2; die "it does not install"; }
    inside "$root" clipsy --version
    start "$root" "$port"
    token=$(curl -sf -H 'Content-Type: application/json' -d '{"username":"admin","password":"correct-horse-9"}' \
        "http://127.0.0.1:$port/api/auth/login/" | field access)
    video=$(ask "$port" "$token" /api/videos/ -F title=first -F "video_file=@$clip" | field id)
    for _ in $(seq 600); do
        [[ $(ask "$port" "$token" "/api/videos/$video/" | field hls_playlist) != None ]] && break
        sleep 0.1
    done
    ffprobe -v error -read_intervals %+1 -show_entries stream=codec_name -of csv "http://127.0.0.1:$port/media/videos/processed/$video/master.m3u8" \
        2>/dev/null | grep -q h264 || die "$suite: it does not play"
    say "$suite: installed, started, uploaded and played in $((SECONDS - begun)) s"
    python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)["sandbox"]))' <"$folder/ready" >&2

    # The job of the first video still runs.
    [[ $(ask "$port" "$token" "/api/videos/$video/" | field status) == ready ]] && die "$suite: the job ended too soon to upgrade over it"
    rm -rf "$folder/newer" && dpkg-deb -R "$package" "$folder/newer"
    sed -i 's/^Version: \(.*\)/Version: \1+next/' "$folder/newer/DEBIAN/control"
    dpkg-deb -q --root-owner-group -b "$folder/newer" "$root/tmp/newer.deb"
    printf '# ours\n' >>"$root/etc/clipsy/clipsy.toml"
    inside "$root" apt-get install -y -qq --no-install-recommends /tmp/newer.deb >"$folder/apt" 2>&1 || { tail -n 25 "$folder/apt" >&2; die "it does not upgrade"; }
    tail -1 "$root/etc/clipsy/clipsy.toml" | grep -q ours || die "$suite: settings were replaced"
    stop
    start "$root" "$port"
    for _ in $(seq 1200); do
        [[ $(ask "$port" "$token" "/api/videos/$video/" | field status) == ready ]] && break
        sleep 0.2
    done
    [[ $(ask "$port" "$token" "/api/videos/$video/" | field status) == ready ]] || die "$suite: the job was lost"
    inside "$root" setpriv --reuid=clipsy --regid=clipsy --init-groups env CLIPSY_STATE_DIR=/var/lib/clipsy clipsy verify --hashes
    stop
    say "$suite: upgraded over a running job"

    inside "$root" apt-get purge -y -qq clipsy >"$folder/apt" 2>&1 || { tail -n 25 "$folder/apt" >&2; die "it does not purge"; }
    inside "$root" apt-get autoremove --purge -y -qq >/dev/null 2>&1
    find "$root" -xdev | sed "s,^$root,," | grep -E '/[^/]*clipsy' | grep -v '^/tmp/' >"$folder/left" || true
    [[ ! -s $folder/left ]] || die "$suite: left behind: $(cat "$folder/left")"
    grep -q clipsy "$root/etc/passwd" "$root/etc/group" && die "$suite: the account is left"
    say "$suite: purged"
    rm -rf "$root"
}

systemd-analyze verify "$here/packaging/deb/clipsy.service" 2>&1 | grep -v 'clipsy is not executable' || true
exposure=$(systemd-analyze security --offline=true --no-pager "$here/packaging/deb/clipsy.service" | sed -n 's/.*Overall exposure level.*: \([0-9.]*\).*/\1/p')
say "exposure of the unit: $exposure"
python3 -c 'import sys; sys.exit(float(sys.argv[1]) > 2.0)' "$exposure" || die "the unit is exposed more than 2.0"
for suite in "${suites[@]}"; do
    try "$suite"
done
