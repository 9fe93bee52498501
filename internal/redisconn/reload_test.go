package redisconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
)

// The nodes of a cluster are looked for anew when one of them is gone, not when it refuses a command.
func TestReloaderLooksForNodesWhenOneIsGone(t *testing.T) {
	tests := map[string]struct {
		err  error
		want int
	}{
		"an answer":            {err: nil},
		"nothing there":        {err: redis.Nil},
		"a refusal":            {err: refusal("NOPERM no")},
		"the caller gave up":   {err: fmt.Errorf("getting: %w", context.Canceled)},
		"nobody listens":       {err: &net.OpError{Op: "dial", Err: errors.New("connection refused")}, want: 1},
		"the connection broke": {err: io.EOF, want: 1},
		"no answer in time":    {err: context.DeadlineExceeded, want: 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			reloads := 0
			r := &reloader{reload: func(context.Context) { reloads++ }}
			one := r.ProcessHook(func(context.Context, redis.Cmder) error { return test.err })
			if err := one(t.Context(), redis.NewCmd(t.Context(), "ping")); !errors.Is(err, test.err) {
				t.Errorf("error %v, want %v", err, test.err)
			}
			if reloads != test.want {
				t.Errorf("%d reloads after a command, want %d", reloads, test.want)
			}
			many := r.ProcessPipelineHook(func(context.Context, []redis.Cmder) error { return test.err })
			if err := many(t.Context(), nil); !errors.Is(err, test.err) {
				t.Errorf("error %v, want %v", err, test.err)
			}
			if reloads != 2*test.want {
				t.Errorf("%d reloads after a pipeline too, want %d", reloads, 2*test.want)
			}
		})
	}
}

// A client of a cluster still works with the hook in place.
func TestClusterClientReloads(t *testing.T) {
	client, err := New(Config{URL: "redis-cluster://" + redistest.StartCluster(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if err := client.Set(t.Context(), "a", "b", 0).Err(); err != nil {
		t.Error(err)
	}
}

// refusal is an answer of Redis.
type refusal string

// Error returns the answer.
func (r refusal) Error() string { return string(r) }

// RedisError marks it as one.
func (refusal) RedisError() {}
