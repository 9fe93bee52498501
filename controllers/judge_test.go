package controllers

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLongMessagesAreCutBetweenCharacters(t *testing.T) {
	for shift := range 4 {
		got := apiMessage(errors.New(strings.Repeat("x", shift) + strings.Repeat("\u00e4\u20ac", 500)))
		if !utf8.ValidString(got) || len(got) > longestMessage || len(got) < longestMessage-8 || !strings.HasSuffix(got, "...") {
			t.Errorf("%d bytes, valid %t: ...%q", len(got), utf8.ValidString(got), got[len(got)-10:])
		}
	}
	if got := apiMessage(errors.New("short")); got != "short" {
		t.Errorf("message %q", got)
	}
}
