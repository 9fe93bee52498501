package workertest

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/worker/payload"
)

// Messages is what Pushed looks into: a *memstore.Queue.
type Messages interface {
	// Messages returns what stands in one state.
	Messages(state queue.State) [][]byte
}

// Pushed returns the messages of one type that stand in `waiting` or `delayed`, in
// this order, and those that are taken next first. A message that cannot be
// decoded fails the test.
func Pushed(t testing.TB, q Messages, jobType string) []*payload.Message {
	t.Helper()
	var pushed []*payload.Message
	for _, m := range all(t, q) {
		if m.Type() == jobType {
			pushed = append(pushed, m)
		}
	}
	return pushed
}

// AssertPushed fails the test unless a message of this type with these parameters
// stands in `waiting` or `delayed`, and returns the first one. The parameters are
// compared as JSON, regardless of the order of members.
func AssertPushed(t testing.TB, q Messages, jobType string, args any) *payload.Message {
	t.Helper()
	want := canonical(t, args)
	var seen []string
	for _, m := range all(t, q) {
		data := canonical(t, m.Data())
		if m.Type() == jobType && bytes.Equal(data, want) {
			return m
		}
		seen = append(seen, m.Type()+" "+string(data))
	}
	t.Errorf("no %s %s was pushed, but:\n%s", jobType, want, strings.Join(seen, "\n"))
	return nil
}

// AssertNotPushed fails the test if a message of this type stands in `waiting` or
// `delayed`.
func AssertNotPushed(t testing.TB, q Messages, jobType string) {
	t.Helper()
	for _, m := range Pushed(t, q, jobType) {
		t.Errorf("%s %s was pushed", jobType, m.Data())
	}
}

func all(t testing.TB, q Messages) []*payload.Message {
	t.Helper()
	var list []*payload.Message
	for _, state := range []queue.State{queue.Waiting, queue.Delayed} {
		for _, raw := range q.Messages(state) {
			m, err := payload.Decode(raw)
			if err != nil {
				t.Errorf("decoding a message in %s: %v", state, err)
				continue
			}
			list = append(list, m)
		}
	}
	return list
}

// canonical writes a value as JSON with sorted members.
func canonical(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("writing parameters: %v", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("reading parameters: %v", err)
	}
	text, err = json.Marshal(value)
	if err != nil {
		t.Fatalf("writing parameters: %v", err)
	}
	return text
}
