#!/usr/bin/env bash
# Builds the image of geowarden with buildah, without a daemon and without a registry; `make image` calls it.
#
#   ARCH=amd64|arm64   the architecture, by default that of this machine; another one needs its Rust target
#                      (`rustup target add`) and C compiler (Debian: gcc-aarch64-linux-gnu)
#   PROFILE=release    the profile of Cargo
#   BINARY=FILE        a program that was built elsewhere, instead of building one
#   OUTPUT=FOLDER      the folder for the OCI layout, by default target/image/ARCH
#   TAG=0.2.0          the tag in that layout, by default the version
#   SOURCE_DATE_EPOCH  the time of everything in the image, by default 0
#
# The same program gives the same digest, since all times are fixed. The program contains no paths of this machine.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=${GEOWARDEN_TOOLS:-$PWD/.tools}
# shellcheck source=k8s/architecture.sh
. k8s/architecture.sh
output=${OUTPUT:-$PWD/target/image/$arch}
if [ -n "$(ls -A "$output" 2>/dev/null)" ] && [ ! -f "$output/oci-layout" ]; then
    echo "image: OUTPUT: expected a new folder or an OCI layout, found other files in $output" >&2
    exit 64
fi
command -v buildah >/dev/null || {
    echo "image: buildah is not installed: run \`make tools\`" >&2
    exit 1
}
python=$tools/k8s/bin/python
[ -x "$python" ] || {
    echo "image: $python is not installed: run \`make tools\`" >&2
    exit 1
}

version=$(cargo metadata --no-deps --locked --format-version 1 |
    "$python" -c 'import json, sys; print(next(p["version"] for p in json.load(sys.stdin)["packages"] if p["name"] == "geowarden"))')
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)

binary=${BINARY:-}
[ -n "$binary" ] || binary=$(ARCH=$arch PROFILE=${PROFILE:-release} k8s/program.sh)

# The build context has only the files that are copied, so that the image cannot get another one.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
context=$work/context
mkdir "$context"
install -m 0555 "$binary" "$context/geowarden"
install -m 0444 LICENSE-MIT LICENSE-APACHE "$context"
"$python" -c 'import certifi; print(certifi.contents(), end="")' >"$context/ca-certificates.crt"
"$python" k8s/sbom.py --target "$rust" >"$context/geowarden.cdx.json"
chmod 0444 "$context/ca-certificates.crt" "$context/geowarden.cdx.json"

export BUILDAH_ISOLATION=chroot
buildah() { command buildah --storage-driver vfs --root "$work/storage" --runroot "$work/run" "$@"; }
buildah bud --quiet --format oci --arch "$arch" --os linux --timestamp "${SOURCE_DATE_EPOCH:-0}" \
    --build-arg "VERSION=$version" --build-arg "REVISION=$revision" \
    --tag geowarden --file k8s/Dockerfile "$context" >/dev/null
rm -rf "$output/blobs" "$output/index.json" "$output/oci-layout"
mkdir -p "$(dirname "$output")"
buildah push --quiet geowarden "oci:$output:${TAG:-$version}"
digest=$(sed 's/.*"digest":"\([^"]*\)".*/\1/' "$output/index.json")
echo "image: $output ($arch, geowarden $version, $digest)"
