package payload

import (
	"bytes"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// dataKind says which member holds the data of a CloudEvent.
type dataKind uint8

const (
	noData dataKind = iota
	plainData
	base64Data
)

// maxMembers bounds the attributes of a CloudEvent: they are compared with one
// another.
const maxMembers = 64

// member is one member of a CloudEvent's JSON object.
type member struct {
	name  []byte // unquoted
	value span
}

// readMembers checks that raw is a JSON object with unique names, and appends
// its members to dst.
func readMembers(dst []member, raw []byte) ([]member, error) {
	s := jsonScanner{src: raw}
	pos := skipSpace(raw, skipSpace(raw, 0)+1)
	for s.at(pos) != '}' || len(dst) > 0 {
		value, err := s.name(pos)
		if err != nil {
			return nil, err
		}
		end, err := s.value(value, 1)
		if err != nil {
			return nil, err
		}
		if len(dst) == maxMembers {
			return nil, s.fail(pos, "the object has too many members")
		}
		m := member{name: memberName(raw[pos:value]), value: span{value, end}}
		for i := range dst {
			if bytes.Equal(dst[i].name, m.name) {
				return nil, s.fail(pos, `the member "`+display(m.name)+`" stands twice`)
			}
		}
		dst = append(dst, m)
		if pos = skipSpace(raw, end); s.at(pos) != ',' {
			break
		}
		pos = skipSpace(raw, pos+1)
	}
	if s.at(pos) != '}' {
		return nil, s.fail(pos, "a comma or the end of the object is missing")
	}
	if end := skipSpace(raw, pos+1); end < len(raw) {
		return nil, s.fail(end, "something follows the object")
	}
	return dst, nil
}

// memberName decodes the name at the start of text, which ends with a colon.
func memberName(text []byte) []byte {
	end := len(text) - 1
	for text[end] != '"' {
		end--
	}
	if name := text[1:end]; bytes.IndexByte(name, '\\') < 0 {
		return name
	}
	return []byte(unquote(text[:end+1]))
}

func decodeCloudEvent(raw []byte) (*Message, error) {
	var buf [16]member
	members, err := readMembers(buf[:0], raw)
	if err != nil {
		return nil, refuse("it begins like JSON but cannot be read: ", err.Error())
	}
	d := eventDecoder{m: &Message{format: CloudEvents, raw: raw}}
	for _, m := range members {
		if err := d.read(m); err != nil {
			return nil, err
		}
	}
	if err := d.finish(members); err != nil {
		return nil, err
	}
	return d.m, nil
}

// eventDecoder collects the attributes of one CloudEvent.
type eventDecoder struct {
	m           *Message
	specVersion []byte
	contentType []byte

	name, id, source, traceParent []byte // for the message to keep
}

// keep gives the message its texts. They are copied, so that a handler that keeps
// an id does not keep the whole message; one allocation holds them all.
func (d *eventDecoder) keep() {
	var texts strings.Builder
	texts.Grow(len(d.name) + len(d.id) + len(d.source) + len(d.traceParent))
	for _, text := range [...][]byte{d.name, d.id, d.source, d.traceParent} {
		texts.Write(text)
	}
	all := texts.String()
	d.m.name, all = all[:len(d.name)], all[len(d.name):]
	d.m.id, all = all[:len(d.id)], all[len(d.id):]
	d.m.source, d.m.traceParent = all[:len(d.source)], all[len(d.source):]
}

func (d *eventDecoder) read(a member) error {
	m := d.m
	value := a.value.of(m.raw)
	if string(value) == "null" && string(a.name) != "data" {
		if string(a.name) == "attempts" { // absent, but the place is taken
			m.counters.add(a.value)
		}
		return nil
	}
	var err error
	switch string(a.name) {
	case "specversion":
		d.specVersion, err = text(a, value)
	case "type":
		d.name, err = text(a, value)
	case "id":
		d.id, err = text(a, value)
	case "source":
		d.source, err = reference(a, value)
	case "time":
		m.time, err = timestamp(a, value)
	case "subject":
		_, err = text(a, value)
	case "datacontenttype":
		d.contentType, err = text(a, value)
	case "dataschema":
		err = checkURI(a, value)
	case "traceparent":
		d.traceParent, err = text(a, value)
	case "attempts":
		m.attempts, err = m.readCounter(a, true)
	case "maxattempts":
		m.maxAttempts, err = m.readCounter(a, false)
		m.hasMaxAttempts = true
	case "data", "data_base64":
		err = m.readData(a)
	default:
		err = checkExtension(a, value)
	}
	return err
}

// finish checks what no single attribute shows.
func (d *eventDecoder) finish(members []member) error {
	d.keep()
	m := d.m
	switch {
	case len(d.specVersion) == 0:
		return refuse("it is a JSON object but no CloudEvent: it has no specversion; ", wantedFormats)
	case string(d.specVersion) != "1.0":
		return refuse(`its specversion is "`, display(d.specVersion), `", want "1.0"`)
	case m.name == "":
		return refuse("its type is missing: that is the name of the job")
	case m.id == "":
		return refuse("its id is missing")
	case m.source == "":
		return refuse("its source is missing")
	}
	if err := d.checkData(); err != nil {
		return err
	}
	if m.counters.places == 0 {
		end := members[len(members)-1].value.end
		m.counters.prefix = `,"attempts":`
		m.counters.add(span{end, end})
	}
	return nil
}

// text returns an attribute that must be a string with something in it, for as
// long as the message is not changed.
func text(a member, value []byte) ([]byte, error) {
	if value[0] != '"' {
		return nil, refuse("its ", display(a.name), " is not a string")
	}
	s := content(value)
	if len(bytes.TrimSpace(s)) == 0 {
		return nil, refuse("its ", display(a.name), " is empty; give it a value or leave it out")
	}
	return s, nil
}

func timestamp(a member, value []byte) (time.Time, error) {
	s, err := text(a, value)
	if err != nil {
		return time.Time{}, err
	}
	if t, ok := plainTime(s); ok {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339Nano, string(s))
	if err != nil {
		return time.Time{}, refuse("its time is not in the format of RFC 3339, like 2026-01-02T15:04:05Z")
	}
	return t, nil
}

// reference returns an attribute that must be a URI reference.
func reference(a member, value []byte) ([]byte, error) {
	s, err := text(a, value)
	if err != nil || isPlainPath(s) {
		return s, err
	}
	if _, err := url.Parse(string(s)); err != nil {
		return nil, refuse("its ", display(a.name), " is not a URI reference")
	}
	return s, nil
}

// isPlainPath says whether s is a URI reference that needs no closer look, like
// most sources.
func isPlainPath(s []byte) bool {
	for _, c := range s {
		switch {
		case c|0x20-'a' <= 25, isDigit(c), c == '/', c == '.', c == '-', c == '_', c == '~':
		default:
			return false
		}
	}
	return true
}

func checkURI(a member, value []byte) error {
	s, err := text(a, value)
	if err != nil {
		return err
	}
	if u, err := url.Parse(string(s)); err != nil || !u.IsAbs() {
		return refuse("its ", display(a.name), " is not an absolute URI")
	}
	return nil
}

// readCounter reads a number of attempts. CloudEvents integers are JSON numbers;
// the same digits in a string are taken too, since some libraries write so.
func (m *Message) readCounter(a member, isPatched bool) (int, error) {
	place := a.value
	if m.raw[place.start] == '"' {
		place.start++
		place.end--
	}
	digits := place.of(m.raw)
	n, err := strconv.ParseUint(string(digits), 10, 31)
	if err != nil || n == math.MaxInt32 || (len(digits) > 1 && digits[0] == '0') {
		return 0, refuse("its ", display(a.name), " is not a whole number from 0 to 2147483646")
	}
	if isPatched {
		m.counters.add(place)
	}
	return int(n), nil
}

// checkExtension refuses an extension that the CloudEvents SDK would not take.
func checkExtension(a member, value []byte) error {
	for _, c := range a.name {
		if c-'a' > 25 && !isDigit(c) {
			return refuse(`its attribute "`, display(a.name),
				`" must be named with lower-case letters and digits only`)
		}
	}
	switch {
	case len(a.name) == 0:
		return refuse("one of its attributes has no name")
	case value[0] == '"', value[0] == 't', value[0] == 'f':
		return nil
	}
	if _, err := strconv.ParseInt(string(value), 10, 32); err != nil {
		return refuse(`its attribute "`, display(a.name),
			`" is neither a string, a boolean nor a 32-bit integer; parameters of the job belong into data`)
	}
	return nil
}
