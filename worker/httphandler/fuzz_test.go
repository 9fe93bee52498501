package httphandler

import (
	"testing"
	"time"
)

// A server cannot ask for a wait that is negative or without end.
func FuzzRetryAfter(f *testing.F) {
	for _, header := range []string{"", "0", "-1", "120", "9223372036854775807", "99999999999999999999", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 9999 07:28:00 GMT", "+7", " 7 "} {
		f.Add(header)
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, header string) {
		delay, ok := retryAfter(header, now)
		if delay < 0 || delay > longestRetryAfter || !ok && delay != 0 {
			t.Fatalf("%q: %v, %v", header, delay, ok)
		}
	})
}
