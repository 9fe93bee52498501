package queue

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

func TestNewRefuses(t *testing.T) {
	plain := newTestClient(t, "127.0.0.1:1")
	cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}})
	t.Cleanup(func() { _ = cluster.Close() })
	tests := map[string]struct {
		rdb     redis.UniversalClient
		channel string
		wantErr bool
	}{
		"no client":                       {nil, "c", true},
		"no channel":                      {plain, "", true},
		"no hash tag":                     {plain, "redis-queue", false},
		"no hash tag on a cluster":        {cluster, "redis-queue", true},
		"an empty hash tag on a cluster":  {cluster, "{}queue", true},
		"an open hash tag on a cluster":   {cluster, "{queue", true},
		"a hash tag on a cluster":         {cluster, "{queue}", false},
		"a hash tag inside, on a cluster": {cluster, "my{queue}s", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			q, err := New(test.rdb, test.channel)
			if (err != nil) != test.wantErr {
				t.Fatal(err)
			}
			if err == nil && q.Channel() != test.channel {
				t.Error(q.Channel())
			}
		})
	}
}

func TestConsumerConfig(t *testing.T) {
	q := newTestQueue(t)
	tests := map[string]struct {
		cfg     ConsumerConfig
		wantErr bool
	}{
		"all defaults":            {ConsumerConfig{}, false},
		"a slash in the ID":       {ConsumerConfig{ID: "a/b"}, true},
		"a colon in the ID":       {ConsumerConfig{ID: "a:b"}, true},
		"a negative timeout":      {ConsumerConfig{HandleTimeout: -1}, true},
		"an unknown policy":       {ConsumerConfig{Loss: "drop"}, true},
		"a negative reload bound": {ConsumerConfig{MaxReloads: -1}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := q.NewConsumer(test.cfg)
			if (err != nil) != test.wantErr {
				t.Fatal(err)
			}
			if err == nil && c.cfg.HandleTimeout != 10*time.Second {
				t.Error(c.cfg.HandleTimeout)
			}
		})
	}
}

func TestStates(t *testing.T) {
	want := []State{"waiting", "delayed", "reserved", "timeout", "failed"}
	if diff := cmp.Diff(want, States()); diff != "" {
		t.Error(diff)
	}
	for _, state := range want {
		if got, err := ParseState(string(state)); got != state || err != nil {
			t.Error(got, err)
		}
	}
	if _, err := ParseState("Waiting"); err == nil {
		t.Error("parsed another spelling")
	}
}

func TestOutcomesReadWell(t *testing.T) {
	for outcome, want := range map[Outcome]string{Moved: "moved", WasLate: "late", WasLost: "lost", 0: "unknown"} {
		if outcome.String() != want {
			t.Errorf("%d is %q", int(outcome), outcome)
		}
	}
}
