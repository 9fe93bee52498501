package command

import (
	"fmt"
	"os"
	"syscall"
)

// restart replaces this process by a fresh one of the same program, with the same
// arguments and environment: the process id stays, so that a container does not
// end, and no back-off follows. Open files are closed by it.
func restart() error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding the worker's own program: %w", err)
	}
	if err := syscall.Exec(program, os.Args, os.Environ()); err != nil { //nolint:gosec // this very program
		return fmt.Errorf("replacing the worker's process by %s: %w", program, err)
	}
	return nil
}
