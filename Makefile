# The Dorset Care Record suite. `make help` lists what can be made.
#
# Two commands matter: `make run` brings the whole suite up with demonstration data, and
# `make test` is what CI runs. Everything else is a part of one of them, or takes longer.

SHELL   := /bin/bash -euo pipefail
MODULES := proto internal identity-svc record-svc optout-svc audit-svc gateway dcrctl e2e
TOOLS   := buf protoc-gen-go protoc-gen-go-grpc protoc-gen-grpc-gateway protoc-gen-openapiv2 golangci-lint kubeconform kustomize
BIN     := .tools/bin
PKGS    := $(MODULES:%=./%/...)

export PATH := $(CURDIR)/$(BIN):$(PATH)
export GOFLAGS := -buildvcs=false

say = @printf '\n== %s\n' "$(1)"

.PHONY: help run env clean test verify build unit e2e lint house generate tidy manifests soak bench fuzz tools

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

run: ## the whole suite with demonstration data, until Ctrl-C
	@go run ./e2e/cmd/stack run

env: ## the running suite as shell variables: eval "$$(make -s env)"
	@go run ./e2e/cmd/stack env

clean: ## forget what `make run` made, and nothing else
	@go run ./e2e/cmd/stack clean

test: verify build unit e2e ## everything that CI runs
	@printf '\nAll of it passed.\n'

verify: house generate-verify tidy lint manifests ## all checks that run no test

build: ## every module, in the workspace and on its own
	$(call say,build: every module in the workspace)
	go build $(PKGS)
	$(call say,build: every module on its own)
	@for m in $(MODULES); do (cd $$m && GOWORK=off go build ./...) || exit 1; done

unit: ## the tests of every module but e2e, with the race detector
	$(call say,unit: tests of every module on real PostgreSQL with the race detector)
	go test -race -timeout 20m $(filter-out ./e2e/...,$(PKGS))
	cd tools/house && GOWORK=off go test ./...
	$(call say,unit: logs and witnesses of another project against ours)
	cd tools/tlog-oracle && GOWORK=off go test ./...

# Mutants of the guards bring a suite up for each: they are a part of soak alone.
LONG := ^TestMutants$$

# One package after the other: each brings a whole suite up. The audit log is read there by a tool of another project
# (e2e/blackbox/outsider_test.go builds and runs tools/tlog-oracle against the live gateway).
e2e: ## the black box: real processes, two of each service
	$(call say,e2e: the whole suite as real processes)
	go test -count=1 -p 1 -timeout 25m -skip '$(LONG)' ./e2e/...

house: ## who may import whom
	$(call say,house: imports keep to the plan)
	cd tools/house && GOWORK=off go run . -root ../.. -rules imports.txt

# --- the contract -----------------------------------------------------------------------------

generate: $(BIN)/buf $(BIN)/protoc-gen-go $(BIN)/protoc-gen-go-grpc $(BIN)/protoc-gen-grpc-gateway $(BIN)/protoc-gen-openapiv2 ## generated code and documents, from the contract
	buf format -w --path proto/dcr
	buf generate
	go run ./gateway access-matrix > docs/access-matrix.md
	go run ./audit-svc case-life > docs/case-life.md
	go run ./optout-svc life --update docs/design/opt-out.md,docs/opt-out.md

.PHONY: generate-verify
generate-verify: $(BIN)/buf $(BIN)/protoc-gen-go $(BIN)/protoc-gen-go-grpc $(BIN)/protoc-gen-grpc-gateway $(BIN)/protoc-gen-openapiv2 ## what is committed is what the contract generates
	$(call say,contract: lint and compatibility)
	buf lint
	buf format --diff --exit-code --path proto/dcr
	@if [ -f proto/released.binpb ]; then buf breaking --against proto/released.binpb; \
	 else echo "no release yet: nothing to break"; fi
	$(call say,contract: generated code is up to date)
	@rm -rf .build/verify && mkdir -p .build/verify && cp -r proto/gen .build/verify/gen
	buf generate
	@diff -r .build/verify/gen proto/gen || { echo "proto/gen is not what the contract generates: run make generate and commit"; exit 1; }
	go run ./gateway access-matrix | diff docs/access-matrix.md - || { echo "docs/access-matrix.md is stale: run make generate and commit"; exit 1; }
	go run ./audit-svc case-life | diff docs/case-life.md - || { echo "docs/case-life.md is stale: run make generate and commit"; exit 1; }
	go run ./optout-svc life --verify docs/design/opt-out.md,docs/opt-out.md

tidy: ## go.mod of every module says what it needs, without the workspace
	$(call say,tidy: every go.mod stands on its own)
	@for m in $(MODULES); do (cd $$m && GOWORK=off go mod tidy -diff) || { echo "$$m/go.mod is not tidy: run GOWORK=off go mod tidy in $$m"; exit 1; }; done

lint: $(BIN)/golangci-lint ## gofmt and golangci-lint over every module
	$(call say,lint)
	@out=$$(git ls-files -z '*.go' ':!proto/gen' | xargs -0 gofmt -l); [ -z "$$out" ] || { echo "not gofmt-clean:"; echo "$$out"; exit 1; }
	@for m in $(filter-out proto,$(MODULES)); do echo "lint $$m"; (cd $$m && golangci-lint run --config ../.golangci.yaml ./...) || exit 1; done

manifests: $(BIN)/kubeconform $(BIN)/kustomize ## k8s renders, and fits the schemas
	$(call say,manifests: k8s/base renders and fits the schemas)
	k8s/verify.sh

# --- what takes longer ------------------------------------------------------------------------

soak: ## the same tests with larger counts, two hours at most for each package
	$(call say,soak: the same tests with larger counts)
	DCR_SOAK=1 go test -count=1 -p 1 -timeout 120m ./e2e/... ./audit-svc/internal/fsck ./audit-svc/internal/crashtest

bench: ## the figures of docs/performance.md, a few minutes
	@go run ./e2e/cmd/bench

FUZZTIME ?= 30s
fuzz: ## every fuzz target for FUZZTIME each
	@for m in $(filter-out proto,$(MODULES)); do \
	  grep -rlE '^func Fuzz' --include='*_test.go' $$m 2>/dev/null | while read -r f; do \
	    grep -oE '^func Fuzz[A-Za-z0-9_]+' "$$f" | sed 's/^func //' | while read -r t; do \
	      echo "fuzz $$t in $$(dirname $$f)"; \
	      go test -run '^$$' -fuzz "^$$t$$" -fuzztime $(FUZZTIME) "./$$(dirname $$f)" || exit 1; \
	    done || exit 1; done || exit 1; done

# --- tools, pinned: each a module of its own, so that its versions stay out of the product ------

tools: $(TOOLS:%=$(BIN)/%) ## build the pinned tools

$(BIN)/%: tools/%/go.mod tools/%/go.sum
	@echo "building $* (the first time takes minutes)"
	@mkdir -p $(BIN)
	@cd tools/$* && GOWORK=off go build -o ../../$@ $$(GOWORK=off go list -f '{{.ImportPath}}' tool)
	@touch $@
