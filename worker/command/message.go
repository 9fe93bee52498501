package command

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/asyncqueue/operator/internal/phpserialize"
)

// messages returns a function that makes one message after the other, and how
// many different ones there are.
func (o pushOptions) messages(files []string) (next func() ([]byte, error), each int, err error) {
	switch {
	case o.raw:
		return rawMessages(files)
	case o.class != "":
		return o.phpMessages()
	}
	return o.events()
}

func rawMessages(files []string) (func() ([]byte, error), int, error) {
	payloads := make([][]byte, 0, len(files))
	for _, name := range files {
		payload, err := os.ReadFile(name) //nolint:gosec // the user names it
		if err != nil {
			return nil, 0, fmt.Errorf("reading a message: %w", err)
		}
		payloads = append(payloads, payload)
	}
	i := 0
	return func() ([]byte, error) {
		payload := payloads[i%len(payloads)]
		i++
		return payload, nil
	}, len(payloads), nil
}

// event is a CloudEvent in JSON with the extensions that a worker reads.
type event struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Time            string          `json:"time,omitempty"`
	DataContentType string          `json:"datacontenttype"`
	MaxAttempts     *int            `json:"maxattempts,omitempty"` //nolint:tagliatelle // CloudEvents names are lower case
	Data            json.RawMessage `json:"data"`
}

func (o pushOptions) events() (func() ([]byte, error), int, error) {
	if !json.Valid([]byte(o.data)) {
		return nil, 0, usagef("reading --data: want JSON")
	}
	return func() ([]byte, error) {
		e := event{
			SpecVersion: "1.0", ID: o.uniqueID, Source: o.source, Type: o.jobType,
			DataContentType: "application/json", Data: json.RawMessage(o.data),
		}
		if o.maxAttempts >= 0 {
			e.MaxAttempts = &o.maxAttempts
		}
		if e.ID == "" { // with an id given, equal messages must have equal bytes: no time
			e.ID, e.Time = uuid.NewString(), time.Now().UTC().Format(time.RFC3339Nano)
		}
		payload, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("writing a CloudEvent: %w", err)
		}
		return payload, nil
	}, 1, nil
}

// phpMessages makes jobs as Hyperf 3.2 serialises them, with the properties that
// the jobs of its documentation have.
func (o pushOptions) phpMessages() (func() ([]byte, error), int, error) {
	params, err := phpParams(o.params)
	if err != nil {
		return nil, 0, err
	}
	return func() ([]byte, error) {
		id := o.uniqueID
		if id == "" {
			id = uuid.NewString()
		}
		return o.phpMessage(id, params), nil
	}, 1, nil
}

func (o pushOptions) phpMessage(id string, params []byte) []byte {
	properties := 2
	if o.maxAttempts >= 0 {
		properties++
	}
	b := phpserialize.AppendObjectStart(nil, `Hyperf\AsyncQueue\JobMessage`, 2)
	b = phpserialize.AppendString(b, "job")
	b = phpserialize.AppendObjectStart(b, o.class, properties)
	if o.maxAttempts >= 0 {
		b = phpserialize.AppendString(b, "maxAttempts")
		b = phpserialize.AppendInt(b, int64(o.maxAttempts))
	}
	b = phpserialize.AppendString(b, "uniqueId")
	b = phpserialize.AppendString(b, id)
	b = phpserialize.AppendString(b, "params")
	b = append(b, params...)
	b = phpserialize.AppendEnd(b)
	b = phpserialize.AppendString(b, "attempts")
	b = phpserialize.AppendInt(b, 0)
	return phpserialize.AppendEnd(b)
}

// phpParams serialises name=value pairs as an array: whole numbers, numbers with
// a fraction, true, false and null as such, everything else as text.
func phpParams(pairs []string) ([]byte, error) {
	seen := make([]string, 0, len(pairs))
	b := phpserialize.AppendArrayStart(nil, len(pairs))
	for _, pair := range pairs {
		name, value, found := strings.Cut(pair, "=")
		if !found || name == "" {
			return nil, usagef("reading --param: want name=value, not %q", pair)
		}
		if slices.Contains(seen, name) {
			return nil, usagef("reading --param: %q is given twice", name)
		}
		seen = append(seen, name)
		b = phpserialize.AppendString(b, name)
		b = appendPHPValue(b, value)
	}
	return phpserialize.AppendEnd(b), nil
}

func appendPHPValue(b []byte, text string) []byte {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return phpserialize.AppendInt(b, n)
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return phpserialize.AppendFloat(b, f)
	}
	switch text {
	case "true", "false":
		return phpserialize.AppendBool(b, text == "true")
	case "null":
		return phpserialize.AppendNull(b)
	}
	return phpserialize.AppendString(b, text)
}
