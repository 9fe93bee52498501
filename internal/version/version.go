// Package version holds the version that the build stamps into each program.
package version

// Version is the release that a program was built from, "dev" where the build
// stamped none. It is set by the linker (see the Makefile and the Dockerfile):
//
//	go build -ldflags "-X github.com/asyncqueue/operator/internal/version.Version=v1.2.3"
var Version = "dev"
