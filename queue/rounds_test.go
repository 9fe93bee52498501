package queue

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// stepped gives a consumer a clock that moves by step with every beat.
func stepped(c *Consumer, step time.Duration) *Consumer {
	now := time.Now()
	c.now = func() time.Time {
		now = now.Add(step)
		return now
	}
	return c
}

// The tender and everybody who watched die in the same moment: whoever is left finds them by its own
// beats, the fourth one after the one that came next after the deaths.
func TestAnyWorkerFindsTheDeadByItsBeats(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a", "b")
	var dead []string
	for range 3 {
		c := newTestConsumer(t, q, ConsumerConfig{})
		mustExchange(t, c, nil, 1)
		dead = append(dead, c.ID())
	}
	living := newTestConsumer(t, q, ConsumerConfig{ID: "z"})
	last := stepped(newTestConsumer(t, q, ConsumerConfig{Loss: Redeliver}), 2*time.Second)
	var swept []string
	for beat := 1; beat <= 4; beat++ {
		got, err := last.Beat(t.Context(), Load{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := living.Beat(t.Context(), Load{}); err != nil {
			t.Fatal(err)
		}
		swept = append(swept, got.Swept...)
		if len(swept) > 0 && beat < 4 {
			t.Errorf("swept %v with beat %d", swept, beat)
		}
	}
	if len(swept) != len(dead) {
		t.Errorf("swept %v, want %v", swept, dead)
	}
	waiting := snapshotOf(t, q)["waiting"]
	slices.Sort(waiting)
	if diff := cmp.Diff([]string{"a", "b"}, waiting); diff != "" {
		t.Errorf("waiting (-want +got):\n%s", diff)
	}
	if beats, err := q.Workers(t.Context()); err != nil || len(beats) != 2 {
		t.Errorf("left: %v, %v", beats, err)
	}
}

// What Redis forgot, and a time without answers, declare nobody dead.
func TestBeatsForgive(t *testing.T) {
	q := newTestQueue(t)
	other := newTestConsumer(t, q, ConsumerConfig{})
	last := stepped(newTestConsumer(t, q, ConsumerConfig{}), 2*time.Second)
	beat := func() []string {
		t.Helper()
		got, err := last.Beat(t.Context(), Load{})
		if err != nil {
			t.Fatal(err)
		}
		return got.Swept
	}
	for range 3 {
		beat()
	}
	if err := q.rdb.Del(t.Context(), q.keys.seen).Err(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if swept := beat(); swept != nil {
			t.Errorf("swept %v after the row was lost", swept)
		}
	}
	if _, err := other.Beat(t.Context(), Load{}); err != nil {
		t.Error(err)
	}
}

func TestRounds(t *testing.T) {
	start := time.Now()
	at := func(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }
	type beat struct {
		at     float64 // < 0: failed
		number uint64
	}
	tests := map[string]struct {
		beats []beat
		of    uint64 // a worker whose last beat has this number
		want  bool
	}{
		"through 8 s of beats":          {[]beat{{1, 5}, {3, 7}, {5, 9}, {7, 11}, {9, 13}}, 4, true},
		"it beat after the first":       {[]beat{{1, 5}, {3, 7}, {5, 9}, {7, 11}, {9, 13}}, 6, false},
		"too short":                     {[]beat{{1, 5}, {3, 7}, {5, 9}, {7, 11}}, 4, false},
		"a long pause counts as 2 s":    {[]beat{{1, 5}, {101, 7}, {201, 9}}, 4, false},
		"time around a failure is none": {[]beat{{1, 5}, {3, 7}, {-1, 0}, {5, 9}, {7, 11}, {9, 13}}, 4, false},
		"the numbers went back":         {[]beat{{1, 5}, {3, 7}, {5, 9}, {7, 11}, {9, 2}}, 1, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var r rounds
			for _, b := range test.beats {
				if b.at < 0 {
					r.miss()
				} else {
					r.took(b.number, at(b.at))
				}
			}
			if got := r.isDead(test.of); got != test.want {
				t.Errorf("dead: %v, want %v", got, test.want)
			}
		})
	}
}

// Beats of other versions, in whatever form, show that their workers live, and the dead among them are
// found; fields that a later version keeps in a hand are no messages.
func TestBeatsOfOtherVersions(t *testing.T) {
	q, ctx := newTestQueue(t), t.Context()
	texts := map[string]string{
		"later":   `{"n":{"of":3},"v":9,"pod":["p"]}`,
		"earlier": `{"n":1}`,
		"foreign": "\xff not JSON",
	}
	for id, text := range texts {
		if err := q.rdb.HSet(ctx, q.keys.workers, id, text).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.rdb.HSet(ctx, q.keys.hand("later"), "claim1", "x", "note", "n", "1795383743.000010", "m").Err(); err != nil {
		t.Fatal(err)
	}
	living := newTestConsumer(t, q, ConsumerConfig{})
	keeper := newTestKeeper(q, KeeperConfig{}, 2*time.Second)
	var swept []string
	for i := range 5 {
		if _, err := living.Beat(ctx, Load{}); err != nil {
			t.Fatal(err)
		}
		if err := q.rdb.HSet(ctx, q.keys.workers, "foreign", string(rune('a'+i))).Err(); err != nil {
			t.Fatal(err)
		}
		swept = append(swept, mustTend(t, keeper).Swept...)
	}
	if diff := cmp.Diff([]string{"earlier", "later"}, swept); diff != "" {
		t.Errorf("swept (-want +got):\n%s", diff)
	}
	wantState(t, q, snapshot{"timeout": {"m"}})
}
