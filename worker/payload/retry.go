package payload

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// counters says where a message counts its attempts.
type counters struct {
	// attempts are the places that hold the number, in order; at least one. An
	// empty place is where it is to be inserted, after prefix.
	attempts [2]span
	places   int
	prefix   string
	// length is the place of the byte length that the oldest Hyperf envelope
	// gives of all that holds the attempts. Empty: there is none.
	length span
}

func (c *counters) add(s span) {
	c.attempts[c.places] = s
	c.places++
}

// Retry returns the message with its attempts one higher, all other bytes as
// they were. The result is a new slice.
func (m *Message) Retry() []byte {
	var buf [20]byte
	digits := strconv.AppendInt(buf[:0], int64(m.attempts)+1, 10)

	c := &m.counters
	grown := 0
	for _, s := range c.attempts[:c.places] {
		grown += len(c.prefix) + len(digits) - (s.end - s.start)
	}
	const longerLength = 1 // the length itself can get one digit longer
	out := make([]byte, 0, len(m.raw)+max(grown, 0)+longerLength)
	pos := 0
	if c.length.end > 0 {
		out = append(out, m.raw[:c.length.start]...)
		out = appendLength(out, c.length.of(m.raw), grown)
		pos = c.length.end
	}
	for _, s := range c.attempts[:c.places] {
		out = append(out, m.raw[pos:s.start]...)
		out = append(out, c.prefix...)
		out = append(out, digits...)
		pos = s.end
	}
	return append(out, m.raw[pos:]...)
}

// appendLength appends the length written as text, grown by some bytes. One that
// stays the same keeps its spelling.
func appendLength(dst, text []byte, grown int) []byte {
	n, err := strconv.Atoi(string(text))
	if err != nil || grown == 0 {
		return append(dst, text...)
	}
	return strconv.AppendInt(dst, int64(n+grown), 10)
}

// ID returns what names the message through all its retries: the id of a
// CloudEvent; of a Hyperf job its uniqueId, where that is a string with
// something in it. Other messages are named by 32 hexadecimal digits of the
// SHA-256 of their bytes without the attempts, so that equal messages have equal
// ids.
func (m *Message) ID() string {
	if m.id != "" {
		return m.id
	}
	h := sha256.New()
	c := &m.counters
	pos := 0
	if c.length.end > 0 {
		h.Write(m.raw[:c.length.start])
		pos = c.length.end
	}
	for _, s := range c.attempts[:c.places] {
		h.Write(m.raw[pos:s.start])
		pos = s.end
	}
	h.Write(m.raw[pos:])
	const idBytes = 16
	return hex.EncodeToString(h.Sum(nil)[:idBytes])
}
