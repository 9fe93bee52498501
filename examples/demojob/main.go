// Command demojob is a worker with handlers of its own, to be copied: what the
// demo's queues run. It has all flags, endpoints and subcommands of the worker.
//
//	App\Job\DemoJob, demo.job    sleeps 1 + 2 + 1 s and logs start, running, end
//	App\Job\NoopJob, demo.noop   does nothing
//	App\Job\FailJob, demo.fail   fails
//	App\Job\LeakJob, demo.leak   takes 16 MiB of memory and keeps them
//
// The names on the left are classes, as PHP producers send them; those on the
// right are types of CloudEvents.
package main

import (
	"log/slog"
	"os"

	"github.com/asyncqueue/operator/worker/command"
)

func main() {
	command.Main(newJobs(slog.New(slog.NewJSONHandler(os.Stderr, nil))))
}
