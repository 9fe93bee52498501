package payload

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

// jsonScanner checks JSON (RFC 8259, in valid UTF-8) and tells where its values
// stand. encoding/json takes several times as long, which is most of the time
// that a worker spends on a small message.
type jsonScanner struct{ src []byte }

// maxJSONDepth keeps the stack small. Many readers of JSON stop at 1000 levels or before.
const maxJSONDepth = 1000

// jsonError says at which byte the text is no JSON.
type jsonError struct {
	offset  int
	problem string
}

func (e *jsonError) Error() string {
	return "at byte " + strconv.Itoa(e.offset) + ": " + e.problem
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

func skipSpace(src []byte, pos int) int {
	for pos < len(src) && isSpace(src[pos]) {
		pos++
	}
	return pos
}

func (s *jsonScanner) at(pos int) byte {
	if pos < len(s.src) {
		return s.src[pos]
	}
	return 0
}

func (s *jsonScanner) fail(pos int, problem string) error {
	if pos >= len(s.src) {
		problem = "it is cut short"
	}
	return &jsonError{offset: pos, problem: problem}
}

// value reads one value and returns the offset after it. Its first byte tells
// its kind.
func (s *jsonScanner) value(pos, depth int) (int, error) {
	switch c := s.at(pos); c {
	case '{', '[':
		if depth >= maxJSONDepth {
			return 0, s.fail(pos, "values are nested too deeply")
		}
		return s.compound(pos, depth+1, c)
	case '"':
		return s.str(pos)
	case 't':
		return s.literal(pos, "true")
	case 'f':
		return s.literal(pos, "false")
	case 'n':
		return s.literal(pos, "null")
	}
	return s.number(pos)
}

func (s *jsonScanner) literal(pos int, want string) (int, error) {
	end := pos + len(want)
	if end > len(s.src) || string(s.src[pos:end]) != want {
		return 0, s.fail(pos, "no value begins like this")
	}
	return end, nil
}

// compound reads the object or array that opens at pos.
func (s *jsonScanner) compound(pos, depth int, opened byte) (int, error) {
	closing := opened + 2 // { } and [ ] lie two apart
	pos = skipSpace(s.src, pos+1)
	if s.at(pos) == closing {
		return pos + 1, nil
	}
	var err error
	for {
		if opened == '{' {
			if pos, err = s.name(pos); err != nil {
				return 0, err
			}
		}
		if pos, err = s.value(pos, depth); err != nil {
			return 0, err
		}
		pos = skipSpace(s.src, pos)
		switch s.at(pos) {
		case closing:
			return pos + 1, nil
		case ',':
			pos = skipSpace(s.src, pos+1)
		default:
			return 0, s.fail(pos, "a comma or the end of an object or array is missing")
		}
	}
}

// name reads a member's name and the colon, up to its value.
func (s *jsonScanner) name(pos int) (int, error) {
	if s.at(pos) != '"' {
		return 0, s.fail(pos, "the name of a member is missing")
	}
	pos, err := s.str(pos)
	if err != nil {
		return 0, err
	}
	pos = skipSpace(s.src, pos)
	if s.at(pos) != ':' {
		return 0, s.fail(pos, "a colon is missing")
	}
	return skipSpace(s.src, pos+1), nil
}

// plainInString holds the bytes that stand for themselves in a string and are
// ASCII.
var plainInString = func() (ok [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		ok[c] = c != '"' && c != '\\'
	}
	return ok
}()

// Each byte of a word.
const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// skipPlain returns the offset of the first byte that is not plain, from pos on.
// It looks at eight bytes at once: the high bit of a byte of odd tells that it is
// above ASCII, or below ' ', or one of the two that have a meaning. A borrow from
// the byte before can only add bits behind one that is set rightly.
func skipPlain(src []byte, pos int) int {
	for ; pos+8 <= len(src); pos += 8 {
		word := binary.LittleEndian.Uint64(src[pos:])
		quote, escape := word^(lowBits*'"'), word^(lowBits*'\\')
		odd := (word | (word - lowBits*' ') | (quote - lowBits) | (escape - lowBits)) & highBits
		if odd != 0 {
			return pos + bits.TrailingZeros64(odd)/8
		}
	}
	for pos < len(src) && plainInString[src[pos]] {
		pos++
	}
	return pos
}

func (s *jsonScanner) str(pos int) (int, error) {
	pos++
	for {
		pos = skipPlain(s.src, pos)
		switch c := s.at(pos); {
		case c == '"':
			return pos + 1, nil
		case c == '\\':
			n := s.escape(pos)
			if n == 0 {
				return 0, s.fail(pos, "an escape in a string is malformed")
			}
			pos += n
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRune(s.src[pos:])
			if r == utf8.RuneError && n == 1 {
				return 0, s.fail(pos, "a string is not valid UTF-8")
			}
			pos += n
		default:
			return 0, s.fail(pos, "a string holds a control character")
		}
	}
}

// escape returns the length of the escape at pos, or 0 if it is malformed.
func (s *jsonScanner) escape(pos int) int {
	switch s.at(pos + 1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return len(`\n`)
	case 'u':
		for i := range 4 {
			switch c := s.at(pos + 2 + i); {
			case isDigit(c), c-'a' <= 5, c-'A' <= 5:
			default:
				return 0
			}
		}
		return len(`\u0000`)
	}
	return 0
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func (s *jsonScanner) digits(pos int) int {
	for isDigit(s.at(pos)) {
		pos++
	}
	return pos
}

func (s *jsonScanner) number(pos int) (int, error) {
	start := pos
	if s.at(pos) == '-' {
		pos++
	}
	end := s.digits(pos)
	if end == pos || (s.src[pos] == '0' && end > pos+1) {
		return 0, s.fail(start, "no value begins like this")
	}
	pos = end
	if s.at(pos) == '.' {
		if end = s.digits(pos + 1); end == pos+1 {
			return 0, s.fail(start, "a number is malformed")
		}
		pos = end
	}
	if c := s.at(pos); c == 'e' || c == 'E' {
		pos++
		if c := s.at(pos); c == '+' || c == '-' {
			pos++
		}
		if end = s.digits(pos); end == pos {
			return 0, s.fail(start, "a number is malformed")
		}
		pos = end
	}
	return pos, nil
}

// unquote decodes a JSON string, given with its quotes and known to be valid.
func unquote(quoted []byte) string { return string(content(quoted)) }

// content is unquote without a copy where there is nothing to decode.
func content(quoted []byte) []byte {
	plain := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(plain, '\\') < 0 {
		return plain
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return plain // not possible: it was checked
	}
	return []byte(s)
}
