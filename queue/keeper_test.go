package queue

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
)

// newTestKeeper returns a keeper whose clock moves by the step with every look.
func newTestKeeper(q *Queue, cfg KeeperConfig, step time.Duration) *Keeper {
	keeper, now := q.NewKeeper(cfg), time.Unix(1_800_000_000, 0)
	keeper.now = func() time.Time {
		now = now.Add(step)
		return now
	}
	return keeper
}

// sweepAll tends until a worker was swept.
func sweepAll(t *testing.T, keeper *Keeper) []string {
	t.Helper()
	for range 10 {
		if swept := mustTend(t, keeper).Swept; len(swept) > 0 {
			return swept
		}
	}
	t.Fatal("nobody was swept")
	return nil
}

func TestKeeperGivesBackWhatADeadWorkerHeld(t *testing.T) {
	tests := map[string]struct {
		cfg  KeeperConfig
		want snapshot
	}{
		"parked in timeout, the oldest first": {
			KeeperConfig{},
			snapshot{"waiting": {"g", "e", "b"}, "timeout": {"d", "c", "a"}},
		},
		"redelivered, the oldest to be taken first": {
			KeeperConfig{Loss: Redeliver},
			snapshot{"waiting": {"g", "e", "b", "d", "c"}, "timeout": {"a"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			q, ctx := newTestQueue(t), t.Context()
			mustPush(t, q, "a", "b", "b", "c", "d")
			dead := newTestConsumer(t, q, ConsumerConfig{})
			runs := mustExchange(t, dead, nil, 5).Runs
			if _, err := dead.Expire(ctx, runs[0].ID); err != nil {
				t.Fatal(err)
			}
			mustExchange(t, dead, []RunID{runs[1].ID}, 0) // one b is done, the other goes back to waiting
			mustPush(t, q, "e")
			if found, err := dead.Await(ctx, time.Second); err != nil || !found {
				t.Fatal(found, err)
			}
			mustPush(t, q, "g")
			living := newTestConsumer(t, q, ConsumerConfig{})
			keeper := newTestKeeper(q, test.cfg, 2*time.Second)
			for range 4 {
				mustTend(t, keeper)
				if _, err := living.Beat(ctx, Load{}); err != nil {
					t.Fatal(err)
				}
			}
			tended := mustTend(t, keeper)
			if diff := cmp.Diff([]string{dead.ID()}, tended.Swept); diff != "" {
				t.Fatal(diff)
			}
			wantState(t, q, test.want)
			counts, err := q.Counts(ctx, 0)
			if err != nil || counts.Waiting != int64(len(test.want["waiting"])) {
				t.Errorf("%+v %v", counts, err)
			}
		})
	}
}

func TestSweepSparesAWorkerThatBeatsAgain(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a")
	c := newTestConsumer(t, q, ConsumerConfig{})
	mustExchange(t, c, nil, 1)
	keeper := newTestKeeper(q, KeeperConfig{}, 2*time.Second)
	beats, err := q.Workers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Beat(t.Context(), Load{}); err != nil {
		t.Fatal(err)
	}
	calls := []call{keeper.sweep(beats[0])}
	pipeline(t.Context(), q.rdb, calls)
	if calls[0].err != nil || calls[0].answer.int(0) != 0 {
		t.Error("swept in spite of the beat", calls[0].err)
	}
	wantState(t, q, snapshot{"reserved": {"a"}, "hand": {"a"}})
}

func TestAPoisonMessageGoesToFailed(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a")
	for death := range 3 {
		victim := newTestConsumer(t, q, ConsumerConfig{})
		runs := mustExchange(t, victim, nil, 1).Runs
		if len(runs) != 1 || runs[0].Redelivered != death {
			t.Fatalf("death %d: %+v", death, runs)
		}
		sweepAll(t, newTestKeeper(q, KeeperConfig{Loss: Redeliver, MaxReloads: 2}, 2*time.Second))
	}
	wantState(t, q, snapshot{"failed": {"a"}})
	reasons, err := q.Reasons(t.Context(), 1)
	if err != nil || len(reasons) != 1 || !strings.HasPrefix(reasons[0].Reason, "poison: ") {
		t.Error(reasons, err)
	}
}

func TestAnAnswerForgetsRedeliveries(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a")
	mustExchange(t, newTestConsumer(t, q, ConsumerConfig{}), nil, 1)
	sweepAll(t, newTestKeeper(q, KeeperConfig{Loss: Redeliver}, 2*time.Second))
	if n := q.rdb.HLen(t.Context(), q.keys.redelivered).Val(); n != 1 {
		t.Fatalf("%d counts", n)
	}
	if ttl := q.rdb.TTL(t.Context(), q.keys.redelivered).Val(); ttl < 6*24*time.Hour || ttl > 7*24*time.Hour {
		t.Errorf("expires in %v", ttl)
	}
	c := newTestConsumer(t, q, ConsumerConfig{})
	runs := mustExchange(t, c, nil, 1).Runs
	mustExchange(t, c, idsOf(runs), 0)
	if n := q.rdb.HLen(t.Context(), q.keys.redelivered).Val(); n != 0 {
		t.Errorf("%d counts after the ack", n)
	}
}

// A worker that was swept while its connection was blocked can still receive a message.
func TestGhostsAreLookedAtAgain(t *testing.T) {
	q, ctx := newTestQueue(t), t.Context()
	ghost := newTestConsumer(t, q, ConsumerConfig{})
	id := ghost.ID()
	keeper := newTestKeeper(q, KeeperConfig{}, 2*time.Second)
	sweepAll(t, keeper)
	for look, pause := range []time.Duration{5 * time.Second, time.Minute, 5 * time.Minute, 20 * time.Minute, 24 * time.Hour} {
		score, err := q.rdb.ZScore(ctx, q.keys.ghosts, id).Result()
		if err != nil {
			t.Fatal(err)
		}
		if ahead := time.Until(time.Unix(int64(score), 0)); ahead > pause || ahead < pause-5*time.Second {
			t.Errorf("look %d: in %v, want %v", look, ahead, pause)
		}
		if err := q.rdb.LPush(ctx, q.keys.inbox(id), "a", "b").Err(); err != nil {
			t.Fatal(err)
		}
		fraction := score - float64(int64(score))
		if err := q.rdb.ZAdd(ctx, q.keys.ghosts, redis.Z{Score: 1000 + fraction, Member: id}).Err(); err != nil {
			t.Fatal(err)
		}
		mustTend(t, keeper) // finds that it is time
		mustTend(t, keeper) // looks
		wantState(t, q, snapshot{"waiting": slices.Repeat([]string{"b", "a"}, look+1)})
	}
	if n := q.rdb.Exists(ctx, q.keys.ghosts).Val(); n != 0 {
		t.Error("the ghost is still there")
	}
}

func TestLeaveGivesBackWhatIsInHand(t *testing.T) {
	for loss, want := range map[LossPolicy]snapshot{Park: {"timeout": {"a"}}, Redeliver: {"waiting": {"a"}}} {
		t.Run(string(loss), func(t *testing.T) {
			q := newTestQueue(t)
			mustPush(t, q, "a")
			faulty, fault := newFaultyQueue(t, q)
			c := newTestConsumer(t, faulty, ConsumerConfig{Loss: loss})
			mustExchange(t, c, nil, 1)
			if beat, err := c.Beat(t.Context(), Load{}); err != nil || !beat.Tender {
				t.Fatal(beat, err)
			}
			fault.loseAnswer()
			if err := c.Leave(t.Context()); err == nil {
				t.Fatal("want the fault")
			}
			for range 2 {
				if err := c.Leave(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			wantState(t, q, want)
			if n := q.rdb.Exists(t.Context(), q.keys.tender, q.keys.workers).Val(); n != 0 {
				t.Errorf("%d keys left", n)
			}
		})
	}
}

func TestTendMovesTheOldestDueFirst(t *testing.T) {
	q, ctx := newTestQueue(t), t.Context()
	mustPush(t, q, "before")
	for i, payload := range []string{"third", "first", "second"} {
		score := []float64{30, 10.5, 20}[i]
		if err := q.rdb.ZAdd(ctx, q.keys.delayed, redis.Z{Score: score, Member: payload}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.rdb.ZAdd(ctx, q.keys.beside, redis.Z{Score: 15, Member: "w/1:first"}).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := q.PushDelayed(ctx, time.Hour, []byte("later")); err != nil {
		t.Fatal(err)
	}
	tended := mustTend(t, q.NewKeeper(KeeperConfig{}))
	if tended.Moved != 4 || tended.More {
		t.Errorf("%+v", tended)
	}
	wantState(t, q, snapshot{"waiting": {"third", "second", "first", "first", "before"}, "delayed": {"later"}})
}

func TestTendSaysThatMoreIsDue(t *testing.T) {
	q := newTestQueue(t)
	var members []redis.Z
	for i := range moveLimit + 1 {
		members = append(members, redis.Z{Score: float64(i), Member: i})
	}
	if err := q.rdb.ZAdd(t.Context(), q.keys.delayed, members...).Err(); err != nil {
		t.Fatal(err)
	}
	keeper := q.NewKeeper(KeeperConfig{})
	if tended := mustTend(t, keeper); tended.Moved != moveLimit || !tended.More {
		t.Errorf("%+v", tended)
	}
	if tended := mustTend(t, keeper); tended.Moved != 1 || tended.More || tended.Waiting != moveLimit+1 {
		t.Errorf("%+v", tended)
	}
}

func TestExchangeMovesWhatIsDueWhenNothingWaits(t *testing.T) {
	q := newTestQueue(t)
	if _, err := q.PushDelayed(t.Context(), 0, []byte("due")); err != nil {
		t.Fatal(err)
	}
	mustPush(t, q, "a")
	c := newTestConsumer(t, q, ConsumerConfig{})
	if diff := cmp.Diff([]string{"a", "due"}, payloadsOf(mustExchange(t, c, nil, 3).Runs)); diff != "" {
		t.Error(diff)
	}
}

func TestTendParksWhatIsOverdue(t *testing.T) {
	q, ctx := newTestQueue(t), t.Context()
	now := time.Now().Unix()
	for payload, score := range map[string]float64{
		"foreign, long ago": float64(now - 100), "foreign, just now": float64(now - 1), "foreign, works": float64(now + 100),
		"ours, its owner will come": float64(now-20) + 0.000123, "ours, nobody came": float64(now-60) + 0.000123,
	} {
		if err := q.rdb.ZAdd(ctx, q.keys.reserved, redis.Z{Score: score, Member: payload}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	tended := mustTend(t, q.NewKeeper(KeeperConfig{}))
	wantState(t, q, snapshot{
		"timeout":  {"foreign, just now", "ours, nobody came", "foreign, long ago"},
		"reserved": {"ours, its owner will come", "foreign, works"},
	})
	if tended.Foreign != 1 || tended.Timeout != 3 || tended.Reserved != 2 {
		t.Errorf("%+v", tended)
	}
}

func TestTendAllKeepsResultsApart(t *testing.T) {
	rdb := newTestClient(t, redistest.Start(t)) // does not know the scripts yet
	var keepers []*Keeper
	for _, channel := range []string{"{one}", "{two}", "{three}"} {
		q, err := New(rdb, channel)
		if err != nil {
			t.Fatal(err)
		}
		mustPush(t, q, channel)
		keepers = append(keepers, q.NewKeeper(KeeperConfig{}))
	}
	if err := rdb.Set(t.Context(), "{two}:delayed", "text", 0).Err(); err != nil {
		t.Fatal(err)
	}
	results := TendAll(t.Context(), rdb, keepers)
	for i, wantErr := range []bool{false, true, false} {
		if (results[i].Err != nil) != wantErr || !wantErr && results[i].Tended.Waiting != 1 {
			t.Errorf("keeper %d: %+v", i, results[i])
		}
	}
	if results := TendAll(t.Context(), rdb, nil); len(results) != 0 {
		t.Error(results)
	}
}

func TestBeatsShowTheLoad(t *testing.T) {
	q, ctx := newTestQueue(t), t.Context()
	first := newTestConsumer(t, q, ConsumerConfig{ID: "a", Pod: "pod-1", Owner: "uid-1"})
	second := newTestConsumer(t, q, ConsumerConfig{ID: "b"})
	started := time.UnixMilli(1_800_000_000_123)
	load := Load{Running: 3, Oldest: started, Done: 42}
	if beat, err := first.Beat(ctx, load); err != nil || !beat.Tender {
		t.Error(beat, err)
	}
	if beat, err := second.Beat(ctx, Load{}); err != nil || beat.Tender || !beat.Deputy {
		t.Error(beat, err)
	}
	tended := mustTend(t, q.NewKeeper(KeeperConfig{}))
	workers, err := q.Workers(ctx)
	if err != nil || len(workers) != 2 || len(tended.Beats) != 2 {
		t.Fatal(workers, err)
	}
	for _, got := range []Beat{workers[0], tended.Beats[0]} {
		if got.ID != first.ID() || got.Pod != "pod-1" || got.Owner != "uid-1" || got.Count != 2 || got.Version != 1 || got.Load != load {
			t.Errorf("%+v", got)
		}
	}
}

// Two workers look after a channel. Whichever of them goes without a word, the other is there, and a
// third one takes the place that is free.
func TestTenderAndDeputyAreReplaced(t *testing.T) {
	q, ctx := newTestQueue(t), t.Context()
	workers := map[string]*Consumer{}
	for _, name := range []string{"a", "b", "c", "d"} {
		workers[name] = newTestConsumer(t, q, ConsumerConfig{ID: name})
	}
	keeper := q.NewKeeper(KeeperConfig{})
	steps := []struct {
		beats string
		want  string // T: tender, D: deputy, -: neither
		loses string // whose lease runs out then
		left  int    // who look after the channel then
	}{
		{"bcbd", "TDT-", "", 2},
		{"abcd", "-TD-", "b", 1},
		{"cabcd", "TT-D-", "", 2},
		{"cabd", "DT--", "ac", 0},
		{"dbac", "TT--", "d", 1},
		{"b", "T", "", 1},
	}
	for i, step := range steps {
		got := ""
		for _, name := range step.beats {
			beat, err := workers[string(name)].Beat(ctx, Load{})
			switch {
			case err != nil || beat.Tender && beat.Deputy:
				t.Fatal(beat, err)
			case beat.Tender:
				got += "T"
			case beat.Deputy:
				got += "D"
			default:
				got += "-"
			}
		}
		if got != step.want {
			t.Errorf("step %d: %s became %s, want %s", i, step.beats, got, step.want)
		}
		for _, name := range step.loses {
			id := workers[string(name)].ID()
			lease, err := q.rdb.ZScore(ctx, q.keys.tender, id).Result()
			if in := time.Until(time.UnixMicro(int64(lease * 1e6))); err != nil || in <= 0 || in > tenderLease {
				t.Errorf("step %d: the lease of %c ends in %v, %v", i, name, in, err)
			}
			if err := q.rdb.ZAdd(ctx, q.keys.tender, redis.Z{Score: 1000, Member: id}).Err(); err != nil {
				t.Fatal(err)
			}
		}
		if tended := mustTend(t, keeper); tended.Tenders != step.left {
			t.Errorf("step %d: %d look after the channel, want %d", i, tended.Tenders, step.left)
		}
	}
}

func TestABeatMovesWhatIsDue(t *testing.T) {
	q, ctx := newTestQueue(t), t.Context()
	c := newTestConsumer(t, q, ConsumerConfig{})
	mustPush(t, q, "before")
	entries := []redis.Z{{Score: 30, Member: "second"}, {Score: 10.5, Member: "first"}}
	if err := q.rdb.ZAdd(ctx, q.keys.delayed, entries...).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := q.PushDelayed(ctx, time.Hour, []byte("later")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Beat(ctx, Load{}); err != nil {
		t.Fatal(err)
	}
	wantState(t, q, snapshot{"waiting": {"second", "first", "before"}, "delayed": {"later"}})
}

func TestCountsIncludeInboxes(t *testing.T) {
	q := newTestQueue(t)
	c := newTestConsumer(t, q, ConsumerConfig{})
	mustPush(t, q, "a")
	if found, err := c.Await(t.Context(), time.Second); err != nil || !found {
		t.Fatal(found, err)
	}
	wantState(t, q, snapshot{"inbox": {"a"}})
	counts, err := q.Counts(t.Context(), 0)
	if err != nil || counts.Waiting != 1 {
		t.Errorf("%+v %v", counts, err)
	}
}

// A mark of a late run whose worker is gone would keep its message in timeout for ever.
func TestTendForgetsMarksOfTheGone(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a")
	c := newTestConsumer(t, q, ConsumerConfig{})
	run := mustExchange(t, c, nil, 1).Runs[0]
	if _, err := c.Expire(t.Context(), run.ID); err != nil {
		t.Fatal(err)
	}
	if err := q.rdb.HSet(t.Context(), q.keys.late, "gone.1/1795368693000010", "b", "odd", "c").Err(); err != nil {
		t.Fatal(err)
	}
	mustTend(t, q.NewKeeper(KeeperConfig{}))
	wantState(t, q, snapshot{"timeout": {"a"}, "late": {"a"}, "hand": {"a"}})
}
