# What people run. Every target installs what it needs into .tools, pinned and hash-locked; Chromium and glewlwyd are
# those of the machine, or Debian's.
.DEFAULT_GOAL := help
TOOLS ?= $(or $(GEOWARDEN_TOOLS),$(CURDIR)/.tools)
export GEOWARDEN_TOOLS := $(TOOLS)

.PHONY: help demo test compare-fastgeoapi differential differential-rego conformance fuzz lint doc tools bench bench-peers bench-stages profile instructions image dist dist-test proto

help: ## Say what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-20s %s\n", $$1, $$2}'

demo: ## Run the whole stack on loopback with a short tour (TOUR=only ends after it)
	tests/tools/install.sh envoy pygeoapi provider
	cargo build --locked --workspace --bins
	target/debug/geowarden-demo $(if $(filter only,$(TOUR)),--tour-only)

tools: ## Install what the tests run: Envoy, pygeoapi, identity providers, a browser, clients, OPA's engine, a collector
	tests/tools/install.sh

test: tools ## Run every test
	cargo test --workspace --locked --no-run
	PROFILE=dev OUTPUT=$(CURDIR)/target/image/dev k8s/image.sh
	cargo test --workspace --locked

compare-fastgeoapi: tools ## Send the same requests to a real fastgeoapi and to geowarden, with the same .env
	tests/tools/install.sh fastgeoapi
	cargo build --locked --workspace --bins
	target/debug/compare-fastgeoapi

image: ## Build the image without a daemon (ARCH=arm64 for another architecture), as an OCI layout in target/image
	tests/tools/install.sh k8s debian
	k8s/image.sh

dist: ## Make what a release consists of, in target/dist: tarball, Debian package, wheel, image, bill of materials, checksums
	tests/tools/install.sh k8s debian
	packaging/dist.sh

dist-test: ## Try what `make dist` has made, as somebody without Rust would: root, in a fresh Debian
	packaging/test.sh

COUNT ?= 1000000
SEED ?= 1
differential: tools ## Hold COUNT random requests of SEED against the real pygeoapi, both frameworks
	cargo build --locked
	cd tests && for backend in flask starlette; do for what in "" --values; do \
	  PYTHONDONTWRITEBYTECODE=1 $(TOOLS)/pygeoapi/bin/python -m differential --backend $$backend $$what \
	    --count $(COUNT) --seed $(SEED) --geowarden ../target/debug/geowarden || exit 1; \
	done; done

differential-rego: COUNT = 50000
differential-rego: ## Hold COUNT random policies of SEED against the real OPA engine
	tests/tools/install.sh opa
	cargo build --locked
	cd tests && PYTHONDONTWRITEBYTECODE=1 $(TOOLS)/opa/bin/python -m rego \
	  --count $(COUNT) --seed $(SEED) --geowarden ../target/debug/geowarden

conformance: ## Hold OPA's own cases, of OPA_CASES=FOLDER, against geowarden
	tests/tools/install.sh opa
	cargo build --locked
	cd tests && PYTHONDONTWRITEBYTECODE=1 $(TOOLS)/opa/bin/python -m rego.conformance $(abspath $(OPA_CASES)) --geowarden ../target/debug/geowarden

TARGETS ?= path query check policy
SECONDS ?= 600
fuzz: ## Fuzz TARGETS for SECONDS each (path, query, check, policy)
	tests/tools/install.sh fuzz
	for target in $(TARGETS); do \
	  RUSTC_BOOTSTRAP=1 PATH=$(TOOLS)/bin:$$PATH cargo fuzz run --sanitizer none $$target -- -max_total_time=$(SECONDS) || exit 1; \
	done

lint: ## Check formatting, lints, dependencies, spelling and scripts
	tests/tools/install.sh lint k8s
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	$(TOOLS)/bin/cargo-deny --locked check bans licenses sources
	$(TOOLS)/bin/shellcheck tests/tools/*.sh .ci/run k8s/*.sh packaging/*.sh packaging/debian/p*
	$(TOOLS)/bin/shellcheck --shell bash k8s/chart/files/drain.sh
	$(TOOLS)/bin/yamllint --strict envoy k8s/base k8s/components k8s/overlays k8s/istio k8s/envoy-gateway k8s/chart/values.yaml k8s/chart/values-production.yaml k8s/chart/Chart.yaml packaging/compose .github policies tests/k8s/alerts_test.yaml
	$(TOOLS)/bin/hadolint k8s/Dockerfile
	$(TOOLS)/bin/check-jsonschema --builtin-schema vendor.compose-spec packaging/compose/compose.yaml
	$(TOOLS)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/release.yml
	$(TOOLS)/bin/typos

doc: ## Build the API documentation, warnings denied
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --document-private-items

proto: ## Generate the Rust code of proto/, without protoc
	cargo run --locked --package geowarden-proto

bench: ## Measure what a decision costs and write docs/performance.md (QUICK=1 only sees that it runs; ONLY=cpu,latency)
	tests/tools/install.sh envoy
	program=$$(k8s/program.sh --package geowarden-bench --bins) && \
	  "$$(dirname "$$program")/geowarden-bench" run --json target/bench/figures.json \
	  $(if $(QUICK),--quick,$(if $(ONLY),,--page docs/performance.md)) $(if $(ONLY),--only $(ONLY)) $(BENCH_OPTIONS)

bench-peers: export BENCH_OPTIONS = --peers
bench-peers: bench ## The same, and what one would use instead (OPA_ENVOY=/path/to/opa_envoy)

profile: STAGE ?= policy_evaluated
profile: ## Show in which functions a STAGE of a decision spends its time (policy_evaluated, verdict_remembered, whole_pipeline; perf)
	@command -v perf >/dev/null || { echo "perf is missing: apt-get install linux-perf" >&2; exit 1; }
	program=$$(CARGO_PROFILE_BENCH_LTO=off CARGO_PROFILE_BENCH_STRIP=none CARGO_PROFILE_BENCH_DEBUG=line-tables-only \
	  cargo bench --locked --workspace --target-dir target/profile --bench decision --no-run 2>&1 | tee /dev/stderr \
	  | sed -n 's/.*Executable.*(\(.*\))$$/\1/p') && \
	  perf record -q -F 4999 -g -o target/profile.data -- "$$program" --bench $(STAGE) --sample-count 20000
	perf report -i target/profile.data --no-children -g none --percent-limit 1 --stdio --sort symbol 2>/dev/null

bench-stages: ## Time the stages of a decision one by one, in process
	cargo bench --locked --package geowarden

# The dependencies are those that `make test` has built; ours alone are optimised. Each of ours must be: one that is not
# gives its slow code of generic types to the crates that depend on it.
OURS = $(shell sed -n 's/^\(geowarden[a-z-]*\) = { opt-level = 0 }$$/\1/p' Cargo.toml)
instructions: ## Hold the instructions of a request against their budget (WRITE=1 renews it)
	tests/tools/install.sh valgrind
	cargo bench --locked --workspace --profile dev \
	  $(foreach package,$(OURS),--config profile.dev.package.$(package).opt-level=1) --bench instructions \
	  $(if $(WRITE),-- --write)
