#!/usr/bin/env bash
# Sets `arch` and `rust`, the names of the architecture ARCH as images and as Rust have it; without ARCH, those of this
# machine. The scripts that build read this file.
case ${ARCH:-$(uname -m)} in
amd64 | x86_64) arch=amd64 rust=x86_64-unknown-linux-gnu ;;
arm64 | aarch64) arch=arm64 rust=aarch64-unknown-linux-gnu ;;
*)
    echo "$(basename "$0" .sh): no such architecture: ${ARCH:-$(uname -m)} (expected amd64 or arm64)" >&2
    exit 64
    ;;
esac
export arch rust
