package queue

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
)

// Every move keeps to one slot.
func TestOnACluster(t *testing.T) {
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{redistest.StartCluster(t)}})
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
}
