#!/bin/sh
# Renews the lock files after a change to python/*.in, provider/package.json or browser/package.json.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check uv
cd "$here/python"
for input in *.in; do
    # `--universal`: one lock is for every platform, and for Python 3.12 and newer. The wheel of opa requires a newer Python than
    # it needs (install.sh).
    version=3.12
    [ "$input" != opa.in ] || version=3.14
    "$work/venv/bin/uv" pip compile --quiet --upgrade --universal --python-version "$version" --system-certs \
        --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
        "$input" --output-file "${input%.in}.txt"
done
for modules in provider browser; do
    cd "$here/$modules"
    npm install --package-lock-only --ignore-scripts --no-audit --no-fund
done
