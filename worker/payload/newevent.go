package payload

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Event is what [NewCloudEvent] writes.
type Event struct {
	// Type is the name of the job. Required.
	Type string
	// Source says who pushes the job, as a URI reference. Required.
	Source string
	// ID names the message. Empty: a random UUID.
	ID string
	// UniqueID, if set, is the id of the message, and makes its bytes depend on
	// nothing but the fields of Event: pushed again with a delay, the message
	// moves the one that waits already instead of standing beside it. ID must be
	// empty.
	UniqueID string
	// Time is when the job came up. Zero: now; with UniqueID: none.
	Time time.Time
	// Data are the parameters, written with encoding/json; nil: null. A
	// json.RawMessage is taken as it is, without its spaces.
	Data any
	// MaxAttempts is how many retries the message may have, at least 0. nil: the
	// queue decides.
	MaxAttempts *int
	// TraceParent continues a trace (W3C Trace Context). Empty: none.
	TraceParent string
}

// eventText is the JSON of a CloudEvent, its members in the order of writing.
type eventText struct {
	SpecVersion string     `json:"specversion"`
	ID          string     `json:"id"`
	Source      string     `json:"source"`
	Type        string     `json:"type"`
	Time        *time.Time `json:"time,omitempty"`
	ContentType string     `json:"datacontenttype"`
	MaxAttempts *int       `json:"maxattempts,omitempty"`
	TraceParent string     `json:"traceparent,omitempty"`
	Data        any        `json:"data"`
}

// NewCloudEvent writes a message that [Decode] reads. An error says which field
// is wrong.
func NewCloudEvent(e Event) ([]byte, error) {
	text := eventText{
		SpecVersion: "1.0", ID: e.ID, Source: e.Source, Type: e.Type, ContentType: jsonType,
		MaxAttempts: e.MaxAttempts, TraceParent: e.TraceParent, Data: e.Data,
	}
	if !e.Time.IsZero() {
		text.Time = &e.Time
	}
	switch {
	case e.UniqueID != "" && e.ID != "":
		return nil, fmt.Errorf("writing a CloudEvent: want an ID or a UniqueID, not both")
	case e.UniqueID != "":
		text.ID = e.UniqueID
	case e.ID == "":
		id, err := uuid.NewRandom()
		if err != nil {
			return nil, fmt.Errorf("making an id: %w", err)
		}
		text.ID = id.String()
	}
	if text.Time == nil && e.UniqueID == "" {
		now := time.Now().UTC()
		text.Time = &now
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		return nil, fmt.Errorf("writing a CloudEvent: %w", err)
	}
	raw := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if _, err := Decode(raw); err != nil {
		return nil, fmt.Errorf("writing a CloudEvent: %w", err)
	}
	return raw, nil
}
