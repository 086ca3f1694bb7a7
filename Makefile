# Every target sets up what it needs, so that any of them works alone on a fresh machine.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# The recipes share packages, clips and cargo's locks; cargo and the scripts use all cores anyway.
.NOTPARALLEL:
.PHONY: help run sample build web graphiql test test-debian13 corpus image-test deb test-deb release fuzz audit bench bench-gpu check fmt setup clips media clean

CLIPSY := target/release/clipsy
SAMPLE := target/sample-hls
WEB := web/dist/site/manifest.json
WEB_SOURCES := $(shell find web/src web/public web/tools -type f) \
	$(wildcard web/*.html web/*.ts web/package-lock.json)

help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/\1\t\2/' | expand -t 14

run: build ## Run a demonstration on 127.0.0.1:8000 with ./clipsy-data as its state
	$(CLIPSY) serve --demo

sample: build clips ## Transcode a sample clip to HLS and say how to play it
	@rm -rf $(SAMPLE)
	$(CLIPSY) transcode .media/clips/trailer_bbb.mp4 --out $(SAMPLE)
	@printf '\n%s\n' \
		'The stream lies in $(SAMPLE). To play it:' \
		'  python3 -m http.server -d $(SAMPLE) 8080' \
		'and open http://localhost:8080/master.m3u8 in Safari, VLC or any page with hls.js.'

build: $(WEB) graphiql ## Build target/release/clipsy and the plug-in beside it
	@tools/setup.sh build
	cargo build --release --locked

# Only when its sources changed, since cargo builds anew what holds it.
$(WEB): $(WEB_SOURCES)
	@tools/setup.sh build
	npm run --prefix web build

web: $(WEB) ## Build the web front end

graphiql: ## Bundle the GraphiQL page that the binary carries
	@tools/setup.sh build
	@tools/setup.sh graphiql

test: media $(WEB) graphiql ## Run all tests
	npm test --prefix web
	npm run --prefix web sizes
	cargo test --workspace --locked --no-fail-fast

# What it compares with is recorded once and committed: tools/corpus.py says how.
corpus: media build ## Compare what comes out of every input with what was recorded (CASES=dir, ROOT=dir, RECORD=1)
	tools/corpus.py $(if $(RECORD),--record) $(if $(CASES),--cases $(CASES)) $(if $(ROOT),--root $(ROOT))

test-debian13: media $(WEB) graphiql ## Run the suites on Debian 13 in a folder (ROOT=dir)
	tools/test-debian13.sh $(if $(ROOT),$(ROOT),target/debian13)

image-test: build ## Build the image and try it as compose runs it (SCALE=1, FULL=1); needs root, but no engine
	tools/setup.sh image
	tools/image/test.sh $(if $(FULL),full) $(if $(SCALE),scale)

# Not a part of the tests: it finds something new each time, or nothing.
fuzz: media build ## Open damaged files for some minutes (MINUTES=8, SEED=n)
	tools/fuzz.py --minutes $(or $(MINUTES),8) $(if $(SEED),--seed $(SEED))

deb: build ## Make the Debian package
	tools/make-deb.sh

test-deb: deb media ## Install, use, upgrade and purge it in fresh Debian 12 and 13 (needs root and mmdebstrap)
	tools/setup.sh image
	tools/test-deb.sh target/debian/clipsy_*.deb

release: build ## Make the files of a release from a clean tree (docs/VERSIONS.md)
	tools/make-release.sh

audit: ## Look at the licences, sources and known faults of all dependencies; needs cargo-deny
	cargo deny --locked check

bench: setup build clips ## Compare speed and quality with other programs, on this machine's CPU
	@for run in bench/*/run; do \
		if [[ -x $$run && $$run != bench/gpu/run ]]; then echo "== $$run"; "$$run"; fi; \
	done

bench-gpu: setup build clips ## The same on a GPU
	bench/gpu/run

check: ## Formatting, lints, documentation, scripts
	@tools/setup.sh build
	npm run --prefix web check
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked
	tools/check-scripts.sh

fmt: ## Format the Rust code
	cargo fmt --all

setup: ## Install what building, testing and benchmarking need
	@tools/setup.sh test

clips: ## Fetch the test clips
	@tools/fetch-media.py

media: setup clips ## Fetch the test clips and make the test inputs from them
	@tools/make-fixtures.py

clean: ## Remove what was built or made, but not the fetched clips
	rm -rf target .media/fixtures tools/js/node_modules web/node_modules web/dist/site \
		web/graphiql/node_modules web/graphiql/dist/*
