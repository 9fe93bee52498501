package worker

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRecycling(t *testing.T) {
	tests := map[string]struct {
		maxMessages int
		act         func(b *bench)
		wantErr     error
		wantAcked   int
		wantTook    time.Duration
	}{
		"never":                        {0, func(b *bench) { time.Sleep(time.Minute); b.stop() }, nil, 7, time.Minute},
		"after four messages":          {4, func(*bench) {}, ErrRecycled, 4, 8 * time.Second},
		"after an odd number":          {5, func(*bench) {}, ErrRecycled, 5, 12 * time.Second},
		"not by fewer messages":        {8, func(b *bench) { time.Sleep(time.Minute); b.stop() }, nil, 7, time.Minute},
		"when it is asked for":         {0, func(b *bench) { time.Sleep(time.Second); b.worker.Recycle() }, ErrRecycled, 2, 4 * time.Second},
		"not when stopped meanwhile":   {4, func(b *bench) { time.Sleep(5 * time.Second); b.stop() }, nil, 4, 8 * time.Second},
		"not when stopped before that": {4, func(b *bench) { b.stop() }, nil, 2, 4 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := messages("job", 7)
				store := newFakeStore(all...)
				began := time.Now()
				b := start(t, store, func(context.Context, *Job) error { time.Sleep(4 * time.Second); return nil },
					func(c *Config) { c.MaxMessages = test.maxMessages })
				go test.act(b)
				if err := <-b.ended; !errors.Is(err, test.wantErr) {
					t.Errorf("Run: %v, want %v", err, test.wantErr)
				}
				if took := time.Since(began); took != test.wantTook {
					t.Errorf("Run took %s, want %s", took, test.wantTook)
				}
				var handled []string
				store.look(func() { handled = append(slices.Clone(store.acked), store.waiting...) })
				slices.Sort(handled)
				if diff := cmp.Diff(all, handled); diff != "" {
					t.Errorf("acknowledged and waiting (-want +got):\n%s", diff)
				}
				b.checkStore("number acknowledged", func(s *fakeStore) any { return len(s.acked) }, test.wantAcked)
				b.checkStore("in hand", held, 0)
			})
		})
	}
}
