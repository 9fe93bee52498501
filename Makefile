# AsyncQueue: `make help` lists what there is. Long recipes live in hack/.
SHELL := /usr/bin/env bash -o pipefail
.SHELLFLAGS := -ec
.DEFAULT_GOAL := help

VERSION ?= dev
TAG ?= dev
FUZZTIME ?= 1m
IMAGES ?= manager worker demojob
GOLANGCI_LINT_VERSION ?= v2.15.0

BIN := $(CURDIR)/bin
TAGS := grpcnotrace
LDFLAGS := -s -w -X github.com/asyncqueue/operator/internal/version.Version=$(VERSION)
CLUSTER := hack/cluster/cluster
# What the suites need to find the programs that the Makefile brings.
SUITE_ENV := KUBEBUILDER_ASSETS=$(BIN)/k8s PATH=$(BIN)/k8s:$(PATH)
PACKAGES := ./api/... ./cmd/... ./controllers/... ./examples/... ./internal/... ./queue/... ./worker/... ./hack/... ./test/fault/...

##@ General

.PHONY: help
help: ## Show this list.
	@awk 'BEGIN {FS = ":.*##"; printf "Usage: make <target>\n"} \
	  /^[a-zA-Z0-9_-]+:.*?##/ { printf "  \033[36m%-16s\033[0m %s\n", $$1, $$2 } \
	  /^##@/ { printf "\n\033[1m%s\033[0m\n", substr($$0, 5) }' $(MAKEFILE_LIST)

##@ See it run

.PHONY: demo
demo: ## A real one-node Kubernetes, the operator, four queues, 500 messages: the whole story.
	hack/demo/demo

.PHONY: demo-down
demo-down: ## Remove everything that the demo started.
	hack/demo/down

##@ Test

.PHONY: test
test: unit redis-modes hyperf apiserver ## Unit suites with the race detector, a Hyperf application beside ours, a real API server.

.PHONY: unit
unit: redis-server php ## Unit suites, with the race detector and a real redis-server.
	$(SUITE_ENV) go test -race -timeout 15m $(PACKAGES)
	cd test/bench && go vet -mod=mod . && go test -mod=mod .

.PHONY: redis-modes
redis-modes: redis-server ## The suites of queue and worker on Sentinel and on Cluster, with TLS and an ACL user.
	@for mode in sentinel cluster; do \
	  REDIS_MODE=$$mode $(SUITE_ENV) go test -timeout 10m ./queue ./worker ./worker/storetest || exit 1; \
	done
	$(SUITE_ENV) go test -timeout 10m ./test/modes/...

.PHONY: hyperf
hyperf: redis-server php ## A Hyperf application and our worker on one channel, each killed at every point.
	$(SUITE_ENV) go test -timeout 10m ./test/hyperf/...

.PHONY: apiserver
apiserver: redis-server envtest ## The operator against a real etcd and kube-apiserver.
	$(SUITE_ENV) go test -timeout 15m ./test/apiserver/... ./test/scale/...

.PHONY: scale
scale: redis-server envtest ## Thousands of AsyncQueues on a real API server: a table, and bin/reports/scale.json.
	$(SUITE_ENV) go run ./test/scale

.PHONY: e2e
e2e: redis-server ## The end-to-end suite: real pods on a real one-node cluster.
	hack/e2e

.PHONY: burst
burst: redis-server ## The timeline of a burst from zero on the real cluster: a table, and bin/reports/burst.json.
	FOCUS='A burst from zero' hack/e2e

.PHONY: e2e-host
e2e-host: ## The suite of the node that runs pods as host processes, where containers cannot run.
	hack/hostnode/e2e

.PHONY: fault
fault: redis-server ## Break things under load, prove that nothing is lost (DURATION=30m, SEED=1, CASES=regexp).
	$(SUITE_ENV) hack/fault

.PHONY: bench
bench: redis-server ## Throughput and latency beside asynq, Hyperf's protocol and a prototype (BENCH="-rounds 3 -long 10000000").
	cd test/bench && PATH=$(BIN)/k8s:$(PATH) go run -mod=mod -tags $(TAGS) . -out $(BIN)/reports/bench.json $(BENCH)

.PHONY: fuzz
fuzz: ## Fuzz every decoder, one after the other, each for FUZZTIME (default 1m).
	hack/fuzz $(FUZZTIME)

.PHONY: envtest
envtest: ## Build etcd, kube-apiserver and kubectl from their Go modules (minutes the first time).
	$(CLUSTER) build-envtest

.PHONY: redis-server
redis-server: ## Find redis-server, or take it from Debian's package.
	@$(CLUSTER) install-redis >/dev/null

.PHONY: php
php: ## Find PHP with its extension for Redis, or take them from Debian's packages.
	@$(CLUSTER) install-php

##@ Develop

.PHONY: build
build: ## Build the programs into bin/.
	CGO_ENABLED=0 go build -trimpath -tags $(TAGS) -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/... ./examples/demojob

.PHONY: generate
generate: ## Regenerate deepcopy functions.
	hack/generate.sh object

.PHONY: manifests
manifests: ## Regenerate the CRD and the operator's role from the Go sources.
	hack/generate.sh manifests

.PHONY: lint
lint: $(BIN)/tools/golangci-lint-$(GOLANGCI_LINT_VERSION) ## Run the linters.
	$< run

.PHONY: fmt
fmt: $(BIN)/tools/golangci-lint-$(GOLANGCI_LINT_VERSION) ## Format the Go sources.
	$< fmt

.PHONY: verify
verify: ## Regenerate everything; fail where the tree then differs from what is committed.
	hack/verify

$(BIN)/tools/golangci-lint-$(GOLANGCI_LINT_VERSION):
	@echo "building golangci-lint $(GOLANGCI_LINT_VERSION) (some minutes the first time)"
	@mkdir -p $(BIN)/tools
	GOBIN=$(BIN)/tools go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv $(BIN)/tools/golangci-lint $@

##@ Cluster

.PHONY: cluster-up
cluster-up: ## Start the one-node Kubernetes of the demo and the end-to-end suite.
	$(CLUSTER) up

.PHONY: cluster-down
cluster-down: ## Stop it and remove what it left.
	$(CLUSTER) down

.PHONY: images
images: ## Build the images (manager, worker, demojob) as tar files, without Docker.
	VERSION=$(VERSION) TAG=$(TAG) hack/images $(IMAGES)

.PHONY: install
install: ## Install the operator from config/default into the cluster that kubectl points at.
	kubectl apply --server-side -k config/default
