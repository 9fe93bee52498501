//go:build tools

// Package containerd pins, through the go.mod next to it, the version of the
// container runtime that the local cluster is built from. It is a module of
// its own because containerd and Kubernetes disagree on shared dependencies.
package containerd

import (
	_ "github.com/containerd/containerd/v2/cmd/containerd"
	_ "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2"
	_ "github.com/containerd/containerd/v2/cmd/ctr"
)
