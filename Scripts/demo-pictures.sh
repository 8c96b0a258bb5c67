#!/usr/bin/env bash
# The pictures `make demo` predicts on: the first eight of the test split, one path a line.
set -euo pipefail
data=Sources/SakerData/Resources/bccd
head -n 8 "$data/ImageSets/Main/test.txt" | sed "s#.*#$data/JPEGImages/&.jpg#"
