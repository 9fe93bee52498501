package phpserialize

import "math"

// maxLength bounds every length, count and slot number, so that offsets fit
// into 32 bits.
const maxLength = math.MaxInt32

// off narrows an offset, count or index: none exceeds the length of the text,
// which Parse has checked.
func off(n int) int32 {
	return int32(n) // at most math.MaxInt32, see Tree.Parse
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func isHex(c byte) bool {
	return isDigit(c) || c-'a' <= 5 || c-'A' <= 5
}

func hexValue(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	default:
		return c - 'a' + 10
	}
}

// unescape decodes the text of an S string, which the parser has checked.
func unescape(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out = append(out, text[i])
			continue
		}
		out = append(out, hexValue(text[i+1])<<4|hexValue(text[i+2]))
		i += 2
	}
	return out
}

// isClassByte holds the bytes that PHP allows in the name of a class.
var isClassByte = func() (ok [256]bool) {
	for c := range ok {
		b := byte(c)
		ok[c] = isDigit(b) || b|0x20-'a' <= 25 || b == '_' || b == '\\' || b >= 0x80
	}
	return ok
}()

func isClassName(name []byte) bool {
	if len(name) == 0 || name[0] == '\\' {
		return false
	}
	for _, c := range name {
		if !isClassByte[c] {
			return false
		}
	}
	return true
}

// isFloat reports whether text is what PHP reads as a float: a decimal number
// with digits before or after the point, or NAN, INF, -INF.
func isFloat(text []byte) bool {
	switch string(text) {
	case "NAN", "INF", "-INF":
		return true
	}
	i := skipSign(text, 0)
	whole := skipDigits(text, i)
	digits := whole - i
	i = whole
	if i < len(text) && text[i] == '.' {
		fraction := skipDigits(text, i+1)
		digits += fraction - (i + 1)
		i = fraction
	}
	if digits == 0 {
		return false
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		sign := skipSign(text, i+1)
		i = skipDigits(text, sign)
		if i == sign {
			return false
		}
	}
	return i == len(text)
}

func skipSign(text []byte, i int) int {
	if i < len(text) && (text[i] == '+' || text[i] == '-') {
		return i + 1
	}
	return i
}

func skipDigits(text []byte, i int) int {
	for i < len(text) && isDigit(text[i]) {
		i++
	}
	return i
}

// parseInt reads an optional sign and digits. Out of range it returns the
// nearest int64 and false.
func parseInt(text []byte) (int64, bool) {
	i := skipSign(text, 0)
	negative := i == 1 && text[0] == '-'
	limit := uint64(math.MaxInt64)
	if negative {
		limit++
	}
	var n uint64
	for _, c := range text[i:] {
		d := uint64(c - '0')
		if n > (limit-d)/10 {
			return clamp(limit, negative), false
		}
		n = n*10 + d
	}
	return clamp(n, negative), true
}

func clamp(n uint64, negative bool) int64 {
	if negative {
		return -int64(n) // n <= 2^63, whose negation is MinInt64
	}
	return int64(n) // n <= MaxInt64
}
