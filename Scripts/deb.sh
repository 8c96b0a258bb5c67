#!/usr/bin/env bash
# Makes .build-deb/debian-N/saker_VERSION_ARCHITECTURE.deb, N being the Debian release of this machine, whose libraries it needs:
# oneDNN is another library in 13 (libdnnl3) than in 12 (libdnnl2), so a package is for the release that it was made on.
# For another release: Scripts/in-debian.sh RELEASE make deb
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
for program in dpkg-shlibdeps:dpkg-dev perl:perl; do
  command -v "${program%:*}" >/dev/null || missing+=("${program#*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "deb: installing ${missing[*]}"
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null \
    || { echo "deb: expected ${missing[*]}; as root: apt-get install ${missing[*]}" >&2; exit 1; }
fi

version=$(sed -nE 's/^ *static let number = "([^"]+)"$/\1/p' Sources/SakerCommand/Version.swift)
architecture=$(dpkg --print-architecture)
built=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
release=$(. /etc/os-release && echo "$ID-$VERSION_ID")
umask 022
stage=$PWD/.build-deb/stage
rm -rf "$stage"
DESTDIR=$stage Scripts/install.sh /usr

maintainer='The Saker developers <maintainers@users.noreply.h-seed-456aa236.example>'
printf 'saker (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md.gz.\n\n -- %s  %s\n' "$version" "$maintainer" \
  "$(date -R -u -d "@$built")" | gzip -9n >"$stage/usr/share/doc/saker/changelog.gz"

# The packages of the libraries that the program names, with the least versions that have what it calls.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/debian" "$stage/DEBIAN"
printf 'Source: saker\n\nPackage: saker\nArchitecture: any\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O "$stage/usr/bin/saker" 2>"$work/log" | sed -n 's/^shlibs:Depends=//p') \
  || { cat "$work/log" >&2; exit 1; }

cat >"$stage/DEBIAN/control" <<EOF
Package: saker
Version: $version
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $(find "$stage/usr" -type f -printf '%s\n' | awk '{ k += int(($1 + 1023) / 1024) } END { print k }')
Depends: $depends
Recommends: fonts-dejavu-core
Suggests: fonts-wqy-microhei
Section: science
Priority: optional
Description: trains, evaluates and uses object detectors and classifiers
 Saker learns to find or to tell apart what labelled images show, measures how
 well it does, and uses what it learned. It runs on the processor, without
 Python. Three small sets of images come with it.
EOF
(cd "$stage" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum >DEBIAN/md5sums)

# What Debian's policy asks for and is easily got wrong.
problems=$(
  find "$stage/usr" ! -type d ! -type f
  find "$stage/usr" -type f -perm /022
  find "$stage/usr" -type f -perm /111 ! -path "$stage/usr/bin/*"
  find "$stage/usr" -type d ! -perm 755
  grep -rlF "$PWD" "$stage/usr/share" || true
)
[ -z "$problems" ] || { printf 'deb: unexpected rights, kinds or paths:\n%s\n' "$problems" >&2; exit 1; }
if ldd "$stage/usr/bin/saker" | grep -E 'swift|Foundation|dispatch|not found' >&2; then
  echo "deb: expected no library of Swift's, and none missing" >&2
  exit 1
fi

mkdir -p ".build-deb/$release"
package=.build-deb/$release/saker_${version}_$architecture.deb
# The same sources give the same package, byte for byte.
SOURCE_DATE_EPOCH=$built dpkg-deb --root-owner-group -Zxz --build "$stage" "$package" >/dev/null
rm -rf "$stage"
echo "$package: $(($(stat -c %s "$package") / 1000)) kB, $(dpkg-deb -f "$package" Installed-Size) KiB installed"
