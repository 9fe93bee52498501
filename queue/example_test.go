package queue_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/queue"
)

// A producer needs a client and the channel's name.
func ExampleQueue_Push() {
	rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
	defer func() { _ = rdb.Close() }()
	orders, err := queue.New(rdb, "{orders}")
	if err != nil {
		panic(err)
	}
	event := []byte(`{"specversion": "1.0", "type": "order.paid", "source": "/shop", "id": "4711", "data": {"order": 4711}}`)
	err = orders.Push(context.Background(), event)
	switch {
	case errors.Is(err, queue.ErrUnknownOutcome):
		fmt.Println("pushed, or not: the answer was lost") // push again only if handling it twice does no harm
	case err != nil:
		fmt.Println("not pushed:", err)
	}
}

// The same bytes pushed again move the message to the new time.
func ExampleQueue_PushDelayed() {
	rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
	defer func() { _ = rdb.Close() }()
	orders, err := queue.New(rdb, "{orders}")
	if err != nil {
		panic(err)
	}
	event := []byte(`{"specversion": "1.0", "type": "order.remind", "source": "/shop", "id": "4711", "data": {"order": 4711}}`)
	added, err := orders.PushDelayed(context.Background(), 15*time.Minute, event)
	if err != nil {
		panic(err)
	}
	fmt.Println("new:", added == 1)
}

func ExampleQueue_Counts() {
	rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
	defer func() { _ = rdb.Close() }()
	orders, err := queue.New(rdb, "{orders}")
	if err != nil {
		panic(err)
	}
	counts, err := orders.Counts(context.Background(), 10*time.Second)
	if err != nil {
		panic(err)
	}
	fmt.Println(counts.Waiting, "waiting,", counts.Due, "due within 10 s")
}

// The loop of a worker, without its error handling: worker.New does all of this.
func ExampleConsumer() {
	ctx := context.Background()
	rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
	orders, err := queue.New(rdb, "{orders}")
	if err != nil {
		panic(err)
	}
	consumer, err := orders.NewConsumer(queue.ConsumerConfig{HandleTimeout: 10 * time.Second})
	if err != nil {
		panic(err)
	}
	if err := consumer.Register(ctx); err != nil {
		panic(err)
	}
	var done []queue.RunID
	for {
		answer, err := consumer.Exchange(ctx, done, 10)
		if err != nil {
			continue // with the same ids
		}
		done = done[:0]
		for _, run := range answer.Runs {
			fmt.Printf("%s\n", run.Payload)
			done = append(done, run.ID)
		}
		if len(done) == 0 {
			_, _ = consumer.Await(ctx, 2*time.Second)
		}
	}
}
