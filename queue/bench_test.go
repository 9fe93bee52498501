package queue

import (
	"context"
	"math/rand/v2"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

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
	ctx, random := context.Background(), rand.New(rand.NewPCG(1, 2))
	for left := b.N; left > 0; left -= 1000 {
		payloads := make([][]byte, min(left, 1000))
		for i := range payloads {
			payloads[i] = randomText(random, 200)
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

// BenchmarkLooks asks about 5,000 channels at rest, as the operator's poller does: a look at all, and what
// comes between two looks. redis-ms and own-ms are the CPU time of Redis and of this process for one
// round trip.
func BenchmarkLooks(b *testing.B) {
	rdb := newTestClient(b, redistest.Start(b))
	ctx := context.Background()
	keepers := make([]*Keeper, 5000)
	for i := range keepers {
		q, err := New(rdb, "{namespace.queue-"+strconv.Itoa(i)+"}")
		if err != nil {
			b.Fatal(err)
		}
		keepers[i] = q.NewKeeper(KeeperConfig{})
	}
	TendAll(ctx, rdb, keepers) // makes the script known
	for name, look := range map[string]func() error{
		"TendAll": func() error { return TendAll(ctx, rdb, keepers)[0].Err },
		"DueIn":   func() error { return DueIn(ctx, rdb, keepers)[0].Err },
	} {
		b.Run(name, func(b *testing.B) {
			redisBefore, ownBefore := redisCPU(b, rdb), ownCPU(b)
			for b.Loop() {
				if err := look(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((redisCPU(b, rdb)-redisBefore)*1000/float64(b.N), "redis-ms/op")
			b.ReportMetric((ownCPU(b)-ownBefore)*1000/float64(b.N), "own-ms/op")
		})
	}
}

// ownCPU returns the CPU seconds that this process has used.
func ownCPU(tb testing.TB) float64 {
	tb.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

// randomText returns letters as they stand in a payload: its bytes decide how long hashing takes.
func randomText(random *rand.Rand, size int) []byte {
	text := make([]byte, size)
	for i := range text {
		text[i] = byte('a' + random.IntN(26))
	}
	return text
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
