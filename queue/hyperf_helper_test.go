package queue

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// hyperfReserve writes the reservation of a Hyperf consumer: a whole-second score.
func hyperfReserve(t *testing.T, q *Queue, payload string, handle time.Duration) {
	t.Helper()
	score := float64(time.Now().Unix() + int64(handle.Seconds()))
	if err := q.rdb.ZAdd(t.Context(), q.keys.reserved, redis.Z{Score: score, Member: payload}).Err(); err != nil {
		t.Fatal(err)
	}
}
