# Two commands matter: `make demo` (see it work) and `make test` (prove it). `make` alone lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
CARGO ?= cargo
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)

.PHONY: help demo test deps web oracle build fmt lint doc unit store pages agent portals e2e chaos bench bench-engine bench-exchange ci clean-data

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

demo: deps web ## the fleet with invented cases on this machine; ONCE=1 ends by itself with an exit status
	@$(CARGO) build --locked --workspace --bins
	@$(TARGET)/debug/demo $(if $(ONCE),--once,) $(if $(JOBS),--jobs $(JOBS),)

test: deps web oracle ## everything a reviewer needs, on SQLite and on a private throw-away Postgres
	@./.ci/stages

deps: ## install what is missing from the system (Chromium, Tesseract, NSS tools, Postgres, Node)
	@./.ci/deps

web: deps ## type-check and bundle the console's TypeScript into target/web
	@./.ci/web

oracle: deps ## the libraries that judge recordings (`agent import`), FHIR resources and X12 (`exchange`), and AS2 (`transport`)
	@./.ci/oracle
	@for name in fhir x12 as2; do ./.ci/judge $$name; done

build: deps web ## release binaries of coordinator and agent
	$(CARGO) build --locked --release -p coordinator -p agent

fmt: ## format everything
	$(CARGO) fmt --all

lint: ## clippy, warnings as errors
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

doc: ## API documentation, warnings as errors
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items

unit: ## pure rules: domain and unit tests of every crate
	$(CARGO) test --locked --workspace --lib --bins

store: deps ## the store suite on both databases
	$(CARGO) test --locked -p coordinator --test store

pages: ## API and pages of the coordinator
	$(CARGO) test --locked -p coordinator --test api --test pages

agent: deps ## driver and interpreter in real Chromium
	$(CARGO) test --locked -p agent --tests

portals: ## the simulated payers
	$(CARGO) test --locked -p tests --test portals

e2e: deps web ## stories: real processes, real Chromium, simulated payers
	$(CARGO) build --locked -p coordinator --bins
	$(CARGO) build --locked -p agent --bins --features faults
	$(CARGO) build --locked -p tests --bins
	$(CARGO) test --locked -p tests --test e2e

# A part of it: `make chaos CHAOS_ARGS="--rows X-01,X-15"`. Stopped, it goes on where it was; `CHAOS_ARGS=--fresh` begins anew.
LANES ?= 4

chaos: deps ## hurt fleets by seed and judge them (an hour or two); writes target/chaos/report.json and sabotage.md
	$(CARGO) build --locked --release --workspace --features agent/faults,coordinator/faults --bins
	$(TARGET)/release/chaos --full --lanes $(LANES) $(CHAOS_ARGS)
	$(TARGET)/release/chaos --sabotage

bench: deps web ## measure against playwright-core; writes target/bench/report.json
	cd tests/bench && npm ci --no-audit --no-fund --silent
	$(CARGO) build --locked --release --workspace --bins
	$(CARGO) build --locked --release -p coordinator --example queue_bench
	$(TARGET)/release/bench

# What `make bench-engine` measures, and its further options: PARTS=miniwob ENGINE_ARGS="--tasks click-tab --seeds 3 --modes quiet"
PARTS ?= miniwob names ocr healing fetch
comma := ,
space := $(subst ,, )

bench-engine: deps ## measure the engine: MiniWoB++ and names beside other engines, OCR, healing, fetch; writes target/bench/engine.json
	$(if $(filter miniwob,$(PARTS)),./.ci/miniwob)
	$(if $(filter miniwob names fetch,$(PARTS)),cd tests/bench && npm ci --no-audit --no-fund --silent)
	$(CARGO) build --locked --release --workspace --bins --example engine_bench
	$(TARGET)/release/examples/engine_bench --parts $(subst $(space),$(comma),$(strip $(PARTS))) $(ENGINE_ARGS)

bench-exchange: deps web ## measure the X12 codec beside other parsers, and the fallback from a portal to PAS; writes target/bench/exchange.json
	$(CARGO) build --locked --release -p exchange --example x12_bench
	./.ci/bench-exchange
	$(CARGO) build --locked --workspace --bins
	$(TARGET)/debug/fallback

ci: test ## the same as `make test`
