# Everything a newcomer needs. `make` lists the targets; each does its own set-up.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

SAKER := .build/release/saker
DEMO := runs/demo
PREFIX ?= /usr/local
DESTDIR ?=

# Tests need `-enable-testing`, and a change of flags rebuilds everything: so they have a build
# of their own, and the command tests run the `saker` of that same build.
TEST_BUILD := --configuration release --scratch-path .build-test -Xswiftc -enable-testing
TEST_SAKER := .build-test/release/saker

SWIFT_SOURCES := $(wildcard Package.swift Sources Tests Examples)

.PHONY: help setup build demo test test-part install uninstall deb bench lint lint-comments docs docs-check clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup:  ## Install the system libraries that are missing (Debian 12 and 13)
	@Scripts/setup.sh

build: setup  ## Build the command line, .build/release/saker
	@Scripts/build.sh --configuration release --product saker

demo: build  ## Train on the embedded pictures, evaluate, draw; results in runs/demo
	$(SAKER) train --train-split trainval --val-split none --out $(DEMO) --overwrite
	$(SAKER) val --weights $(DEMO)/weights/last.safetensors --split test --out $(DEMO)/test
	$(SAKER) predict --weights $(DEMO)/weights/last.safetensors $$(Scripts/demo-pictures.sh) --out $(DEMO)/predictions
	@Scripts/demo-report.sh $(DEMO)

test: setup lint  ## Lint, build, run all tests, the numeric ones under each instruction set, check the documented commands
	@Scripts/build.sh $(TEST_BUILD) --build-tests
	swift test $(TEST_BUILD) --skip-build
	@Scripts/test-isa.sh $(TEST_SAKER) $(TEST_BUILD)
	@Scripts/check-docs.sh $(TEST_SAKER)

test-part: setup  ## Build and run some test targets alone: make test-part TESTS=SakerDataTests [FILTER=YOLO]
	SAKER_TESTS=$(TESTS) Scripts/build.sh $(TEST_BUILD) --product SakerPackageTests
	SAKER_TESTS=$(TESTS) swift test $(TEST_BUILD) --skip-build $(if $(FILTER),--filter '$(FILTER)')

install: setup  ## Install saker below PREFIX (/usr/local), to run without Swift: make install [PREFIX=...] [DESTDIR=...]
	@DESTDIR="$(DESTDIR)" Scripts/install.sh "$(PREFIX)"

uninstall:  ## Remove what `make install` installed
	@DESTDIR="$(DESTDIR)" Scripts/install.sh --remove "$(PREFIX)"

deb: setup  ## Make a Debian package of saker for this machine's release, .build-deb/debian-N/saker_*.deb
	@Scripts/deb.sh

bench: build  ## Measure Saker and PyTorch turn by turn; results in runs/bench
	@Scripts/setup-peers.sh
	.build-peers/venv/bin/python Benchmarks/run.py --saker $(SAKER) --out runs/bench $(BENCH)

lint: lint-comments  ## Check the format of the Swift sources
	swift format lint --strict --recursive --parallel $(SWIFT_SOURCES)

lint-comments:  ## Name the comments that are longer than 100 columns (Scripts/wrap-comments.py mends them)
	@Scripts/check-comments.sh

docs: setup  ## Build the reference of all modules with DocC; the site goes to .build-docs/site
	@Scripts/docs.sh

docs-check: build  ## Check that the documented commands, options and links exist
	@Scripts/check-docs.sh $(SAKER)

clean:  ## Remove what was built (not runs/)
	rm -rf .build .build-test .build-deb .build-peers .build-docs
