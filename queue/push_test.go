package queue

import (
	"bytes"
	"context"
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
	cut := &answerCutter{word: "lpush"}
	for name, rdb := range map[string]redis.UniversalClient{
		"standalone": redis.NewClient(&redis.Options{Addr: redistest.Start(t), Dialer: cut.dial, MaxRetries: 3}),
		"cluster": redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: []string{redistest.StartCluster(t)}, Dialer: cut.dial, MaxRetries: 3, MaxRedirects: 3,
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Cleanup(func() { _ = rdb.Close() })
			q, err := New(rdb, "{once}")
			if err != nil {
				t.Fatal(err)
			}
			cut.cutNext()
			if err := q.Push(t.Context(), []byte("a")); !errors.Is(err, ErrUnknownOutcome) {
				t.Errorf("got %v", err)
			}
			if n := cut.sent.Load(); n != 1 {
				t.Errorf("sent %d times", n)
			}
			wantState(t, q, snapshot{"waiting": {"a"}})
		})
	}
}

// answerCutter makes connections that break once Redis has answered the next command that has the
// word in it.
type answerCutter struct {
	word  string
	armed atomic.Bool
	sent  atomic.Int64 // how often such a command was sent since then
}

func (a *answerCutter) cutNext() {
	a.sent.Store(0)
	a.armed.Store(true)
}

func (a *answerCutter) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &cutConn{Conn: conn, cutter: a}, nil
}

type cutConn struct {
	net.Conn
	cutter *answerCutter
	cut    bool
}

// Write notes a command whose answer is to be lost.
func (c *cutConn) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(c.cutter.word)) {
		c.cut = c.cutter.armed.Swap(false)
		c.cutter.sent.Add(1)
	}
	return c.Conn.Write(b)
}

// Read swallows the answer.
func (c *cutConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.cut {
		_ = c.Close()
		return 0, io.EOF
	}
	return n, err
}
