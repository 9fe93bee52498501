package command_test

import (
	"context"
	"os"

	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/command"
)

type mail struct{ To string }

// A program with handlers of its own that can do all that the worker image can.
func ExampleMain() {
	mux := worker.NewMux()
	worker.Handle(mux, "mail.send", func(context.Context, worker.TypedJob[mail]) error { return nil })
	_ = func() { command.Main(mux) } // in main
}

// The same without the end of the process.
func ExampleExecute() {
	command.Execute(context.Background(), nil, []string{"worker", "push", "--help"}, command.IO{
		Out: os.Stdout, Err: os.Stderr, LookupEnv: os.LookupEnv,
	})
}
