package crew

import (
	"context"
	"errors"
	"os"
	"strconv"

	"github.com/asyncqueue/operator/internal/workerenv"
	"github.com/asyncqueue/operator/test/fault/ledger"
	"github.com/asyncqueue/operator/worker/command"
)

// runCommand is the command line of the worker image, with a handler of its own.
func (o Order) runCommand(ctx context.Context, books *ledger.Writer) error {
	life := func() string { return o.Name }
	status := command.Execute(ctx, &handler{books: books, life: life, mortal: &mortal{}}, []string{
		"worker", "run",
		"--" + workerenv.Named(workerenv.Redis).Flag(), o.Redis,
		"--" + workerenv.Named(workerenv.Channel).Flag(), o.Channel,
		"--" + workerenv.Named(workerenv.Concurrency).Flag(), strconv.Itoa(o.Concurrency),
		"--" + workerenv.Named(workerenv.Listen).Flag() + "=",
	}, command.IO{Out: os.Stdout, Err: os.Stderr, LookupEnv: func(string) (string, bool) { return "", false }})
	if status != 0 {
		return errors.New("the worker ended with exit status " + strconv.Itoa(status))
	}
	return nil
}
