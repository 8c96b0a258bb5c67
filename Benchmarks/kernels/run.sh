#!/usr/bin/env bash
# Builds one of the programs here with the Swift toolchain's clang, and runs it against oneDNN 2 (Debian 12):
# run.sh winograd|pointwise [ARGUMENT...]. SAKER_ISA=avx2 ONEDNN_MAX_CPU_ISA=AVX2 compares AVX2.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=${1:?winograd or pointwise}
shift
kernels=$here/../../Sources/CKernels
clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
for source in isa parallel normalization winograd{,_avx512,_avx2,_portable} pointwise{,_amx,_avx512,_avx2,_portable}; do
  "$clang" -O2 -I"$kernels/include" -c "$kernels/$source.c" -o "$build/$source.o"
done
"$clang++" -std=c++17 -O2 -I"$kernels/include" "$here/$program.cpp" "$build"/*.o -o "$build/$program" -ldnnl -lgomp -lm
"$build/$program" "$@"
