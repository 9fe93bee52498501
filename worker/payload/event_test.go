package payload

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"
)

// sdkEvents are events as a producer makes them with the SDK.
func sdkEvents(t *testing.T) map[string]event.Event {
	t.Helper()
	build := func(change func(e *event.Event)) event.Event {
		e := event.New()
		e.SetID("42")
		e.SetType("com.example.job")
		e.SetSource("https://shop.example/orders?x=1#y")
		change(&e)
		if err := e.Validate(); err != nil {
			t.Fatal(err)
		}
		return e
	}
	data := func(e *event.Event, contentType string, v any) {
		if err := e.SetData(contentType, v); err != nil {
			t.Fatal(err)
		}
	}
	return map[string]event.Event{
		"minimal": build(func(*event.Event) {}),
		"all attributes": build(func(e *event.Event) {
			e.SetSubject("a \"subject\" ü")
			e.SetTime(time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, time.FixedZone("", 3600)))
			e.SetDataSchema("https://schema.example/1")
			data(e, "application/json", map[string]any{"a": []int{1, 2}, "<&>": "\u2028"})
		}),
		"extensions of all types": build(func(e *event.Event) {
			e.SetExtension("attempts", 3)
			e.SetExtension("maxattempts", "5")
			e.SetExtension("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
			e.SetExtension("yes", true)
			e.SetExtension("when", time.Unix(0, 0))
			e.SetExtension("uri", url.URL{Scheme: "x", Host: "y"})
			e.SetExtension("low", -2147483648)
		}),
		"bytes":      build(func(e *event.Event) { data(e, "application/octet-stream", []byte{0, 255, 254}) }),
		"JSON bytes": build(func(e *event.Event) { data(e, "application/json", []byte(`{"a":1}`)) }),
		"plain text": build(func(e *event.Event) { data(e, "text/plain; charset=utf-8", "a\n\"b\"") }),
		"a number":   build(func(e *event.Event) { data(e, "application/json", 5) }),
		"spaces": build(func(e *event.Event) {
			e.Context = &event.EventContextV1{ID: " 1", Type: "a ", Source: e.Context.AsV1().Source}
		}),
		"only a type": build(func(e *event.Event) { e.SetDataContentType("application/json") }),
	}
}

// TestReadsWhatTheSDKWrites holds the reader against the SDK: what the SDK
// writes is read to the same event that the SDK reads, before and after retries.
func TestReadsWhatTheSDKWrites(t *testing.T) {
	t.Parallel()
	for name, e := range sdkEvents(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				checkAgainstSDK(t, raw)
				raw = mustDecode(t, raw).Retry()
			}
		})
	}
}

func checkAgainstSDK(t *testing.T, raw []byte) {
	t.Helper()
	var want event.Event
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatalf("the SDK does not read %s: %v", raw, err)
	}
	m := mustDecode(t, raw)
	if m.Type() != want.Type() || m.ID() != want.ID() || m.Source() != want.Source() || !m.Time().Equal(want.Time()) {
		t.Errorf("got type %q id %q source %q time %v, the SDK reads %v", m.Type(), m.ID(), m.Source(), m.Time(), want)
	}
	if _, exists := want.Extensions()["attempts"]; !exists {
		want.SetExtension("attempts", 0)
	}
	got, err := m.CloudEvent("unused")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), got.String()); diff != "" {
		t.Errorf("event differs from the SDK's (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want.Extensions(), got.Extensions()); diff != "" {
		t.Errorf("extensions differ from the SDK's (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(string(want.Data()), string(got.Data())); diff != "" || want.DataBase64 != got.DataBase64 {
		t.Errorf("data differs from the SDK's (-want +got):\n%s", diff)
	}
}

func TestCloudEventOfHyperfMessage(t *testing.T) {
	t.Parallel()
	m := mustDecode(t, readFile(t, "valid/f5_annotation_max3_attempt1.bin"))
	got, err := m.CloudEvent("hyperf/{orders}")
	if err != nil {
		t.Fatal(err)
	}
	if got.Type() != `Job[App\Service\OrderService@notify]` || got.ID() != m.ID() || got.Source() != "hyperf/%7Borders%7D" {
		t.Errorf("type %q, id %q, source %q", got.Type(), got.ID(), got.Source())
	}
	wantExtensions := map[string]any{"attempts": int32(1), "maxattempts": int32(3)}
	if diff := cmp.Diff(wantExtensions, got.Extensions()); diff != "" {
		t.Errorf("extensions differ (-want +got):\n%s", diff)
	}
	const wantData = `{"maxAttempts":3,"params":[10001,{"ok":true}],"class":"App\\Service\\OrderService","method":"notify"}`
	if diff := cmp.Diff(wantData, string(got.Data())); diff != "" {
		t.Errorf("data differs (-want +got):\n%s", diff)
	}
}

func TestCloudEventOfEveryVectorIsValid(t *testing.T) {
	t.Parallel()
	for _, v := range readVectors(t) {
		e, err := mustDecode(t, readFile(t, "valid/"+v.File)).CloudEvent("hyperf/queue")
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		raw, err := json.Marshal(e)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		var sdk event.Event
		if err := json.Unmarshal(raw, &sdk); err != nil {
			t.Errorf("%s: the SDK does not read it: %v", v.Name, err)
		} else if got := sdk.Extensions()["attempts"]; got != int32(v.Attempts) {
			t.Errorf("%s: attempts = %v, want %d", v.Name, got, v.Attempts)
		}
	}
}

func TestCloudEventClampsPHPIntegers(t *testing.T) {
	t.Parallel()
	m := mustDecode(t, []byte(object(`O:1:"J":1:{s:11:"maxAttempts";i:9223372036854775807;}`, "i:0;")))
	e, err := m.CloudEvent("s")
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Extensions()["maxattempts"]; got != int32(2147483647) {
		t.Errorf("maxattempts = %v", got)
	}
}

func TestCloudEventNeedsASource(t *testing.T) {
	t.Parallel()
	if _, err := mustDecode(t, readFile(t, "wrapped/plain.bin")).CloudEvent(""); err == nil {
		t.Error("an empty source is accepted")
	}
}
