#!/usr/bin/env bash
# Makes all files of a release; `make dist` calls it. The same source and tools give the same bytes.
#
#   ARCH=amd64|arm64   the architecture, by default that of this machine; another one needs what k8s/program.sh says
#   PROFILE=release    the profile of Cargo
#   BINARY=FILE        a program that was built elsewhere, instead of building one
#   OUTPUT=FOLDER      the folder for the files, by default target/dist
#   IMAGE=no           do not make the image, which needs buildah
set -euo pipefail
cd "$(dirname "$0")/.."

tools=${GEOWARDEN_TOOLS:-$PWD/.tools}
output=$(mkdir -p "${OUTPUT:-target/dist}" && cd "${OUTPUT:-target/dist}" && pwd)
# shellcheck source=k8s/architecture.sh
. k8s/architecture.sh
command -v dpkg-deb >/dev/null || {
    echo "dist: dpkg-deb is not installed, of Debian's package dpkg" >&2
    exit 1
}
python=$tools/k8s/bin/python
[ -x "$python" ] || {
    echo "dist: $python is not there: run \`make tools\`" >&2
    exit 1
}

version=$(sed -n '/^\[package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH
program=${BINARY:-}
[ -n "$program" ] || program=$(ARCH=$arch PROFILE=${PROFILE:-release} k8s/program.sh)
# A program for another architecture cannot run here. Then a program for this machine writes manual pages and completions.
writer=$program
if ! "$writer" version >/dev/null 2>&1; then
    cargo build --locked --bin geowarden >&2
    writer=target/debug/geowarden
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022
made=$work/made
mkdir "$made"

# Manual pages and completions, for all packages.
"$writer" man "$work/man"
mkdir "$work/completions"
for shell in bash zsh fish; do
    "$writer" completions "$shell" >"$work/completions/geowarden.$shell"
done
"$python" k8s/sbom.py --target "$rust" >"$made/geowarden-$version-$arch.cdx.json"
# Neither the tarball nor PyPI has the pages to which the README links.
sed "s#](\([A-Za-z][^):]*\))#](https://github.com/geowarden/geowarden/blob/v$version/\1)#g" README.md >"$work/README.md"

# The tarball.
name=geowarden-$version-linux-$arch
root=$work/tar/$name
mkdir -p "$root/man/man1"
install -m 0755 "$program" "$root/geowarden"
install -m 0644 "$work/README.md" CHANGELOG.md LICENSE-MIT LICENSE-APACHE "$root"
install -m 0644 "$work"/man/* "$root/man/man1"
cp -r "$work/completions" envoy packaging/systemd "$root"
tar --create --sort=name --format=posix --pax-option=delete=atime,delete=ctime --mtime="@$SOURCE_DATE_EPOCH" \
    --owner=0 --group=0 --numeric-owner --mode='u+rw,go+r-w,a+X' --directory "$work/tar" "$name" |
    gzip -9n >"$made/$name.tar.gz"

# The Debian package.
root=$work/deb
install -D -m 0755 "$program" "$root/usr/bin/geowarden"
install -D -m 0644 packaging/systemd/geowarden.service "$root/usr/lib/systemd/system/geowarden.service"
install -D -m 0644 packaging/systemd/geowarden.sysusers "$root/usr/lib/sysusers.d/geowarden.conf"
install -D -m 0644 packaging/debian/geowarden.tmpfiles "$root/usr/lib/tmpfiles.d/geowarden.conf"
install -D -m 0644 packaging/debian/geowarden.default "$root/etc/default/geowarden"
install -D -m 0644 "$work/completions/geowarden.bash" "$root/usr/share/bash-completion/completions/geowarden"
install -D -m 0644 "$work/completions/geowarden.zsh" "$root/usr/share/zsh/vendor-completions/_geowarden"
install -D -m 0644 "$work/completions/geowarden.fish" "$root/usr/share/fish/vendor_completions.d/geowarden.fish"
install -D -m 0644 -t "$root/usr/share/man/man1" "$work"/man/*
install -D -m 0644 packaging/debian/copyright "$root/usr/share/doc/geowarden/copyright"
install -D -m 0644 CHANGELOG.md "$root/usr/share/doc/geowarden/changelog"
install -D -m 0644 -t "$root/usr/share/doc/geowarden/examples" envoy/*.yaml
gzip -9n "$root"/usr/share/man/man1/* "$root/usr/share/doc/geowarden/changelog"
mkdir "$root/DEBIAN"
size=$(du --summarize --apparent-size --block-size=1024 "$root" | cut -f 1)
sed -e "s/@VERSION@/$version/" -e "s/@ARCH@/$arch/" -e "s/@SIZE@/$size/" packaging/debian/control >"$root/DEBIAN/control"
echo /etc/default/geowarden >"$root/DEBIAN/conffiles"
install -m 0755 packaging/debian/postinst packaging/debian/prerm packaging/debian/postrm "$root/DEBIAN"
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
dpkg-deb --root-owner-group -Zxz --build "$root" "$made/geowarden_${version}_$arch.deb" >/dev/null

# The wheel.
"$python" packaging/wheel.py --program "$program" --readme "$work/README.md" --version "$version" --arch "$arch" --output "$made" >/dev/null

# The chart. Its symbolic links are replaced by the files.
cp --recursive --dereference k8s/chart "$work/geowarden"
tar --create --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode='u+rw,go+r-w,a+X' \
    --directory "$work" geowarden | gzip -9n >"$made/geowarden-chart-$version.tgz"

# The image, as an OCI layout, which skopeo and podman can read.
if [ "${IMAGE:-yes}" = yes ]; then
    ARCH=$arch BINARY=$program OUTPUT=$work/image k8s/image.sh >&2
    tar --create --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
        --directory "$work/image" . >"$made/geowarden-$version-image-$arch.tar"
fi

(cd "$made" && sha256sum -- * >"SHA256SUMS-$arch")
# Files of other versions and architectures in the folder stay.
mv "$made"/* "$output"
echo "dist: $output" >&2
(cd "$output" && ls -l) >&2
