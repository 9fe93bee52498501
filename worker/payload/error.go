package payload

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrUndecodable is what every error of [Decode] is, by errors.Is.
var ErrUndecodable = errors.New("undecodable message")

// DecodeError says why a message cannot be read.
type DecodeError struct {
	// Reason is a sentence without a full stop, of at most 400 bytes, that says
	// what to change. Of the message it shows at most short names of classes
	// and attributes, never data.
	Reason string
}

const (
	maxReasonBytes = 400
	maxNameBytes   = 64
)

// Error returns the reason, introduced.
func (e *DecodeError) Error() string { return ErrUndecodable.Error() + ": " + e.Reason }

// Is reports whether target is ErrUndecodable.
func (e *DecodeError) Is(target error) bool { return target == ErrUndecodable }

func refuse(parts ...string) error {
	return &DecodeError{Reason: cut(strings.Join(parts, ""), maxReasonBytes)}
}

// cut shortens s to at most n bytes, at the border of a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n -= len("…")
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// display makes a name from a message fit to be shown: short, valid, on one
// line.
func display[T string | []byte](name T) string {
	s := strings.ToValidUTF8(string(name[:min(len(name), 2*maxNameBytes)]), "?")
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != '"' {
			return r
		}
		return '?'
	}, s)
	return cut(s, maxNameBytes)
}
