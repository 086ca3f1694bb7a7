#!/usr/bin/env bash
# Checks that every bash and Python script parses; scripts without an extension are told by their
# first line. Their behaviour is checked by using them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Keeps compiled files out of the source folders.
export PYTHONPYCACHEPREFIX=target/pycache

bash_scripts=()
python_scripts=()
while IFS= read -r -d '' file; do
    first=
    IFS= read -r first <"$file" || true
    case $file,$first in
    *.sh,* | *,'#!'*bash) bash_scripts+=("$file") ;;
    *.py,* | *,'#!'*python3) python_scripts+=("$file") ;;
    esac
done < <(find . \( -name .git -o -name .media -o -name node_modules -o -name target \) -prune -o \
    -type f \( -path './.ci/*' -o -path './bench/*' -o -path './docker/*' -o -path './tools/*' \) \
    ! -name '*.pyc' -print0)

for script in "${bash_scripts[@]}"; do
    bash -n "$script"
done
python3 -m py_compile "${python_scripts[@]}"
printf 'checked %d bash and %d Python scripts\n' "${#bash_scripts[@]}" "${#python_scripts[@]}"

# What needs more than bash and Python is checked where that is installed (`make setup` does most).
python=target/py/bin/python
if "$python" -c 'import compose_spec, yaml' 2>/dev/null; then
    "$python" tools/py/compose.py compose.yaml docker/compose*.yaml
    printf 'checked the compose files\n'
fi
if "$python" -c 'import kubernetes_validate, yaml' 2>/dev/null; then
    "$python" tools/py/kubernetes.py docker/kubernetes/*.yaml
fi
if [[ -x target/py/bin/hadolint ]]; then
    target/py/bin/hadolint docker/Dockerfile
    printf 'checked the Dockerfile\n'
fi
if command -v nginx >/dev/null; then
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    # The names of the servers are known inside the network of the containers alone, and Debian 12's nginx
    # does not know how to look them up again.
    sed -E "s/api-[0-9]+:/127.0.0.1:/; s/ resolve / /; s,/tmp/,$scratch/,; /^error_log/d" docker/nginx.conf >"$scratch/nginx.conf"
    nginx -t -q -p "$scratch" -c "$scratch/nginx.conf"
    printf 'checked nginx.conf\n'
fi
