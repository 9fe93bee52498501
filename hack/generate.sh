#!/usr/bin/env bash
# Writes what is generated from the Go types and their markers: the deepcopy
# code, the CRD and the operator's RBAC. Run from anywhere; `make generate
# manifests` calls it, and `make verify` fails where its output is not committed.
#
#   hack/generate.sh [object] [manifests]      (both, where none is named)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

controller_gen() { go tool -modfile=hack/tools/go.mod controller-gen "$@"; }

object() {
	controller_gen object paths=./api/...
}

manifests() {
	controller_gen crd:generateEmbeddedObjectMeta=true paths=./api/... output:crd:dir=config/crd
	go run ./hack/crdgen config/crd/queue.asyncqueue.dev_asyncqueues.yaml
	controller_gen rbac:roleName=asyncqueue-manager paths=./controllers/... output:rbac:dir=config/rbac
}

[ $# -gt 0 ] || set -- object manifests
for part in "$@"; do
	case "$part" in
	object | manifests) "$part" ;;
	*)
		echo "hack/generate.sh: unknown part $part (known: object, manifests)" >&2
		exit 2
		;;
	esac
done
