package payload

import (
	"encoding/base64"
	"encoding/json"
	"mime"
	"strings"
)

func (m *Message) readData(a member) error {
	if m.kind != noData {
		return refuse("it has both data and data_base64; leave one out")
	}
	m.data, m.kind = a.value, plainData
	if string(a.name) == "data" {
		return nil
	}
	m.kind = base64Data
	value := a.value.of(m.raw)
	if value[0] != '"' || !isBase64(unquote(value)) {
		return refuse("its data_base64 is not base64 text")
	}
	return nil
}

// isBase64 reports whether s is base64 with padding (RFC 4648, 4).
func isBase64(s string) bool {
	if len(s)%4 != 0 {
		return false
	}
	s = strings.TrimSuffix(strings.TrimSuffix(s, "="), "=")
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && c|0x20-'a' > 25 && c != '+' && c != '/' {
			return false
		}
	}
	return true
}

// checkData refuses data that does not fit the content type.
func (d *eventDecoder) checkData() error {
	if len(d.contentType) == 0 || string(d.contentType) == jsonType {
		return nil
	}
	media, _, err := mime.ParseMediaType(string(d.contentType))
	if err != nil {
		return refuse("its datacontenttype is not a media type, like ", jsonType)
	}
	m := d.m
	if m.kind == plainData && !isJSONMedia(media) && m.raw[m.data.start] != '"' {
		return refuse("its datacontenttype is not JSON, but its data is; set it to ", jsonType, " or write the data as a string")
	}
	return nil
}

const jsonType = "application/json"

func isJSONMedia(media string) bool {
	return media == jsonType || media == "text/json" || strings.HasSuffix(media, "+json")
}

// bytesOf returns the data of a CloudEvent as bytes, for its content type.
func (m *Message) bytesOf(contentType string) []byte {
	value := m.data.of(m.raw)
	switch m.kind {
	case noData:
		return nil
	case base64Data:
		b, err := base64.StdEncoding.DecodeString(unquote(value))
		if err != nil {
			return nil // not possible: it was checked
		}
		return b
	default:
	}
	if media, _, err := mime.ParseMediaType(contentType); err == nil && !isJSONMedia(media) {
		return []byte(unquote(value))
	}
	return value
}

// eventJSON returns the data of a CloudEvent as JSON.
func (m *Message) eventJSON() json.RawMessage {
	value := m.data.of(m.raw)
	switch m.kind {
	case noData:
		return json.RawMessage("null")
	case plainData:
		return value
	default:
	}
	text := unquote(value)
	if b := m.bytesOf(""); json.Valid(b) {
		return b
	}
	out := append(make([]byte, 0, len(text)+len(`{"$bytes":""}`)), `{"$bytes":"`...)
	out = append(out, text...)
	return append(out, `"}`...)
}
