#!/usr/bin/env bash
# Checks what README.md and docs/ promise: that every `saker` command and option they show is one
# that `saker help` knows, every `make` target exists, and every relative link leads to a file.
# usage: check-docs.sh PATH-OF-SAKER
set -euo pipefail

saker=$1
[ -f README.md ] || { echo "check-docs: README.md is missing" >&2; exit 1; }
mapfile -t pages < <(find README.md docs -name '*.md' 2>/dev/null | sort)
help=$(mktemp -d)
trap 'rm -rf "$help"' EXIT
problems=0 commands=0 targets=0 links=0

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
if [ "$rows" -lt 60 ]; then
  echo "docs/errata.md: expected the notes' errors, 60 rows or more, got $rows" >&2
  problems=$((problems + 1))
fi

if [ "$problems" -gt 0 ]; then
  echo "check-docs: $problems problems" >&2
  exit 1
fi
echo "check-docs: $commands saker commands, $targets make commands and $links links are right"
