package main

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/asyncqueue/operator/worker/payload"
)

// The messages are ones that the worker can decode, of about the size that the table is about, and are
// told apart by their number.
func TestMessagesOfBothKinds(t *testing.T) {
	for _, k := range []kind{cloudEvents, hyperf} {
		t.Run(string(k), func(t *testing.T) {
			m, pushed := newMould(k), time.Now()
			message := m.make(1234567, pushed)
			if _, err := payload.Decode(message); err != nil {
				t.Error(err)
			}
			if len(message) < 180 || len(message) > 240 {
				t.Errorf("%d bytes, want about 200", len(message))
			}
			if n := m.numberOf(message); n != 1234567 {
				t.Errorf("number %d", n)
			}
			if age := m.ageOf(message, pushed.Add(time.Second)); age.Round(time.Microsecond) != time.Second {
				t.Errorf("age %s", age)
			}
			if bytes.Equal(message, m.make(1234568, pushed)) {
				t.Error("two messages are equal")
			}
		})
	}
}

func TestTheTallyCountsEachMessageOnce(t *testing.T) {
	c := newTally(130)
	for _, n := range []int{0, 64, 129, 64, 64} {
		c.mark(n)
	}
	if c.count.Load() != 3 || c.twice.Load() != 2 {
		t.Errorf("count %d, twice %d", c.count.Load(), c.twice.Load())
	}
}

// What is sent comes whole, in order, and not before its time.
func TestTheDelayerDelays(t *testing.T) {
	const roundTrip = 20 * time.Millisecond
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = echo.Close() }()
	go func() {
		conn, err := echo.Accept()
		if err == nil {
			_, _ = io.Copy(conn, conn)
		}
	}()
	d, err := newDelayer(echo.Addr().String(), roundTrip)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	conn, err := net.Dial("tcp", d.addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	sent, began := strings.Repeat("abcdefghij", 20_000), time.Now()
	go func() { _, _ = io.WriteString(conn, sent) }()
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(conn, got[:1]); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < roundTrip {
		t.Errorf("the first byte was back after %s, want at least %s", took, roundTrip)
	}
	if _, err := io.ReadFull(conn, got[1:]); err != nil || string(got) != sent {
		t.Errorf("what came is not what was sent (%v)", err)
	}
}

func TestTheReportComparesMedians(t *testing.T) {
	r := newReport()
	for i, rates := range [][3]float64{{100, 10, 200}, {900, 40, 150}, {120, 20, 1}} {
		r.add("s", "ours, Hyperf", result{Rate: rates[0], Lost: int64(i / 2)})
		r.add("s", "asynq", result{Rate: rates[1]})
		r.add("s", "prototype", result{Rate: rates[2]})
	}
	r.conclude()
	ours := r.Rows[0]
	if ours.Median.Rate != 120 || ours.TimesAsynq != 6 || ours.OfBare != 0.8 {
		t.Errorf("%+v", ours)
	}
	if broken := r.broken(); len(broken) != 1 || !strings.Contains(broken[0], "1 messages lost") {
		t.Errorf("broken: %q", broken)
	}
}
