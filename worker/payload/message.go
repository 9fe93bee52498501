package payload

import (
	"encoding/json"
	"strconv"
	"sync"
	"time"
)

// Format is one of the two kinds of message.
type Format uint8

const (
	// Hyperf is an envelope written by PHP's serialize().
	Hyperf Format = iota + 1
	// CloudEvents is a CloudEvents 1.0 JSON object.
	CloudEvents
)

// String returns "hyperf" or "cloudevents".
func (f Format) String() string {
	switch f {
	case Hyperf:
		return "hyperf"
	case CloudEvents:
		return "cloudevents"
	default:
		return "format " + strconv.Itoa(int(f))
	}
}

// Message is a decoded message. It never changes, and may be used by several
// goroutines at once.
type Message struct {
	format Format
	raw    []byte

	name        string
	id          string // empty: derived from the bytes when asked for
	source      string
	traceParent string
	time        time.Time

	attempts       int
	maxAttempts    int
	hasMaxAttempts bool
	counters       counters

	job  int  // Hyperf: the tree's node that is the job
	data span // CloudEvents: the value of data or data_base64
	kind dataKind

	naturalOnce sync.Once
	natural     json.RawMessage
}

// span is a part of the message, in bytes from its start.
type span struct{ start, end int }

func (s span) of(raw []byte) []byte { return raw[s.start:s.end] }

// Format returns the kind of the message.
func (m *Message) Format() Format { return m.format }

// Type returns the name of the job: the type of a CloudEvent, the class of a
// Hyperf job as it is written, or Job[class@method] for an AnnotationJob. It is
// never empty.
func (m *Message) Type() string { return m.name }

// Source returns the source of a CloudEvent. Hyperf's messages have none.
func (m *Message) Source() string { return m.source }

// Time returns the time of a CloudEvent, or the zero time if it has none.
func (m *Message) Time() time.Time { return m.time }

// TraceParent returns the traceparent extension of a CloudEvent, or "".
func (m *Message) TraceParent() string { return m.traceParent }

// Attempts returns how many runs of the message failed before. Hyperf's may be
// negative, since PHP takes such a message too.
func (m *Message) Attempts() int { return m.attempts }

// MaxAttempts returns how many retries the message asks for; ok is false where
// it leaves that to the queue.
func (m *Message) MaxAttempts() (n int, ok bool) { return m.maxAttempts, m.hasMaxAttempts }

// Raw returns the bytes that were decoded. They must not be modified.
func (m *Message) Raw() []byte { return m.raw }
