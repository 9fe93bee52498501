package command

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// installCommand copies the program itself: an init container brings the worker into
// a pod whose image does not have it.
func (c *cli) installCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "install FILE",
		Short: "Copy this program to FILE, for a container of another image",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !filepath.IsAbs(args[0]) {
				return usagef("reading the arguments: want one absolute path")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return install(args[0]) },
	}
}

// install writes beside the file first, so that nobody ever starts half a program.
func install(file string) (err error) {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding the worker's own program: %w", err)
	}
	from, err := os.Open(filepath.Clean(program))
	if err != nil {
		return fmt.Errorf("reading the worker's own program: %w", err)
	}
	defer func() { _ = from.Close() }() // it was only read
	part := file + ".part"
	defer func() { _ = os.Remove(part) }() // most often it has its name by then
	if err := write(part, from); err != nil {
		return fmt.Errorf("installing %s: %w", file, err)
	}
	if err := os.Rename(part, file); err != nil {
		return fmt.Errorf("installing %s: %w", file, err)
	}
	return nil
}

func write(file string, from io.Reader) error {
	to, err := os.OpenFile(filepath.Clean(file), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755) //nolint:gosec // a program, to be started by any user
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, from); err != nil {
		_ = to.Close()
		return err
	}
	return to.Close()
}
