package storetest_test

import (
	"testing"

	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/worker/memstore"
	"github.com/asyncqueue/operator/worker/storetest"
)

// t is what a test gets.
var t *testing.T

// A store of one's own is held to the contract by a test of its own.
func ExampleRun() {
	texts := func(payloads [][]byte) (list []string) {
		for _, p := range payloads {
			list = append(list, string(p))
		}
		return list
	}
	storetest.Run(t, func(t *testing.T) storetest.Site {
		q := memstore.New(memstore.Config{})
		return storetest.Site{
			Store: q.NewConsumer(),
			Push: func(payloads ...string) {
				for _, p := range payloads {
					_ = q.Push(t.Context(), []byte(p))
				}
			},
			Look: func() storetest.Standing {
				return storetest.Standing{
					Waiting: texts(q.Messages(queue.Waiting)), Delayed: texts(q.Messages(queue.Delayed)),
					Timeout: texts(q.Messages(queue.Timeout)), Failed: texts(q.Messages(queue.Failed)),
				}
			},
			Tend: func() error { _, err := q.Tend(t.Context()); return err },
		}
	})
}
