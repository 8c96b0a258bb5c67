#!/usr/bin/env bash
# Runs the tests that learn with 19 other seeds under each instruction set that is named, and prints the worst value of each beside
# its limit. They must have been built. usage: learning-margins.sh [SEEDS [SET...]], with sets avx512, avx2, portable
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=${1:-20}
shift || true
[ $# -gt 0 ] || set -- native avx2 portable

declare -A limit=([portable]=SSE41 [avx2]=AVX2 [avx512]=AVX512_CORE)
filter='aFewStepsLowerTheLoss|aNarrowOneLearnsFromSmallPictures|lstmLearnsToRemember|blocksTrain|locallySupervisedModulesLearn'
filter+='|suggestsARateThatLearns|bfloat16LearnsLikeFloat32|trainingTellsColoursApart'

log=$(mktemp)
trap 'rm -f "$log"' EXIT
for set in "$@"; do
  : >"$log"
  for ((seed = 0; seed < seeds; seed++)); do
    [ "$set" = native ] || export SAKER_ISA=$set ONEDNN_MAX_CPU_ISA=${limit[$set]}
    SAKER_TEST_SEED=$seed swift test --configuration release --scratch-path .build-test -Xswiftc -enable-testing --skip-build \
      --disable-xctest --filter "$filter" >>"$log" 2>&1 || true
  done
  echo "== $set: $seeds seeds, $(grep -ac 'recorded an issue' "$log" || true) failures"
  grep -aE 'recorded an issue' "$log" | sort | uniq -c || true
  # "trial 3: NAME: VALUE of LIMIT"
  grep -aoE 'trial [0-9]+: .*: [-0-9.e]+ of [-0-9.e]+$' "$log" | sed -E 's/^trial [0-9]+: (.*): ([-0-9.e]+) of ([-0-9.e]+)$/\1|\2|\3/' \
    | awk -F'|' '{ n[$1]++; if (!($1 in worst) || $2 > worst[$1]) worst[$1] = $2; limit[$1] = $3 }
        END { for (name in n) printf "%-48s worst %.4f of %s (%d)\n", name, worst[name], limit[name], n[name] }' | sort
done
