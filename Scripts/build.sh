#!/usr/bin/env bash
# `swift build` with the given arguments; fails when our own sources give a warning.
set -euo pipefail

log=$(mktemp)
trap 'rm -f "$log"' EXIT
swift build "$@" 2>&1 | tee "$log"

ours="^$(pwd -P | sed 's/[][\.*^$+?(){}|/]/\\&/g')/(Package\.swift|(Sources|Tests|Examples)/[^:]+):[0-9]+:.*warning:"
grep -E "$ours" "$log" | sort -u >"$log.warnings" || true
if [ -s "$log.warnings" ]; then
  # A file that isn't compiled again would keep its warning to itself: the next build must see it.
  cut -d: -f1 "$log.warnings" | sort -u | xargs touch
  echo "build: warnings are not allowed:" >&2
  cat "$log.warnings" >&2
  rm -f "$log.warnings"
  exit 1
fi
rm -f "$log.warnings"
