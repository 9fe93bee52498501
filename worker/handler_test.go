package worker

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/asyncqueue/operator/worker/payload"
)

func decoded(t *testing.T, raw string) *Job {
	t.Helper()
	m, err := payload.Decode([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return &Job{ID: m.ID(), Type: m.Type(), Attempt: 1, Message: m}
}

func TestMux(t *testing.T) {
	var ran string
	mux := NewMux()
	mux.HandleFunc("a", func(context.Context, *Job) error { ran += "a"; return nil })
	mux.Register("b", HandlerFunc(func(context.Context, *Job) error { ran += "b"; return Drop }))
	for jobType, want := range map[string]error{"a": nil, "b": Drop, "c": ErrUnknownType} {
		if err := mux.Handle(t.Context(), &Job{Type: jobType}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", jobType, err, want)
		}
	}
	if len(ran) != 2 {
		t.Errorf("ran %q, want a and b", ran)
	}
}

func TestBind(t *testing.T) {
	job := decoded(t, `{"specversion":"1.0","type":"a","id":"1","source":"t","data":{"to":"x"}}`)
	var parameters struct{ To string }
	if err := job.Bind(&parameters); err != nil || parameters.To != "x" {
		t.Errorf("Bind: %+v, %v", parameters, err)
	}
	var wrong []int
	if err := job.Bind(&wrong); err == nil {
		t.Error("Bind of an object to a list succeeded")
	}
}

// A handler is a function; what it returns decides what becomes of the message.
func ExampleMux() {
	mux := NewMux()
	mux.HandleFunc("mail.send", func(_ context.Context, job *Job) error {
		var mail struct{ To string }
		if err := job.Bind(&mail); err != nil {
			return Fail(err) // no repetition can mend it
		}
		fmt.Println("to", mail.To)
		return nil
	})
	m, err := payload.Decode([]byte(`{"specversion":"1.0","type":"mail.send","id":"1","source":"shop","data":{"to":"ada"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(mux.Handle(context.Background(), &Job{Type: m.Type(), Message: m}))
	// Output:
	// to ada
	// <nil>
}
