package workertest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/memstore"
	"github.com/asyncqueue/operator/worker/payload"
)

type greeting struct {
	Name string `json:"name"`
}

var errBusy = errors.New("busy")

func newMux() *worker.Mux {
	mux := worker.NewMux()
	worker.Handle(mux, "greet", func(_ context.Context, job worker.TypedJob[greeting]) error {
		if job.Args.Name == "" {
			return worker.Fail(errors.New("nobody to greet"))
		}
		return nil
	})
	mux.HandleFunc("busy", func(context.Context, *worker.Job) error { return worker.RetryAfter(time.Minute, errBusy) })
	mux.HandleFunc("panic", func(context.Context, *worker.Job) error { panic(errBusy) })
	mux.HandleFunc("again", func(context.Context, *worker.Job) error { return worker.Requeue })
	return mux
}

func TestRun(t *testing.T) {
	mux := newMux()
	for name, test := range map[string]struct {
		jobType    string
		args       any
		wantAction string
		wantDelay  time.Duration
		wantErr    error
	}{
		"done":                 {"greet", greeting{"ada"}, "ack", 0, nil},
		"wrong parameters":     {"greet", []int{1}, "fail", 0, nil},
		"a failure for good":   {"greet", nil, "fail", 0, nil},
		"a retry":              {"busy", nil, "retry", time.Minute, errBusy},
		"a panic":              {"panic", nil, "retry", -1, errBusy},
		"a type without words": {"unknown", nil, "requeue", 5 * time.Second, worker.ErrUnknownType},
	} {
		t.Run(name, func(t *testing.T) {
			got := Run(t, mux, test.jobType, test.args)
			if got.Action != test.wantAction || got.Delay != test.wantDelay || (test.wantErr != nil && !errors.Is(got.Err, test.wantErr)) {
				t.Errorf("Run = %+v, want %s after %s because of %v", got, test.wantAction, test.wantDelay, test.wantErr)
			}
		})
	}
}

func TestDrain(t *testing.T) {
	q := memstore.New(memstore.Config{})
	two := 2
	busy, err := payload.NewCloudEvent(payload.Event{Type: "busy", Source: "t", MaxAttempts: &two})
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Push(t.Context(), Payload(t, "greet", greeting{"ada"}), busy); err != nil {
		t.Fatal(err)
	}
	if _, err := q.PushDelayed(t.Context(), time.Hour, Payload(t, "greet", greeting{"bob"})); err != nil {
		t.Fatal(err)
	}
	got := Drain(t, q, newMux())
	if diff := cmp.Diff([]string{"greet", "greet"}, got.Types(worker.AfterHandle)); diff != "" {
		t.Errorf("done (-want +got):\n%s", diff)
	}
	if n := len(got.Types(worker.RetryHandle)); n != 2 {
		t.Errorf("retried %d times, want 2", n)
	}
	if diff := cmp.Diff([]string{"busy"}, q.Reasons()); diff != "" {
		t.Errorf("failed because of (-want +got):\n%s", diff)
	}
	if c := q.Counts(); c.Waiting+c.Delayed+c.Reserved+c.Timeout != 0 {
		t.Errorf("left: %+v", c)
	}
}

// spy is a testing.TB that notes failures.
type spy struct {
	testing.TB
	said []string
}

func (s *spy) Helper() {}
func (s *spy) Errorf(format string, args ...any) {
	s.said = append(s.said, fmt.Sprintf(format, args...))
}
func (s *spy) Fatalf(format string, args ...any) { s.Errorf(format, args...); runtime.Goexit() }

// failure returns what f said when it failed.
func failure(t *testing.T, f func(t testing.TB)) string {
	t.Helper()
	s := &spy{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(s)
	}()
	<-done
	return strings.Join(s.said, "; ")
}

func TestDrainOfAMessageThatNeverEnds(t *testing.T) {
	q := memstore.New(memstore.Config{})
	if err := q.Push(t.Context(), Payload(t, "again", nil)); err != nil {
		t.Fatal(err)
	}
	if said := failure(t, func(tb testing.TB) { tb.Helper(); Drain(tb, q, newMux()) }); !strings.Contains(said, "it was not empty after") {
		t.Errorf("Drain said %q", said)
	}
}

func TestAsserts(t *testing.T) {
	q := memstore.New(memstore.Config{})
	if _, err := q.PushDelayed(t.Context(), time.Hour, Payload(t, "greet", greeting{"ada"})); err != nil {
		t.Fatal(err)
	}
	if m := AssertPushed(t, q, "greet", map[string]string{"name": "ada"}); m == nil || m.Type() != "greet" {
		t.Errorf("AssertPushed = %v", m)
	}
	AssertNotPushed(t, q, "busy")
	for name, f := range map[string]func(t testing.TB){
		"another type":     func(tb testing.TB) { tb.Helper(); AssertPushed(tb, q, "busy", greeting{"ada"}) },
		"other args":       func(tb testing.TB) { tb.Helper(); AssertPushed(tb, q, "greet", greeting{"bob"}) },
		"pushed after all": func(tb testing.TB) { tb.Helper(); AssertNotPushed(tb, q, "greet") },
	} {
		if said := failure(t, f); !strings.Contains(said, `greet {"name":"ada"}`) {
			t.Errorf("%s: said %q", name, said)
		}
	}
	if err := q.Push(t.Context(), []byte("?")); err != nil {
		t.Fatal(err)
	}
	if said := failure(t, func(tb testing.TB) { tb.Helper(); Pushed(tb, q, "greet") }); !strings.Contains(said, string(queue.Waiting)) {
		t.Errorf("Pushed with a message that is none: said %q", said)
	}
}
