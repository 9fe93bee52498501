package queue

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asyncqueue/operator/internal/redistest"
)

// Whichever way an exchange goes, messages that are too large go to failed and do not reach the worker.
func TestOversizedMessagesGoToFailed(t *testing.T) {
	big := strings.Repeat("x", 101)
	for name, unusual := range map[string]bool{"in the usual way": false, "in the general way": true} {
		t.Run(name, func(t *testing.T) {
			q := newTestQueue(t)
			c := newTestConsumer(t, q, ConsumerConfig{MaxMessageBytes: 100})
			if unusual {
				if err := q.rdb.LPush(t.Context(), q.keys.inbox(c.ID()), big+"inbox", "i").Err(); err != nil {
					t.Fatal(err)
				}
			}
			mustPush(t, q, "a", big+"1", "b", big+"2", strings.Repeat("y", 100), "c")
			answer := mustExchange(t, c, nil, 4)
			want, sizes, failed := []string{"a", "b", strings.Repeat("y", 100), "c"}, []int{102, 102}, []string{big + "2", big + "1"}
			if unusual {
				want, sizes, failed = append([]string{"i"}, want[:3]...), append([]int{106}, sizes...), append(failed, big+"inbox")
				slices.Sort(sizes)
				slices.Sort(answer.Oversized)
			}
			if diff := cmp.Diff(want, payloadsOf(answer.Runs)); diff != "" {
				t.Errorf("claimed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(sizes, answer.Oversized); diff != "" {
				t.Errorf("sizes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(failed, snapshotOf(t, q)["failed"]); diff != "" {
				t.Errorf("failed (-want +got):\n%s", diff)
			}
			reasons, err := q.Reasons(t.Context(), 10)
			if err != nil || len(reasons) != len(failed) || reasons[0].Digest != digest(big+"2") || reasons[0].Worker != c.ID() ||
				reasons[0].Reason != "oversized: it has 102 bytes, and 100 are allowed (maxMessageBytes)" {
				t.Errorf("reasons %+v, %v", reasons, err)
			}
		})
	}
}

// A message whose reason cannot be written down waits, and does not come to stand in failed each time.
func TestAnOversizedMessageWithoutAReasonGoesBack(t *testing.T) {
	q := newTestQueue(t)
	c := newTestConsumer(t, q, ConsumerConfig{MaxMessageBytes: 2})
	mustPush(t, q, "a", "large", "b")
	withWrongType(t, q, q.keys.reasons, func() {
		for range 3 {
			if answer, err := c.Exchange(t.Context(), nil, 3); err == nil {
				t.Errorf("claimed %q", payloadsOf(answer.Runs))
			}
		}
	})
	if diff := cmp.Diff(map[string]int{"a": 1, "large": 1, "b": 1}, snapshotOf(t, q).standing()); diff != "" {
		t.Errorf("standing (-want +got):\n%s", diff)
	}
}

// Where nothing can be put back, a claim keeps what it took beyond its budget.
func TestAClaimThatCannotPutBackLosesNothing(t *testing.T) {
	addr := redistest.Start(t)
	admin := newTestClient(t, addr)
	limited := limitedQueue(t, admin, addr, "rpush")
	q, err := New(admin, "{back}")
	if err != nil {
		t.Fatal(err)
	}
	c := newTestConsumer(t, q, ConsumerConfig{})
	for i := range 8 {
		mustPush(t, q, fmt.Sprint(i)+strings.Repeat("x", 3<<20))
	}
	c.queue = &Queue{rdb: limited.rdb, channel: q.channel, keys: q.keys}
	answer, err := c.Exchange(t.Context(), nil, 10)
	if err != nil || len(answer.Runs) != 8 {
		t.Errorf("%d claimed, %v; want 8", len(answer.Runs), err)
	}
}

// One claim ships no more than its budget and one message, from the inbox too, and loses none of what it
// does not take; the order stays.
func TestAClaimKeepsToItsByteBudget(t *testing.T) {
	const size = 3 << 20
	q := newTestQueue(t)
	c := newTestConsumer(t, q, ConsumerConfig{})
	var all []string
	for i := range 14 {
		payload := append([]byte(fmt.Sprintf("%02d", i)), bytes.Repeat([]byte("x"), size)...)
		key := q.keys.waiting
		if i < 7 {
			key = q.keys.inbox(c.ID())
		}
		if err := q.rdb.LPush(t.Context(), key, payload).Err(); err != nil {
			t.Fatal(err)
		}
		all = append(all, string(payload[:2]))
	}
	var got []string
	for range 14 {
		answer := mustExchange(t, c, nil, 100)
		bytes := 0
		for _, run := range answer.Runs {
			bytes += len(run.Payload)
			got = append(got, string(run.Payload[:2]))
		}
		if bytes > claimBudget {
			t.Errorf("one claim of %d bytes", bytes)
		}
		mustExchange(t, c, idsOf(answer.Runs), 0)
		if len(got) == len(all) {
			break
		}
	}
	if diff := cmp.Diff(all, got); diff != "" {
		t.Errorf("claimed (-want +got):\n%s", diff)
	}
	wantState(t, q, snapshot{})
}

// A message that is larger than the budget comes alone.
func TestAMessageAboveTheBudgetComesAlone(t *testing.T) {
	q := newTestQueue(t)
	c := newTestConsumer(t, q, ConsumerConfig{})
	huge := strings.Repeat("h", claimBudget+1)
	mustPush(t, q, huge, "a")
	if runs := mustExchange(t, c, nil, 10).Runs; len(runs) != 1 || len(runs[0].Payload) != len(huge) {
		t.Errorf("%d runs", len(runs))
	}
	wantState := snapshotOf(t, q)["waiting"]
	if diff := cmp.Diff([]string{"a"}, wantState); diff != "" {
		t.Error(diff)
	}
}
