package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The linker leaves out methods that nobody calls, a third of the program, only where no package calls them by
// a computed name, as templates do. docs/decisions/0013-grpc-without-its-weight.md has the figures.
func TestTheProgramHasNoTemplates(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-tags", "grpcnotrace", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("listing the packages of the worker: %v", err)
	}
	packages := strings.Fields(string(out))
	if !slices.Contains(packages, "google.golang.org/grpc") {
		t.Error("gRPC is not linked: is this test of any use?")
	}
	for _, heavy := range []string{"golang.org/x/net/trace", "html/template"} {
		if slices.Contains(packages, heavy) {
			t.Errorf("the worker links %s", heavy)
		}
	}
}
