package queue

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

var errCut = errors.New("connection cut by the test")

// fault is a client hook that cuts one command off: before Redis gets it, or after it was carried
// out, so that the answer is lost.
type fault struct {
	mu     sync.Mutex
	armed  bool
	answer bool // lose the answer, not the request
}

// newFaultyQueue returns a queue on the same channel whose next command fails when armed.
func newFaultyQueue(t testing.TB, q *Queue) (*Queue, *fault) {
	t.Helper()
	rdb := newSharedClient(t)
	t.Cleanup(func() { _ = rdb.Close() })
	f := &fault{}
	rdb.AddHook(f)
	faulty, err := New(rdb, q.Channel())
	if err != nil {
		t.Fatal(err)
	}
	return faulty, f
}

func (f *fault) loseRequest() { f.arm(false) }
func (f *fault) loseAnswer()  { f.arm(true) }

func (f *fault) arm(answer bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed, f.answer = true, answer
}

func (f *fault) fire() (cut, answer bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	cut, answer = f.armed, f.answer
	f.armed = false
	return cut, answer
}

// DialHook passes on.
func (f *fault) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook cuts a command off if armed.
func (f *fault) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		cut, answer := f.fire()
		if !cut {
			return next(ctx, cmd)
		}
		if answer {
			if err := next(ctx, cmd); redis.HasErrorPrefix(err, "NOSCRIPT") {
				f.arm(true) // the command that counts comes next
				return err
			}
		}
		cmd.SetErr(errCut)
		return errCut
	}
}

// ProcessPipelineHook cuts a pipeline off if armed.
func (f *fault) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		cut, answer := f.fire()
		if !cut {
			return next(ctx, cmds)
		}
		if answer {
			_ = next(ctx, cmds)
		}
		for _, cmd := range cmds {
			cmd.SetErr(errCut)
		}
		return errCut
	}
}
