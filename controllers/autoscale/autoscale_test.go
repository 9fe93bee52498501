package autoscale_test

import (
	"testing"
	"time"

	"github.com/asyncqueue/operator/controllers/autoscale"
)

var (
	start  = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	limits = autoscale.Limits{Min: 0, Max: 20, Target: 10, Concurrency: 10, Idle: time.Minute, In: autoscale.Rules{Window: 10 * time.Second}}
)

func with(change func(*autoscale.Limits)) autoscale.Limits {
	l := limits
	change(&l)
	return l
}

func after(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

func TestDecideFirst(t *testing.T) {
	minTwo := with(func(l *autoscale.Limits) { l.Min = 2 })
	noWindow := with(func(l *autoscale.Limits) { l.In.Window = 0 })
	tests := map[string]struct {
		limits      autoscale.Limits
		current     int32
		counts      *autoscale.Counts
		want        int32
		wantReason  autoscale.Reason
		wantMessage string
	}{
		"one message wakes from zero": {
			limits: limits, counts: &autoscale.Counts{Waiting: 1},
			want: 1, wantReason: autoscale.ReasonBacklog,
			wantMessage: "1 waiting + 0 due + 0 in hand / 10 per replica = 1",
		},
		"one delayed message that is due wakes from zero": {
			limits: limits, counts: &autoscale.Counts{Due: 1}, want: 1, wantReason: autoscale.ReasonBacklog,
			wantMessage: "0 waiting + 1 due + 0 in hand / 10 per replica = 1",
		},
		"all three kinds count": {
			limits: limits, current: 1, counts: &autoscale.Counts{Waiting: 40, Due: 2, InHand: 10},
			want: 6, wantReason: autoscale.ReasonBacklog,
			wantMessage: "40 waiting + 2 due + 10 in hand / 10 per replica = 6",
		},
		"demand beyond the maximum": {
			limits: limits, current: 3, counts: &autoscale.Counts{Waiting: 1_000_000},
			want: 20, wantReason: autoscale.ReasonAtMaximum,
			wantMessage: "1000000 waiting + 0 due + 0 in hand / 10 per replica = 100000, at most 20",
		},
		"demand below the minimum": {
			limits: minTwo, current: 2, counts: &autoscale.Counts{Waiting: 1},
			want: 2, wantReason: autoscale.ReasonAtMinimum,
			wantMessage: "1 waiting + 0 due + 0 in hand / 10 per replica = 1, at least 2",
		},
		"no demand, a minimum": {
			limits: minTwo, current: 0, counts: &autoscale.Counts{},
			want: 2, wantReason: autoscale.ReasonAtMinimum, wantMessage: "nothing to do, at least 2",
		},
		"a new queue does not begin by scaling to zero": {
			limits: limits, current: 1, counts: &autoscale.Counts{},
			want: 1, wantReason: autoscale.ReasonIdling, wantMessage: "nothing to do, but not yet for 1m0s",
		},
		"idling does not wake a queue at zero": {
			limits: limits, current: 0, counts: &autoscale.Counts{},
			want: 0, wantReason: autoscale.ReasonIdle, wantMessage: "nothing to do for 1m0s",
		},
		"the first look does not scale in": {
			limits: limits, current: 8, counts: &autoscale.Counts{Waiting: 5},
			want: 8, wantReason: autoscale.ReasonStabilizing,
			wantMessage: "5 waiting + 0 due + 0 in hand / 10 per replica = 1; 8 within the last 10s",
		},
		"never below what is in hand": {
			limits:  with(func(l *autoscale.Limits) { l.In.Window, l.Target, l.Concurrency = 0, 100, 5 }),
			current: 9, counts: &autoscale.Counts{InHand: 31},
			want: 7, wantReason: autoscale.ReasonInHand,
			wantMessage: "0 waiting + 0 due + 31 in hand / 100 per replica = 1; 31 in hand / 5 per worker need 7",
		},
		"no window": {
			limits: noWindow, current: 8, counts: &autoscale.Counts{Waiting: 5}, want: 1, wantReason: autoscale.ReasonBacklog,
			wantMessage: "5 waiting + 0 due + 0 in hand / 10 per replica = 1",
		},
		"a lowered maximum is followed at once": {
			limits: with(func(l *autoscale.Limits) { l.Max = 3 }), current: 8, counts: &autoscale.Counts{InHand: 80},
			want: 3, wantReason: autoscale.ReasonAtMaximum,
			wantMessage: "0 waiting + 0 due + 80 in hand / 10 per replica = 8, at most 3",
		},
		"unknown counts hold the size": {
			limits: limits, current: 7, want: 7, wantReason: autoscale.ReasonNoData,
			wantMessage: "the counts are unknown; holding 7",
		},
		"unknown counts do not keep it below the minimum": {
			limits: minTwo, current: 0, want: 2, wantReason: autoscale.ReasonNoData,
			wantMessage: "the counts are unknown; holding 2",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := autoscale.Decide(autoscale.Input{Limits: tc.limits, Counts: tc.counts, Current: tc.current, Now: start})
			if got.Replicas != tc.want || got.Reason != tc.wantReason || got.Message != tc.wantMessage {
				t.Errorf("Decide() = %d %s %q\nwant %d %s %q", got.Replicas, got.Reason, got.Message, tc.want, tc.wantReason, tc.wantMessage)
			}
		})
	}
}

// look is one decision of a sequence: at seconds after the start the queue
// holds counts (nil: unknown), and the answer is want.
type look struct {
	at      int
	since   int // when the unbroken looks began; zero: never broken
	counts  *autoscale.Counts
	want    int32
	reason  autoscale.Reason
	recheck time.Duration
}

func TestDecideInSequence(t *testing.T) {
	some := func(n int64) *autoscale.Counts { return &autoscale.Counts{Waiting: n} }
	tests := map[string]struct {
		current int32
		looks   []look
	}{
		"a burst, its end, and down to zero": {
			looks: []look{
				{at: 0, counts: some(0), want: 0, reason: autoscale.ReasonIdle},
				{at: 100, counts: some(45), want: 5, reason: autoscale.ReasonBacklog},
				{at: 130, counts: some(15), want: 5, reason: autoscale.ReasonStabilizing, recheck: 10 * time.Second},
				{at: 139, counts: some(15), want: 5, reason: autoscale.ReasonStabilizing, recheck: time.Second},
				{at: 140, counts: some(15), want: 2, reason: autoscale.ReasonBacklog},
				{at: 150, counts: some(0), want: 2, reason: autoscale.ReasonStabilizing, recheck: 10 * time.Second},
				{at: 160, counts: some(0), want: 1, reason: autoscale.ReasonIdling, recheck: 50 * time.Second},
				{at: 209, counts: some(0), want: 1, reason: autoscale.ReasonIdling, recheck: time.Second},
				{at: 210, counts: some(0), want: 0, reason: autoscale.ReasonIdle},
			},
		},
		"a recommendation stands until the next one, however long ago it was made": {
			current: 6,
			looks: []look{
				{at: 0, counts: some(60), want: 6, reason: autoscale.ReasonBacklog},
				{at: 3600, counts: some(1), want: 6, reason: autoscale.ReasonStabilizing, recheck: 10 * time.Second},
			},
		},
		"a backlog that comes and goes does not flap": {
			looks: []look{
				{at: 0, counts: some(50), want: 5, reason: autoscale.ReasonBacklog},
				{at: 4, counts: some(10), want: 5, reason: autoscale.ReasonStabilizing, recheck: 10 * time.Second},
				{at: 8, counts: some(50), want: 5, reason: autoscale.ReasonBacklog},
				{at: 12, counts: some(10), want: 5, reason: autoscale.ReasonStabilizing, recheck: 10 * time.Second},
				{at: 21, counts: some(20), want: 5, reason: autoscale.ReasonStabilizing, recheck: time.Second},
				{at: 22, counts: some(20), want: 2, reason: autoscale.ReasonBacklog},
			},
		},
		"an outage is no idle time": {
			current: 1,
			looks: []look{
				{at: 0, counts: some(1), want: 1, reason: autoscale.ReasonBacklog},
				{at: 1, counts: some(0), want: 1, reason: autoscale.ReasonIdling, recheck: time.Minute},
				{at: 31, want: 1, reason: autoscale.ReasonNoData},
				{at: 3600, since: 3600, counts: some(0), want: 1, reason: autoscale.ReasonIdling, recheck: time.Minute},
				{at: 3660, since: 3600, counts: some(0), want: 0, reason: autoscale.ReasonIdle},
			},
		},
		"an outage does not let a window pass": {
			current: 5,
			looks: []look{
				{at: 0, counts: some(50), want: 5, reason: autoscale.ReasonBacklog},
				{at: 1, counts: some(20), want: 5, reason: autoscale.ReasonStabilizing, recheck: 10 * time.Second},
				{at: 5, want: 5, reason: autoscale.ReasonNoData},
				{at: 600, since: 600, counts: some(20), want: 5, reason: autoscale.ReasonStabilizing, recheck: 10 * time.Second},
				{at: 610, since: 600, counts: some(20), want: 2, reason: autoscale.ReasonBacklog},
			},
		},
		"an outage that no decision saw does not let a window pass either": {
			current: 5,
			looks: []look{
				{at: 0, counts: some(50), want: 5, reason: autoscale.ReasonBacklog},
				{at: 1, counts: some(20), want: 5, reason: autoscale.ReasonStabilizing, recheck: 10 * time.Second},
				{at: 600, since: 599, counts: some(20), want: 5, reason: autoscale.ReasonStabilizing, recheck: 9 * time.Second},
			},
		},
		"an outage holds, and what was before it counts after it": {
			current: 4,
			looks: []look{
				{at: 0, counts: some(40), want: 4, reason: autoscale.ReasonBacklog},
				{at: 5, want: 4, reason: autoscale.ReasonNoData},
				{at: 900, want: 4, reason: autoscale.ReasonNoData},
				{at: 901, since: 901, counts: some(0), want: 4, reason: autoscale.ReasonStabilizing, recheck: 10 * time.Second},
				{at: 911, since: 901, counts: some(0), want: 1, reason: autoscale.ReasonIdling, recheck: 50 * time.Second},
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			current, state := tc.current, autoscale.State{}
			for _, l := range tc.looks {
				in := autoscale.Input{Limits: limits, Counts: l.counts, Current: current, State: state, Now: after(l.at)}
				if l.since > 0 {
					in.Since = after(l.since)
				}
				got := autoscale.Decide(in)
				if got.Replicas != l.want || got.Reason != l.reason || got.Recheck != l.recheck {
					t.Errorf("after %d s: %d %s, again in %s (%s); want %d %s, again in %s",
						l.at, got.Replicas, got.Reason, got.Recheck, got.Message, l.want, l.reason, l.recheck)
				}
				current, state = got.Replicas, got.State
			}
		})
	}
}
