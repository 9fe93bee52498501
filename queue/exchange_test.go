package queue

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func payloadsOf(runs []Run) []string {
	var payloads []string
	for _, run := range runs {
		payloads = append(payloads, string(run.Payload))
	}
	return payloads
}

func idsOf(runs []Run) []RunID {
	var ids []RunID
	for _, run := range runs {
		ids = append(ids, run.ID)
	}
	return ids
}

func TestExchangeClaimsTheOldestFirst(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a", "b", "c", "d")
	c := newTestConsumer(t, q, ConsumerConfig{})
	first := mustExchange(t, c, nil, 3)
	if diff := cmp.Diff([]string{"a", "b", "c"}, payloadsOf(first.Runs)); diff != "" {
		t.Error(diff)
	}
	wantState(t, q, snapshot{"waiting": {"d"}, "reserved": {"a", "b", "c"}, "hand": {"a", "b", "c"}})
	second := mustExchange(t, c, []RunID{first.Runs[2].ID, first.Runs[0].ID}, 5)
	if diff := cmp.Diff([]string{"d"}, payloadsOf(second.Runs)); diff != "" {
		t.Error(diff)
	}
	wantState(t, q, snapshot{"reserved": {"b", "d"}, "hand": {"b", "d"}})
	mustExchange(t, c, []RunID{first.Runs[1].ID, second.Runs[0].ID}, 0)
	wantState(t, q, snapshot{})
}

func TestExchangeClaimsNothingForNoSlots(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a")
	c := newTestConsumer(t, q, ConsumerConfig{})
	for _, want := range []int{0, -3} {
		if runs := mustExchange(t, c, nil, want).Runs; len(runs) != 0 {
			t.Errorf("want %d: %v", want, runs)
		}
	}
	wantState(t, q, snapshot{"waiting": {"a"}})
}

func TestExchangeTakesManyAtOnce(t *testing.T) {
	const count = 2500
	q := newTestQueue(t)
	var payloads [][]byte
	for i := range count {
		payloads = append(payloads, fmt.Appendf(nil, "%04d", i))
	}
	if err := q.Push(t.Context(), payloads...); err != nil {
		t.Fatal(err)
	}
	c := newTestConsumer(t, q, ConsumerConfig{})
	var all []Run
	for range 3 {
		all = append(all, mustExchange(t, c, nil, count).Runs...)
	}
	if len(all) != count || string(all[0].Payload) != "0000" || string(all[count-1].Payload) != "2499" {
		t.Fatalf("claimed %d", len(all))
	}
	answer := mustExchange(t, c, idsOf(all), 10)
	if len(answer.Lost)+len(answer.Late)+len(answer.Runs) != 0 {
		t.Errorf("%+v", answer)
	}
	wantState(t, q, snapshot{})
}

func TestExchangeStopsAtTheByteBudget(t *testing.T) {
	q := newTestQueue(t)
	big := strings.Repeat("x", 3<<20)
	for i := range 10 {
		mustPush(t, q, fmt.Sprint(i)+big)
	}
	c := newTestConsumer(t, q, ConsumerConfig{})
	claimed := 0
	for range 10 {
		runs := mustExchange(t, c, nil, 10-claimed).Runs
		if len(runs) > 8 {
			t.Errorf("%d messages of 3 MiB in one claim", len(runs))
		}
		if claimed += len(runs); claimed == 10 {
			return
		}
	}
	t.Errorf("claimed %d of 10", claimed)
}

func TestExchangeRepeatsAnUnansweredClaim(t *testing.T) {
	for _, again := range []int{2, 5, 0} {
		t.Run(fmt.Sprintf("want %d the second time", again), func(t *testing.T) {
			q := newTestQueue(t)
			mustPush(t, q, "a", "b", "c")
			faulty, fault := newFaultyQueue(t, q)
			c := newTestConsumer(t, faulty, ConsumerConfig{})
			fault.loseAnswer()
			if _, err := c.Exchange(t.Context(), nil, 2); !errors.Is(err, errCut) {
				t.Fatal(err)
			}
			answer := mustExchange(t, c, nil, again)
			if diff := cmp.Diff([]string{"a", "b"}, payloadsOf(answer.Runs)); diff != "" {
				t.Error(diff)
			}
			wantState(t, q, snapshot{"waiting": {"c"}, "reserved": {"a", "b"}, "hand": {"a", "b"}})
			last := mustExchange(t, c, idsOf(answer.Runs), 5)
			if diff := cmp.Diff([]string{"c"}, payloadsOf(last.Runs)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestExchangeRepeatsAnUnsentClaim(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a")
	faulty, fault := newFaultyQueue(t, q)
	c := newTestConsumer(t, faulty, ConsumerConfig{})
	fault.loseRequest()
	if _, err := c.Exchange(t.Context(), nil, 2); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	wantState(t, q, snapshot{"waiting": {"a"}})
	if runs := mustExchange(t, c, nil, 2).Runs; len(runs) != 1 {
		t.Errorf("%v", runs)
	}
}

func TestAcknowledgingIsRepeatable(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a", "b")
	faulty, fault := newFaultyQueue(t, q)
	c := newTestConsumer(t, faulty, ConsumerConfig{})
	runs := mustExchange(t, c, nil, 2).Runs
	fault.loseAnswer()
	if _, err := c.Exchange(t.Context(), idsOf(runs[:1]), 0); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	wantState(t, q, snapshot{"reserved": {"b"}, "hand": {"b"}})
	if answer := mustExchange(t, c, idsOf(runs), 0); len(answer.Lost) != 0 {
		t.Errorf("an unanswered ack counts as lost: %+v", answer)
	}
	wantState(t, q, snapshot{})
	if answer := mustExchange(t, c, idsOf(runs), 0); len(answer.Lost) != 2 {
		t.Errorf("acknowledged twice: %+v", answer)
	}
}

func TestExchangeNamesWhatRedisLost(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a", "b", "c")
	c := newTestConsumer(t, q, ConsumerConfig{})
	runs := mustExchange(t, c, nil, 3).Runs
	args := []any{c.ID(), string(Park), 0, runs[1].ID.String()}
	if err := scriptDisown.Run(t.Context(), q.rdb, q.keys.worker(c.ID()), args...).Err(); err != nil {
		t.Fatal(err)
	}
	answer := mustExchange(t, c, idsOf(runs), 0)
	if diff := cmp.Diff([]RunID{runs[1].ID}, answer.Lost); diff != "" {
		t.Error(diff)
	}
}

func TestExchangeOfAnEvictedWorker(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a", "b")
	c := newTestConsumer(t, q, ConsumerConfig{})
	runs := mustExchange(t, c, nil, 1).Runs
	if found, err := c.Await(t.Context(), longestBlock); err != nil || !found {
		t.Fatal(found, err)
	}
	old := c.ID()
	if err := q.rdb.HDel(t.Context(), q.keys.workers, old).Err(); err != nil {
		t.Fatal(err)
	}
	answer, err := c.Exchange(t.Context(), idsOf(runs), 5)
	if !errors.Is(err, ErrEvicted) || len(answer.Lost) != 1 || len(answer.Runs) != 0 {
		t.Fatalf("%+v %v", answer, err)
	}
	wantState(t, q, snapshot{"waiting": {"b"}, "reserved": {"a"}, "hand": {"a"}})
	if _, err := c.Exchange(t.Context(), nil, 1); !errors.Is(err, ErrEvicted) {
		t.Error(err)
	}
	if _, err := c.Beat(t.Context(), Load{}); !errors.Is(err, ErrEvicted) {
		t.Error(err)
	}
	if err := c.Register(t.Context()); err != nil || c.ID() == old {
		t.Fatal(c.ID(), err)
	}
	again := mustExchange(t, c, idsOf(runs), 5)
	if diff := cmp.Diff([]string{"b"}, payloadsOf(again.Runs)); diff != "" || len(again.Lost) != 1 {
		t.Error(diff, again.Lost)
	}
}

func TestRunIDsAreScores(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a", "b")
	c := newTestConsumer(t, q, ConsumerConfig{})
	before, err := q.rdb.Time(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range mustExchange(t, c, nil, 2).Runs {
		score, err := q.rdb.ZScore(t.Context(), q.keys.reserved, string(run.Payload)).Result()
		if err != nil {
			t.Fatal(err)
		}
		if int64(score) != int64(run.ID)/1_000_000 || score == float64(int64(score)) {
			t.Errorf("score %f of run %s", score, run.ID)
		}
		if late := int64(score) - before.Unix(); late < 11 || late > 12 {
			t.Errorf("deadline %d s ahead, want 10 s rounded up", late)
		}
	}
}
