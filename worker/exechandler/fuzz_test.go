package exechandler

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever a command writes, in whatever portions: its end is kept, bounded, as valid UTF-8.
func FuzzTail(f *testing.F) {
	f.Add([]byte("Traceback: no"), uint16(3))
	f.Add([]byte(strings.Repeat("ü", keptOutput)), uint16(7))
	f.Add([]byte("\xff\xfe\x00"), uint16(1))
	f.Fuzz(func(t *testing.T, output []byte, portion uint16) {
		var kept tail
		for rest := output; len(rest) > 0; {
			n := min(len(rest), int(portion)+1)
			if written, err := kept.Write(rest[:n]); written != n || err != nil {
				t.Fatal(written, err)
			}
			rest = rest[n:]
		}
		text := kept.String()
		if len(text) > 3*keptOutput+3 || !utf8.ValidString(text) || cap(kept.bytes) > 4*keptOutput+4*int(portion) {
			t.Fatalf("%d bytes of text, %d of memory", len(text), cap(kept.bytes))
		}
		end := output[max(0, len(output)-keptOutput):]
		if want := strings.TrimSpace(strings.ToValidUTF8(string(end), "\uFFFD")); !strings.HasSuffix(text, want) {
			t.Fatalf("%q does not end with %q", text, want)
		}
	})
}
