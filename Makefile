# Joinery's commands. `make help` lists them; continuous integration runs `make test`.

SHELL := /bin/bash -o pipefail
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

# Where Microsoft's SDKs are installed.
SDK := target/sdk

# A single build from nothing gains nothing from incremental compilation, and its cache fills the disk.
ifdef CI
export CARGO_INCREMENTAL := 0
endif

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build-tools ## play a day in the life of a company on this machine, then serve until Ctrl-C
	cargo run --locked --package demo

demo: build-tools ## play the same day once; succeeds only if it ended exactly as it should
	cargo run --locked --package demo -- --once

test: static ## check formatting and lints, then run every test
	{ cargo test --locked --workspace --no-fail-fast; rust=$$?; make test-sdk; exit $$((rust || $$?)); } 2>&1 \
		| awk "$$COUNT_TESTS"

test-sdk: build-tools sdk ## run Microsoft's own SDKs against the emulator
	@cargo build --locked --quiet --workspace --bin graph-emulator
	@PYTHONPYCACHEPREFIX=$(SDK)/cache $(SDK)/venv/bin/python tests/sdk/run.py target/debug/graph-emulator $(SDK)/node_modules

bench: build-tools ## measure what is claimed about speed, as ratios within one run
	cargo bench --locked --package bench

lint: static doc supply-chain ## check formatting, lints, documentation, licenses and dependencies

fmt: check-tools ## format the code
	cargo fmt --all

doc: build-tools ## build the documentation; a broken link fails
	RUSTDOCFLAGS='--deny warnings' cargo doc --locked --workspace --no-deps

clean-data: ## forget what `joinery up` keeps here: its queues and roster in ./.joinery
	rm -rf .joinery

# Clippy's metadata cannot be linked into tests, so dependencies are checked once and built once. That costs less than
# it finds, and an unformatted or unlinted tree fails before anything is built.
static: build-tools check-tools
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings

# Installing cargo-deny takes minutes, once. Its database of advisories is a git repository that not every machine may
# fetch; everything else it checks stands in the lock file and the crates.
supply-chain: build-tools
	@command -v cargo-deny >/dev/null || cargo install --locked --quiet cargo-deny
	cargo deny --locked check bans licenses sources
	@if timeout 120 cargo deny --locked fetch db >/dev/null 2>&1; then \
		cargo deny --locked check advisories; \
	else \
		echo 'advisories: skipped, their database cannot be fetched from here'; \
	fi

sdk: sdk-tools $(SDK)/venv/installed $(SDK)/node_modules/installed

# Without compiling: the SDK is tens of thousands of modules, of which the tests import some hundreds.
$(SDK)/venv/installed: tests/sdk/requirements.txt | sdk-tools
	@echo 'installing the SDK for Python into $(SDK)'
	@rm -rf $(SDK)/venv && python3 -m venv $(SDK)/venv
	@$(SDK)/venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --only-binary :all: \
		--requirement $<
	@touch $@

$(SDK)/node_modules/installed: tests/sdk/package.json tests/sdk/package-lock.json | sdk-tools
	@echo 'installing the client for JavaScript into $(SDK)'
	@cp $^ $(SDK) && npm ci --prefix $(SDK) --silent --no-audit --no-fund --ignore-scripts
	@touch $@

# Python with venv, node and npm.
sdk-tools:
	@mkdir -p $(SDK)
	@if ! python3 -c 'import ensurepip, venv' 2>/dev/null || ! command -v node >/dev/null || ! command -v npm >/dev/null; then \
		if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
			echo "Microsoft's SDKs need Python and node; on Debian: sudo apt-get install python3-venv nodejs npm" >&2; \
			exit 2; \
		fi; \
		echo 'installing python3-venv, nodejs and npm'; \
		export DEBIAN_FRONTEND=noninteractive; \
		apt-get -qq update && apt-get -qq --yes --no-install-recommends install python3-venv nodejs npm >/dev/null; \
	fi

# What a fresh Debian lacks: a C compiler with its library for SQLite and AWS-LC, and git, whose list of files the tidy
# tests read. Quiet when nothing is missing.
build-tools:
	@command -v cargo >/dev/null || { \
		echo 'cargo is missing: install Rust 1.94.1 or newer (https://rustup.rs), then try again' >&2; exit 2; }
	@if ! command -v git >/dev/null || ! echo '#include <stdlib.h>' | cc -x c -fsyntax-only - 2>/dev/null; then \
		if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
			echo 'a C compiler or git is missing; install both, on Debian: sudo apt-get install gcc libc6-dev git' >&2; \
			exit 2; \
		fi; \
		echo 'installing gcc, libc6-dev and git'; \
		export DEBIAN_FRONTEND=noninteractive; \
		apt-get -qq update && apt-get -qq --yes --no-install-recommends install gcc libc6-dev git >/dev/null; \
	fi

# rustup's minimal profile leaves these two out.
check-tools:
	@for tool in fmt clippy; do \
		cargo $$tool --version >/dev/null 2>&1 && continue; \
		command -v rustup >/dev/null || { \
			echo "cargo $$tool is missing; on Debian: sudo apt-get install rustfmt rust-clippy" >&2; exit 2; }; \
		rustup --quiet component add "$${tool/fmt/rustfmt}" || exit 2; \
	done

# Cargo ends with a line for each test binary, the SDKs' tests with one of their own; people and machines want the sum.
define COUNT_TESTS
/^[0-9]+ passed, [0-9]+ failed$$/ { passed += $$1; failed += $$3; next }
{ print; fflush() }
/^test result: / { passed += $$4; failed += $$6; skipped += $$8 }
END { if (passed + failed) printf "\n%d passed, %d failed, %d skipped\n", passed, failed, skipped }
endef
export COUNT_TESTS

.PHONY: help run demo test test-sdk bench lint fmt doc clean-data static supply-chain build-tools check-tools sdk sdk-tools
