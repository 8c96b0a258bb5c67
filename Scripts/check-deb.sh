#!/usr/bin/env bash
# Installs the Debian package in a bare root of its release, where there is no Swift, and uses it there as a user does:
# version, self-test, training, prediction, completions of three shells, manual pages; and removes it. Needs root.
# usage: Scripts/check-deb.sh [RELEASE PACKAGE]...        without arguments: makes the packages of Debian 12 and 13, checks both
set -euo pipefail
cd "$(dirname "$0")/.."
[ "${SAKER_MOUNTS:-}" = own ] || exec env SAKER_MOUNTS=own unshare --mount "$0" "$@"
unset SAKER_MOUNTS
roots=${SAKER_ROOTS:-$HOME/.cache/saker-roots}

# Prints the path of the release's package, made where its libraries are.
package_of() {
  local release=$1 folder=.build-deb
  if [ "$release" = "$(. /etc/os-release && echo "$VERSION_CODENAME")" ]; then
    make deb >&2
  else
    Scripts/in-debian.sh "$release" make deb >&2
    folder=$roots/$release-build/checkout/.build-deb
  fi
  ls -t "$folder"/debian-*/saker_*.deb | head -1
}

check() {
  local release=$1 package=$2 root=$roots/$1-check
  Scripts/bare-debian.sh "$release"
  rm -rf "$root"
  cp -a "$roots/$release" "$root"
  cp "$package" "$root/root/saker.deb"
  cp Scripts/deb/use.sh "$root/root/use.sh"
  cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
  mount -t proc proc "$root/proc"
  mount --bind /dev "$root/dev"
  # Beside Debian's libraries Saker takes 45 MiB of a disk at most.
  local installed
  installed=$(dpkg-deb -f "$package" Installed-Size)
  [ "$installed" -le 46080 ] || { echo "check-deb: expected 46080 KiB or less, got $installed KiB" >&2; exit 1; }
  echo "== $release: $(basename "$package"), $(stat -c %s "$package") bytes"
  chroot "$root" env -i HOME=/root TERM=dumb LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    bash /root/use.sh "$(dpkg-deb -f "$package" Version)"
  umount "$root/dev" "$root/proc"
  rm -rf "$root"
}

if [ $# -eq 0 ]; then
  for release in bookworm trixie; do
    package=$(package_of "$release")
    check "$release" "$package"
  done
else
  while [ $# -gt 0 ]; do
    check "$1" "${2:?usage: check-deb.sh [RELEASE PACKAGE]...}"
    shift 2
  done
fi
