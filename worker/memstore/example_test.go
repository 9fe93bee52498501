package memstore_test

import (
	"context"
	"fmt"

	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/memstore"
	"github.com/asyncqueue/operator/worker/payload"
)

// A whole worker without Redis.
func Example() {
	q := memstore.New(memstore.Config{})
	mux := worker.NewMux()
	worker.Handle(mux, "greet", func(_ context.Context, job worker.TypedJob[struct{ Name string }]) error {
		fmt.Println("hello", job.Args.Name)
		return nil
	})
	w, err := worker.New(worker.Config{Store: q.NewConsumer(), Keeper: q}, mux)
	if err != nil {
		fmt.Println(err)
		return
	}
	raw, err := payload.NewCloudEvent(payload.Event{Type: "greet", Source: "/example", Data: map[string]string{"name": "ada"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()

	_ = q.Push(ctx, raw) // it never fails
	_ = q.AwaitRest(ctx)
	stop()
	fmt.Println("ended:", <-ended, "done:", q.Done())
	// Output:
	// hello ada
	// ended: <nil> done: 1
}
