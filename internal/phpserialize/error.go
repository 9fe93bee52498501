package phpserialize

import "strconv"

// SyntaxError says where and why a text is not serialized PHP. It holds none
// of the text, so that it may be logged.
type SyntaxError struct {
	// Offset is the byte at which reading stopped.
	Offset int
	// Problem is a short clause without a full stop.
	Problem string
}

func (e *SyntaxError) Error() string {
	return "at byte " + strconv.Itoa(e.Offset) + ": " + e.Problem
}

func (p *parser) fail(pos int, problem string) error {
	return &SyntaxError{Offset: pos, Problem: problem}
}
