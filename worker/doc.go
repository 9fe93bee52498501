// Package worker consumes one queue: it claims messages, hands each to a
// Handler, and settles what the handler answered.
//
// A handler is a Go function. What it returns decides what becomes of the
// message:
//
//	mux := worker.NewMux()
//	mux.HandleFunc("order.paid", func(ctx context.Context, job *worker.Job) error {
//		var order Order
//		if err := job.Bind(&order); err != nil {
//			return worker.Fail(err) // no retry can mend it
//		}
//		return ship(ctx, order) // an error is retried while attempts are left
//	})
//
//	w, err := worker.New(worker.Config{Store: consumer, Keeper: keeper}, mux)
//	...
//	err = w.Run(ctx) // until ctx is cancelled; then it drains
//
// A program that wants the flags, environment variables and endpoints of the
// worker image calls command.Main with its handler instead.
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
// # The handle timeout
//
// A run that takes longer than Config.HandleTimeout is not stopped: its message
// moves to `timeout`, and the run goes on until it ends. Should it fail after
// that, it is not retried.
//
// # How it works
//
// One goroutine, the loop, owns all bookkeeping. It claims only as many messages
// as it has free slots; each runs in a goroutine of its own, which leaves its
// task on a lock-free stack when it ends. What ended during one exchange with
// Redis is acknowledged by the next, so that a message that went well costs no
// command of its own. Everything else that can become of a message is one call,
// made by the goroutine that ran it and repeated until Redis has taken it.
package worker
