#!/usr/bin/env bash
# Opens a run's report.html in a headless Chromium without network: every picture must load, nothing may come from elsewhere.
# usage: check-report.sh REPORT.html [SCREENSHOT.png]      needs: apt-get install chromium
set -euo pipefail
report=$(realpath "$1")
shot=${2:-}
if grep -Eo '(src|href)="(https?:)?//[^"]*"' "$report"; then
  echo "check-report: $1 asks for something from elsewhere" >&2
  exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The page, and a line that says how many of its pictures have pixels.
cp "$report" "$work/report.html"
cat >>"$work/report.html" <<'JS'
<script>
addEventListener("load", () => {
  const all = [...document.images], good = all.filter((i) => i.complete && i.naturalWidth > 0);
  document.body.dataset.check = `${good.length} of ${all.length}`;
});
</script>
JS
options=(--headless --no-sandbox --disable-gpu --host-resolver-rules="MAP * ~NOTFOUND" --user-data-dir="$work/profile")
chromium "${options[@]}" --dump-dom "file://$work/report.html" >"$work/dom.html" 2>"$work/log"
result=$(grep -o 'data-check="[0-9]* of [0-9]*"' "$work/dom.html" | grep -o '[0-9]* of [0-9]*') || {
  echo "check-report: the browser did not finish $1" >&2
  exit 1
}
if [ -n "$shot" ]; then
  chromium "${options[@]}" --window-size=1100,6000 --screenshot="$shot" "file://$report" 2>/dev/null
fi
if [ "${result% of *}" != "${result#* of }" ] || [ "${result#* of }" = 0 ]; then
  echo "check-report: $1: $result pictures load" >&2
  exit 1
fi
echo "check-report: $1: $result pictures load, nothing comes from elsewhere"
