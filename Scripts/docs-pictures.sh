#!/usr/bin/env bash
# Draws the pictures of docs/winograd.md again: Tests/SakerPlotsTests/WinogradPictures.swift says how.
set -euo pipefail
cd "$(dirname "$0")/.."

SAKER_DRAW_DOCS=$PWD/docs/images swift test --configuration release --scratch-path .build-test \
  -Xswiftc -enable-testing --filter WinogradPictureTests
