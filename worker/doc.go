// Package worker consumes one queue: it claims messages, hands each to a
// Handler, and settles what the handler answered.
//
// A handler is a Go function. What it returns decides what becomes of the
// message:
//
//	mux := worker.NewMux()
//	worker.Handle(mux, "order.paid", func(ctx context.Context, job worker.TypedJob[Order]) error {
//		return ship(ctx, job.Args) // an error is retried while attempts are left
//	}, worker.Timeout(5*time.Second))
//
//	rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379", MaxRetries: -1})
//	orders, err := queue.New(rdb, "{orders}")
//	consumer, err := orders.NewConsumer(queue.ConsumerConfig{})
//	w, err := worker.New(worker.Config{Store: consumer, Keeper: orders.NewKeeper(queue.KeeperConfig{})}, mux)
//	err = w.Run(ctx) // until ctx is cancelled; then it drains
//
// A program that wants the flags, environment variables and endpoints of the
// worker image calls command.Main(mux) instead of the last five lines. What
// producers push are the payloads of package payload. Handlers are tested without
// Redis by package workertest.
//
// # Outcomes
//
//	nil                   done; the message is acknowledged
//	an error, a panic     retried while attempts are left, then it stands in failed
//	RetryAfter(d, err)    the same, with a delay of its own
//	Requeue, RequeueAfter again later; no attempt is counted
//	Drop                  gone, without having been done
//	Fail(err)             failed at once
//	ErrUnknownType        no handler here: handed back, no attempt is counted
//
// They may be wrapped. A panic is recovered; its stack is in the event and in the
// log.
//
// # The context
//
// context.Cause(ctx) tells a handler why its context was cancelled:
//
//	ErrDraining  the worker stops, and its drain time is over
//	ErrLost      the worker had been taken for dead; the message was given to others
//	ErrTimeout   the job took longer than the middleware Timeout allows
//	ErrTurnLost  the turn at an exclusive queue could not be renewed; it wraps ErrLost
//	ErrHandleTimeout
//	             the handle timeout has passed, under the policy Cancel
//
// A handler that returns the context's error after ErrDraining or ErrLost has
// neither failed nor succeeded: the message goes the way of a lost worker's.
//
// # Middleware
//
// Mux.Use puts middleware around all handlers, and each registration takes some of
// its own, which runs inside. What is given first runs first. Timeout, Recover and
// Logging are here; another is a function of the type Middleware.
//
// # Events
//
// Config.Listeners are told of BeforeHandle, AfterHandle, FailedHandle,
// RetryHandle, TimeoutHandle, RequeueHandle and QueueLength. NewJobLog is a
// listener that writes log lines, Metrics one that counts.
//
// # The handle timeout
//
// A run that takes longer than Config.HandleTimeout is not stopped: its message
// moves to `timeout`, and the run goes on until it ends. Should it fail after
// that, it is not retried. Config.OnHandleTimeout and Config.OnLateSuccess choose
// otherwise: see Cancel and Remove.
//
// # How it works
//
// One goroutine, the loop, owns all bookkeeping. It claims only as many messages
// as it has free slots; each runs at once, on a goroutine that it has for itself
// until it ends, and then leaves its task on a lock-free stack. What ended during
// one exchange with Redis is acknowledged by the next, so that a message that went
// well costs no command of its own. Everything else that can become of a message is one call,
// made by the goroutine that ran it and repeated until Redis has taken it.
package worker
