package queue

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
)

// S19: PHP's producers refuse to push while the cache says false, strictly.
func TestS19TheIntakeGate(t *testing.T) {
	tests := map[string]struct {
		value      any // nil: no such key
		wantClosed bool
	}{
		"no value":          {nil, false},
		"false":             {"b:0;", true},
		"true":              {"b:1;", false},
		"zero is not false": {"i:0;", false},
		"null is not false": {"N;", false},
		"empty":             {"", false},
		"not PHP's":         {"false", false},
	}
	if got := IntakeKey(DefaultIntakePrefix, "orders"); got != "c:IS_PUSH_orders" {
		t.Errorf("IntakeKey = %s", got)
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			q, ctx := newTestQueue(t), t.Context()
			gate := IntakeKey(DefaultIntakePrefix, q.Channel())
			if test.value != nil {
				if err := q.rdb.Set(ctx, gate, test.value, 0).Err(); err != nil {
					t.Fatal(err)
				}
			}
			p, err := q.NewProducer(ProducerConfig{IntakeKey: gate})
			if err != nil {
				t.Fatal(err)
			}
			_, delayedErr := p.PushDelayed(ctx, time.Hour, []byte("later"))
			for _, err := range []error{p.Push(ctx, []byte("a"), []byte("b")), delayedErr} {
				if errors.Is(err, ErrIntakeClosed) != test.wantClosed || (err != nil) != test.wantClosed {
					t.Errorf("error %v, want closed: %v", err, test.wantClosed)
				}
			}
			want := snapshot{"waiting": {"b", "a"}, "delayed": {"later"}}
			if test.wantClosed {
				want = snapshot{}
			}
			wantState(t, q, want)
		})
	}
}

// A gate that cannot be read does not let through.
func TestAGateThatCannotBeReadIsClosed(t *testing.T) {
	q, ctx := newTestQueue(t), t.Context()
	gate := q.Channel() + ":gate"
	if err := q.rdb.LPush(ctx, gate, "b:1;").Err(); err != nil {
		t.Fatal(err)
	}
	p, err := q.NewProducer(ProducerConfig{IntakeKey: gate})
	if err != nil {
		t.Fatal(err)
	}
	err = p.Push(ctx, []byte("a"))
	if err == nil || errors.Is(err, ErrIntakeClosed) || errors.Is(err, ErrUnknownOutcome) || !strings.Contains(err.Error(), "reading intake gate "+gate) {
		t.Errorf("got %v", err)
	}
	wantState(t, q, snapshot{})
}

// A durable push says that it stands, but on too few servers; with a replica it succeeds.
func TestADurablePushWaitsForReplicas(t *testing.T) {
	q, err := New(newTestClient(t, redistest.Start(t)), "{durable}")
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	p, err := q.NewProducer(ProducerConfig{Durable: Durable{Replicas: 1, Timeout: 20 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Push(ctx, []byte("a")); !errors.Is(err, ErrNotReplicated) || !strings.Contains(err.Error(), "0 of 1 replicas") {
		t.Errorf("without a replica: %v", err)
	}
	if added, err := p.PushDelayed(ctx, time.Hour, []byte("b")); added != 1 || !errors.Is(err, ErrNotReplicated) {
		t.Errorf("with a delay: %d, %v", added, err)
	}
	wantState(t, q, snapshot{"waiting": {"a"}, "delayed": {"b"}})

	replica := newTestClient(t, redistest.Start(t))
	host, port, _ := strings.Cut(q.rdb.(*redis.Client).Options().Addr, ":")
	if err := replica.Do(ctx, "replicaof", host, port).Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "the replica to be in step", func() bool {
		info, err := q.rdb.Info(ctx, "replication").Result()
		return err == nil && strings.Contains(info, "state=online")
	})
	p.cfg.Durable.Timeout = 10 * time.Second
	if err := p.Push(ctx, []byte("c")); err != nil {
		t.Error(err)
	}
	if n, err := replica.LLen(ctx, q.keys.waiting).Result(); err != nil || n != 2 {
		t.Errorf("%d messages on the replica, %v", n, err)
	}
}

func TestNewProducerRefuses(t *testing.T) {
	q := newTestQueue(t)
	for _, cfg := range []ProducerConfig{{Durable: Durable{Replicas: -1}}, {Durable: Durable{Replicas: 1, Timeout: -1}}} {
		if _, err := q.NewProducer(cfg); err == nil || !strings.Contains(err.Error(), "Durable") {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}
