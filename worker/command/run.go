package command

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"github.com/asyncqueue/operator/internal/redisconn"
	"github.com/asyncqueue/operator/internal/version"
	"github.com/asyncqueue/operator/internal/workerenv"
	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/endpoint"
)

// connections is how many connections a worker keeps besides those that move
// messages of failed runs: two exchanges, await, beat, tend.
const connections = 5

// mostMoves bounds the connections that move messages of failed runs.
const mostMoves = 16

func (c *cli) runCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "run [flags] [-- command...]",
		Short: "Consume messages until SIGTERM (the default)",
		Args: func(command *cobra.Command, args []string) error {
			if dash := command.ArgsLenAtDash(); len(args) > 0 && dash != 0 {
				return usagef("reading the arguments: %q is not a command", args[0])
			}
			return nil
		},
		RunE: func(command *cobra.Command, args []string) error {
			if len(args) > 0 {
				if len(c.settings.Exec) > 0 {
					return usagef("reading the arguments: a command after -- excludes --%s", workerenv.Named(workerenv.Exec).Flag())
				}
				c.settings.Exec = args
			}
			return c.consume(command.Context())
		},
	}
	c.bind(command.Flags(), allFlags())
	return command
}

// consume wires a worker and runs it until ctx is cancelled.
func (c *cli) consume(ctx context.Context) error {
	s := c.settings
	if err := s.Validate(); err != nil {
		return &usageError{err}
	}
	log := c.logger()
	c.collectLess()
	handler, err := c.chooseHandler()
	if err != nil {
		return err
	}
	handler, flushTraces, err := c.traced(ctx, handler)
	if err != nil {
		return err
	}
	defer flushTraces()
	rdb, err := redisconn.New(c.redis("worker", connections+min(s.Concurrency, mostMoves)))
	if err != nil {
		return &usageError{err}
	}
	defer func() { _ = rdb.Close() }() // nothing is written any more
	q, err := queue.New(rdb, s.Channel)
	if err != nil {
		return &usageError{err}
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	w, err := c.newWorker(q, handler, worker.NewMetrics(registry), log)
	if err != nil {
		return err
	}
	stopServing, err := c.serve(ctx, c.endpoints(w, registry), log)
	if err != nil {
		return err
	}
	defer stopServing()
	log.Info("Starting.", "version", version.Version, "channel", s.Channel, "concurrency", s.Concurrency,
		"queue", s.Queue, "pod", s.Pod)
	if err := probe(ctx, rdb, q, log); err != nil {
		return err
	}
	if s.MaxMemoryPercent > 0 {
		watching, stop := context.WithCancel(ctx)
		defer stop()
		go c.memory.run(watching, s.MaxMemoryPercent, w.Recycle, log)
	}
	if err := w.Run(ctx); err != nil {
		return err
	}
	log.Info("Stopped.")
	return nil
}

func (c *cli) newWorker(q *queue.Queue, h worker.Handler, m *worker.Metrics, log *slog.Logger) (*worker.Worker, error) {
	s := c.settings
	loss := queue.Park
	if s.OnWorkerLoss == workerenv.LossImmediately {
		loss = queue.Redeliver
	}
	consumer, err := q.NewConsumer(queue.ConsumerConfig{
		ID: s.Pod, Pod: s.Pod, Owner: s.Owner,
		HandleTimeout: s.Handle, Loss: loss, MaxReloads: s.MaxReloads, MaxMessageBytes: s.MaxMessageBytes,
	})
	if err != nil {
		return nil, err
	}
	var turn worker.Turn
	if s.Exclusive {
		turn = q.NewTurn()
	}
	return worker.New(worker.Config{
		Turn:            turn,
		Store:           consumer,
		Keeper:          q.NewKeeper(queue.KeeperConfig{Loss: loss, MaxReloads: s.MaxReloads}),
		Concurrency:     s.Concurrency,
		Pop:             s.Pop,
		HandleTimeout:   s.Handle,
		OnHandleTimeout: worker.HandleTimeoutPolicy(s.OnHandleTimeout),
		OnLateSuccess:   worker.LateSuccessPolicy(s.OnLateSuccess),
		Retry:           s.Retry,
		MaxAttempts:     s.MaxAttempts,
		MaxMessages:     s.MaxMessages,
		Drain:           s.DrainTimeout(),
		ContinueLost:    loss != queue.Redeliver,
		Listeners:       []worker.Listener{worker.NewJobLog(log, worker.JobLog(s.JobLog))},
		Metrics:         m,
		Logger:          log,
	}, h)
}

// endpoints are probes, metrics and, on request, profiles.
func (c *cli) endpoints(w *worker.Worker, g prometheus.Gatherer) http.Handler {
	if c.settings.Pprof {
		return endpoint.WithProfiles(endpoint.Handler(w, g))
	}
	return endpoint.Handler(w, g)
}

// serve answers probes until the returned function is called. They go on during
// the drain.
func (c *cli) serve(ctx context.Context, h http.Handler, log *slog.Logger) (stop func(), err error) {
	if c.settings.Listen == "" {
		return func() {}, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.settings.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening for probes: %w", err)
	}
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := endpoint.Serve(serving, listener, h); err != nil {
			log.Error("Probes and metrics are not served any more.", "error", err)
		}
	}()
	return func() { cancel(); <-done }, nil
}

func (c *cli) logger() *slog.Logger {
	var handler slog.Handler = slog.NewJSONHandler(c.streams.Err, nil)
	if c.settings.LogFormat == workerenv.LogText {
		handler = slog.NewTextHandler(c.streams.Err, nil)
	}
	return slog.New(handler)
}

// source is the source of CloudEvents made from messages that carry none.
func (c *cli) source() string {
	if c.settings.Queue != "" {
		return "asyncqueue/" + c.settings.Queue
	}
	return "asyncqueue/" + c.settings.Channel
}
