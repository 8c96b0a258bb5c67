#!/usr/bin/env bash
# Compiles the C kernels for 64-bit ARM with the Swift toolchain's clang, and runs the convolution kernels in qemu.
# Headers, libraries and qemu are taken from the system if they are installed; else, on Debian, their packages are
# downloaded and unpacked below .build-arm64 (no root needed). What cannot be had is left out, and said.
# usage: check-arm64.sh [--compile-only]
set -euo pipefail
cd "$(dirname "$0")/.."

clang=$(command -v clang) || clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
[ -x "$clang" ] || { echo "check-arm64: clang not found: install Swift, which brings it" >&2; exit 1; }
root=$PWD/.build-arm64
mkdir -p "$root/objects"
leave() { echo "check-arm64: left out: $*"; exit 0; }

# Unpacks Debian packages below $root, once.
fetch() {
  local package
  for package in "$@"; do
    [ -e "$root/$package.done" ] && continue
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
    (cd "$root" && apt-get download "$package" >/dev/null 2>"$root/log") || return 1
    dpkg-deb -x "$root/$package"_*.deb "$root" && rm "$root/$package"_*.deb
    touch "$root/$package.done"
  done
}

if [ -e /usr/aarch64-linux-gnu/include/stdio.h ]; then
  sys=/usr
elif fetch libc6-dev-arm64-cross linux-libc-dev-arm64-cross; then
  sys=$root/usr
else
  leave "headers for aarch64-linux-gnu: install libc6-dev-arm64-cross"
fi
flags=(--target=aarch64-linux-gnu -std=gnu11 -O2 -Wall -Werror -nostdlibinc
  -isystem "$sys/aarch64-linux-gnu/include" -ISources/CKernels/include)

for file in Sources/CKernels/*.c; do
  "$clang" "${flags[@]}" -c "$file" -o "$root/objects/$(basename "$file" .c).o"
done
echo "check-arm64: $(ls Sources/CKernels/*.c | wc -l) files of CKernels compile"
# Products in the portable form must be vector multiply-adds by a lane, or it would be slow there.
if [ -e "$root/objects/winograd_portable.o" ] && objdump=$(command -v llvm-objdump); then
  count=$("$objdump" -d "$root/objects/winograd_portable.o" | grep -cE 'fmla\s+v[0-9]+\.4s' || true)
  [ "$count" -gt 100 ] || { echo "check-arm64: only $count vector multiply-adds in the portable form" >&2; exit 1; }
  echo "check-arm64: $count vector multiply-adds in the portable form"
fi
[ "${1:-}" = --compile-only ] && exit 0

libgcc=$(compgen -G "$sys/lib/gcc-cross/aarch64-linux-gnu/*/libgcc.a" | tail -1) || true
if [ -z "$libgcc" ]; then
  version=$(compgen -G "/usr/lib/gcc/*/*/crtbegin.o" | sed -E 's#.*/([0-9]+)/crtbegin\.o#\1#' | sort -n | tail -1)
  fetch "libgcc-${version:-12}-dev-arm64-cross" \
    || leave "running them: install libgcc-${version:-12}-dev-arm64-cross"
  libgcc=$(compgen -G "$root/usr/lib/gcc-cross/aarch64-linux-gnu/*/libgcc.a" | tail -1)
fi
qemu=$(command -v qemu-aarch64 || command -v qemu-aarch64-static) || true
if [ -z "$qemu" ]; then
  fetch qemu-user-static || leave "running them: install qemu-user"
  qemu=$root/usr/bin/qemu-aarch64-static
fi
libraries=$sys/aarch64-linux-gnu/lib
"$clang" "${flags[@]}" -c Tests/Memory/convolution_memory.c -o "$root/objects/test.o"
ld=$(dirname "$(readlink -f "$clang")")/ld.lld
[ -x "$ld" ] || leave "running them: there is no ld.lld beside clang"
# Where libm.a is a linker script it names absolute paths: then its parts.
maths=("$libraries"/libm-*.a "$libraries"/libmvec.a)
[ -e "${maths[0]}" ] || maths=("$libraries"/libm.a)
"$ld" -static -o "$root/test" "$libraries"/crt1.o "$libraries"/crti.o "$root"/objects/test.o \
  "$root"/objects/winograd*.o --start-group "$libraries"/libc.a "${maths[@]}" "$libgcc" \
  "$(dirname "$libgcc")/libgcc_eh.a" --end-group "$libraries"/crtn.o
"$qemu" "$root/test" 2 4
