#!/usr/bin/env bash
# Runs the numeric tests under each lesser instruction set that this processor can imitate; `swift test` has run all tests on the
# best one. Says which sets ran, and which this processor lacks. usage: test-isa.sh SAKER SWIFT-TEST-ARGUMENT...
set -euo pipefail
cd "$(dirname "$0")/.."
saker=$1
shift

# What is tested: these targets but for mistakes that stop the program, and a network as a whole.
filter='^(SakerTensorTests|SakerNNTests)\.|^SakerVisionTests\.(TinySSDGoldenTests|ClassifierGoldenTests/aTrainingStepMatches)'
skip='[sS]top|[rR]efuse'
# Suites that must have run, or the filter means others than it says.
suites=(ConvolutionInferenceTests FusedConvolutionBlockTests GoldenOperationTests PointwiseRandomTests ThreadCountTests
  WinogradRandomTests LayerGoldenTests RecurrentTests TinySSDGoldenTests ClassifierGoldenTests)

# oneDNN's name of a set, and how `saker doctor` tells it.
declare -A limit=([portable]=SSE41 [avx2]=AVX2 [avx512]=AVX512_CORE)
declare -A name=([portable]=SSE4.1 [avx2]=AVX2 [avx512]=AVX-512)

# What `saker doctor --json` told under a key, without quotes and commas.
told() { sed -E "s/.*\"$2\" : (\[[^]]*\]|\"[^\"]*\").*/\\1/" <<<"$1" | tr -d '][",'; }
doctor() { "$saker" doctor --json | tr -d '\n'; }
read -ra available <<<"$(told "$(unset SAKER_ISA && doctor)" available_instructions)"
[ "${#available[@]}" -gt 0 ] || { echo "test-isa: saker doctor names no instruction set" >&2; exit 1; }
best=${SAKER_ISA:-${available[-1]}}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
report=("$best: all tests, before")
for set in "${available[@]}"; do
  [ "$set" = "$best" ] && break
  export SAKER_ISA=$set ONEDNN_MAX_CPU_ISA=${limit[$set]} SAKER_TEST_STEP=5
  all=$(doctor)
  own=$(told "$all" own_instructions) kernels=$(told "$all" instruction_set)
  if [ "$own" != "$set" ] || [[ $kernels != "${name[$set]}"* ]]; then
    echo "test-isa: asked for $set, got $own; asked oneDNN for ${name[$set]}, got $kernels" >&2
    exit 1
  fi
  start=$SECONDS
  if ! swift test "$@" --skip-build --disable-xctest --filter "$filter" --skip "$skip" >"$log" 2>&1; then
    grep -aE -A2 'recorded an issue|Test run with|rror:|crashed' "$log" >&2 || tail -n 50 "$log" >&2
    echo "test-isa: failed under $set; again: SAKER_ISA=$set ONEDNN_MAX_CPU_ISA=${limit[$set]} SAKER_TEST_STEP=5 swift test $* --filter SUITE" >&2
    exit 1
  fi
  for suite in "${suites[@]}"; do
    grep -aqE "Suite \"?$suite\"? passed" "$log" || { echo "test-isa: $suite did not run under $set" >&2; exit 1; }
  done
  count=$(grep -aoE 'Test run with [0-9]+ tests' "$log" | grep -oE '[0-9]+' | head -n 1)
  report+=("$set: ${count:?no tests ran} numeric tests in $((SECONDS - start)) s")
done
seen=
for set in "${available[@]}"; do
  [ -n "$seen" ] && report+=("$set: not run, SAKER_ISA said $best")
  [ "$set" = "$best" ] && seen=1
done
for set in avx2 avx512 amx; do
  [[ " ${available[*]} " == *" $set "* ]] || report+=("$set: not run, this processor has none")
done
printf 'instruction sets: %s\n' "${report[0]}"
printf '                  %s\n' "${report[@]:1}"
