package command_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The copy is a worker like the original.
func TestInstall(t *testing.T) {
	file := filepath.Join(t.TempDir(), "worker")
	if err := os.WriteFile(file, []byte("an older version that is in the way"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{os.Args[0], file} {
		command := exec.CommandContext(t.Context(), program, "install", file) //nolint:gosec // this test's own program
		command.Env = append(os.Environ(), asWorker+"=1")
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%s install: %v: %s", program, err, out)
		}
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("mode %v, %v; want 0755", info.Mode(), err)
	}
	if rest, _ := filepath.Glob(file + "?*"); len(rest) != 0 {
		t.Errorf("left behind: %v", rest)
	}
}

func TestInstallWhereNobodyMayWrite(t *testing.T) {
	if got := execute(t, nil, nil, "install", filepath.Join(t.TempDir(), "no", "such", "folder")); got.status != 1 {
		t.Errorf("exit status %d, want 1 (%s)", got.status, got.err)
	}
	for _, args := range [][]string{{"install"}, {"install", "relative"}, {"install", "/a", "/b"}} {
		if got := execute(t, nil, nil, args...); got.status != 2 {
			t.Errorf("%v: exit status %d, want 2", args, got.status)
		}
	}
}
