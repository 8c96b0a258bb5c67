#!/usr/bin/env bash
# Runs a command on a copy of this checkout in another release of Debian, with this machine's Swift toolchain.
# usage: Scripts/in-debian.sh RELEASE COMMAND...          e.g. Scripts/in-debian.sh trixie make deb
# The root is made once, with debootstrap (two minutes, 1.5 GB), below $SAKER_ROOTS (~/.cache/saker-roots if not set); the
# copy is its folder /checkout, where builds go on from the last one. Needs root.
set -euo pipefail
cd "$(dirname "$0")/.."
release=${1:?usage: in-debian.sh RELEASE COMMAND...}
shift
# What is mounted below is gone with this process.
[ "${SAKER_MOUNTS:-}" = own ] || exec env SAKER_MOUNTS=own unshare --mount "$0" "$release" "$@"
unset SAKER_MOUNTS

roots=${SAKER_ROOTS:-$HOME/.cache/saker-roots}
root=$roots/$release-build
toolchain=$(dirname "$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")")
# where git is told to find packages on this machine, if it is (url.DIR/.insteadOf)
packages=$(git config --get-regexp '^url\..*\.insteadof$' | sed -nE 's#^url\.(/[^ ]*)/\.insteadof .*#\1#p' | head -1 || true)

Scripts/bare-debian.sh "$release"
if [ ! -e "$root/.complete" ]; then
  rm -rf "$root"
  cp -a "$roots/$release" "$root"
  # What the toolchain itself needs; Scripts/setup.sh installs the rest. Names of libraries differ from release to release.
  chroot "$root" bash -c '
    set -e
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    newest() { apt-cache search --names-only "^$1\$" | sort -V | tail -1 | cut -d" " -f1; }
    gcc=$(apt-cache depends g++ | sed -nE "s/.*Depends: g\+\+-([0-9]+)\$/\1/p")
    apt-get install -y -qq --no-install-recommends ca-certificates binutils git make pkgconf tzdata libc6-dev zlib1g-dev libedit2 \
      libsqlite3-0 libxml2 "libgcc-$gcc-dev" "libstdc++-$gcc-dev" "$(newest "libcurl4(t64)?")" "$(newest "libpython3\.[0-9]+")" \
      libncurses6 >/dev/null'
  touch "$root/.complete"
fi

mkdir -p "$root$toolchain" "$root/checkout"
mount --bind "$toolchain" "$root$toolchain"
if [ -n "$packages" ]; then
  mkdir -p "$root$packages"
  mount --bind "$packages" "$root$packages"
fi
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
git config --get-regexp '^url\..*\.insteadof$' | while read -r key value; do
  git config --file "$root/root/.gitconfig" --replace-all "$key" "$value" "^$value\$"
done || true

# The files of the working copy, and no older ones that are gone from it; what was built stays.
git ls-files -z --cached --others --exclude-standard | tar --null -T - --ignore-failed-read -cf - 2>/dev/null \
  | { find "$root/checkout" -mindepth 1 -maxdepth 1 ! -name '.build*' -exec rm -rf {} +; tar -xf - -C "$root/checkout"; }
commit=$(git rev-parse --short=12 HEAD)
git diff --quiet HEAD -- Package.swift Sources || commit+=+
chroot "$root" env -i HOME=/root TERM=dumb LANG=C.UTF-8 SAKER_COMMIT="$commit" \
  SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)" SAKER_FONTS=none \
  PATH="$toolchain/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
  bash -c 'cd /checkout && exec "$@"' - "$@"
