#!/usr/bin/env bash
# Builds the reference of all modules, one site with a page for each, into .build-docs/site. DocC's plugin comes with SAKER_DOCS=1
# alone (Package.swift). A link to a symbol that isn't there fails. usage: docs.sh
set -euo pipefail
cd "$(dirname "$0")/.."

modules=(Saker SakerTensor SakerNN SakerData SakerVision SakerMetrics SakerTrain SakerPlots)
site=.build-docs/site
mkdir -p .build-docs

# The plugin's pins are no business of the package.
rm -f .build-docs/Package.resolved
[ ! -f Package.resolved ] || cp Package.resolved .build-docs/Package.resolved
restore() { if [ -f .build-docs/Package.resolved ]; then mv .build-docs/Package.resolved .; else rm -f Package.resolved; fi; }
trap restore EXIT

rm -rf "$site"
echo "docs: building, which takes some minutes; what DocC says goes to .build-docs/log"
SAKER_DOCS=1 swift package --scratch-path .build-docs --allow-writing-to-directory "$PWD/.build-docs" generate-documentation \
  "${modules[@]/#/--target=}" --enable-experimental-combined-documentation --transform-for-static-hosting \
  --experimental-skip-synthesized-symbols --output-path "$PWD/$site" >.build-docs/log 2>&1 || { tail -50 .build-docs/log >&2; exit 1; }

# Links of the landing pages and of the sources' comments.
if grep -A1 -E "warning: .*(doesn't exist|is ambiguous|Topic reference)" .build-docs/log; then
  echo "docs: links lead nowhere" >&2
  exit 1
fi
echo "docs: $site; to read it: python3 -m http.server --directory $site, then http://localhost:8000/documentation"
