package worker

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// Every message that is claimed begins at once, however long the others take, and also after handlers
// that ended their goroutines; and a later batch finds the members of the first one.
func TestTheCrewStartsEveryRunAtOnce(t *testing.T) {
	tests := map[string]func(context.Context, *Job) error{
		"that ends well":          func(context.Context, *Job) error { time.Sleep(time.Second); return nil },
		"that ends its goroutine": func(context.Context, *Job) error { time.Sleep(time.Second); runtime.Goexit(); return nil },
	}
	for name, handle := range tests {
		t.Run("a handler "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const slots, batches = 20, 3
				store := newFakeStore(messages("job", slots*batches)...)
				b := start(t, store, handle, func(c *Config) { c.Concurrency = slots })
				for batch := range batches {
					synctest.Wait()
					b.checkStore("in hand", held, slots)
					if batch < batches-1 {
						time.Sleep(time.Second)
					}
				}
				time.Sleep(time.Second)
				synctest.Wait()
				b.checkStore("in hand", held, 0)
				b.stop()
				if err := <-b.ended; err != nil {
					t.Error(err)
				}
			})
		})
	}
}
