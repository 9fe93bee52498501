//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// file is what a volume shows under one path.
type file struct {
	data []byte
	mode fs.FileMode
}

// writeFiles makes dir hold exactly these files, by path below it. A file that
// has not changed is not touched, one that has is replaced in one step.
func writeFiles(dir string, files map[string]file) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the volume: %w", err)
	}
	for name, f := range files {
		if !filepath.IsLocal(name) {
			return fmt.Errorf("path %q leaves the volume", name)
		}
		if err := writeFile(filepath.Join(dir, name), f); err != nil {
			return err
		}
	}
	return removeOthers(dir, files)
}

func writeFile(path string, f file) error {
	old, err := os.ReadFile(path)
	if err == nil && bytes.Equal(old, f.data) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("making a folder in the volume: %w", err)
	}
	tmp := filepath.Join(filepath.Dir(path), "..new."+filepath.Base(path))
	if err := os.WriteFile(tmp, f.data, 0o600); err != nil {
		return fmt.Errorf("writing into the volume: %w", err)
	}
	// The owner is the pod's user too: it must be able to read.
	if err := os.Chmod(tmp, f.mode|0o400); err != nil {
		return fmt.Errorf("setting the mode of a file: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("replacing a file in the volume: %w", err)
	}
	return nil
}

func removeOthers(dir string, keep map[string]file) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if _, ok := keep[name]; ok {
			return nil
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing a stale file from the volume: %w", err)
		}
		return nil
	})
}
