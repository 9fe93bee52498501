package payload

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
)

// CloudEvent returns the message as a CloudEvent of the SDK, for handlers that
// are not Go functions. Its extension attempts is always there, maxattempts
// where the message has it.
//
// A CloudEvent is handed on as it came, and source is not looked at. A Hyperf
// message becomes one of type [Message.Type] and id [Message.ID], whose data is
// [Message.Data]; it comes from source, which should be a URI reference that
// names the channel.
func (m *Message) CloudEvent(source string) (*event.Event, error) {
	e := event.New()
	var err error
	if m.format == CloudEvents {
		err = m.copyEvent(&e)
	} else {
		e.Context = newContext(m.ID(), strings.ToValidUTF8(m.name, "\uFFFD"), source)
		e.SetDataContentType(event.ApplicationJSON)
		e.DataEncoded = m.Data()
	}
	if err != nil {
		return nil, fmt.Errorf("making a CloudEvent: %w", err)
	}
	if _, exists := e.Extensions()["attempts"]; !exists {
		e.SetExtension("attempts", m.attempts)
	}
	if _, exists := e.Extensions()["maxattempts"]; !exists && m.hasMaxAttempts {
		// CloudEvents integers have 32 bits. PHP's have 64, of which nobody counts
		// more attempts than fit into these.
		e.SetExtension("maxattempts", min(max(m.maxAttempts, math.MinInt32), math.MaxInt32))
	}
	if err := e.Validate(); err != nil {
		return nil, fmt.Errorf("making a CloudEvent: %w", err)
	}
	return &e, nil
}

// newContext sets the required attributes past the setters of event.Event, which
// would trim spaces. A source that is no URI reference stays empty, for Validate
// to refuse.
func newContext(id, name, source string) *event.EventContextV1 {
	c := &event.EventContextV1{ID: id, Type: name}
	if reference := types.ParseURIRef(source); reference != nil {
		c.Source = *reference
	}
	return c
}

// copyEvent sets all attributes of a CloudEvent. The SDK's own reader is not
// used: it does not take every escape in data_base64, nor +json types.
func (m *Message) copyEvent(e *event.Event) error {
	members, err := readMembers(nil, m.raw)
	if err != nil {
		return err
	}
	c := newContext(m.id, m.name, m.source)
	if !m.time.IsZero() {
		c.Time = &types.Timestamp{Time: m.time}
	}
	e.Context = c
	for _, a := range members {
		value := a.value.of(m.raw)
		if string(value) == "null" {
			continue
		}
		switch name := string(a.name); name {
		case "specversion", "id", "type", "source", "time", "data", "data_base64":
		case "subject":
			c.Subject = new(unquote(value))
		case "datacontenttype":
			c.DataContentType = new(unquote(value))
		case "dataschema":
			c.DataSchema = types.ParseURI(unquote(value))
		default:
			if err := c.SetExtension(name, extension(value)); err != nil {
				return fmt.Errorf("setting the extension %q: %w", name, err)
			}
		}
	}
	e.DataEncoded = m.bytesOf(e.DataContentType())
	e.DataBase64 = m.kind == base64Data
	return nil
}

// extension returns a JSON value that checkExtension allows as a Go value.
func extension(value []byte) any {
	switch value[0] {
	case '"':
		return unquote(value)
	case 't', 'f':
		return value[0] == 't'
	}
	n, err := strconv.ParseInt(string(value), 10, 32)
	if err != nil {
		return json.Number(value) // not possible: it was checked
	}
	return int32(n)
}
