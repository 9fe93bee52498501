// Package e2e holds the suite that runs the system on a real one-node cluster:
// `make e2e`.
package e2e
