#!/usr/bin/env bash
# Makes a bare root of a Debian release (debootstrap's minbase) below $SAKER_ROOTS, unless it is there. Needs root.
# usage: Scripts/bare-debian.sh RELEASE
set -euo pipefail
release=${1:?usage: bare-debian.sh RELEASE}
roots=${SAKER_ROOTS:-$HOME/.cache/saker-roots}
[ ! -e "$roots/$release/.complete" ] || exit 0

command -v debootstrap >/dev/null || apt-get install -y -qq debootstrap >/dev/null
mirror=$(grep -hE '^URIs' /etc/apt/sources.list.d/*.sources 2>/dev/null | awk '{ print $2 }' | grep -v security | head -1 || true)
mkdir -p "$roots"
rm -rf "${roots:?}/$release"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
debootstrap --variant=minbase "$release" "$roots/$release" "${mirror:-http://deb.debian.org/debian}" >"$log" 2>&1 \
  || { tail -n 20 "$log" >&2; exit 1; }
touch "$roots/$release/.complete"
