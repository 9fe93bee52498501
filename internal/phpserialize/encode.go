package phpserialize

import (
	"math"
	"strconv"
)

// The Append functions write what serialize() writes. An array or object is
// its Append…Start, then its entries (key, value, key, value), then AppendEnd.

// AppendNull appends N;.
func AppendNull(dst []byte) []byte { return append(dst, "N;"...) }

// AppendBool appends b:0; or b:1;.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, "b:1;"...)
	}
	return append(dst, "b:0;"...)
}

// AppendInt appends i:<v>;.
func AppendInt(dst []byte, v int64) []byte {
	dst = append(dst, "i:"...)
	dst = strconv.AppendInt(dst, v, 10)
	return append(dst, ';')
}

// AppendFloat appends d:<v>; with the shortest digits that give v again, which
// is what PHP's serialize_precision of -1 does.
func AppendFloat(dst []byte, v float64) []byte {
	dst = append(dst, "d:"...)
	dst = appendFloatText(dst, v)
	return append(dst, ';')
}

// appendFloatText spells v as PHP does: 0.1, 1, -0, 1.0E+25, NAN, -INF.
func appendFloatText(dst []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, "NAN"...)
	case math.IsInf(v, 1):
		return append(dst, "INF"...)
	case math.IsInf(v, -1):
		return append(dst, "-INF"...)
	}
	var buf [32]byte
	sci := strconv.AppendFloat(buf[:0], v, 'e', -1, 64)
	mantissa, exponent := splitExponent(sci)
	// PHP leaves decimal notation below 1e-4 and from 1e17 on.
	if v != 0 && (exponent < -4 || exponent > 16) {
		dst = append(dst, mantissa...)
		if len(mantissa) <= len("-1") {
			dst = append(dst, ".0"...)
		}
		dst = append(dst, 'E')
		if exponent > 0 {
			dst = append(dst, '+')
		}
		return strconv.AppendInt(dst, int64(exponent), 10)
	}
	return strconv.AppendFloat(dst, v, 'f', -1, 64)
}

func splitExponent(sci []byte) (mantissa []byte, exponent int) {
	for i, c := range sci {
		if c == 'e' {
			n, _ := parseInt(sci[i+1:])
			return sci[:i], int(n)
		}
	}
	return sci, 0
}

// AppendString appends s:<length>:"<v>";.
func AppendString[T string | []byte](dst []byte, v T) []byte {
	dst = append(dst, 's')
	dst = appendQuoted(dst, v)
	return append(dst, ';')
}

// AppendArrayStart appends the head of an array of count entries.
func AppendArrayStart(dst []byte, count int) []byte {
	dst = append(dst, "a:"...)
	dst = strconv.AppendInt(dst, int64(count), 10)
	return append(dst, ":{"...)
}

// AppendObjectStart appends the head of an object with count properties.
func AppendObjectStart[T string | []byte](dst []byte, class T, count int) []byte {
	dst = append(dst, 'O')
	dst = appendQuoted(dst, class)
	dst = append(dst, ':')
	dst = strconv.AppendInt(dst, int64(count), 10)
	return append(dst, ":{"...)
}

// AppendEnd appends the end of an array or object.
func AppendEnd(dst []byte) []byte { return append(dst, '}') }

func appendQuoted[T string | []byte](dst []byte, v T) []byte {
	dst = append(dst, ':')
	dst = strconv.AppendInt(dst, int64(len(v)), 10)
	dst = append(dst, `:"`...)
	dst = append(dst, v...)
	return append(dst, '"')
}

// AppendTree appends what serialize() writes for node i. It is built from the
// decoded values, so that it equals the source exactly where that was written
// as PHP writes.
func (t *Tree) AppendTree(dst []byte, i int) []byte {
	n := &t.nodes[i]
	switch n.Kind {
	case Null:
		return AppendNull(dst)
	case Bool:
		return AppendBool(dst, n.Count == 1)
	case Int:
		v, _ := t.Int(i)
		return AppendInt(dst, v)
	case Float:
		dst = append(dst, "d:"...)
		dst = append(dst, t.Text(i)...)
		return append(dst, ';')
	case String:
		return AppendString(dst, t.Bytes(i))
	case Array:
		return t.appendEntries(AppendArrayStart(dst, int(n.Count)), i)
	case Object:
		return t.appendEntries(AppendObjectStart(dst, t.Text(i), int(n.Count)), i)
	case Custom:
		return t.appendCustom(dst, i)
	case Enum:
		dst = appendQuoted(append(dst, 'E'), t.Text(i))
		return append(dst, ';')
	case Ref, Alias:
		dst = append(dst, t.src[n.Start], ':')
		dst = strconv.AppendInt(dst, int64(n.Count), 10)
		return append(dst, ';')
	}
	return dst
}

func (t *Tree) appendEntries(dst []byte, i int) []byte {
	for e := t.First(i); t.Within(i, e); e = t.After(e) {
		dst = t.AppendTree(dst, e.Key)
		dst = t.AppendTree(dst, e.Value)
	}
	return AppendEnd(dst)
}

func (t *Tree) appendCustom(dst []byte, i int) []byte {
	payload := t.Payload(i)
	if int(t.nodes[i].Next) > i+1 { // opened
		payload = t.AppendTree(nil, i+1)
	}
	dst = appendQuoted(append(dst, 'C'), t.Text(i))
	dst = append(dst, ':')
	dst = strconv.AppendInt(dst, int64(len(payload)), 10)
	dst = append(dst, ":{"...)
	dst = append(dst, payload...)
	return append(dst, '}')
}
