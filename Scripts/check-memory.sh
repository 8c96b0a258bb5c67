#!/usr/bin/env bash
# Runs the convolution kernels under the sanitizers of the Swift toolchain's clang, and under valgrind if it is there:
# every form that this processor has, on small odd shapes between guard pages. Needs no Swift build.
set -euo pipefail
cd "$(dirname "$0")/.."

clang=$(command -v clang) || clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
[ -x "$clang" ] || { echo "check-memory: clang not found: install Swift, which brings it" >&2; exit 1; }
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
sources=(Tests/Memory/convolution_memory.c Sources/CKernels/{isa,winograd*,pointwise*}.c)
compile() { "$clang" -std=gnu11 -g -fno-omit-frame-pointer -ISources/CKernels/include "$@" "${sources[@]}" -lpthread -lm; }

forms=(portable)
flags=$(grep -m1 '^flags' /proc/cpuinfo || true)
[[ $flags == *" avx2 "* && $flags == *" fma "* ]] && forms=(avx2 "${forms[@]}")
[[ $flags == *" avx512vl "* && $flags == *" avx512dq "* ]] && forms=(avx512 "${forms[@]}")

run() {  # NAME PROGRAM [ARGUMENT...]
  local name=$1 form
  shift
  for form in "${forms[@]}"; do
    echo "== $name"
    SAKER_ISA=$form "$@"
  done
}

"$clang" -std=gnu11 -O1 -Wall -Wextra Tests/Memory/winograd_matrices.c -lm -o "$build/matrices"
"$build/matrices"

# Compiles with a sanitizer; says so if its runtime is missing here.
sanitized() {  # NAME FLAG...
  compile -O1 -fno-sanitize-recover=all "${@:2}" -o "$build/$1" 2>"$build/log" && return 0
  grep -qE '^(Tests|Sources)/.*error:' "$build/log" && { cat "$build/log" >&2; exit 1; }
  echo "check-memory: $1: left out, this toolchain cannot link it"
  return 1
}

sanitized address -fsanitize=address,undefined
run "address and undefined behaviour" "$build/address" 1
run "address and undefined behaviour" "$build/address" 3

sanitized memory -fsanitize=memory && run "memory that was never written" "$build/memory" 2

# Its runtime in the Swift toolchain expects Swift's dispatch library.
swift=$(dirname "$(readlink -f "$clang")")/../lib/swift/linux
sanitized thread -fsanitize=thread -L"$swift" -Wl,-rpath,"$swift" -ldispatch -lBlocksRuntime \
  && run "data races" "$build/thread" 3

if command -v valgrind >/dev/null; then
  # In an older form of debugging notes, which valgrind reads.
  compile -O1 -gdwarf-4 -o "$build/plain"
  # Valgrind knows no AVX-512, and takes 50 times as long: one run in seven.
  for form in "${forms[@]}"; do
    [ "$form" = avx512 ] && continue
    echo "== valgrind"
    SAKER_ISA=$form valgrind --quiet --error-exitcode=1 --leak-check=full --errors-for-leak-kinds=definite \
      "$build/plain" 2 7
  done
else
  echo "check-memory: valgrind is not installed, left out"
fi
echo "check-memory: no error found"
