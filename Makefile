PORT ?= 8787
STATE ?= .wrangler/state
EVENTS ?= 50000
CONCURRENCY ?= 32
PROMPTS ?= 100000
COUNTED ?= 10000000
ROUNDS ?= 3
DURATION ?= 3
PACED ?= 30
OVERLOADED ?= 10
CONNECTIONS ?= 1024
COUNT ?= 1000000
KILLS ?= 1000
CLIENTS ?= 16
SEED ?= $(shell date +%s)
FAULTS ?= on
SEEDS ?= 100000
CASES ?= 100000
SECONDS ?= 60

MAKEFLAGS += --no-print-directory
export WRANGLER_SEND_METRICS := false
export CLOUDFLARE_CF_FETCH_ENABLED := false

# wasm-bindgen-cli has to match the crate, so Cargo.lock is where its version is set.
locked = $(shell sed -n '/^name = "$(1)"$$/{n;s/^version = "\(.*\)"$$/\1/p;}' Cargo.lock)
WASM_BINDGEN := .tools/wasm-bindgen-cli-$(call locked,wasm-bindgen).installed
PACKAGES := node_modules/.package-lock.json
CARGO_DENY := .tools/cargo-deny-0.20.2.installed
CARGO_AUDIT := .tools/cargo-audit-0.22.2.installed
API_TOOLS := .tools/api/.installed

# wrangler needs a newer Node than many systems have; package.json brings one.
# exec: a signal to make ends the server, not only a shell in front of it.
WITH_NODE := exec env PATH="$(CURDIR)/node_modules/.bin:$$PATH"
NODE := $(WITH_NODE) node
WRANGLER := $(WITH_NODE) wrangler

# What rustc writes for wasm32.
WASM_FEATURES := $(addprefix --enable-,mutable-globals sign-ext nontrapping-float-to-int bulk-memory multivalue \
	reference-types exception-handling)

# wasm-opt would inline every function that has one caller, however long; functions of like names stand together; the
# lowest kilobyte of memory is the end of the stack, so an address may be a base and an offset. None of it makes a
# difference to what is run, and the gzipped file is a tenth smaller. With WASM_DEBUG=-g functions keep their names, for profiles.
WASM_OPT := $(WASM_DEBUG) -Os --one-caller-inline-max-function-size=20 --low-memory-unused --reorder-functions-by-name $(WASM_FEATURES)

# Folders are listed too: their time changes when a file is added or removed.
SOURCES := $(shell find src) scripts/bundle.mjs Cargo.toml Cargo.lock package-lock.json Makefile

.PHONY: help dev test test-native lint-worker test-deploy test-bench test-api test-worker test-browser test-torture torture serve setup chromium build tested token demo-data replay backup restore screenshots bench bench-scale bench-routes bench-search bench-experiments bench-reads bench-overload openapi fuzz-api fuzz clean distclean programs toolchain migrate deploy audit cargo-audit reproduce

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12
	@echo
	@echo 'Variables: PORT=$(PORT) STATE=$(STATE) EVENTS=$(EVENTS) CONCURRENCY=$(CONCURRENCY) PROMPTS=$(PROMPTS) COUNTED=$(COUNTED)' \
		'ROUNDS=$(ROUNDS) DURATION=$(DURATION) PACED=$(PACED) OVERLOADED=$(OVERLOADED) CONNECTIONS=$(CONNECTIONS) COUNT=$(COUNT)' \
		'KILLS=$(KILLS) CLIENTS=$(CLIENTS) SEED= FAULTS=$(FAULTS) SEEDS=$(SEEDS) CASES=$(CASES) SECONDS=$(SECONDS)' \
		'SUB= FILE= TEMPLATES= DRY_RUN= URL= AUDIT='

# On a laptop all requests come from one address: it has no limit, unless .dev.vars sets one.
dev: migrate build .dev.vars ## serve at http://localhost:PORT through wrangler, rebuilding on changes
	@$(WRANGLER) dev --test-scheduled --port $(PORT) --inspector-port 0 --persist-to "$(STATE)" \
		$$(grep -q '^ *RATE_LIMIT *=' .dev.vars || echo '--var RATE_LIMIT:0')

serve: migrate build .dev.vars ## serve the release build at PORT on workerd alone, /__scheduled at PORT + 1
	@$(NODE) scripts/serve.mjs $(PORT) "$(STATE)" --assets

# What leaves a core idle runs beside something else, and tells what it found when it is done. A make that cannot keep apart what
# two of them say (macOS has an old one) runs one after the other.
SIDE_BY_SIDE := $(if $(filter output-sync,$(.FEATURES)),--jobs=2 --output-sync=target)

test: setup chromium $(API_TOOLS) .dev.vars ## lint, run the native tests, build, and test the built worker, in a browser too
	@$(MAKE) $(SIDE_BY_SIDE) test-native lint-worker test-deploy test-bench test-api
	@$(MAKE) test-worker
	@$(MAKE) $(SIDE_BY_SIDE) test-browser test-torture

# A tree that was never built keeps nothing for its next build: that would take a fifth longer.
FIRST_BUILD = $(if $(wildcard $(or $(CARGO_TARGET_DIR),target)/debug/incremental),,CARGO_INCREMENTAL=0)

test-native: setup ## look at the format, lint, run the native tests
	+@printf '== format, lint, native tests\n'
	cargo fmt --check
	$(FIRST_BUILD) cargo clippy --locked --all-targets -- -D warnings
	$(FIRST_BUILD) SEEDS="$(SEEDS)" cargo test --locked

lint-worker: setup
	+@printf '== lint, wasm32\n'
	$(CARGO_FOR_WORKER) clippy --locked --release --lib --target wasm32-unknown-unknown -- -D warnings

test-deploy: tested
	+@printf '== deploy, dry run\n'
	@$(NODE) scripts/deploy.mjs --dry-run
	@$(NODE) --test --test-reporter=spec 'tests/deploy/*.test.mjs'

test-bench: tested
	+@printf '== the benchmark of counting\n'
	@$(NODE) --test --test-reporter=spec 'tests/bench/*.test.mjs'

test-api: tested $(API_TOOLS)
	+@printf '== requests made of the OpenAPI document\n'
	@$(NODE) --test --test-reporter=spec 'tests/api/*.test.mjs'

test-worker: tested ## test the built worker on workerd
	@printf '== the built worker on workerd\n'
	@$(NODE) --test --test-reporter=spec --test-concurrency=4 'tests/worker/*.test.mjs'

test-browser: tested chromium ## test the pages in Chromium
	+@printf '== pages in Chromium\n'
	@$(NODE) --test --test-reporter=spec --test-concurrency=3 'tests/browser/*.test.mjs'

test-torture: tested
	+@printf '== killed again and again\n'
	@$(NODE) --test --test-reporter=spec 'tests/torture/*.test.mjs'
	@$(MAKE) torture KILLS=12 ROUNDS=1 SEED=1 FAULTS=$(FAULTS)

torture: setup tested ## kill the worker KILLS times while CLIENTS clients use it, with faults of its disk (FAULTS=off: without), judge what is left
	@$(NODE) tests/torture/torture.mjs --kills "$(KILLS)" --clients "$(CLIENTS)" --seed "$(SEED)" --faults "$(FAULTS)" \
		--fault-rounds "$(ROUNDS)"

setup: programs toolchain $(WASM_BINDGEN) $(PACKAGES) ## install what is missing: wasm target, build tools, npm packages

# CHROMIUM says where it is if it has another name.
export CHROMIUM ?= chromium
chromium:
	@command -v "$(CHROMIUM)" >/dev/null || { echo 'The tests need Chromium' \
		'(Debian: apt-get install --no-install-recommends chromium; else CHROMIUM=/path/to/it make test)' >&2; exit 1; }

build: build/.done public/pm.js ## release build into build/, what browsers load into public/

tested: build build/tested/worker.json ## build, and what the tests on workerd and in Chromium begin with

build/tested/worker.json: build/.done $(wildcard migrations/*.sql) wrangler.toml tests/worker/prepare.mjs tests/worker/tested.mjs
	@$(NODE) tests/worker/prepare.mjs

deploy: build ## deploy to Cloudflare whatever is missing there; DRY_RUN=1 only says what that is, URL= is where it answers
	@$(NODE) scripts/deploy.mjs $(if $(DRY_RUN),--dry-run) $(if $(URL),--url "$(URL)")

token: .dev.vars ## print a token, valid for a day, for the user SUB
	@$(NODE) scripts/token.mjs "$(SUB)"

demo-data: $(PACKAGES) .dev.vars ## import the sample, or the prompts of the CSV file FILE and the templates of the JSONL file TEMPLATES, into the instance at PORT
	@$(NODE) scripts/demo-data.mjs --url http://localhost:$(PORT) --file "$(FILE)" --templates "$(TEMPLATES)" \
		--list "$(STATE)/demo-prompts.json"

replay: $(PACKAGES) .dev.vars ## send EVENTS events over CONCURRENCY connections to the instance at PORT, compare what it stored
	@$(NODE) scripts/replay.mjs --url http://localhost:$(PORT) --events $(EVENTS) \
		--concurrency $(CONCURRENCY) --list "$(STATE)/demo-prompts.json"

backup: $(PACKAGES) ## write all that the instance at URL keeps (PORT, unless it is said) into FILE; SERVICE_KEY of the environment or .dev.vars
	@$(NODE) scripts/backup.mjs --url "$(or $(URL),http://localhost:$(PORT))" --file "$(FILE)"

restore: $(PACKAGES) ## bring FILE, a backup, into the empty instance at URL (PORT, unless it is said), and compare it with what is there then
	@$(NODE) scripts/restore.mjs --url "$(or $(URL),http://localhost:$(PORT))" --file "$(FILE)"

screenshots: setup tested chromium ## take the pictures in docs/pictures, of an instance on an empty state
	@$(NODE) scripts/screenshots.mjs docs/pictures

bench: setup build ## measure counting beside its alternatives (half an hour), write bench/results.json and docs/benchmarks.md
	@$(WITH_NODE) ROUNDS="$(ROUNDS)" DURATION="$(DURATION)" PACED="$(PACED)" node bench/counting.mjs

bench-scale: $(PACKAGES) ## simulate 100,000 views/s over 10,000,000 prompts, write the figures into docs/scale.md
	@$(NODE) bench/scale.mjs

bench-routes: setup build ## measure what a request of each route reads, writes and calls, and what that costs; the start; the size by crate
	@$(NODE) bench/routes.mjs
	@node_modules/.bin/wasm-opt $(WASM_OPT) -g $(COMPILED)/bindings/index_bg.wasm -o $(COMPILED)/named.wasm
	@$(NODE) bench/size.mjs $(COMPILED)/named.wasm

bench-search: setup build ## measure how many rows D1 reads for searches over ../shared/data
	@$(NODE) bench/search.mjs

bench-experiments: setup build .dev.vars ## measure what 1,000,000 experiment events cost: arrival, rollup, results
	@$(NODE) bench/experiments.mjs

bench-reads: setup build .dev.vars ## measure reads over PROMPTS prompts with COUNTED views and copies: times, rows of D1
	@$(WITH_NODE) PROMPTS="$(PROMPTS)" COUNTED="$(COUNTED)" node bench/reads.mjs

bench-overload: setup build ## offer twice what an instance can take, then send COUNT requests and watch its memory (8 minutes)
	@$(WITH_NODE) OVERLOADED="$(OVERLOADED)" CONNECTIONS="$(CONNECTIONS)" COUNT="$(COUNT)" node bench/overload.mjs

audit: $(CARGO_DENY) $(PACKAGES) ## audit licences, sources and advisories; AUDIT=strict fails where advisories cannot be reached
	@$(NODE) scripts/audit.mjs $(if $(filter strict,$(AUDIT)),--strict)

cargo-audit: $(CARGO_AUDIT)

reproduce: setup ## build twice from nothing (6 minutes) and compare the bytes
	@$(NODE) scripts/reproduce.mjs

openapi: ## write public/openapi.json from the routes and their descriptions
	@cargo run --locked --quiet --example openapi >public/openapi.json.new
	@mv public/openapi.json.new public/openapi.json

fuzz-api: setup tested $(API_TOOLS) ## try CASES requests made of the OpenAPI document, by callers of each kind
	@$(NODE) tests/api/fuzzing.mjs $(CASES)

# RUSTC_BOOTSTRAP lets stable Rust take the flags that libFuzzer needs; the targets are in fuzz/.
fuzz: | programs ## run each fuzz target of the parsers for SECONDS seconds (needs cargo-fuzz)
	@set -e; for target in $$(ls fuzz/fuzz_targets | sed 's/\.rs$$//'); do \
		RUSTC_BOOTSTRAP=1 cargo fuzz run "$$target" -- -max_total_time=$(SECONDS) -max_len=4096 -timeout=10; \
	done

clean: ## remove build output and local state
	rm -rf build target .wrangler public/pm.js public/pm-count.js public/pm.mjs public/dashboard/uplot.mjs public/dashboard/uplot-style.css

distclean: clean ## remove the installed tools and packages as well
	rm -rf .tools node_modules

programs:
	@missing=0; \
	need() { command -v "$$1" >/dev/null || { echo "promptmeter needs $$1: $$2" >&2; missing=1; }; }; \
	need rustup 'install it from https://rustup.rs'; \
	need cargo 'it comes with rustup; is ~/.cargo/bin in PATH?'; \
	need cc 'install a C compiler (Debian: apt-get install gcc libc6-dev)'; \
	need curl 'install curl (Debian: apt-get install curl)'; \
	need node 'install Node.js from https://nodejs.org'; \
	need npm 'it comes with Node.js from https://nodejs.org (Debian: apt-get install npm)'; \
	exit $$missing

toolchain: | programs
	@rustup target list --installed | grep -qx wasm32-unknown-unknown || \
		{ echo 'Adding the wasm32 target (some seconds)'; rustup target add wasm32-unknown-unknown; }
	@for component in rustfmt clippy; do \
		rustup component list --installed | grep -q "^$$component" || \
			{ echo "Adding $$component (some seconds)"; rustup component add $$component; } || exit 1; \
	done

.tools/wasm-bindgen-cli-%.installed: | toolchain
	@echo 'Compiling wasm-bindgen-cli $* (about 2 minutes on two cores, once)'
	cargo install wasm-bindgen-cli --version $* --root .tools
	@touch $@

# Without optimization, which would take longer than all that they do. They have most crates in common.
.tools/cargo-deny-%.installed .tools/cargo-audit-%.installed: | toolchain
	@echo 'Compiling $(patsubst .tools/%.installed,%,$@) (some minutes on two cores, once)'
	CARGO_TARGET_DIR="$(CURDIR)/.tools/audit" CARGO_PROFILE_DEV_DEBUG=0 \
		cargo install --debug $(patsubst %-$*,%,$(patsubst .tools/%.installed,%,$@)) --version $* --locked --root .tools
	@touch $@

$(API_TOOLS): tests/api/requirements.txt
	@command -v python3 >/dev/null && python3 -c 'import ensurepip' 2>/dev/null || { echo 'The tests of the API need Python 3.11 with venv' \
		'(Debian: apt-get install python3-venv)' >&2; exit 1; }
	@echo 'Installing schemathesis into .tools/api (some seconds)'
	@rm -rf .tools/api && python3 -m venv .tools/api
	@.tools/api/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $<
	@touch $@

$(PACKAGES): package.json package-lock.json | programs
	@echo 'Installing the npm packages (about 15 seconds)'
	npm ci --no-audit --no-fund --loglevel=error

# The paths of whoever builds would stand in the messages of panics: without them the same sources give the same bytes.
CARGO_FOLDER = $${CARGO_HOME:-$$HOME/.cargo}
REMAPPED = $$(for folder in "$(CARGO_FOLDER)"/registry/src/*; do printf -- '--remap-path-prefix=%s=crates ' "$$folder"; done; \
	printf -- '--remap-path-prefix=%s/lib/rustlib/src/rust=/rustc/%s' "$$(rustc --print sysroot)" "$$(rustc -vV | sed -n 's/^commit-hash: //p')")

COMPILED = "$${CARGO_TARGET_DIR:-target}"/wasm32-unknown-unknown/release

# The promises of exported functions are those of js-sys, which worker uses.
CARGO_FOR_WORKER = CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="$(REMAPPED)" WASM_BINDGEN_USE_JS_SYS=1 cargo

# With the two experimental options of wasm-bindgen the module can start anew after a panic (src/edge/entry.js).
build/.done: $(SOURCES) | setup
	@echo 'Building the worker (about a minute cold, 10 seconds warm)'
	@$(CARGO_FOR_WORKER) build --quiet --locked --release --lib --target wasm32-unknown-unknown --target-dir "$${CARGO_TARGET_DIR:-target}"
	@.tools/bin/wasm-bindgen --target module --no-typescript --experimental-reset-state-function --force-enable-abort-handler \
		--out-name index --out-dir $(COMPILED)/bindings $(COMPILED)/promptmeter.wasm
	@mkdir -p build
	@node_modules/.bin/wasm-opt $(WASM_OPT) $(COMPILED)/bindings/index_bg.wasm -o build/index_bg.wasm
	@$(NODE) scripts/bundle.mjs $(COMPILED)/bindings/index.js
	@echo "index_bg.wasm: $$(wc -c <build/index_bg.wasm) bytes, $$(gzip -9c build/index_bg.wasm | wc -c) gzipped"
	@touch $@

public/pm.js: $(shell find browser) scripts/browser.mjs package-lock.json | setup
	@$(NODE) scripts/browser.mjs
	@touch $@

migrate: setup
	@$(NODE) scripts/migrate.mjs "$(STATE)"

.dev.vars:
	@cp .dev.vars.example $@
