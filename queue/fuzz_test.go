package queue

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever stands in a beat, it shows that its worker lives: no text is refused, and none is lost,
// since a sweep compares it.
func FuzzParseBeat(f *testing.F) {
	for _, text := range []string{
		"", "{}", "null", "[]", `{"n":1,"pod":"p","owner":"u","running":2,"oldest":1795368690500,"done":3,"v":1}`,
		`{"n":-1}`, `{"n":1e99,"pod":"p"}`, `{"n":18446744073709551616}`, `{"running":"x"}`, "{\"pod\":\"\xff\"}", strings.Repeat("[", 10001),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		beat := parseBeat("w", text)
		if beat.ID != "w" || beat.text != text {
			t.Fatalf("%+v", beat)
		}
		if len(beat.Pod) > 3*len(text) || len(beat.Owner) > 3*len(text) {
			t.Fatalf("%d bytes became %d and %d", len(text), len(beat.Pod), len(beat.Owner))
		}
	})
}

// A reason that cannot be read is shown as it stands, and keeps no other one from being read.
func FuzzParseReason(f *testing.F) {
	for _, text := range []string{
		"", "{}", "null", "7", `{"digest":"d","reason":"r","at":1795368690500,"worker":"w"}`, `{"at":1.795368690501e+12}`, `{"at":"x"}`,
		`{"reason":7}`, "{\"reason\":\"\xff\"}", `{"reason":"cut`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := parseReason(text)
		if !json.Valid([]byte(text)) && r.Reason != strings.ToValidUTF8(text, "?") {
			t.Fatalf("%q is read as %+v", text, r)
		}
		if !utf8.ValidString(r.Reason) {
			t.Fatalf("not UTF-8: %q", r.Reason)
		}
	})
}

// A reason is kept as JSON: it must be short, and valid UTF-8.
func FuzzClip(f *testing.F) {
	f.Add("no")
	f.Add(strings.Repeat("ü", maxReason))
	f.Add("\xff")
	f.Fuzz(func(t *testing.T, text string) {
		if got := clip(text); len(got) > maxReason+2 || !utf8.ValidString(got) {
			t.Fatalf("%d bytes: %q", len(got), got)
		}
	})
}
