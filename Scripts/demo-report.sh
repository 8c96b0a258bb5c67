#!/usr/bin/env bash
# Says where the demo's results are.
set -euo pipefail
run=$1
echo
echo "What the demo made:"
find "$run" -type f \( -name '*.png' -o -name '*.jpg' -o -name '*.csv' -o -name '*.json' -o -name '*.safetensors' \) \
  -not -path '*/predictions/*' | sort | sed 's/^/  /'
echo "  $run/predictions/ ($(find "$run/predictions" -type f | wc -l) files)"
