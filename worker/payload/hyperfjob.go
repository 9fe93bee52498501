package payload

import (
	"bytes"
	"unicode/utf8"

	"github.com/asyncqueue/operator/internal/phpserialize"
)

// readJob reads what the job's class and properties say about the message.
func (m *Message) readJob(t *phpserialize.Tree) error {
	class := t.Text(m.job)
	switch t.Node(m.job).Kind {
	case phpserialize.Enum:
		class, _, _ = bytes.Cut(class, []byte(":"))
		fallthrough
	case phpserialize.Custom: // what is inside only its class can tell
		m.name = string(class)
		return nil
	default:
	}
	if isClass(class, plainClass) {
		return refuse("its job is a plain stdClass, not an object of a job class")
	}
	var target annotated
	isAnnotation := isClass(class, annotationJobClass)
	for p := t.First(m.job); t.Within(m.job, p); p = t.After(p) {
		m.readProperty(t, p)
		if isAnnotation {
			target.read(t, p)
		}
	}
	if !isAnnotation {
		m.name = string(class)
		return nil
	}
	if len(target.class) == 0 || len(target.method) == 0 {
		return refuse("its AnnotationJob does not name a class and a method")
	}
	m.name = "Job[" + string(target.class) + "@" + string(target.method) + "]"
	return nil
}

// readProperty takes maxAttempts and uniqueId from the property p.
func (m *Message) readProperty(t *phpserialize.Tree, p phpserialize.Pair) {
	name := t.Property(p.Key)
	if name.IsPrivate() {
		return
	}
	switch string(name.Name) {
	case "maxAttempts":
		if value, ok := t.Resolve(p.Value); ok && t.Node(value).Kind == phpserialize.Int {
			n, _ := t.Int(value)
			m.maxAttempts, m.hasMaxAttempts = int(n), true
		}
	case "uniqueId":
		if text, ok := stringValue(t, p.Value); ok && utf8.Valid(text) && len(bytes.TrimSpace(text)) > 0 {
			m.id = string(text)
		}
	}
}

// annotated is the method that an AnnotationJob calls.
type annotated struct{ class, method []byte }

func (a *annotated) read(t *phpserialize.Tree, p phpserialize.Pair) {
	text, ok := stringValue(t, p.Value)
	if !ok {
		return
	}
	switch string(t.Property(p.Key).Name) {
	case "class":
		a.class = text
	case "method":
		a.method = text
	}
}

func stringValue(t *phpserialize.Tree, i int) ([]byte, bool) {
	value, ok := t.Resolve(i)
	if !ok || t.Node(value).Kind != phpserialize.String {
		return nil, false
	}
	return t.Bytes(value), true
}
