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
