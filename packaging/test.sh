#!/usr/bin/env bash
# Tries the files that `packaging/dist.sh` has made, like a user without Rust; `make dist-test` calls it. Only root can run
# it, since mmdebstrap makes a new Debian for the package.
#
#   OUTPUT=FOLDER   the folder of the files, by default target/dist
set -euo pipefail
cd "$(dirname "$0")/.."

output=$(cd "${OUTPUT:-target/dist}" && pwd)
arch=$(dpkg --print-architecture)
version=$(sed -n '/^\[package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
work=$(mktemp -d)
chmod 0755 "$work"
trap 'rm -rf "$work"' EXIT
config=$PWD/k8s/overlays/sidecar/pygeoapi/config.yml

fail() {
    echo "dist-test: $*" >&2
    exit 1
}
say() { echo "dist-test: $*" >&2; }

for tool in mmdebstrap systemd-analyze groff python3; do
    command -v "$tool" >/dev/null || fail "$tool is not installed: apt-get install mmdebstrap systemd groff python3-venv"
done
[ "$(id -u)" -eq 0 ] || fail "only root can make the fresh Debian"

(cd "$output" && sha256sum --check --quiet "SHA256SUMS-$arch") || fail "the checksums are of other files"

say "the tarball"
tar --extract --gzip --file "$output/geowarden-$version-linux-$arch.tar.gz" --directory "$work"
root=$work/geowarden-$version-linux-$arch
[ "$("$root/geowarden" version)" = "geowarden $version" ] || fail "another version in the tarball"
pages=0
for page in "$root"/man/man1/*.1; do
    said=$(groff -man -Tutf8 -ww -z "$page" 2>&1)
    [ -z "$said" ] || fail "$page: $said"
    pages=$((pages + 1))
done
# Every command in `--help` has a manual page.
for command in $("$root/geowarden" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    [ "$command" = help ] || [ -f "$root/man/man1/geowarden-$command.1" ] || fail "no manual page of $command"
done
bash -n "$root/completions/geowarden.bash"
# shellcheck disable=SC1091
bash -c '. "$1"; COMP_WORDS=(geowarden ini) COMP_CWORD=1; _geowarden geowarden ini geowarden; [ "${COMPREPLY[*]}" = init ]' \
    - "$root/completions/geowarden.bash" || fail "bash completes nothing"
for shell in zsh fish; do
    if command -v "$shell" >/dev/null; then
        "$shell" -n "$root/completions/geowarden.$shell"
    else
        say "$shell is not installed: its completions are not read"
    fi
done

say "the chart"
mkdir "$work/chart"
tar --extract --gzip --file "$output/geowarden-chart-$version.tgz" --directory "$work/chart"
[ -z "$(find "$work/chart" -type l)" ] || fail "the chart has links"
[ -f "$work/chart/geowarden/files/authz.rego" ] || fail "the chart has no policy"

say "the wheel"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-index --find-links "$output" geowarden
[ "$("$work/venv/bin/geowarden" version)" = "geowarden $version" ] || fail "another version in the wheel"
"$work/venv/bin/pip" show --files geowarden | grep --quiet 'licenses/LICENSE-MIT' || fail "the wheel has no licenses"
for readme in "$root/README.md" "$work"/venv/lib/python*/site-packages/geowarden-*.dist-info/METADATA; do
    ! grep --quiet '](docs/' "$readme" || fail "$readme: a link to a page that is not beside it"
done
"$work/venv/bin/geowarden" init "$work/maps" --pygeoapi "$config" >"$work/said" || fail "init of the wheel failed"
grep --quiet 'gw_' "$work/said" || fail "init told no key"
"$work/venv/bin/geowarden" check --config "$work/maps/geowarden.yaml"
"$work/venv/bin/geowarden" test "$work/maps/policies"

say "the package, in a fresh Debian"
install -D -m 0644 "$output/geowarden_${version}_$arch.deb" "$work/geowarden.deb"
install -D -m 0644 "$config" "$work/pygeoapi.yml"
# shellcheck disable=SC2016 # mmdebstrap names the folder
mmdebstrap --quiet --variant=apt --include=systemd \
    --customize-hook="copy-in $work/geowarden.deb $work/pygeoapi.yml /root" \
    --customize-hook="copy-in $PWD/packaging/test-in-debian.sh /root" \
    --customize-hook='chroot "$1" sh /root/test-in-debian.sh /root/geowarden.deb' \
    "${SUITE:-trixie}" /dev/null
say "all is well ($pages manual pages)"
