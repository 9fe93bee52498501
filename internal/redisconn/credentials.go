package redisconn

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// readCredential returns the content of one file of a credentials folder, without the line end that
// editors leave; an absent file is empty.
func readCredential(dir, name string) (string, error) {
	content, err := os.ReadFile(filepath.Join(dir, name)) //nolint:gosec // the folder is configuration
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading credentials: %w", err)
	}
	return strings.TrimRight(string(content), "\r\n"), nil
}

// readPair returns user name and password from a credentials folder.
func readPair(dir string) (username, password string, err error) {
	if username, err = readCredential(dir, "username"); err != nil {
		return "", "", err
	}
	password, err = readCredential(dir, "password")
	return username, password, err
}

// useCredentialsURI lets the file uri of the credentials folder, if there is one, replace the URL.
func (c *Config) useCredentialsURI() error {
	if c.CredentialsDir == "" {
		return nil
	}
	if _, err := os.Stat(c.CredentialsDir); err != nil {
		return fmt.Errorf("CredentialsDir: %w", err)
	}
	uri, err := readCredential(c.CredentialsDir, "uri")
	if err != nil {
		return fmt.Errorf("CredentialsDir: %w", err)
	}
	if uri != "" {
		c.URL, c.CredentialsDir = uri, ""
	}
	return nil
}
