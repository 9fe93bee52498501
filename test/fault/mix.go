package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/asyncqueue/operator/test/fault/crew"
	"github.com/asyncqueue/operator/worker/payload"
)

// hopeless begins the ids of messages whose every run fails: they end in `failed`.
const hopeless = "hopeless"

// parcel is a push: copies of one message that go in one command.
type parcel struct {
	id     string
	body   []byte
	copies int
	delay  time.Duration
}

// mix makes the messages of a play: distinct and equal ones, of both kinds, some of which fail once,
// fail always, come later, or take longer than the handle timeout.
//
// It is safe for concurrent use.
type mix struct {
	mu     sync.Mutex
	random *rand.Rand
	late   time.Duration // above 0: a few messages take this long

	made  int
	equal []parcel // pushed before and to be pushed again
}

// next returns the next push.
func (m *mix) next() (parcel, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.equal) > 0 && m.random.IntN(8) == 0 {
		i := m.random.IntN(len(m.equal))
		again := m.equal[i]
		again.copies = 1 + m.random.IntN(3)
		m.equal = append(m.equal[:i], m.equal[i+1:]...)
		return again, nil
	}
	p, plan, most := parcel{copies: 1}, crew.Plan{Millis: m.random.IntN(20)}, 3
	if m.random.IntN(4) == 0 {
		plan.Millis = m.random.IntN(400) // long enough to be met in the hands of a worker
	}
	m.made++
	p.id = fmt.Sprintf("m%d", m.made)
	switch dice := m.random.IntN(100); {
	case dice < 12:
		plan.Failures = 1 + m.random.IntN(2)
	case dice < 15:
		p.id, plan.Failures, most = fmt.Sprintf("%s%d", hopeless, m.made), 9, 1
	case dice < 25:
		p.delay = time.Duration(m.random.IntN(1500)) * time.Millisecond
	case dice < 26 && m.late > 0:
		plan.Millis = int(m.late.Milliseconds())
	}
	format := payload.CloudEvents
	if m.random.IntN(2) == 0 {
		format = payload.Hyperf
	}
	var err error
	if p.body, err = crew.Message(format, p.id, plan, most); err != nil {
		return parcel{}, err
	}
	// Delayed messages with equal bytes are one message: they move.
	if p.delay == 0 && m.random.IntN(10) == 0 {
		p.copies = 1 + m.random.IntN(3)
		m.equal = append(m.equal, p)
	}
	return p, nil
}

// isHopeless says whether a message can only end in `failed`.
func isHopeless(id string) bool { return strings.HasPrefix(id, hopeless) }
