#!/usr/bin/env bash
# `swift build` with the given arguments; fails when our own sources give a warning.
# The commit goes into Sources/CBuild/commit.h, which is written only when it changes. SAKER_COMMIT names it
# where there is no git.
set -euo pipefail

commit=${SAKER_COMMIT:-}
if [ -z "$commit" ] && [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$(pwd -P)" ]; then
  commit=$(git rev-parse --short=12 HEAD 2>/dev/null) || commit=
  [ -z "$commit" ] || git diff --quiet HEAD -- Package.swift Sources || commit+=+
fi
line="#define SAKER_COMMIT \"${commit:-unknown}\""
header=Sources/CBuild/commit.h
if [ "$(cat $header 2>/dev/null)" != "$line" ]; then
  # The first time, nothing that was compiled knows of the header.
  [ -e $header ] || touch Sources/CBuild/commit.c
  echo "$line" >$header
fi

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
