#!/bin/sh
# Installs a package in a new Debian and checks its files, its unit and `geowarden init`. packaging/test.sh runs it there.
set -eu

fail() {
    echo "package: $*" >&2
    exit 1
}

export DEBIAN_FRONTEND=noninteractive
apt-get install --yes --no-install-recommends "$1" >/dev/null
id geowarden >/dev/null || fail "there is no user geowarden"
[ "$(stat --format '%U:%G %a' /etc/geowarden)" = "root:geowarden 2750" ] || fail "/etc/geowarden: $(stat --format '%U:%G %a' /etc/geowarden)"
dpkg --verify geowarden
[ "$(dpkg-query --show --showformat '${Conffiles}' geowarden | tr -d '\n' | cut -d ' ' -f 2)" = /etc/default/geowarden ] ||
    fail "another conffile"

# The unit is valid, and restricts the service.
systemd-analyze verify --man=no geowarden.service
systemd-analyze security --offline=yes --threshold=20 --no-pager geowarden.service | tail -n 1

# Only the service can read the files that init writes.
install -m 0644 /root/pygeoapi.yml /etc/pygeoapi.yml
(umask 022 && geowarden init /etc/geowarden --for systemd --pygeoapi /etc/pygeoapi.yml >/root/said)
grep -q 'gw_' /root/said || fail "init told no key"
[ "$(stat --format '%G %a' /etc/geowarden/api-keys.yaml)" = "geowarden 640" ] || fail "the key file is of $(stat --format '%U:%G %a' /etc/geowarden/api-keys.yaml)"
setpriv --reuid geowarden --regid geowarden --clear-groups geowarden check --config /etc/geowarden/geowarden.yaml
if setpriv --reuid nobody --regid nogroup --clear-groups cat /etc/geowarden/api-keys.yaml 2>/dev/null; then
    fail "everybody reads the key file"
fi
geowarden test /etc/geowarden/policies
systemd-analyze verify --man=no /etc/geowarden/systemd/geowarden-envoy.service 2>&1 | grep -v 'envoy is not executable' || true
if geowarden init /etc/geowarden --for systemd --pygeoapi /etc/pygeoapi.yml 2>/root/refused; then
    fail "init has overwritten files"
fi

# The removal of the package keeps the operator's files.
apt-get remove --yes geowarden >/dev/null
[ -f /etc/geowarden/geowarden.yaml ] || fail "the configuration is gone"
[ -f /etc/default/geowarden ] || fail "the conffile is gone"
