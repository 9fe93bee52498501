package main

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func TestEqualInputGivesEqualBytes(t *testing.T) {
	dir := t.TempDir()
	program := writeFile(t, dir, "worker", "program")
	var archives []string
	for _, out := range []string{"a.tar", "b.tar"} {
		out = filepath.Join(dir, out)
		makeImage(t, "--tag", "asyncqueue/worker:dev", "--out", out, "--entrypoint", "/worker", "--label", "b=2", "--label", "a=1", program)
		content, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		archives = append(archives, string(content))
	}
	if archives[0] != archives[1] {
		t.Error("two builds of the same input differ")
	}
}

func TestImageHoldsWhatWasAskedFor(t *testing.T) {
	dir := t.TempDir()
	program := writeFile(t, dir, "worker", "program")
	certs := writeFile(t, dir, "ca.pem", "certificates")
	out := filepath.Join(dir, "x.tar")
	makeImage(t, "--tag", "asyncqueue/worker:dev", "--out", out, "--entrypoint", "/worker", "--entrypoint", "run",
		"--user", "1000:1000", "--env", "A=b", "--label", "x=y", "--file", certs+":/etc/ssl/certs/ca-certificates.crt",
		program, program+":/opt/bin/second")

	image, err := tarball.ImageFromPath(out, nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c := config.Config
	if !slices.Equal(c.Entrypoint, []string{"/worker", "run"}) || c.User != "1000:1000" || c.Labels["x"] != "y" || !slices.Contains(c.Env, "A=b") {
		t.Errorf("unexpected configuration %+v", c)
	}

	type file struct {
		mode    int64
		content string
	}
	want := map[string]file{
		"worker":                            {0o755, "program"},
		"opt/bin/second":                    {0o755, "program"},
		"opt":                               {0o755, ""},
		"tmp":                               {0o1777, ""},
		"etc/ssl/certs/ca-certificates.crt": {0o644, "certificates"},
	}
	got := map[string]file{}
	r := tar.NewReader(mutate.Extract(image))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got[strings.TrimSuffix(h.Name, "/")] = file{h.Mode, string(content)}
	}
	for name, w := range want {
		if got[name] != w {
			t.Errorf("%s: got %+v, want %+v", name, got[name], w)
		}
	}
}

func TestParseRefusesWhatCannotWork(t *testing.T) {
	program := writeFile(t, t.TempDir(), "worker", "program")
	good := []string{"--tag", "a/b:c", "--out", "x.tar", "--entrypoint", "/worker"}
	for name, args := range map[string][]string{
		"no program":             good,
		"missing program":        append(slices.Clone(good), "nowhere/worker"),
		"relative destination":   append(slices.Clone(good), program+":worker"),
		"file without a place":   append(slices.Clone(good), "--file", program, program),
		"label without a value":  append(slices.Clone(good), "--label", "x", program),
		"tag of capital letters": append(slices.Clone(good), "--tag", "A/B", program),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parse(args); err == nil {
				t.Error("got no error")
			}
		})
	}
}

func makeImage(t *testing.T, args ...string) {
	t.Helper()
	o, err := parse(args)
	if err != nil {
		t.Fatal(err)
	}
	if err := run(o); err != nil {
		t.Fatal(err)
	}
}

func writeFile(t *testing.T, dir, name, content string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
