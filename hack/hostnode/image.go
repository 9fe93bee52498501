//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// images maps an image reference to the host path that stands for it: a
// program, or a directory that stands for a whole file system. Whether it is
// there is seen when a container starts: it may be built later. It is a
// flag.Value.
type images map[string]string

// errUnknownImage means that the reference is not in the table.
var errUnknownImage = errors.New("image is not known to this node, which runs host programs only")

// String lists the known references.
func (m images) String() string {
	refs := make([]string, 0, len(m))
	for ref := range m {
		refs = append(refs, ref)
	}
	slices.Sort(refs)
	return strings.Join(refs, ",")
}

// Set adds one "ref=path".
func (m images) Set(s string) error {
	ref, path, ok := strings.Cut(s, "=")
	if !ok || ref == "" || path == "" {
		return fmt.Errorf("%q is not ref=PROGRAM", s)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("resolving %q: %w", path, err)
	}
	m[normal(ref)] = abs
	return nil
}

// normal drops the parts of a reference that mean nothing, as registries do.
func normal(ref string) string {
	ref = strings.TrimPrefix(ref, "docker.io/")
	return strings.TrimPrefix(ref, "library/")
}

// find returns the host path of a reference and whether it is a directory.
func (m images) find(ref string) (path string, isDir bool, err error) {
	path, ok := m[normal(ref)]
	if !ok {
		return "", false, fmt.Errorf("%q: %w", ref, errUnknownImage)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", false, fmt.Errorf("image %q is not there (yet): %w", ref, err)
	}
	return path, info.IsDir(), nil
}

// program returns the host program that command starts in the image; an empty
// command is the image's own program.
func (m images) program(ref, command string) (string, error) {
	source, isDir, err := m.find(ref)
	switch {
	case err != nil:
		return "", err
	case isDir && command == "":
		return "", fmt.Errorf("image %q has no program of its own: the container needs a command", ref)
	case isDir:
		return inDirectory(source, command)
	case command == "" || filepath.Base(command) == filepath.Base(source):
		return source, nil
	}
	return "", fmt.Errorf("command %q: image %q holds only %q", command, ref, filepath.Base(source))
}

// inDirectory looks a command up in an image that is a directory, in the
// places where a shell would look.
func inDirectory(root, command string) (string, error) {
	places := []string{command}
	if !strings.Contains(command, "/") {
		places = places[:0]
		for _, dir := range strings.Split(defaultPath, ":") {
			places = append(places, filepath.Join(dir, command))
		}
		places = append(places, command)
	}
	for _, p := range places {
		full := filepath.Join(root, p)
		if info, err := os.Stat(full); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return full, nil
		}
	}
	return "", fmt.Errorf("command %q is no program in the image", command)
}
