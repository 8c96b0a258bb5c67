#!/usr/bin/env bash
# A user's file may import Foundation and Saker: no public type of ours has a name that is ambiguous there.
# usage: check-names.sh BUILD-FOLDER      (a finished build, such as .build-test)
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:?usage: check-names.sh BUILD-FOLDER}
products=$(echo "$build"/*/release)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

{
  printf 'import Foundation\nimport Saker\n'
  grep -rhoE '^(@[a-zA-Z]+ )*public (final |indirect )?(class|struct|enum|protocol|typealias) [A-Z][A-Za-z0-9]*' Sources --include='*.swift' \
    | awk '{print $NF}' | sort -u | awk '{printf "typealias Name%d = %s\n", NR, $1}'
} >"$work/names.swift"
count=$(grep -c typealias "$work/names.swift")

flags=(-I "$products/Modules" -Xcc -I -Xcc Sources/CKernels/include)
for map in Sources/*/module.modulemap "$products/CKernels.build/module.modulemap" \
  "$build"/checkouts/Yams/Sources/CYaml/include/module.modulemap; do
  flags+=(-Xcc "-fmodule-map-file=$map")
done
for flag in $(pkg-config --cflags-only-I cairo pangocairo libpng libtiff-4); do flags+=(-Xcc "$flag"); done
# Other errors are expected here (protocols with parameters, types of targets that Saker does not export).
swiftc -typecheck "${flags[@]}" "$work/names.swift" >"$work/log" 2>&1 || true
if grep -q 'missing required module\|no such module\|could not build' "$work/log"; then
  grep -m 3 'error' "$work/log" >&2
  exit 1
fi
if grep "is ambiguous" "$work/log" | sed -E "s/.*error: //" | sort -u | grep . >&2; then
  echo "check-names: these names collide where Foundation and Saker are imported" >&2
  exit 1
fi
echo "check-names: none of $count public type names is ambiguous beside Foundation's"
