package poll

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"k8s.io/apimachinery/pkg/types"

	"github.com/asyncqueue/operator/internal/redistest"
)

// Redis may lose a gate, or somebody may open it by hand.
func TestGatesAreRenewed(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: redistest.Shared(t), Protocol: 2})
	t.Cleanup(func() { _ = rdb.Close() })
	queues := map[types.NamespacedName]Target{{Name: "renewed"}: {Gate: Gate{Key: "c:IS_PUSH_renewed", Closed: true}}}
	g := gates{known: map[types.NamespacedName]gateState{}}
	began := time.Now()
	for _, step := range []struct {
		after time.Duration
		want  int64
	}{{0, 1}, {gateEvery - time.Second, 0}, {gateEvery, 1}, {2*gateEvery - time.Second, 0}, {2 * gateEvery, 1}} {
		if err := rdb.Del(t.Context(), "c:IS_PUSH_renewed").Err(); err != nil {
			t.Fatal(err)
		}
		g.set(t.Context(), rdb, queues, began.Add(step.after))
		if got := rdb.Exists(t.Context(), "c:IS_PUSH_renewed").Val(); got != step.want {
			t.Errorf("after %v the gate is there %d times, want %d", step.after, got, step.want)
		}
	}
	queues[types.NamespacedName{Name: "renewed"}] = Target{}
	g.set(t.Context(), rdb, queues, began.Add(time.Hour))
	if len(g.known) != 0 {
		t.Error("a gate that is left alone is remembered")
	}
}
