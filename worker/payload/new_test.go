package payload

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"
)

func TestNewCloudEventIsReadByTheSDK(t *testing.T) {
	t.Parallel()
	raw, err := NewCloudEvent(Event{
		Type: "job", Source: "/cli", Data: map[string]any{"a": "<ü>"}, MaxAttempts: new(0), TraceParent: "00-a-b-01",
	})
	if err != nil {
		t.Fatal(err)
	}
	checkAgainstSDK(t, raw)
	var e event.Event
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	if err := e.Validate(); err != nil {
		t.Error(err)
	}
	m := mustDecode(t, raw)
	if n, ok := m.MaxAttempts(); n != 0 || !ok || m.TraceParent() != "00-a-b-01" || string(m.Data()) != `{"a":"<ü>"}` {
		t.Errorf("maxAttempts %d (%v), trace %q, data %s", n, ok, m.TraceParent(), m.Data())
	}
	if age := time.Since(m.Time()); age < 0 || age > time.Hour {
		t.Errorf("time = %v, want now", m.Time())
	}
}

func TestNewCloudEventIDs(t *testing.T) {
	t.Parallel()
	write := func(e Event) []byte {
		t.Helper()
		e.Type, e.Source = "job", "/cli"
		raw, err := NewCloudEvent(e)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	if a, b := mustDecode(t, write(Event{})), mustDecode(t, write(Event{})); a.ID() == b.ID() {
		t.Error("two messages have one random id")
	}
	if a, b := write(Event{UniqueID: "u"}), write(Event{UniqueID: "u"}); !bytes.Equal(a, b) {
		t.Errorf("messages with a unique id differ:\n%s\n%s", a, b)
	}
	if m := mustDecode(t, write(Event{UniqueID: "u"})); m.ID() != "u" || !m.Time().IsZero() {
		t.Errorf("id %q, time %v", m.ID(), m.Time())
	}
	if m := mustDecode(t, write(Event{ID: "i", Time: time.Unix(5, 0)})); m.ID() != "i" || m.Time().Unix() != 5 {
		t.Errorf("id %q, time %v", m.ID(), m.Time())
	}
}

func TestNewCloudEventRefuses(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]Event{
		"no type":              {Source: "/s"},
		"no source":            {Type: "t"},
		"both ids":             {Type: "t", Source: "/s", ID: "a", UniqueID: "b"},
		"negative maxattempts": {Type: "t", Source: "/s", MaxAttempts: new(-1)},
		"data that is no JSON": {Type: "t", Source: "/s", Data: json.RawMessage("{")},
		"data of no JSON type": {Type: "t", Source: "/s", Data: func() {}},
	} {
		if raw, err := NewCloudEvent(e); err == nil {
			t.Errorf("%s: wrote %s", name, raw)
		}
	}
}

// TestNewHyperfWritesTheVectors: the same content gives the bytes that Hyperf's
// own classes wrote.
func TestNewHyperfWritesTheVectors(t *testing.T) {
	t.Parallel()
	written := 0
	for _, v := range readVectors(t) {
		job, ok := demoJob(t, v)
		if !ok {
			continue
		}
		written++
		got, err := NewHyperf(job)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		if diff := cmp.Diff(string(readFile(t, "valid/"+v.File)), string(got)); diff != "" {
			t.Errorf("%s: message differs (-want +got):\n%s", v.Name, diff)
		}
	}
	const want = 11
	if written < want {
		t.Errorf("wrote %d of the vectors, want at least %d", written, want)
	}
}

// demoJob makes a HyperfJob of a vector, if it is one of today's DemoJobs with
// nothing in it that only PHP can write.
func demoJob(t *testing.T, v vector) (HyperfJob, bool) {
	t.Helper()
	decoded, err := decodeOrdered(v.Job)
	if err != nil {
		t.Fatal(err)
	}
	object, _ := decoded.(Map)
	job := HyperfJob{}
	job.Class, _ = object[0].Value.(string)
	if v.Format != "f5" || job.Class != `App\Job\DemoJob` || v.Attempts != 0 {
		return job, false
	}
	props, _ := object[1].Value.([]any)
	for _, p := range props {
		pair, _ := p.([]any)
		switch pair[0] {
		case "maxAttempts":
			job.MaxAttempts = &v.MaxAttempts
		case "uniqueId":
			job.UniqueID, _ = pair[1].(string)
		case "params":
			var ok bool
			if job.Params, ok = fromLossless(pair[1]); !ok {
				return job, false
			}
		}
	}
	return job, job.Params != nil
}

// fromLossless makes the Go value for lossless JSON; ok is false for what Go has
// no value for.
func fromLossless(v any) (value any, ok bool) {
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i := range v {
			if list[i], ok = fromLossless(v[i]); !ok {
				return nil, false
			}
		}
		return list, true
	case Map:
		return fromMark(v[0].Key, v[0].Value)
	default:
		return v, true
	}
}

func fromMark(mark string, v any) (value any, ok bool) {
	text, _ := v.(string)
	switch mark {
	case "$int":
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err == nil
	case "$float":
		f, err := strconv.ParseFloat(text, 64)
		return f, err == nil
	case "$bytes":
		b, err := base64.StdEncoding.DecodeString(text)
		return b, err == nil
	case "$map":
		pairs, _ := v.([]any)
		m := make(Map, 0, len(pairs))
		for _, p := range pairs {
			pair, _ := p.([]any)
			key, isText := pair[0].(string)
			if number, isNumber := pair[0].(json.Number); isNumber {
				key, isText = number.String(), true
			}
			if big, isBig := pair[0].(Map); isBig {
				key, isText = big[0].Value.(string)
			}
			element, ok := fromLossless(pair[1])
			if !isText || !ok {
				return nil, false
			}
			m = append(m, Entry{Key: key, Value: element})
		}
		return m, true
	}
	return nil, false
}

func TestNewHyperfOfGoValues(t *testing.T) {
	t.Parallel()
	raw, err := NewHyperf(HyperfJob{Class: `App\Job\DemoJob`, Params: map[string]any{
		"b": uint8(2), "a": []string{"x"}, "c": json.RawMessage(`{"z":1,"y":[1.5,1e400000,null]}`),
	}})
	if err == nil {
		t.Errorf("a number beyond all floats was written: %s", raw)
	}
	raw, err = NewHyperf(HyperfJob{Class: `App\Job\DemoJob`, Params: map[string]any{
		"b": uint8(2), "a": []string{"x"}, "c": json.RawMessage(`{"z":1,"y":[1.5,2.0,null,true]}`), "10": float32(0.5),
	}})
	if err != nil {
		t.Fatal(err)
	}
	const want = `O:28:"Hyperf\AsyncQueue\JobMessage":2:{s:3:"job";O:15:"App\Job\DemoJob":1:{s:6:"params";` +
		`a:4:{i:10;d:0.5;s:1:"a";a:1:{i:0;s:1:"x";}s:1:"b";i:2;s:1:"c";a:2:{s:1:"z";i:1;s:1:"y";a:4:{i:0;d:1.5;i:1;d:2;i:2;N;i:3;b:1;}}}}s:8:"attempts";i:0;}`
	if diff := cmp.Diff(want, string(raw)); diff != "" {
		t.Errorf("message differs (-want +got):\n%s", diff)
	}
}

func TestNewHyperfRefuses(t *testing.T) {
	t.Parallel()
	endless := []any{nil}
	endless[0] = endless
	for name, job := range map[string]HyperfJob{
		"no class":             {},
		"a class of no name":   {Class: `\App`},
		"a plain object":       {Class: "stdClass"},
		"a key twice":          {Class: "A", Params: Map{{"a", 1}, {"a", 2}}},
		"an integer too large": {Class: "A", Params: uint64(1 << 63)},
		"a function":           {Class: "A", Params: func() {}},
		"bad JSON":             {Class: "A", Params: json.RawMessage("{")},
		"two values of JSON":   {Class: "A", Params: json.RawMessage("1 2")},
		"no end":               {Class: "A", Params: endless},
	} {
		if raw, err := NewHyperf(job); err == nil {
			t.Errorf("%s: wrote %.100s", name, raw)
		}
	}
}
