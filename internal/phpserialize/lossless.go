package phpserialize

import "strconv"

// maxSafeInt is the greatest integer that every JSON reader keeps exactly.
const maxSafeInt = 1<<53 - 1

// AppendLossless appends node i as JSON that keeps every distinction PHP makes:
//
//	null, bool          null, true, false
//	int                 a number; beyond ±(2^53-1) {"$int":"…"}
//	float               {"$float":"…"}, the text of the wire
//	string              a string; if not UTF-8 {"$bytes":"base64"}
//	array, keys 0..n-1  an array
//	other array         {"$map":[[key,value],…]}
//	object              {"$object":"Class","props":[[name,value],…]}, the name
//	                    of a protected property "*x", of a private one "Class::x"
//	enum case           {"$enum":"Class:Case"}
//	custom object       {"$custom":"Class","payload":string or $bytes}
//	r:n, R:n            {"$ref":n}, {"$alias":n}
func (t *Tree) AppendLossless(dst []byte, i int) []byte {
	n := &t.nodes[i]
	switch n.Kind {
	case Null:
		return append(dst, "null"...)
	case Bool:
		return strconv.AppendBool(dst, n.Count == 1)
	case Int:
		return t.losslessInt(dst, i)
	case Float:
		return closeMark(append(openMark(dst, "$float"), t.Text(i)...))
	case String:
		return appendText(dst, t.Bytes(i))
	case Array:
		return t.losslessArray(dst, i)
	case Object:
		return t.losslessObject(dst, i)
	case Custom:
		dst = append(dst, `{"$custom":`...)
		dst = appendText(dst, t.Text(i))
		dst = append(dst, `,"payload":`...)
		dst = appendText(dst, t.Payload(i))
		return append(dst, '}')
	case Enum:
		dst = append(dst, `{"$enum":`...)
		dst = appendText(dst, t.Text(i))
		return append(dst, '}')
	case Ref:
		return closeNumber(append(dst, `{"$ref":`...), n.Count)
	case Alias:
		return closeNumber(append(dst, `{"$alias":`...), n.Count)
	}
	return dst
}

func openMark(dst []byte, mark string) []byte {
	dst = append(dst, `{"`...)
	dst = append(dst, mark...)
	return append(dst, `":"`...)
}

func closeMark(dst []byte) []byte { return append(dst, `"}`...) }

func closeNumber(dst []byte, n int32) []byte {
	return append(strconv.AppendInt(dst, int64(n), 10), '}')
}

func (t *Tree) losslessInt(dst []byte, i int) []byte {
	v, ok := t.Int(i)
	if ok && v >= -maxSafeInt && v <= maxSafeInt {
		return strconv.AppendInt(dst, v, 10)
	}
	return closeMark(appendIntText(openMark(dst, "$int"), t.Text(i)))
}

// appendIntText appends the digits of the wire as JSON spells a number:
// without a plus sign and without leading zeros.
func appendIntText(dst, text []byte) []byte {
	i := skipSign(text, 0)
	for i < len(text)-1 && text[i] == '0' {
		i++
	}
	if text[0] == '-' && text[i] != '0' {
		dst = append(dst, '-')
	}
	return append(dst, text[i:]...)
}

// isList reports whether the keys of the array i are 0..n-1 in this order.
func (t *Tree) isList(i int) bool {
	want := int64(0)
	for e := t.First(i); t.Within(i, e); e = t.After(e) {
		if t.nodes[e.Key].Kind != Int {
			return false
		}
		if v, ok := t.Int(e.Key); !ok || v != want {
			return false
		}
		want++
	}
	return true
}

func (t *Tree) losslessArray(dst []byte, i int) []byte {
	if !t.isList(i) {
		dst = append(dst, `{"$map":[`...)
		for e := t.First(i); t.Within(i, e); e = t.After(e) {
			dst = append(dst, '[')
			dst = t.AppendLossless(dst, e.Key)
			dst = t.losslessValue(dst, i, e)
		}
		return append(dst, "]}"...)
	}
	dst = append(dst, '[')
	for e := t.First(i); t.Within(i, e); e = t.After(e) {
		dst = t.AppendLossless(dst, e.Value)
		if t.Within(i, t.After(e)) {
			dst = append(dst, ',')
		}
	}
	return append(dst, ']')
}

// losslessValue ends a [name, value] pair that has its name.
func (t *Tree) losslessValue(dst []byte, i int, e Pair) []byte {
	dst = append(dst, ',')
	dst = t.AppendLossless(dst, e.Value)
	dst = append(dst, ']')
	if t.Within(i, t.After(e)) {
		dst = append(dst, ',')
	}
	return dst
}

func (t *Tree) losslessObject(dst []byte, i int) []byte {
	dst = append(dst, `{"$object":`...)
	dst = appendText(dst, t.Text(i))
	dst = append(dst, `,"props":[`...)
	for e := t.First(i); t.Within(i, e); e = t.After(e) {
		dst = append(dst, '[')
		dst = t.losslessName(dst, e.Key)
		dst = t.losslessValue(dst, i, e)
	}
	return append(dst, "]}"...)
}

func (t *Tree) losslessName(dst []byte, key int) []byte {
	p := t.Property(key)
	if p.Class == nil {
		return t.AppendLossless(dst, key)
	}
	return appendText(dst, p.qualified())
}

// qualified spells the name of a property that is not public: "*x", "Class::x".
func (p Property) qualified() []byte {
	name := make([]byte, 0, len(p.Class)+len("::")+len(p.Name))
	name = append(name, p.Class...)
	if !p.isProtected() {
		name = append(name, "::"...)
	}
	return append(name, p.Name...)
}
