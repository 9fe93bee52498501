package queue

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
)

// BenchmarkExchange acknowledges 100 messages of 200 bytes and claims the next 100 in every call.
// One operation is one message. redis-s/100k is the CPU time of Redis per 100,000 messages, pushing
// not included.
func BenchmarkExchange(b *testing.B) {
	const batch = 100
	rdb := newTestClient(b, redistest.Start(b))
	q, err := New(rdb, "{bench}")
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	for left := b.N; left > 0; left -= 1000 {
		payloads := make([][]byte, min(left, 1000))
		for i := range payloads {
			payloads[i] = fmt.Appendf(bytes.Repeat([]byte("x"), 190), "%010d", left-i)
		}
		if err := q.Push(ctx, payloads...); err != nil {
			b.Fatal(err)
		}
	}
	c := newTestConsumer(b, q, ConsumerConfig{})
	before := redisCPU(b, rdb)
	b.ResetTimer()
	var done []RunID
	for ended := 0; ended < b.N; ended += len(done) {
		answer, err := c.Exchange(ctx, done, batch)
		if err != nil {
			b.Fatal(err)
		}
		done = done[:0]
		for _, run := range answer.Runs {
			done = append(done, run.ID)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
	b.ReportMetric((redisCPU(b, rdb)-before)*100_000/float64(b.N), "redis-s/100k")
}

// redisCPU returns the CPU seconds that the server has used.
func redisCPU(tb testing.TB, rdb *redis.Client) float64 {
	tb.Helper()
	info, err := rdb.Info(context.Background(), "cpu").Result()
	if err != nil {
		tb.Fatal(err)
	}
	var total float64
	for line := range strings.SplitSeq(info, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		if name == "used_cpu_sys" || name == "used_cpu_user" {
			seconds, err := strconv.ParseFloat(value, 64)
			if err != nil {
				tb.Fatal(err)
			}
			total += seconds
		}
	}
	return total
}
