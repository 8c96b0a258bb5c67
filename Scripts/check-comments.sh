#!/usr/bin/env bash
# Names each comment line of Swift and C that is longer than 100 columns, `file:line: columns`, and fails if there is one. Left
# alone are what cannot be wrapped: tables, fenced code, MARK lines, and lines with a word (an address) that is too long itself.
# Scripts/wrap-comments.py mends them. usage: check-comments.sh [FILE...]; without files: all of the project's.
set -euo pipefail
cd "$(dirname "$0")/.."

files=("$@")
if [ $# -eq 0 ]; then
  mapfile -t files < <(find Package.swift Sources Tests Examples -name '*.swift' -o -name '*.c' -o -name '*.h' | sort)
fi

# Bytes that continue a character of UTF-8 are not columns.
LC_ALL=C awk -v limit=100 '
  function columns(text) { gsub(/[\200-\277]/, "", text); return length(text) }
  FNR == 1 { string = 0; fenced = 0 }
  {
    line = $0
    is_comment = !string && line ~ /^[ \t]*\/\//
    if (!is_comment) {
      fenced = 0
      if (FILENAME ~ /\.swift$/ && gsub(/"""/, "\"\"\"", line) % 2) string = !string
      next
    }
    match(line, /^[ \t]*\/\/[\/!]?/)
    prefix = RLENGTH
    body = substr(line, RLENGTH + 1)
    if (body ~ /^ *```/) { fenced = !fenced; next }
    if (fenced || body ~ /^ *\|/ || body ~ /^ *MARK:/ || columns(line) <= limit) next
    longest = 0
    n = split(body, word, " ")
    for (i = 1; i <= n; i++) if (columns(word[i]) > longest) longest = columns(word[i])
    if (n > 1 && prefix + 3 + longest <= limit) {
      print FILENAME ":" FNR ": " columns(line) " columns"
      problems++
    }
  }
  END {
    if (problems) {
      print "check-comments: " problems " comment lines beyond " limit " columns: Scripts/wrap-comments.py FILE..." > "/dev/stderr"
      exit 1
    }
  }
' "${files[@]}"
