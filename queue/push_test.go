package queue

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
)

func TestPushKeepsTheOrder(t *testing.T) {
	q := newTestQueue(t)
	if err := q.Push(t.Context(), []byte("a"), []byte("b")); err != nil {
		t.Fatal(err)
	}
	if err := q.Push(t.Context(), []byte("c")); err != nil {
		t.Fatal(err)
	}
	if err := q.Push(t.Context()); err != nil {
		t.Fatal("pushing nothing:", err)
	}
	wantState(t, q, snapshot{"waiting": {"c", "b", "a"}})
}

func TestPushDelayedMovesAnEqualPayload(t *testing.T) {
	q, ctx := newTestQueue(t), t.Context()
	first, err := q.PushDelayed(ctx, time.Minute, []byte("a"), []byte("b"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := q.PushDelayed(ctx, time.Hour, []byte("a"))
	if err != nil {
		t.Fatal(err)
	}
	if first != 2 || second != 0 {
		t.Errorf("added %d, then %d", first, second)
	}
	wantState(t, q, snapshot{"delayed": {"b", "a"}})
}

func TestPushDelayedIsExactToTheMillisecond(t *testing.T) {
	q, ctx := newTestQueue(t), t.Context()
	before, err := q.rdb.Time(ctx).Result()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.PushDelayed(ctx, 1500*time.Millisecond, []byte("a")); err != nil {
		t.Fatal(err)
	}
	after, err := q.rdb.Time(ctx).Result()
	if err != nil {
		t.Fatal(err)
	}
	counts, err := q.Counts(ctx, 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	early, late := before.Add(1499*time.Millisecond), after.Add(1501*time.Millisecond)
	if counts.NextDue.Before(early) || counts.NextDue.After(late) || counts.Due != 1 {
		t.Errorf("due at %v, want between %v and %v", counts.NextDue, early, late)
	}
}

func TestPushSaysWhatItKnows(t *testing.T) {
	q := newTestQueue(t)
	faulty, fault := newFaultyQueue(t, q)
	fault.loseAnswer()
	if err := faulty.Push(t.Context(), []byte("a")); !errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("lost answer: %v", err)
	}
	wantState(t, q, snapshot{"waiting": {"a"}})
	if err := q.rdb.Set(t.Context(), q.keys.delayed, "text", 0).Err(); err != nil {
		t.Fatal(err)
	}
	_, err := q.PushDelayed(t.Context(), time.Second, []byte("b"))
	if err == nil || errors.Is(err, ErrUnknownOutcome) || !strings.Contains(err.Error(), q.keys.delayed+" holds a string") {
		t.Errorf("key of a wrong type: %v", err)
	}
	nowhere, err := New(newTestClient(t, "127.0.0.1:1"), "c")
	if err != nil {
		t.Fatal(err)
	}
	if err := nowhere.Push(t.Context(), []byte("a")); err == nil || errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("no connection: %v", err)
	}
}

// A client that re-sends by default must not double a push whose answer was lost on the wire.
func TestPushIsSentOnce(t *testing.T) {
	q := newTestQueue(t)
	addr, pushes := startAnswerCutter(t, redistest.Shared(t))
	rdb := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: 3})
	t.Cleanup(func() { _ = rdb.Close() })
	eager, err := New(rdb, q.Channel())
	if err != nil {
		t.Fatal(err)
	}
	if err := eager.Push(t.Context(), []byte("a")); !errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("got %v", err)
	}
	if n := pushes.Load(); n != 1 {
		t.Errorf("sent %d times", n)
	}
	wantState(t, q, snapshot{"waiting": {"a"}})
}

// startAnswerCutter forwards to Redis, but closes a connection once Redis has answered an LPUSH.
func startAnswerCutter(t *testing.T, backend string) (addr string, pushes *atomic.Int64) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	pushes = &atomic.Int64{}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", backend)
			if err != nil {
				_ = client.Close()
				return
			}
			go forwardUntilPush(client, server, pushes)
		}
	}()
	return listener.Addr().String(), pushes
}

func forwardUntilPush(client, server net.Conn, pushes *atomic.Int64) {
	defer func() { _, _ = client.Close(), server.Close() }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		isPush := strings.Contains(string(buffer[:n]), "lpush")
		if isPush {
			pushes.Add(1)
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
		if n, err = server.Read(buffer); err != nil || isPush {
			return
		}
		if _, err := client.Write(buffer[:n]); errors.Is(err, io.EOF) || err != nil {
			return
		}
	}
}
