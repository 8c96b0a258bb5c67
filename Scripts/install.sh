#!/usr/bin/env bash
# Installs saker below a folder, to run without Swift: program, embedded data, manual pages, completions.
# usage: [DESTDIR=ROOT] Scripts/install.sh PREFIX         (DESTDIR goes before every path, for packages)
#        [DESTDIR=ROOT] Scripts/install.sh --remove PREFIX
set -euo pipefail
cd "$(dirname "$0")/.."

remove=
[ "${1:-}" != --remove ] || { remove=yes; shift; }
prefix=${1:-}
[[ $prefix == /* ]] || { echo "install: expected a PREFIX that starts with /, got '$prefix'" >&2; exit 1; }
to=${DESTDIR:-}${prefix%/}
share=$to/share
# Debian keeps /usr/share/zsh/site-functions for the administrator.
zsh=$share/zsh/site-functions
[ "${prefix%/}" != /usr ] || zsh=$share/zsh/vendor-completions

if [ -n "$remove" ]; then
  rm -rf "$to/bin/saker" "$share/saker" "$share/doc/saker" "$zsh/_saker" "$share/bash-completion/completions/saker" \
    "$share/fish/vendor_completions.d/saker.fish" "$share/man/man1/saker.1.gz" "$share"/man/man1/saker.*.1.gz \
    "$share"/man/man1/saker-*.1.gz
  exit 0
fi

Scripts/build-static.sh
program=$PWD/.build-deb/saker
umask 022
install -D -m 755 "$program" "$to/bin/saker"

# EmbeddedData.swift looks here.
mkdir -p "$share/saker"
rm -rf "$share/saker/Saker_SakerData.resources"
cp -R .build-deb/Saker_SakerData.resources "$share/saker/"
chmod -R u=rwX,go=rX "$share/saker"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for shell in bash zsh fish; do "$program" --generate-completion-script "$shell" >"$work/$shell"; done
# It is read by a shell, not run.
sed -i '1{/^#!/d}' "$work/bash"
install -D -m 644 "$work/bash" "$share/bash-completion/completions/saker"
install -D -m 644 "$work/zsh" "$zsh/_saker"
install -D -m 644 "$work/fish" "$share/fish/vendor_completions.d/saker.fish"

# saker.train.1 becomes saker-train.1, which `man saker train` finds, too.
date=$(git log -1 --format=%cs 2>/dev/null || date +%F)
mkdir "$work/man"
.build-deb/manual/release/generate-manual "$program" --multi-page --section 1 --date "$date" \
  --authors 'The Saker developers' --output-directory "$work/man"
for page in "$work"/man/*.1; do
  name=$(basename "$page" .1)
  # The page's name is what `apropos` looks for, the command's stands in the synopsis.
  awk '
    /^$/ { print ".Pp"; next }
    /^\.(Dt|Xr) / { gsub(/\./, "-", $2) }
    /^\.Nm ./ && command == "" {
      command = $0
      gsub(/"/, "")
      print ".Nm " joined(substr($0, 5))
      next
    }
    /^\.Nm$/ { print command; next }
    { print }
    function joined(text) { gsub(/ /, "-", text); return text }' "$page" | gzip -9n >"$page.gz"
  install -D -m 644 "$page.gz" "$share/man/man1/${name//./-}.1.gz"
done

gzip -9n <CHANGELOG.md >"$work/changelog.gz"
install -D -m 644 "$work/changelog.gz" "$share/doc/saker/CHANGELOG.md.gz"
install -D -m 644 Scripts/deb/copyright "$share/doc/saker/copyright"
