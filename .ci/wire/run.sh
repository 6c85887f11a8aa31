#!/usr/bin/env bash
# Whether real clients can tell the simulated pool from a real one.
#
# usage: run.sh POOLWATCH CAPTURES
#
# POOLWATCH is the program to test, CAPTURES the folder with what a real xapi answered (`raw/*.txt`, `xenapi.json`).
# Needs python3 with venv, node 18 or later and npm. Installs the clients by name into a temporary folder, or into
# $POOLWATCH_WIRE_CACHE if that is set, where a later run finds them again.
set -euo pipefail
export PYTHONDONTWRITEBYTECODE=1

poolwatch=$(realpath "$1")
captures=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
clients=${POOLWATCH_WIRE_CACHE:-$work}
servers=()
failed=0

finish() {
    for server in "${servers[@]}"; do
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap finish EXIT

# Starts a simulated pool and waits until it is ready: sim NAME OPTIONS..., the ready line is then in $ready.
sim() {
    local name=$1
    shift
    mkfifo "$work/$name"
    "$poolwatch" sim --json --listen 127.0.0.1:0 "$@" </dev/null >"$work/$name" 2>"$work/$name.err" &
    servers+=("$!")
    if ! IFS= read -r -t 60 ready <"$work/$name"; then
        echo "the simulated pool did not start:" >&2
        cat "$work/$name.err" >&2
        exit 1
    fi
}

url() {
    python3 -c 'import json, sys; print(json.loads(sys.argv[1])["pools"][0]["url"])' "$ready"
}

step() {
    echo "== $1"
    shift
    "$@" || failed=1
}

mkdir -p "$clients"
if [ ! -x "$clients/py/bin/python" ]; then
    python3 -m venv "$clients/py"
    "$clients/py/bin/pip" install --quiet --disable-pip-version-check XenAPI
fi
if [ ! -d "$clients/js/node_modules/xen-api" ]; then
    mkdir -p "$clients/js"
    (cd "$clients/js" && npm init --yes >/dev/null && npm install --no-audit --no-fund --silent xen-api)
fi

sim plain --scenario calm --api shipped
step "requests that a real xapi was asked" python3 "$here/compare.py" "$ready" "$captures"
sim python --scenario calm --api shipped --tls --speed 60
step "the official Python client" "$clients/py/bin/python" "$here/xenapi_client.py" "$(url)"
sim designed --scenario calm --api designed --tls --speed 60
step "the same with the API of the design documents" "$clients/py/bin/python" "$here/xenapi_client.py" "$(url)"
sim node --scenario calm --api shipped --tls --speed 60
step "Xen Orchestra's client" node "$here/xen-api.mjs" "$clients/js" "$(url)"
exit "$failed"
