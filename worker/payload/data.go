package payload

import (
	"encoding/json"

	"github.com/asyncqueue/operator/internal/phpserialize"
)

const (
	// copiesBytes and copiesFactor limit the JSON of a Hyperf job whose values
	// share others: up to copiesBytes + copiesFactor times the length of the
	// message, shared values are written once per use.
	copiesBytes  = 64 << 10
	copiesFactor = 4
)

// Data returns the parameters of the job as JSON; they must not be modified.
//
// Of a CloudEvent that is data as it stands, null where there is none. Bytes in
// data_base64 are decoded where they are JSON, else they are
// {"$bytes":"base64"}.
//
// Of a Hyperf job they are all properties of the job object; docs/payloads.md
// has how each of PHP's values looks. They are made at the first call.
func (m *Message) Data() json.RawMessage {
	m.naturalOnce.Do(func() {
		if m.format == CloudEvents {
			m.natural = m.eventJSON()
			return
		}
		m.natural = m.withJob(func(t *phpserialize.Tree) []byte {
			return t.AppendNatural(make([]byte, 0, len(m.raw)), m.job, copiesBytes+copiesFactor*len(m.raw))
		})
	})
	return m.natural
}

// Lossless returns the job of a Hyperf message as JSON that keeps all that PHP
// can tell apart: classes, visibility, references, floats digit by digit.
// docs/payloads.md has the form. For a CloudEvent it is Data.
func (m *Message) Lossless() json.RawMessage {
	if m.format == CloudEvents {
		return m.Data()
	}
	return m.withJob(func(t *phpserialize.Tree) []byte { return t.AppendLossless(nil, m.job) })
}

// withJob parses the message once more: most messages are dispatched and settled
// without anybody asking for their JSON, so that Decode keeps no tree.
func (m *Message) withJob(f func(t *phpserialize.Tree) []byte) []byte {
	t, err := parseHyperf(m.raw)
	if err != nil {
		return []byte("null") // not possible: Decode parsed the same bytes
	}
	defer release(t)
	return f(t)
}
