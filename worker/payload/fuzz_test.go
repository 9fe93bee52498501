package payload

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
)

// checkAny holds what must be true of the decoding of any bytes.
func checkAny(t *testing.T, raw []byte) *Message {
	t.Helper()
	before := bytes.Clone(raw)
	m, err := Decode(raw)
	if err != nil {
		if len(err.Error()) > maxReasonBytes+100 {
			t.Fatalf("the reason is long: %v", err)
		}
		return nil
	}
	if m.Type() == "" || m.ID() == "" {
		t.Fatal("no type or no id")
	}
	if !json.Valid(m.Data()) || !json.Valid(m.Lossless()) {
		t.Fatalf("not JSON: %s", m.Data())
	}
	again, err := Decode(m.Retry())
	if err != nil {
		t.Fatalf("the retry cannot be decoded: %v", err)
	}
	if again.Attempts() != m.Attempts()+1 || again.ID() != m.ID() || again.Type() != m.Type() || again.Format() != m.Format() {
		t.Fatalf("the retry is another message: %q", again.Raw())
	}
	if !bytes.Equal(raw, before) {
		t.Fatal("the message was modified")
	}
	return m
}

func FuzzDecodeHyperf(f *testing.F) {
	files, err := filepath.Glob(vectorDir + "/*/*.bin")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if m := checkAny(t, raw); m != nil {
			if _, err := m.CloudEvent("hyperf/queue"); err != nil {
				t.Fatalf("no CloudEvent: %v", err)
			}
		}
	})
}

func FuzzDecodeCloudEvent(f *testing.F) {
	for _, members := range []string{
		`"attempts":1`, `"attempts":"1","maxattempts":2`, `"attempts":null`, `"time":"2026-01-02T03:04:05Z","data":{"a":[1,"\u00e9"]}`,
		`"data_base64":"QQ=="`, `"datacontenttype":"text/plain","data":"x"`, `"subject":"s","dataschema":"x:y","ext":true`,
		`"datacontenttype":"application/json; charset=utf-8","data":-1.5e-7`, `"\u0061ttempts":3`, `"data":"\ud83d\ude00"`,
	} {
		f.Add([]byte(with(members)))
	}
	f.Add([]byte(minimal))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := checkAny(t, raw)
		if m == nil || m.Format() != CloudEvents {
			return
		}
		if !json.Valid(raw) {
			t.Fatalf("accepted what is no JSON: %q", raw)
		}
		e, err := m.CloudEvent("")
		if err != nil {
			t.Fatalf("no CloudEvent: %v", err)
		}
		// The SDK wants what is valid too, apart from +json types and escapes in
		// data_base64.
		var sdk event.Event
		if err := json.Unmarshal(raw, &sdk); err != nil {
			return
		}
		if sdk.ID() != e.ID() || sdk.Type() != e.Type() || sdk.Source() != e.Source() {
			t.Fatalf("the SDK reads %v, we read %v", sdk, e)
		}
	})
}

// FuzzJSONScanner holds the scanner against encoding/json, which takes invalid
// UTF-8 and ten times the depth, but is else as strict.
func FuzzJSONScanner(f *testing.F) {
	for _, text := range []string{
		`{}`, `[]`, `null`, `-0.5e+10`, `"\u00e9\n"`, `[1,[2,{"a":{}}]]`, `01`, `1.`, `[1,]`, `{"a"}`, "\"\xff\"", `"\x"`, `tru`, `- 1`, `[[[]`,
		strings.Repeat("[", maxJSONDepth+1) + strings.Repeat("]", maxJSONDepth+1),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s := jsonScanner{src: text}
		start := skipSpace(text, 0)
		end, err := s.value(start, 0)
		got := err == nil && skipSpace(text, end) == len(text)
		want := json.Valid(text)
		if want && err != nil && (strings.Contains(err.Error(), "UTF-8") || strings.Contains(err.Error(), "nested too deeply")) {
			return
		}
		if got != want {
			t.Fatalf("valid = %v, encoding/json says %v (error %v): %q", got, want, err, text)
		}
	})
}
