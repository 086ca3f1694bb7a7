#!/usr/bin/env bash
# A container engine where there is none: Debian 13's, in mount, network and PID namespaces of its own, so
# that it touches no address, no packet filter and no mount of this machine. To be sourced; needs root.
#
#   engine_start FOLDER SOURCE   starts it; its state lies in FOLDER, SOURCE is /src in it, FOLDER/share is /share
#   engine COMMAND...            runs a command beside it
#   engine_net COMMAND...        runs a command of this machine in its network
#   engine_stop                  ends it

# The package sources of this machine, for Debian 13.
sources() {
    python3 - <<'PYTHON'
import glob, re
for path in glob.glob("/etc/apt/sources.list.d/*.sources"):
    for block in open(path).read().split("\n\n"):
        field = lambda name: (re.search(rf"^{name}: *(.*)$", block, re.M) or ["", ""])[1]
        for suite in field("Suites").split():
            print("deb", field("URIs"), re.sub("bookworm", "trixie", suite), field("Components"))
for path in ["/etc/apt/sources.list"]:
    try:
        print(re.sub("bookworm", "trixie", open(path).read()))
    except FileNotFoundError:
        pass
PYTHON
}

# bootstrap TARGET [option...]: a minimal Debian 13 as a folder or a tar file.
bootstrap() {
    local target=$1
    shift
    rm -rf "$target.part"
    # Package mirrors that keep old states serve lists whose dates are over.
    sources | mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
        --aptopt='Acquire::Check-Date "false"' "$@" trixie "$target.part" -
    mv "$target.part" "$target"
}

engine_start() {
    local folder=$1 source=$2
    mkdir -p "$folder/share"
    [[ -x $folder/root/usr/sbin/dockerd ]] || bootstrap "$folder/root" --format=directory \
        --include=ca-certificates,docker.io,docker-cli,docker-buildx,docker-compose,iptables,iproute2,procps
    setsid unshare --mount --net --pid --fork --kill-child bash -eu -c '
        folder=$1 source=$2 root=$1/root
        mount --make-rprivate / && mount --bind "$root" "$root"
        mount -t proc proc "$root/proc" && mount -t sysfs sysfs "$root/sys"
        mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup" && mount --rbind /dev "$root/dev"
        mount -t tmpfs tmpfs "$root/run" && mount -t tmpfs tmpfs "$root/tmp"
        mkdir -p "$root/old" "$root/src" "$root/share"
        mount --bind "$source" "$root/src" && mount -o remount,bind,ro "$root/src"
        mount --bind "$folder/share" "$root/share"
        ip link set lo up
        until ip -o link show tap0 >/dev/null 2>&1; do sleep 0.1; done
        cd "$root" && pivot_root . old && umount -l /old
        echo nameserver 10.0.2.3 >/etc/resolv.conf
        echo 1 >/proc/sys/net/ipv4/ip_forward
        export PATH=/usr/sbin:/usr/bin:/sbin:/bin
        exec dockerd --storage-driver overlay2 >/share/engine.log 2>&1
    ' - "$folder" "$source" </dev/null >"$folder/start.log" 2>&1 &
    ENGINE_OUTER=$!
    until ENGINE=$(pgrep -P "$ENGINE_OUTER"); do
        kill -0 "$ENGINE_OUTER" || { cat "$folder/start.log" >&2; return 1; }
        sleep 0.1
    done
    # Its way out: user-mode networking, without a route of this machine.
    setsid slirp4netns --configure --mtu=65520 "$ENGINE" tap0 </dev/null >"$folder/network.log" 2>&1 &
    ENGINE_NETWORK=$!
    for _ in $(seq 120); do
        engine docker info >/dev/null 2>&1 && return 0
        sleep 0.5
    done
    tail -20 "$folder/share/engine.log" >&2
    return 1
}

engine() {
    nsenter -t "$ENGINE" -m -n -p --wdns=/src env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "${ENGINE_ENV[@]}" "$@"
}

engine_net() {
    nsenter -t "$ENGINE" -n "$@"
}

engine_stop() {
    [[ -n ${ENGINE:-} ]] || return 0
    engine docker ps -aq | xargs -r nsenter -t "$ENGINE" -m -n -p docker rm -fv >/dev/null 2>&1 || true
    kill "$ENGINE" 2>/dev/null || true
    for _ in $(seq 100); do
        kill -0 "$ENGINE_OUTER" 2>/dev/null || break
        sleep 0.2
    done
    kill "$ENGINE_NETWORK" "$ENGINE_OUTER" 2>/dev/null || true
}
