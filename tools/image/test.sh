#!/usr/bin/env bash
# Builds docker/Dockerfile and tries the image as the compose files run it, also on a machine without a
# container engine: root, Debian's packages and PyPI are enough. See docs/OPERATIONS.md.
#
#   tools/image/test.sh [full] [scale]
#
# By default the image takes target/release/clipsy; `full` compiles in it, as the Dockerfile says.
# `scale` also runs docker/compose.scale.yaml. KEEP=1 leaves the engine running.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
SOURCE=$PWD
FOLDER=$SOURCE/target/image
TOOLS=$SOURCE/tools/image
FULL='' SCALE=''
for argument in "$@"; do
    case $argument in
        full) FULL=1 ;;
        scale) SCALE=1 ;;
        *) echo "unknown: $argument" >&2; exit 2 ;;
    esac
done
# shellcheck source=engine.sh
. "$TOOLS/engine.sh"
# shellcheck source=bases.sh
. "$TOOLS/bases.sh"

# Decimal megabytes, as registries count.
MOST_MB=650
MOST_PACKED_MB=240
ENGINE_ENV=(POSTGRES_PASSWORD='p/w#?@:%' S3_ACCESS_KEY=access S3_SECRET_KEY=secretsecret RENDER_GID=105
    CLIPSY_HTTP_PORT=8080 CLIPSY_ADMIN_PASSWORD='')
CHECKED=0 BEGUN=$SECONDS

fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
good() { CHECKED=$((CHECKED + 1)); printf 'ok %3d s  %s\n' "$((SECONDS - BEGUN))" "$*"; }
# expect NAME COMMAND...
expect() { local name=$1; shift; "$@" >"$FOLDER/last.log" 2>&1 || { tail -40 "$FOLDER/last.log" >&2; fail "$name"; }; good "$name"; }
compose() { engine docker compose "$@"; }
inside() { engine docker exec "$CONTAINER" "$@"; }
try() { engine_net python3 "$TOOLS/try.py" "$@"; }

mkdir -p "$FOLDER/share"
trap '[[ -n ${KEEP:-} ]] || engine_stop' EXIT
engine_start "$FOLDER" "$SOURCE" || fail 'the engine does not start'
good 'the engine runs'
base_images
good 'base images are there'

# --- The image
if [[ -n $FULL ]]; then
    expect 'the image builds, compiled in it' engine docker build -t clipsy -f docker/Dockerfile .
else
    rm -rf "$FOLDER/share/built"
    install -D -t "$FOLDER/share/built/usr/local/bin" target/release/clipsy
    for extra in target/release/*.so; do
        [[ -e $extra ]] && install -D -t "$FOLDER/share/built/usr/local/lib/clipsy" "$extra"
    done
    expect 'the image builds' engine docker build --build-context web=/share/built \
        --build-context build=/share/built -t clipsy -f docker/Dockerfile .
fi
bytes=$(engine docker image inspect -f '{{.Size}}' clipsy)
packed=$(engine docker save clipsy | gzip -1 | wc -c)
printf '   the image has %d MB, %d MB packed\n' $((bytes / 1000000)) $((packed / 1000000))
[[ $((bytes / 1000000)) -le $MOST_MB ]] || fail "the image has more than $MOST_MB MB"
[[ $((packed / 1000000)) -le $MOST_PACKED_MB ]] || fail "the image has more than $MOST_PACKED_MB MB packed"
good 'the image is as small as it should be'
for files in '' '-f docker/compose.yaml -f docker/compose.gpu-nvidia.yaml' \
    '-f docker/compose.yaml -f docker/compose.gpu-vaapi.yaml' \
    '-f docker/compose.scale.yaml --profile gpu --profile observe'; do
    # shellcheck disable=SC2086
    expect "compose reads ${files:-compose.yaml}" compose $files config -q
done

# --- One machine
compose down -v >/dev/null 2>&1 || true
expect 'one machine comes up, with empty settings' compose up -d --no-build --wait
CONTAINER=$(compose ps -q clipsy)
PASSWORD=$(compose logs clipsy 2>&1 | sed -n 's/.*as admin with the password \([0-9a-f]*\).*/\1/p')
[[ -n $PASSWORD ]] || fail 'the log has no password'
[[ $(inside id -u):$(inside id -g):$(inside id -gn) == 10001:10001:clipsy ]] || fail 'it runs as somebody else'
good 'it runs as clipsy'
inside grep -q '^CapBnd:.0*$' /proc/1/status || fail 'it has capabilities'
good 'it has no capabilities'
! inside sh -c 'touch /x || touch /usr/x || touch /etc/x' 2>/dev/null || fail 'its root can be written'
good 'its root is read-only'
expect 'doctor finds an encoder' inside clipsy doctor
grep -q 'works  Sandbox' "$FOLDER/last.log" || { grep -A2 Sandbox "$FOLDER/last.log"; fail 'doctor finds the sandbox wanting'; }
good 'doctor finds the sandbox whole'
expect 'a video is uploaded, made and played' try http://localhost:8000 "$PASSWORD" "$FOLDER"
expect 'the container is made anew on its volume' compose up -d --no-build --force-recreate --wait
expect 'the video is still there' try http://localhost:8000 --there 1
VOLUME=$(engine docker inspect -f '{{range .Mounts}}{{if eq .Destination "/var/lib/clipsy"}}{{.Name}}{{end}}{{end}}' "$(compose ps -q clipsy)")
as_root() { engine docker run --rm -v "$VOLUME:/state" -u 0:0 --entrypoint chown clipsy -R "$1" /state; }
as_root 0:0
compose up -d --no-build --force-recreate >/dev/null 2>&1
explained() { [[ $(compose logs clipsy 2>&1) == *'chown -R 10001:10001'* ]]; }
for _ in $(seq 30); do explained && break; sleep 1; done
explained || { compose logs clipsy 2>&1 | tail -5; fail 'a folder of root is not explained'; }
good 'a restored folder that is root'\''s is explained'
as_root 10001:10001
expect 'and works once it is given' compose up -d --no-build --force-recreate --wait
CONTAINER=$(compose ps -q clipsy)
stopping=$SECONDS
compose stop >/dev/null 2>&1
[[ $((SECONDS - stopping)) -le 25 && $(engine docker inspect -f '{{.State.ExitCode}}' "$CONTAINER") == 0 ]] ||
    fail 'it does not stop in time'
good 'it stops in time'
compose down -v >/dev/null 2>&1

# --- Several machines
if [[ -n $SCALE ]]; then
    part_images
    good 'the other parts are there'
    ENGINE_ENV+=(CLIPSY_ADMIN_PASSWORD=a-password-for-scale)
    scaled() { compose -f docker/compose.scale.yaml "$@"; }
    scaled down -v >/dev/null 2>&1 || true
    expect 'several machines come up' scaled up -d --no-build --scale worker=2 --wait
    expect 'a video is made by a worker' try http://localhost:8000 a-password-for-scale "$FOLDER"
    engine docker kill "$(scaled ps -q api-1)" >/dev/null
    begun=$SECONDS
    # A request that changes something and waits for the dead server just when its address goes is not sent
    # again: it gets a 504 after the two seconds that a connection may take.
    engine_net curl -s -o "$FOLDER/last.log" http://localhost:8000/api/auth/login/ -d '{}' || true
    [[ $((SECONDS - begun)) -le 10 ]] || fail 'the edge waits for a server that is gone'
    expect 'with one server killed the edge asks the other' try http://localhost:8000 a-password-for-scale "$FOLDER"
    expect 'the server comes back with another address' scaled up -d --no-build --force-recreate --wait api-1
    expect 'and the edge finds it' try http://localhost:8000 a-password-for-scale "$FOLDER"
    scaled down >/dev/null 2>&1
    left=$(engine docker volume ls -q | grep -Evc '^(clipsy|src)' || true)
    [[ $left == 0 ]] || fail "$left volumes without a name are left"
    good 'no volume without a name is left'
    scaled down -v >/dev/null 2>&1
fi
printf '%d checks passed in %d s\n' "$CHECKED" "$((SECONDS - BEGUN))"
