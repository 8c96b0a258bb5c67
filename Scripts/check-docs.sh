#!/usr/bin/env bash
# Checks what README.md, CONTRIBUTING.md and docs/ promise: that every `saker` command and option they show is one
# that `saker help` knows, every `make` target exists, every relative link leads to a file, and every
# `code span` that looks like a path of the project, or like one of its tests, names one.
# usage: check-docs.sh PATH-OF-SAKER
set -euo pipefail

saker=$1
[ -f README.md ] || { echo "check-docs: README.md is missing" >&2; exit 1; }
mapfile -t pages < <(find README.md CONTRIBUTING.md docs -name '*.md' 2>/dev/null | sort)
help=$(mktemp -d)
trap 'rm -rf "$help"' EXIT
problems=0 commands=0 targets=0 links=0 paths=0

problem() { echo "$1: $2" >&2; problems=$((problems + 1)); }

# One line for each command: place, tab, the words from `saker` or `make` on. Looks into fenced
# blocks (lines that end in a backslash are joined) and into `code spans`.
commands_of() {
  awk '
    function emit(place, text) {
      sub(/^[ \t]*(\$ )?/, "", text)
      while (match(text, /^[A-Z_][A-Z_0-9]*=[^ ]* /)) text = substr(text, RLENGTH + 1)
      sub(/^(time|sudo|swift run( -c release)?) /, "", text)
      sub(/^[.\/a-z-]*\/saker/, "saker", text)
      if (text ~ /^(saker|make)([ \t]|$)/) print place "\t" text
    }
    function pieces(place, text,   n, i, part) {
      sub(/(^|[ \t])#.*/, "", text)
      n = split(text, part, /&&|\|\|?|;|\$\(/)
      for (i = 1; i <= n; i++) emit(place, part[i])
    }
    /^[ \t]*(```|~~~)/ { fenced = !fenced; next }
    fenced {
      if (held == "") place = FILENAME ":" FNR
      if (sub(/\\$/, "")) { held = held $0 " "; next }
      pieces(place, held $0); held = ""; next
    }
    { n = split($0, span, "`"); for (i = 2; i <= n; i += 2) emit(FILENAME ":" FNR, span[i]) }
  ' "$1"
}

# The help text of a subcommand, `data split` (nothing: of saker itself), asked for once.
help_of() {
  local file="$help/${1:-saker}"
  # shellcheck disable=SC2086  # the words of a subcommand are words
  [ -f "$file" ] || "$saker" help ${1:-} >"$file" 2>&1 || true
  cat "$file"
}

check_saker() {
  local place=$1 subcommand='' word
  shift
  if [[ ${1:-} =~ ^[a-z][a-z-]*$ ]]; then
    subcommand=$1
    shift
    help_of "$subcommand" | grep -qE "^USAGE: saker $subcommand( |$)" \
      || { problem "$place" "saker has no subcommand '$subcommand'"; return; }
    # Some have subcommands of their own.
    if [[ ${1:-} =~ ^[a-z][a-z-]*$ ]] \
      && help_of "$subcommand $1" | grep -qE "^USAGE: saker $subcommand $1( |$)"; then
      subcommand="$subcommand $1"
      shift
    fi
  fi
  for word in "$@"; do
    word=${word#[}
    [[ $word =~ ^--[a-z] ]] || continue
    word=$(sed -E 's/^(--[a-z0-9-]+).*/\1/' <<<"$word")
    help_of "$subcommand" | grep -qE -e "(^|[^a-z0-9-])$word([^a-z0-9-]|$)" \
      || problem "$place" "saker${subcommand:+ $subcommand} has no option $word"
  done
}

check_make() {
  local place=$1 word
  shift
  for word in "$@"; do
    [[ $word =~ ^[a-z][a-z-]*$ ]] || continue
    grep -qE "^$word:" Makefile || problem "$place" "make has no target '$word'"
  done
}

check_links() {
  local page=$1 line target
  while IFS=$'\t' read -r line target; do
    target=${target%%#*}
    [[ -z $target || $target =~ ^[a-z]+: ]] && continue
    links=$((links + 1))
    local path
    path=$(dirname "$page")/$target
    if [ ! -e "$path" ]; then
      problem "$page:$line" "there is no $target"
    elif git check-ignore -q "$path" 2>/dev/null; then
      problem "$page:$line" "$target is not part of the project: git ignores it"
    fi
  done < <(awk '
    /^[ \t]*(```|~~~)/ { fenced = !fenced }
    fenced { next }
    {
      gsub(/`[^`]*`/, "")
      while (match($0, /\]\([^) ]+|src="[^"]+/)) {
        target = substr($0, RSTART, RLENGTH)
        sub(/^\]\(<?|^src="/, "", target); sub(/>$/, "", target)
        print FNR "\t" target
        $0 = substr($0, RSTART + RLENGTH)
      }
    }' "$page")
}

# Files and folders of the project, one a line, and what its tests declare: file:func name.
tree_of() {
  find Sources Tests Scripts Benchmarks Examples docs -name '.*' -prune -o -print
  find . -maxdepth 1 -type f -printf '%P\n'
}
tests_of() {
  grep -rHoE '(struct|extension|func) [A-Za-z0-9_]+' Tests Examples --include='*.swift' || true
}

# Prints `place: problem` for each code span that names a file or a test that isn't there, and the
# number of those that are. A span is taken for a path if it begins with a folder of the project
# (`Sources/` and `Tests/` may be left out), or ends as sources do; `*` and `{a,b}` are patterns.
# `Target/Suite: function` is a test. In the errata, further tests of a row may leave out the suite.
check_paths() {
  awk -v tree="$help/tree" -v tests="$help/tests" '
    function exists(path,   pattern, i) {
      sub(/\/$/, "", path)
      if (path in known) return 1
      if (path !~ /[*{]/) return 0
      pattern = path
      gsub(/[.+]/, "\\\\&", pattern); gsub(/\*/, "[^/]*", pattern)
      while (match(pattern, /\{[^{}]*\}/)) {
        i = substr(pattern, RSTART + 1, RLENGTH - 2)
        gsub(/,/, "|", i)
        pattern = substr(pattern, 1, RSTART - 1) "(" i ")" substr(pattern, RSTART + RLENGTH)
      }
      for (i in known) if (i ~ "^" pattern "$") return 1
      return 0
    }
    function declared(target, name) { return (target, name) in declaration }
    function looks_like_path(word,   part) {
      if (word !~ /^[A-Za-z0-9_.+*{},\/-]+$/ || word ~ /\.\.\.|^\//) return 0
      split(word, part, "/")
      return word ~ /.\.(swift|c|h|py|sh)$/ || (word ~ /\// && (part[1] in top || part[1] ~ /^Saker[A-Z]/))
    }
    function complain(what) { print FILENAME ":" FNR ": " what }
    function check_test(target, suite, name) {
      if (!((target "/" suite ".swift") in known || declared(target, suite)))
        complain("there are no tests " target "/" suite)
      else if (name != "" && !declared(target, name))
        complain("there is no test " name " in " target)
    }
    function check_span(text,   word, part, n, i) {
      n = split(text, word, / +/)
      if (word[1] ~ /^[A-Za-z]+Tests\/[A-Za-z0-9]+:?$/) {
        sub(/:$/, "", word[1]); split(word[1], part, "/")
        target = part[1]; counted++
        check_test(part[1], part[2], word[2])
        return
      }
      for (i = 1; i <= n; i++) {
        if (!looks_like_path(word[i])) continue
        counted++
        if (!exists(word[i])) complain("there is no " word[i])
      }
    }
    BEGIN {
      while ((getline line < tree) > 0) {
        known[line]
        n = split(line, part, "/"); top[part[1]]
        if (n > 1 && (part[1] == "Sources" || part[1] == "Tests")) top[part[2]]
        for (i = 2; i <= n; i++) { sub(/^[^\/]*\//, "", line); known[line] }
        if (part[1] == "Tests" && n > 2) known[part[2] "/" part[n]]
      }
      while ((getline line < tests) > 0) {
        split(line, part, ":"); split(part[1], folder, "/"); split(part[2], word, " ")
        declaration[folder[2], word[2]]
      }
    }
    /^[ \t]*(```|~~~)/ { fenced = !fenced }
    fenced { next }
    {
      target = ""
      n = split($0, span, "`")
      for (i = 2; i <= n; i += 2) {
        check_span(span[i])
        if (FILENAME ~ /errata/ && target != "" && span[i] ~ /^[a-z]+[A-Z][A-Za-z0-9]*$/) {
          counted++
          if (!declared(target, span[i])) complain("there is no test " span[i] " in " target)
        }
      }
    }
    END { print "paths " counted + 0 }
  ' "$1"
}

tree_of >"$help/tree"
tests_of >"$help/tests"
for page in "${pages[@]}"; do
  case $page in docs/decisions/*) continue ;; esac  # they tell what was, too
  while IFS= read -r line; do
    case $line in
      "paths "*) paths=$((paths + ${line#paths })) ;;
      *) problem "${line%%: *}" "${line#*: }" ;;
    esac
  done < <(check_paths "$page")
done
for page in "${pages[@]}"; do
  while IFS=$'\t' read -r place text; do
    read -ra words <<<"$text"
    case ${words[0]} in
      saker) commands=$((commands + 1)); check_saker "$place" "${words[@]:1}" ;;
      make) targets=$((targets + 1)); check_make "$place" "${words[@]:1}" ;;
    esac
  done < <(commands_of "$page")
  check_links "$page"
done

# A merge once emptied this table, and nobody saw it.
rows=$(grep -c '^| E[0-9]' docs/errata.md || true)
if [ "$rows" -lt 82 ]; then
  echo "docs/errata.md: expected the notes' errors, 82 rows or more, got $rows" >&2
  problems=$((problems + 1))
fi

if [ "$problems" -gt 0 ]; then
  echo "check-docs: $problems problems" >&2
  exit 1
fi
echo "check-docs: $commands saker commands, $targets make commands, $links links and $paths paths are right"
