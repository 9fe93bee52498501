package phpserialize

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"
	"unicode/utf8"
)

// copyDepth is the depth below which references are no longer replaced by what
// they name. With the depth of the wire itself that stays below the 10000 levels
// of encoding/json, with room for what the value is embedded in.
const copyDepth = 4096

// AppendNatural appends node i as the JSON that a program in another language
// expects:
//
//	null, bool, string  themselves; a string that is not UTF-8 {"$bytes":"base64"}
//	int                 a number with all its digits
//	float               a number that shows it is a float (1.0); one that JSON
//	                    lacks {"$float":"NAN"}
//	array, keys 0..n-1  an array, so also the empty one
//	other array         an object, integer keys in decimal
//	object              an object of the bare property names, without its class
//	enum case           {"$enum":"Class:Case"}
//	custom object       {"$custom":"Class","payload":string or $bytes}
//	r:n, R:n            the value once more; inside itself {"$ref":"#/path"}; where
//	                    it cannot be known, or not be copied, {"$ref":n}
//
// A name that is not UTF-8 is "$bytes:base64"; one that could be mistaken for
// one of these marks gets one more $ in front. Where classes of one object
// declare a private property of the same name, the bare name is that of the
// public or protected one, else of the object's own class; the others are
// "Class::name".
//
// Copies of shared values can make the JSON far larger than the wire: once it has
// maxBytes bytes, no more are made.
func (t *Tree) AppendNatural(dst []byte, i, maxBytes int) []byte {
	w := natural{t: t, dst: dst, limit: len(dst) + maxBytes}
	w.value(i)
	return w.dst
}

type natural struct {
	t      *Tree
	dst    []byte
	limit  int
	frames []frame
	// step is how the value that comes next is reached from the last frame.
	step step
	// open maps the nodes of frames to their index; nil until a reference asks.
	open map[int]int
}

// frame is an array or object that is being written.
type frame struct {
	node int
	step step
}

// step is one element of a JSON pointer: a list index, or, with named, the
// place in dst where the name stands.
type step struct {
	named      bool
	index      int
	start, end int
}

func (w *natural) value(i int) {
	switch w.t.Node(i).Kind {
	case Int:
		w.dst = appendIntText(w.dst, w.t.Text(i))
	case Float:
		w.dst = appendNaturalFloat(w.dst, w.t.Text(i))
	case Ref, Alias:
		w.reference(i)
	case Array, Object:
		w.container(i)
	default: // written alike
		w.dst = w.t.AppendLossless(w.dst, i)
	}
}

func appendNaturalFloat(dst, text []byte) []byte {
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return closeMark(append(openMark(dst, "$float"), text...))
	}
	start := len(dst)
	if isJSONNumber(text) {
		dst = append(dst, text...)
	} else {
		dst = strconv.AppendFloat(dst, v, 'g', -1, 64)
	}
	if !bytes.ContainsAny(dst[start:], ".eE") {
		dst = append(dst, ".0"...)
	}
	return dst
}

// isJSONNumber reports whether the float text, known to be PHP's, is JSON too:
// no plus sign, no superfluous zeros, digits on both sides of a point.
func isJSONNumber(text []byte) bool {
	if text[0] == '+' {
		return false
	}
	i := skipSign(text, 0)
	whole := skipDigits(text, i)
	if whole == i || (text[i] == '0' && whole-i > 1) {
		return false
	}
	if whole < len(text) && text[whole] == '.' {
		return skipDigits(text, whole+1) > whole+1
	}
	return true
}

func (w *natural) reference(i int) {
	target, ok := w.t.Resolve(i)
	if !ok || len(w.dst) > w.limit || len(w.frames) > copyDepth {
		w.dst = closeNumber(append(w.dst, `{"$ref":`...), w.t.Node(i).Count)
		return
	}
	if w.open == nil {
		w.open = make(map[int]int)
		for at, f := range w.frames {
			w.open[f.node] = at
		}
	}
	if at, cyclic := w.open[target]; cyclic {
		w.dst = append(w.dst, `{"$ref":"#`...)
		w.pointer(at)
		w.dst = closeMark(w.dst)
		return
	}
	w.value(target)
}

// pointer appends the JSON pointer to the array or object of frame at.
func (w *natural) pointer(at int) {
	for _, f := range w.frames[1 : at+1] {
		w.dst = append(w.dst, '/')
		if !f.step.named {
			w.dst = strconv.AppendInt(w.dst, int64(f.step.index), 10)
			continue
		}
		for p := f.step.start; p < f.step.end; p++ {
			switch c := w.dst[p]; c {
			case '~':
				w.dst = append(w.dst, "~0"...)
			case '/':
				w.dst = append(w.dst, "~1"...)
			default:
				w.dst = append(w.dst, c)
			}
		}
	}
}

func (w *natural) container(i int) {
	if w.open != nil {
		w.open[i] = len(w.frames)
	}
	w.frames = append(w.frames, frame{node: i, step: w.step})
	if w.t.Node(i).Kind == Array && w.t.isList(i) {
		w.list(i)
	} else {
		w.members(i)
	}
	w.frames = w.frames[:len(w.frames)-1]
	delete(w.open, i)
}

func (w *natural) list(i int) {
	w.dst = append(w.dst, '[')
	index := 0
	for e := w.t.First(i); w.t.Within(i, e); e = w.t.After(e) {
		if index > 0 {
			w.dst = append(w.dst, ',')
		}
		w.step = step{index: index}
		w.value(e.Value)
		index++
	}
	w.dst = append(w.dst, ']')
}

func (w *natural) members(i int) {
	w.dst = append(w.dst, '{')
	for at, m := range w.t.members(i) {
		if at > 0 {
			w.dst = append(w.dst, ',')
		}
		w.dst = append(w.dst, '"')
		start := len(w.dst)
		w.dst = appendName(w.dst, m.name)
		w.step = step{named: true, start: start, end: len(w.dst)}
		w.dst = append(w.dst, `":`...)
		w.value(m.value)
	}
	w.dst = append(w.dst, '}')
}

// appendName appends the content of a JSON string for the name of a member.
func appendName(dst, name []byte) []byte {
	if !utf8.Valid(name) {
		return base64.StdEncoding.AppendEncode(append(dst, "$bytes:"...), name)
	}
	if looksMarked(name) {
		dst = append(dst, '$')
	}
	return appendJSONContent(dst, name)
}

// looksMarked reports whether name is a mark of AppendNatural, or one with
// more $ in front.
func looksMarked(name []byte) bool {
	mark := bytes.TrimLeft(name, "$")
	if len(mark) == len(name) {
		return false
	}
	switch string(mark) {
	case "bytes", "float", "enum", "custom", "ref":
		return true
	}
	return bytes.HasPrefix(mark, []byte("bytes:"))
}
