package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// naming returns a middleware that notes when it is built, entered and left.
func naming(list *[]string, name string) Middleware {
	return func(next Handler) Handler {
		*list = append(*list, "build "+name)
		return HandlerFunc(func(ctx context.Context, job *Job) error {
			*list = append(*list, name)
			err := next.Handle(ctx, job)
			*list = append(*list, "/"+name)
			return err
		})
	}
}

func TestMiddlewareOrder(t *testing.T) {
	var got []string
	mux := NewMux()
	mux.HandleFunc("a", func(context.Context, *Job) error { got = append(got, "a"); return nil }, naming(&got, "own"), naming(&got, "inner"))
	mux.Use(naming(&got, "first"), naming(&got, "second"))
	mux.HandleFunc("b", func(context.Context, *Job) error { got = append(got, "b"); return nil })
	built := len(got)
	for jobType, want := range map[string][]string{
		"a": {"first", "second", "own", "inner", "a", "/inner", "/own", "/second", "/first"},
		"b": {"first", "second", "b", "/second", "/first"},
		"c": nil, // unknown: past all middleware
	} {
		got = got[:built]
		_ = mux.Handle(t.Context(), &Job{Type: jobType})
		if diff := cmp.Diff(want, got[built:], cmp.Transformer("nil", func(s []string) string { return strings.Join(s, " ") })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", jobType, diff)
		}
	}
}

func TestTyped(t *testing.T) {
	type mail struct{ To string }
	mux := NewMux()
	var to string
	Handle(mux, "mail", func(_ context.Context, job TypedJob[mail]) error {
		to = job.Args.To + " " + job.ID
		return nil
	})
	if err := mux.Handle(t.Context(), decoded(t, `{"specversion":"1.0","type":"mail","id":"1","source":"t","data":{"to":"ada"}}`)); err != nil || to != "ada 1" {
		t.Errorf("Handle = %v, to %q", err, to)
	}
	err := mux.Handle(t.Context(), decoded(t, `{"specversion":"1.0","type":"mail","id":"1","source":"t","data":{"to":7}}`))
	if action, _ := Verdict(err); action != "fail" {
		t.Errorf("parameters that do not fit: %s (%v), want fail", action, err)
	}
}

func TestTimeoutMiddleware(t *testing.T) {
	untilDone := func(ctx context.Context, _ *Job) error { <-ctx.Done(); return ctx.Err() }
	tests := map[string]struct {
		handle     HandlerFunc
		wantTook   time.Duration
		wantErr    error // nil: done
		wantAction string
	}{
		"in time":             {func(context.Context, *Job) error { return nil }, 0, nil, "ack"},
		"fails in time":       {func(context.Context, *Job) error { return errDown }, 0, errDown, "retry"},
		"looks at ctx":        {untilDone, time.Second, ErrTimeout, "retry"},
		"returns the cause":   {func(ctx context.Context, _ *Job) error { <-ctx.Done(); return context.Cause(ctx) }, time.Second, ErrTimeout, "retry"},
		"does not look at it": {func(context.Context, *Job) error { time.Sleep(time.Minute); return nil }, time.Minute, nil, "ack"},
		"drops when late":     {func(ctx context.Context, _ *Job) error { <-ctx.Done(); return Drop }, time.Second, ErrTimeout, "drop"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				err := Chain(test.handle, Timeout(time.Second)).Handle(t.Context(), &Job{})
				action, _ := Verdict(err)
				if took := time.Since(began); !errors.Is(err, test.wantErr) || action != test.wantAction || took != test.wantTook {
					t.Errorf("Handle = %v (%s) after %s; want %v (%s) after %s", err, action, took, test.wantErr, test.wantAction, test.wantTook)
				}
			})
		})
	}
}

// The stop of the worker is no timeout of the job.
func TestTimeoutMiddlewareKeepsOtherCauses(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(ErrDraining)
	err := Chain(HandlerFunc(func(ctx context.Context, _ *Job) error { return context.Cause(ctx) }), Timeout(time.Hour)).Handle(ctx, &Job{})
	if !errors.Is(err, ErrDraining) || errors.Is(err, ErrTimeout) {
		t.Errorf("Handle: %v, want ErrDraining alone", err)
	}
}

func TestRecover(t *testing.T) {
	err := Chain(HandlerFunc(func(context.Context, *Job) error { panic("no") }), Recover()).Handle(t.Context(), &Job{})
	panicked := (*PanicError)(nil)
	if !errors.As(err, &panicked) || !strings.Contains(string(panicked.Stack), "TestRecover") {
		t.Errorf("Handle: %v", err)
	}
}

func TestLogging(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	err := Chain(HandlerFunc(func(ctx context.Context, _ *Job) error { Logger(ctx).Info("Hello."); return nil }), Logging(log)).
		Handle(t.Context(), &Job{ID: "1", Type: "a", Attempt: 2})
	if err != nil || !strings.HasSuffix(out.String(), "msg=Hello. jobID=1 jobType=a attempt=2\n") {
		t.Errorf("Handle = %v, log %s", err, out.String())
	}
	if Logger(t.Context()) != slog.Default() {
		t.Error("Logger outside of a job is not the default one")
	}
}

// Middleware runs around the handler, the first outermost.
func ExampleMux_Use() {
	mux := NewMux()
	mux.Use(func(next Handler) Handler {
		return HandlerFunc(func(ctx context.Context, job *Job) error {
			fmt.Println("before", job.Type)
			err := next.Handle(ctx, job)
			fmt.Println("after", job.Type)
			return err
		})
	})
	mux.HandleFunc("greet", func(context.Context, *Job) error { fmt.Println("hello"); return nil })
	_ = mux.Handle(context.Background(), &Job{Type: "greet"})
	// Output:
	// before greet
	// hello
	// after greet
}
