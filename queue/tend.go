package queue

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Counts is how many messages stand in each state.
type Counts struct {
	Waiting  int64 // those in workers' inboxes and those that wait for an equal one included
	Delayed  int64 // those that wait beside an equal one included
	Reserved int64
	Timeout  int64
	Failed   int64

	Due     int64     // delayed ones that are due now or within the time that was asked for
	NextDue time.Time // of the first delayed one; zero: none
}

// Counts returns how many messages stand in each state, and how many delayed ones are due within
// the time ahead. It changes nothing.
func (q *Queue) Counts(ctx context.Context, ahead time.Duration) (Counts, error) {
	workers, err := q.rdb.HKeys(ctx, q.keys.workers).Result()
	if err != nil {
		return Counts{}, fmt.Errorf("counting messages of %s: %w", q.channel, err)
	}
	ask := tendRequest{ahead: ahead, inboxes: workers}
	answer, err := runList(ctx, q.rdb, scriptTend, ask.keys(q.keys), ask.args()...)
	if err != nil {
		return Counts{}, fmt.Errorf("counting messages of %s: %w", q.channel, err)
	}
	sight, err := readSight(answer)
	if err != nil {
		return Counts{}, fmt.Errorf("counting messages of %s: %w", q.channel, err)
	}
	return sight.counts, nil
}

// tendRequest is one call of tend.lua.
type tendRequest struct {
	limit   int           // messages to move; 0: only look
	ahead   time.Duration // a delayed message that is due within this counts as due
	inboxes []string      // workers whose inboxes are counted
	ghosts  []string      // swept workers whose inboxes are looked into
	peek    int           // longest next message to return, in bytes; 0: none
}

func (r tendRequest) keys(k keys) []string {
	list := k.channel()
	for _, worker := range r.inboxes {
		list = append(list, k.inbox(worker))
	}
	for _, worker := range r.ghosts {
		list = append(list, k.inbox(worker))
	}
	return list
}

func (r tendRequest) args() []any {
	args := []any{r.limit, milliseconds(r.ahead), len(r.inboxes), r.peek}
	for _, worker := range r.ghosts {
		args = append(args, worker)
	}
	return args
}

// sight is what tend.lua saw.
type sight struct {
	now     time.Time
	moved   int
	more    bool
	counts  Counts
	foreign int64
	beats   []Beat
	ghosts  []string
	next    string
	tenders int
}

func readSight(answer reply) (sight, error) {
	if err := answer.need(15); err != nil {
		return sight{}, err
	}
	s := sight{
		now: microtime(answer.text(0)), moved: int(answer.int(1)), more: answer.int(2) == 1,
		counts: Counts{
			Waiting: answer.int(3), Delayed: answer.int(4), Reserved: answer.int(5), Timeout: answer.int(6), Failed: answer.int(7),
			Due: answer.int(8), NextDue: microtime(answer.text(9)),
		},
		foreign: answer.int(10),
		ghosts:  answer.texts(12),
		next:    answer.text(13),
		tenders: int(answer.int(14)),
	}
	texts := answer.texts(11)
	for i := 0; i+1 < len(texts); i += 2 {
		s.beats = append(s.beats, parseBeat(texts[i], texts[i+1]))
	}
	sortBeats(s.beats)
	return s, nil
}

func sortBeats(beats []Beat) {
	slices.SortFunc(beats, func(a, b Beat) int { return cmp.Compare(a.ID, b.ID) })
}

// microtime reads a time in microseconds; an empty text is the zero time.
func microtime(text string) time.Time {
	us, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMicro(us)
}
