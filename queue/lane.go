package queue

import "strconv"

// MaxExchanges is how many exchanges of a consumer may be on the way at once.
const MaxExchanges = 2

// lane is one exchange after another. A claim whose answer was lost is repeated in the lane that it was
// made in, where its number and the note of it in Redis are. It belongs to whoever entered it.
type lane struct {
	note       string // the field of the hand that notes the last claim
	claims     uint64 // number of the next claim
	claimed    []Run  // by a part of an Exchange that failed later
	unanswered bool   // the last call has not been answered: it may have claimed
}

// lanes are those of one consumer.
type lanes struct {
	all  [MaxExchanges]*lane
	free chan *lane
}

func newLanes() lanes {
	l := lanes{free: make(chan *lane, MaxExchanges)}
	for i := range l.all {
		l.all[i] = &lane{note: "claim" + strconv.Itoa(i+1), claims: 1}
		l.free <- l.all[i]
	}
	return l
}

// enter waits for a free lane. One with an unanswered call comes first.
func (l lanes) enter() *lane {
	first := <-l.free
	if first.unanswered {
		return first
	}
	select {
	case second := <-l.free:
		if second.unanswered {
			first, second = second, first
		}
		l.free <- second
	default:
	}
	return first
}

func (l lanes) leave(left *lane) { l.free <- left }

// answered reports whether no lane has a call to repeat. Nobody may be in one.
func (l lanes) answered() bool {
	for _, each := range l.all {
		if each.unanswered || len(each.claimed) > 0 {
			return false
		}
	}
	return true
}

// reset forgets what was claimed in an earlier life of the worker. Nobody may be in a lane.
func (l lanes) reset() {
	for _, each := range l.all {
		each.claimed, each.unanswered = nil, false
	}
}

// readRuns reads the claimed messages. A claim that brought some has used its number.
func (l *lane) readRuns(answer reply) []Run {
	payloads, counts := answer.list(4), answer.list(5)
	first, err := parseRunID(answer.text(1))
	if len(payloads) == 0 || err != nil {
		return nil
	}
	l.claims++
	runs := make([]Run, 0, len(payloads))
	for i, p := range payloads {
		text, held := p.(string)
		if !held {
			continue
		}
		run := Run{ID: first + RunID(i), Payload: bytesOf(text)}
		if i < len(counts) {
			count, _ := counts[i].(string)
			run.Redelivered, _ = strconv.Atoi(count)
		}
		runs = append(runs, run)
	}
	return runs
}
