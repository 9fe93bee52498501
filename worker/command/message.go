package command

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/asyncqueue/operator/worker/payload"
)

// maker makes one message after the other.
type maker func() ([]byte, error)

// messages returns what makes the messages, and how many different ones there are.
func (o pushOptions) messages(files []string) (next maker, each int, err error) {
	switch {
	case o.raw:
		return rawMessages(files)
	case o.class != "":
		next, err = o.hyperfJobs()
	default:
		next, err = o.events()
	}
	if err != nil {
		return nil, 0, err
	}
	if _, err := next(); err != nil { // it fails for every message or for none
		return nil, 0, &usageError{err}
	}
	return next, 1, nil
}

func rawMessages(files []string) (maker, int, error) {
	payloads := make([][]byte, 0, len(files))
	for _, name := range files {
		raw, err := os.ReadFile(name) //nolint:gosec // the user names it
		if err != nil {
			return nil, 0, fmt.Errorf("reading a message: %w", err)
		}
		payloads = append(payloads, raw)
	}
	i := 0
	return func() ([]byte, error) {
		raw := payloads[i%len(payloads)]
		i++
		return raw, nil
	}, len(payloads), nil
}

func (o pushOptions) events() (maker, error) {
	if !json.Valid([]byte(o.data)) {
		return nil, usagef("reading --data: want JSON")
	}
	e := payload.Event{
		Type: o.jobType, Source: o.source, UniqueID: o.uniqueID,
		Data: json.RawMessage(o.data), MaxAttempts: o.ownMaxAttempts(),
	}
	return func() ([]byte, error) { return payload.NewCloudEvent(e) }, nil
}

// hyperfJobs differ by their unique id, unless it is given: PHP's messages have
// no other identity than their bytes.
func (o pushOptions) hyperfJobs() (maker, error) {
	params, err := phpParams(o.params)
	if err != nil {
		return nil, err
	}
	job := payload.HyperfJob{Class: o.class, MaxAttempts: o.ownMaxAttempts(), UniqueID: o.uniqueID, Params: params}
	return func() ([]byte, error) {
		one := job
		if one.UniqueID == "" {
			one.UniqueID = uuid.NewString()
		}
		return payload.NewHyperf(one)
	}, nil
}

// ownMaxAttempts is what the messages say of themselves; nil: nothing.
func (o pushOptions) ownMaxAttempts() *int {
	if o.maxAttempts < 0 {
		return nil
	}
	return &o.maxAttempts
}

// phpParams reads name=value pairs: whole numbers, numbers with a fraction, true,
// false and null are taken as such, everything else as text.
func phpParams(pairs []string) (payload.Map, error) {
	params := make(payload.Map, 0, len(pairs))
	for _, pair := range pairs {
		name, value, found := strings.Cut(pair, "=")
		if !found || name == "" {
			return nil, usagef("reading --param: want name=value, not %q", pair)
		}
		if slices.ContainsFunc(params, func(e payload.Entry) bool { return e.Key == name }) {
			return nil, usagef("reading --param: %q is given twice", name)
		}
		params = append(params, payload.Entry{Key: name, Value: phpValue(value)})
	}
	return params, nil
}

func phpValue(text string) any {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
		return f
	}
	switch text {
	case "true", "false":
		return text == "true"
	case "null":
		return nil
	}
	return text
}
