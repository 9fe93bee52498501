package queue

import (
	"fmt"
	"strconv"
	"strings"
)

// RunID names one run: one attempt of one worker at one message. Its last six digits tell the runs of
// one second apart; those before are the epoch second of the handle deadline, by the clock of Redis.
type RunID uint64

// tokens is how many runs may have their deadline in one second.
const tokens = 1_000_000

// String returns the id as it stands in the worker's hand in Redis: the second, a point and the six
// digits. As a number that is the run's score in `reserved`.
func (id RunID) String() string { return string(id.appendTo(nil)) }

func (id RunID) appendTo(text []byte) []byte {
	text = strconv.AppendUint(text, uint64(id/tokens), 10)
	text = append(text, '.')
	for unit := RunID(tokens / 10); unit > 0; unit /= 10 {
		text = append(text, byte('0'+id/unit%10))
	}
	return text
}

// parseRunID reads what String returns.
func parseRunID(text string) (RunID, error) {
	second, token, _ := strings.Cut(text, ".")
	if len(token) != 6 {
		return 0, fmt.Errorf("run id %q: want a second, a point and six digits", text)
	}
	n, err := strconv.ParseUint(second+token, 10, 64)
	return RunID(n), err
}

// Run is a message in hand.
type Run struct {
	ID      RunID
	Payload []byte // the bytes as they were pushed

	// Redelivered counts how often the message was given again without an answer of a handler:
	// after the death of its worker, or by a reload of the timeout list.
	Redelivered int
}

// Outcome says what became of a message when its run ended.
type Outcome int

// The outcomes of ending a run.
const (
	Moved   Outcome = iota + 1 // it stands where it was to go
	WasLate                    // it had passed its handle deadline: it stays in the timeout list
	WasLost                    // the worker did not hold it any more: it had been given back
)

// String returns the outcome in words.
func (o Outcome) String() string {
	switch o {
	case Moved:
		return "moved"
	case WasLate:
		return "late"
	case WasLost:
		return "lost"
	default:
		return "unknown"
	}
}

func parseRunIDs(texts []string) []RunID {
	if len(texts) == 0 {
		return nil
	}
	ids := make([]RunID, 0, len(texts))
	for _, text := range texts {
		if id, err := parseRunID(text); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// appendTexts appends the texts of ids, which are made all at once: every message passes here.
func appendTexts(args []any, ids []RunID) []any {
	all := make([]byte, 0, 17*len(ids))
	for _, id := range ids {
		all = id.appendTo(all)
	}
	texts := string(all)
	for from := 0; from < len(texts); {
		to := from + strings.IndexByte(texts[from:], '.') + 7
		args = append(args, texts[from:to])
		from = to
	}
	return args
}
