package queue

import (
	"testing"

	"github.com/asyncqueue/operator/internal/redisconn"
	"github.com/asyncqueue/operator/internal/redistest"
)

// Every move works on every kind of Redis, and on a cluster keeps to one slot.
func TestOnEveryKindOfRedis(t *testing.T) {
	watcher, _ := redistest.StartSentinel(t)
	for name, url := range map[string]string{
		"standalone": "redis://" + redistest.Shared(t) + "/1",
		"sentinel":   "redis-sentinel://" + watcher + "?master=mymaster",
		"cluster":    "redis-cluster://" + redistest.StartCluster(t),
	} {
		t.Run(name, func(t *testing.T) {
			rdb, err := redisconn.New(redisconn.Config{URL: url})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = rdb.Close() })
			var keepers []*Keeper
			for _, channel := range []string{"{a}", "jobs{b}", "{c}:d"} {
				q, err := New(rdb, channel)
				if err != nil {
					t.Fatal(err)
				}
				if err := q.Probe(t.Context()); err != nil {
					t.Error(err)
				}
				mustPush(t, q, "x")
				keepers = append(keepers, q.NewKeeper(KeeperConfig{}))
			}
			for _, result := range TendAll(t.Context(), rdb, keepers) {
				if result.Err != nil || result.Tended.Waiting != 1 {
					t.Errorf("%+v", result)
				}
			}
		})
	}
}
