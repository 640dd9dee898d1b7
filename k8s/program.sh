#!/usr/bin/env bash
# Builds geowarden as for the image, and prints the path of the program. `make image` and `make bench` call it, so that
# the measured program is the shipped one. Further arguments go to `cargo build`, to build other programs in the same way.
#
#   ARCH=amd64|arm64   the architecture, by default that of this machine; another one needs its Rust target
#                      (`rustup target add`) and C compiler (Debian: gcc-aarch64-linux-gnu)
#   PROFILE=release    the profile of Cargo
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=k8s/architecture.sh
. k8s/architecture.sh
profile=${PROFILE:-release}

cargo_home=${CARGO_HOME:-$HOME/.cargo}
# Link statically, so that the image needs no library. Replace paths of this machine: the program would contain them in its
# messages, and its digest would differ between machines.
flags="-C target-feature=+crt-static --remap-path-prefix=$PWD=geowarden --remap-path-prefix=$cargo_home=cargo"
# Pack relocations into a bitmap: the program has a megabyte less to read at start. Older linkers for arm64 cannot do it.
[ "$rust" != x86_64-unknown-linux-gnu ] || flags+=" -C link-arg=-Wl,-z,pack-relative-relocs"
is_native=
case $rust-$(uname -m) in
x86_64-*-x86_64 | aarch64-*-aarch64) is_native=yes ;;
*) export "CARGO_TARGET_$(echo "$rust" | tr 'a-z-' 'A-Z_')_LINKER=${rust/-unknown/}-gcc" ;;
esac
env "CARGO_TARGET_$(echo "$rust" | tr 'a-z-' 'A-Z_')_RUSTFLAGS=$flags" \
    "CFLAGS_${rust//-/_}=-ffile-prefix-map=$cargo_home=cargo -ffile-prefix-map=$PWD=geowarden" \
    cargo build --locked --package geowarden --bin geowarden --target "$rust" --profile "$profile" "$@" >&2
folder=$profile
[ "$profile" != dev ] || folder=debug
program=${CARGO_TARGET_DIR:-target}/$rust/$folder/geowarden
if [ -n "$is_native" ] && ! "$program" version >/dev/null; then
    echo "program: $program does not start: its relocations need glibc 2.36 or later to be built with" >&2
    exit 1
fi
echo "$program"
