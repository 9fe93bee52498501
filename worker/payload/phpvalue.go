package payload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/asyncqueue/operator/internal/phpserialize"
)

// Map is a PHP array with its keys in order. It may hold, as may
// HyperfJob.Params: nil, booleans, integers, floats, strings, []byte, slices
// (lists), Map, map[string]any (in the order of its sorted keys), json.Number
// and json.RawMessage (objects become Maps in their order).
type Map []Entry

// Entry is one entry of a Map. A string key that is a decimal integer becomes
// an integer, as it does in PHP.
type Entry struct {
	Key   string
	Value any
}

// maxPHPDepth is the limit of PHP with its default settings.
const maxPHPDepth = phpserialize.DefaultMaxDepth

func appendPHP(dst []byte, v any, depth int) ([]byte, error) {
	if depth > maxPHPDepth {
		return nil, errors.New("values are nested too deeply")
	}
	switch v := v.(type) {
	case nil:
		return phpserialize.AppendNull(dst), nil
	case bool:
		return phpserialize.AppendBool(dst, v), nil
	case string:
		return phpserialize.AppendString(dst, v), nil
	case []byte:
		return phpserialize.AppendString(dst, v), nil
	case json.Number:
		return appendPHPNumber(dst, v)
	case json.RawMessage:
		decoded, err := decodeOrdered(v)
		if err != nil {
			return nil, err
		}
		return appendPHP(dst, decoded, depth)
	case Map:
		return appendPHPMap(dst, v, depth)
	case map[string]any:
		ordered := make(Map, 0, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			ordered = append(ordered, Entry{Key: key, Value: v[key]})
		}
		return appendPHPMap(dst, ordered, depth)
	}
	return appendPHPReflected(dst, reflect.ValueOf(v), depth)
}

func appendPHPReflected(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	switch {
	case v.CanInt():
		return phpserialize.AppendInt(dst, v.Int()), nil
	case v.CanUint():
		n := int64(v.Uint()) // checked on the next line
		if n < 0 {
			return nil, fmt.Errorf("%d does not fit into PHP's integers", v.Uint())
		}
		return phpserialize.AppendInt(dst, n), nil
	case v.CanFloat():
		return phpserialize.AppendFloat(dst, v.Float()), nil
	case v.Kind() == reflect.Slice:
		dst = phpserialize.AppendArrayStart(dst, v.Len())
		var err error
		for i := range v.Len() {
			dst = phpserialize.AppendInt(dst, int64(i))
			if dst, err = appendPHP(dst, v.Index(i).Interface(), depth+1); err != nil {
				return nil, err
			}
		}
		return phpserialize.AppendEnd(dst), nil
	}
	return nil, fmt.Errorf("a value of type %v cannot be written for PHP", v.Type())
}

func appendPHPNumber(dst []byte, n json.Number) ([]byte, error) {
	if i, err := n.Int64(); err == nil {
		return phpserialize.AppendInt(dst, i), nil
	}
	f, err := n.Float64()
	if err != nil {
		return nil, fmt.Errorf("reading a number: %w", err)
	}
	return phpserialize.AppendFloat(dst, f), nil
}

func appendPHPMap(dst []byte, m Map, depth int) ([]byte, error) {
	dst = phpserialize.AppendArrayStart(dst, len(m))
	seen := make(map[string]bool, len(m))
	var err error
	for _, e := range m {
		if seen[e.Key] {
			return nil, fmt.Errorf("the key %q stands twice", display(e.Key))
		}
		seen[e.Key] = true
		if n, isInt := arrayIndex(e.Key); isInt {
			dst = phpserialize.AppendInt(dst, n)
		} else {
			dst = phpserialize.AppendString(dst, e.Key)
		}
		if dst, err = appendPHP(dst, e.Value, depth+1); err != nil {
			return nil, err
		}
	}
	return phpserialize.AppendEnd(dst), nil
}

// arrayIndex returns the integer that PHP makes of a key: only of one in its
// shortest spelling.
func arrayIndex(key string) (int64, bool) {
	n, err := strconv.ParseInt(key, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != key {
		return 0, false
	}
	return n, true
}

// decodeOrdered decodes JSON with objects as Maps and numbers as json.Number.
func decodeOrdered(raw json.RawMessage) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := decodeValue(d)
	if err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("reading JSON: something follows the value")
	}
	return v, nil
}

func decodeValue(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	opened, isDelim := token.(json.Delim)
	if !isDelim {
		return token, nil
	}
	object := Map{}
	list := []any{}
	for d.More() {
		var key string
		if opened == '{' {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			key, _ = name.(string)
		}
		value, err := decodeValue(d)
		if err != nil {
			return nil, err
		}
		object = append(object, Entry{Key: key, Value: value})
		list = append(list, value)
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if opened == '{' {
		return object, nil
	}
	return list, nil
}
