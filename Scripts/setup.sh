#!/usr/bin/env bash
# Installs the system libraries Saker needs, and only those that are missing.
# Says nothing when nothing is missing. Debian 12 and 13 (and their relatives with apt-get);
# elsewhere, or without the rights, it says what to install and stops.
set -euo pipefail

fail() { printf 'setup: %s\n' "$@" >&2; exit 1; }

command -v swift >/dev/null \
  || fail "swift not found: install Swift 6 or later (https://www.swift.org/install) and put it on PATH"

multiarch=$(uname -m)-linux-gnu
missing=()

# Is one of the files there? The arguments are patterns, tried in turn.
present() {
  local pattern
  for pattern in "$@"; do compgen -G "$pattern" >/dev/null && return 0; done
  return 1
}

# need PACKAGE PATTERN...: the package is needed unless a file that it brings is there already.
need() { present "${@:2}" || missing+=("$1"); }
header() { need "$1" "/usr/include/$2" "/usr/include/$multiarch/$2" "/usr/local/include/$2"; }
program() { command -v "$2" >/dev/null || missing+=("$1"); }

header libdnnl-dev oneapi/dnnl/dnnl.h
header libturbojpeg0-dev turbojpeg.h
header libpng-dev png.h
header libwebp-dev webp/demux.h
header libtiff-dev tiffio.h
header libcairo2-dev cairo/cairo.h
header libpango1.0-dev pango-1.0/pango/pangocairo.h
header zlib1g-dev zlib.h
header libc6-dev stdio.h
need fonts-dejavu-core '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf' \
  '/usr/share/fonts/*/DejaVuSans.ttf' '/usr/share/fonts/*/*/DejaVuSans.ttf'
# Class names in Chinese, Japanese or Korean need a font with such letters: any, and if there is none,
# a small one. SAKER_FONTS=none does without: boxes are drawn in their place.
han=
if [ "${SAKER_FONTS:-}" != none ] && ! { command -v fc-list >/dev/null && [ -n "$(fc-list :lang=zh-cn file)" ]; } \
  && ! present '/usr/share/fonts/*/*/wqy-*' '/usr/share/fonts/*/*/*CJK*' '/usr/share/fonts/*/*/*Fallback*'; then
  han=fonts-wqy-microhei
fi
need ca-certificates /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt
program pkgconf pkg-config
program binutils ld
program git git
program make make

# clang takes the newest GCC installation that it finds; its C++ headers and libgomp must be of
# that same version, whatever others are there.
gcc=$(compgen -G "/usr/lib/gcc/$(uname -m)-*/*/crtbegin.o" \
  | sed -E 's#.*/([0-9]+)/crtbegin\.o#\1#' | sort -n | tail -1) || gcc=
if [ -z "$gcc" ]; then
  missing+=("libstdc++-N-dev")
else
  present "/usr/lib/gcc/$(uname -m)-*/$gcc/libgomp.so" || missing+=("libgcc-$gcc-dev")
  present "/usr/include/c++/$gcc/vector" || missing+=("libstdc++-$gcc-dev")
fi

if [ -n "$han" ]; then
  echo "setup: no font here has Chinese, Japanese or Korean letters, which class names may want in pictures;" \
    "$han has (1.6 MB to load, 5 MB on disk). SAKER_FONTS=none does without."
  if [ ${#missing[@]} -eq 0 ]; then
    # Nobody is stopped for want of a font.
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
      { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$han"; } \
        >/dev/null 2>&1 && echo "setup: installed $han" || echo "setup: $han could not be installed; going on without" >&2
    fi
    exit 0
  fi
  missing+=("$han")
fi
[ ${#missing[@]} -eq 0 ] && exit 0

command -v apt-get >/dev/null \
  || fail "no apt-get here; install what Debian 12 calls:" "  ${missing[*]/-N-/-12-}"

root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; } \
    || fail "packages are missing, and installing them needs root or sudo; run as root:" \
      "  apt-get update && apt-get install ${missing[*]/libstdc++-N-dev/g++}"
  root=(sudo)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
run() {
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1 \
    || { tail -n 20 "$log" >&2; fail "failed: $*"; }
}
run apt-get update -qq

# A release has one default GCC: the one that its g++ depends on.
if [ -z "$gcc" ]; then
  gcc=$(apt-cache depends g++ | sed -nE 's/.*Depends: g\+\+-([0-9]+)$/\1/p' | head -1)
  [ -n "$gcc" ] || fail "apt-cache does not tell the version of g++: install libstdc++-N-dev by hand"
  missing=("${missing[@]/libstdc++-N-dev/libstdc++-$gcc-dev}")
fi
echo "setup: installing ${missing[*]}"
run apt-get install -y -qq --no-install-recommends "${missing[@]}"
