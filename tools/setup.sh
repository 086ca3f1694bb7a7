#!/usr/bin/env bash
# Installs what Clipsy needs on Debian 12 or newer, and does nothing when nothing is missing.
#
#   tools/setup.sh build    what it takes to build and run clipsy
#   tools/setup.sh test     that, and what the tests and benchmarks use
#   tools/setup.sh image    what building and trying the image takes, without a container engine
#   tools/setup.sh graphiql bundles the GraphiQL page, if it has changed
#
# Make calls this before every target, so the path on which all is present must stay fast:
# one dpkg-query, and no interpreter is started unless its version is wanted.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

build_packages=(
    build-essential
    ca-certificates
    pkg-config
    libgstreamer1.0-dev
    libgstreamer-plugins-base1.0-dev
    libx264-dev
    gstreamer1.0-plugins-base
    gstreamer1.0-plugins-good
    gstreamer1.0-plugins-bad
    gstreamer1.0-plugins-ugly
    gstreamer1.0-libav
    gstreamer1.0-tools
)
test_packages=(
    caddy
    chromium
    curl
    ffmpeg
    faketime
    iproute2
    libavcodec-dev
    libffmpeg-nvenc-dev
    nats-server
    nginx-light
    openssl
    postgresql
)
image_packages=(
    debian-archive-keyring
    ffmpeg
    iproute2
    jq
    mmdebstrap
    slirp4netns
)
needed_cargo=1.92
needed_node=20

say() { printf 'setup: %s\n' "$*" >&2; }

die() {
    say "$@"
    exit 1
}

usage() {
    printf 'usage: tools/setup.sh build|test|image|graphiql\n' >&2
    exit 2
}

has() { command -v "$1" >/dev/null 2>&1; }

# Succeeds when version $1 is at least version $2.
at_least() {
    [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]
}

is_debian() {
    has dpkg-query && has apt-get
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    elif has sudo; then
        sudo "$@"
    else
        die "installing packages needs root: run as root, install sudo, or install by hand: ${missing[*]}"
    fi
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get \
        -o DPkg::Lock::Timeout=120 \
        -o Dpkg::Options::=--force-confdef \
        -o Dpkg::Options::=--force-confold \
        "$@" </dev/null
}

find_missing() {
    local installed package
    # dpkg-query exits 1 when it does not know a package: that is an answer, not an error.
    # shellcheck disable=SC2016 # the placeholders are dpkg-query's
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
    missing=()
    for package in "$@"; do
        grep -qxF "installed $package" <<<"$installed" || missing+=("$package")
    done
}

# A fresh machine has no package lists, so they are fetched first. The development packages may
# pull in a systemd update whose first try stops with "cannot access archive"; apt then has to
# finish what it began before the same command succeeds, hence -f and the second and third try.
install_missing() {
    local try
    find_missing "$@"
    ((${#missing[@]})) || return 0
    say "installing ${missing[*]}"
    for try in 1 2 3; do
        if apt update -q && apt install -q -y --no-install-recommends "${missing[@]}"; then
            return 0
        fi
        say "try $try did not succeed; repairing before the next"
        apt install -q -f -y || true
    done
    die "apt-get could not install ${missing[*]}; its messages above say why"
}

# Elsewhere than on Debian the names of packages differ, so only say what must be there.
check_by_hand() {
    local absent=()
    has gst-inspect-1.0 || absent+=(gst-inspect-1.0)
    has pkg-config && pkg-config --exists gstreamer-1.0 gstreamer-app-1.0 gstreamer-pbutils-1.0 ||
        absent+=("the GStreamer development files")
    has pkg-config && pkg-config --exists 'x264 >= 0.164' || absent+=("the development files of x264, with libx264.a")
    if [[ $mode == test ]]; then
        has caddy || absent+=(caddy)
        has chromium || absent+=(chromium)
        has ffmpeg || absent+=(ffmpeg)
        has ffprobe || absent+=(ffprobe)
        has curl || absent+=(curl)
        has ip || absent+=(ip)
        has nats-server || [[ -x /usr/sbin/nats-server ]] || absent+=(nats-server)
        has nginx || [[ -x /usr/sbin/nginx ]] || absent+=(nginx)
        has openssl || absent+=(openssl)
    fi
    ((${#absent[@]})) || return 0
    say "not Debian, so install these yourself: a C compiler, pkg-config, GStreamer 1.22 or newer with its tools," \
        "its development files, those of x264, and the base, good, bad, ugly and libav plug-ins; for the tests also" \
        "caddy, chromium, faketime, ffmpeg, iproute2, curl, nats-server, nginx and openssl"
    die "missing: $(IFS=,; printf '%s' "${absent[*]}")"
}

check_tools() {
    local version
    has cargo || die "cargo is missing: install Rust $needed_cargo or newer"
    version=$(cargo --version)
    version=${version#cargo }
    version=${version%%[ -]*}
    at_least "$version" "$needed_cargo" || die "cargo is $version, but $needed_cargo or newer is needed"

    has node || die "node is missing: install Node.js $needed_node or newer"
    version=$(node --version)
    version=${version#v}
    at_least "$version" "$needed_node" || die "node is $version, but $needed_node or newer is needed"

    has python3 || die "python3 is missing: install Python 3.11 or newer"
}

# Installs the node packages that the lock file in the folder names. In tools/js those are judges that
# share no code with us, and other people's clients; in web what the front end is made of.
install_js() {
    local folder=$root/$1
    local stamp=$folder/node_modules/.package-lock.json
    [[ -e $stamp && ! $folder/package-lock.json -nt $stamp ]] && return 0
    has npm || die "npm is missing: install it with Node.js $needed_node or newer"
    say "installing node packages into $1"
    npm ci --prefix "$folder" --no-audit --no-fund --loglevel error </dev/null ||
        die "npm ci failed; its messages above say why"
    # npm keeps the times of an unpacked file; the test above needs the time of the install.
    touch "$stamp"
}

# The page is made of what lies in its folder; nothing is done if it is newer than all of that.
bundle_graphiql() {
    local folder=$root/web/graphiql
    local page=$folder/dist/index.html.gz
    install_js web/graphiql
    if [[ -e $page && -z $(find "$folder/src" "$folder/build.mjs" "$folder/package-lock.json" -newer "$page" -print -quit) ]]; then
        return 0
    fi
    say "bundling the GraphiQL page"
    npm run --prefix "$folder" --silent build >&2 || die "the page could not be bundled"
}

# The Python client of the upload tests, in an environment of its own that `make clean` removes.
install_py() {
    local wanted=$root/tools/py/requirements.txt
    local venv=$root/target/py
    local stamp=$venv/requirements.txt
    cmp -s "$wanted" "$stamp" && return 0
    say "installing Python packages into target/py"
    python3 -m venv --clear "$venv" ||
        die "python3 has no venv; install it (Debian: python3-venv)"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        --requirement "$wanted" </dev/null ||
        die "pip failed; its messages above say why"
    cp "$wanted" "$stamp"
}

(($# == 1)) || usage
mode=$1
case $mode in
build) packages=("${build_packages[@]}") ;;
image) packages=("${image_packages[@]}") ;;
graphiql)
    check_tools
    bundle_graphiql
    exit 0
    ;;
test) packages=("${build_packages[@]}" "${test_packages[@]}") ;;
*) usage ;;
esac

missing=()
check_tools
if is_debian; then
    # The clips are fetched with pip, or with a virtual environment's pip. Debian's own python3 has
    # neither without this; any other python3 brings both.
    if [[ $(command -v python3) == /usr/bin/python3 ]] &&
        [[ $mode == test || ! -e /usr/lib/python3/dist-packages/pip ]]; then
        packages+=(python3-venv)
    fi
    install_missing "${packages[@]}"
else
    check_by_hand
fi
install_js web
if [[ $mode == test ]]; then
    install_js tools/js
    install_py
fi
