package payload

import (
	"bytes"
	"errors"
	"math"
	"sync"

	"github.com/asyncqueue/operator/internal/phpserialize"
)

// The classes that Hyperf writes, compared as PHP does: without regard to case.
var (
	messageClass       = []byte(`Hyperf\AsyncQueue\Message`)
	jobMessageClass    = []byte(`Hyperf\AsyncQueue\JobMessage`)
	annotationJobClass = []byte(`Hyperf\AsyncQueue\AnnotationJob`)
	plainClass         = []byte("stdClass")
)

func isClass(name, want []byte) bool { return len(name) == len(want) && bytes.EqualFold(name, want) }

func isEnvelope(class []byte) bool {
	return isClass(class, jobMessageClass) || isClass(class, messageClass)
}

var hyperfOptions = phpserialize.Options{Open: isEnvelope}

// trees holds parsed trees for reuse: only their memory.
var trees = sync.Pool{New: func() any { return new(phpserialize.Tree) }}

// maxPooledNodes keeps the memory of rare large messages out of the pool.
const maxPooledNodes = 1 << 14

func release(t *phpserialize.Tree) {
	if t.Cap() <= maxPooledNodes {
		t.Forget()
		trees.Put(t)
	}
}

// parseHyperf parses raw into a tree of the pool, to be given to release.
func parseHyperf(raw []byte) (*phpserialize.Tree, error) {
	t, _ := trees.Get().(*phpserialize.Tree)
	if err := t.Parse(raw, hyperfOptions); err != nil {
		release(t)
		return nil, err
	}
	return t, nil
}

func decodeHyperf(raw []byte) (*Message, error) {
	t, err := parseHyperf(raw)
	if err != nil {
		return nil, refuseSyntax(raw, err)
	}
	defer release(t)
	m := &Message{format: Hyperf, raw: raw}
	body, err := m.readEnvelope(t)
	if err != nil {
		return nil, err
	}
	e := readEntries(t, body)
	if err := m.readAttempts(t, e); err != nil {
		return nil, err
	}
	if m.job, err = findJob(t, e); err != nil {
		return nil, err
	}
	if err := m.readJob(t); err != nil {
		return nil, err
	}
	return m, nil
}

func refuseSyntax(raw []byte, err error) error {
	var syntax *phpserialize.SyntaxError
	if errors.As(err, &syntax) && syntax.Offset >= len(raw) {
		return refuse("it is PHP's serialize() cut short: ", err.Error())
	}
	return refuse("it begins like PHP's serialize() but is malformed: ", err.Error())
}

// readEnvelope returns the node whose entries are those of the message.
func (m *Message) readEnvelope(t *phpserialize.Tree) (body int, err error) {
	root := t.Node(0)
	if !isEnvelope(t.Text(0)) {
		return 0, refuse(`it is an object of class "`, display(t.Text(0)), `", not wrapped in a `, string(jobMessageClass),
			"; push jobs with the driver of Hyperf's async-queue")
	}
	if root.Kind == phpserialize.Object {
		return 0, nil
	}
	if t.Node(1).Kind != phpserialize.Array {
		return 0, refuse("its ", string(messageClass), " holds ", t.Node(1).Kind.String(), ", not an array")
	}
	m.counters.length.start, m.counters.length.end = t.PayloadLength(0)
	return 1, nil
}

// entries are the nodes that an envelope names. The older envelopes number
// them, the newer ones name them, some do both; -1 = none.
type entries struct {
	job, namedJob           int
	attempts, namedAttempts int
}

func readEntries(t *phpserialize.Tree, body int) entries {
	e := entries{-1, -1, -1, -1}
	for p := t.First(body); t.Within(body, p); p = t.After(p) {
		if t.Node(p.Key).Kind == phpserialize.Int {
			switch n, _ := t.Int(p.Key); n {
			case 0:
				e.job = p.Value
			case 1:
				e.attempts = p.Value
			}
			continue
		}
		switch string(t.Bytes(p.Key)) {
		case "job":
			e.namedJob = p.Value
		case "attempts":
			e.namedAttempts = p.Value
		}
	}
	return e
}

func (m *Message) readAttempts(t *phpserialize.Tree, e entries) error {
	if e.attempts < 0 && e.namedAttempts < 0 {
		return refuse("its JobMessage counts no attempts")
	}
	// In the order of the message: the patches are applied one after the other.
	first, second := e.attempts, e.namedAttempts
	if first > second {
		first, second = second, first
	}
	for _, i := range [2]int{first, second} {
		if i < 0 {
			continue
		}
		n := t.Node(i)
		if n.Kind != phpserialize.Int {
			return refuse("the attempts of its JobMessage are ", n.Kind.String(), ", not an integer")
		}
		v, ok := t.Int(i)
		if !ok || v >= math.MaxInt32 || v < math.MinInt32 {
			return refuse("the attempts of its JobMessage are out of range")
		}
		if i == e.namedAttempts || e.namedAttempts < 0 { // what the newest Hyperf reads
			m.attempts = int(v)
		}
		m.counters.add(span{int(n.TextStart), int(n.TextEnd)})
	}
	return nil
}

// findJob returns the node that is the job.
func findJob(t *phpserialize.Tree, e entries) (int, error) {
	found := -1
	for _, i := range [2]int{e.namedJob, e.job} {
		if i < 0 {
			continue
		}
		job, ok := t.Resolve(i)
		if !ok {
			return 0, refuse("the job of its JobMessage is a reference that cannot be followed")
		}
		if found >= 0 && job != found {
			return 0, refuse("its JobMessage holds two different jobs")
		}
		found = job
	}
	if found < 0 {
		return 0, refuse("its JobMessage holds no job")
	}
	switch kind := t.Node(found).Kind; kind {
	case phpserialize.Object, phpserialize.Custom, phpserialize.Enum:
		return found, nil
	default:
		return 0, refuse("the job of its JobMessage is ", kind.String(), ", not an object")
	}
}
