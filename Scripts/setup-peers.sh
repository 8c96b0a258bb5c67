#!/usr/bin/env bash
# Makes the Python environment of the programs that Saker is measured against, .build-peers/venv.
# Does nothing when Benchmarks/requirements.txt has not changed since.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.build-peers/venv
requirements=Benchmarks/requirements.txt
cmp -s "$requirements" "$venv/requirements.txt" && exit 0

fail() { echo "setup-peers: $*" >&2; exit 1; }

command -v python3 >/dev/null && python3 -c 'import ensurepip, venv' 2>/dev/null || {
  command -v apt-get >/dev/null || fail "install Python 3 with its venv module"
  root=()
  [ "$(id -u)" -eq 0 ] || { command -v sudo >/dev/null && root=(sudo); } \
    || fail "run as root: apt-get install python3 python3-venv"
  echo "setup-peers: installing python3-venv"
  "${root[@]}" apt-get update -qq
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends python3 python3-venv >/dev/null
}

echo "setup-peers: making $venv (PyTorch is a large download)"
rm -rf "$venv"
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
cp "$requirements" "$venv/requirements.txt"
