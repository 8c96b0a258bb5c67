#!/usr/bin/env bash
# Builds and runs winograd.cpp against oneDNN 2 (Debian 12) with the Swift toolchain's clang. SAKER_ISA=avx2 ONEDNN_MAX_CPU_ISA=AVX2 compares AVX2.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kernels=$here/../../Sources/CKernels
clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
for source in winograd winograd_avx512 winograd_avx2 winograd_portable parallel; do
  "$clang" -O2 -I"$kernels/include" -c "$kernels/$source.c" -o "$build/$source.o"
done
"$clang++" -std=c++17 -O2 -I"$kernels/include" "$here/winograd.cpp" "$build"/*.o -o "$build/winograd" -ldnnl -lgomp -lm
"$build/winograd" "$@"
