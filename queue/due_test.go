package queue

import (
	"math"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
)

func TestDueIn(t *testing.T) {
	rdb := newTestClient(t, redistest.Start(t))
	ctx := t.Context()
	now := float64(time.Now().UnixMilli()) / 1000
	tests := []struct {
		channel        string
		known, delayed []redis.Z // before and after the keeper tended; those known stand beside an equal one
		atLeast        time.Duration
		atMost         time.Duration
		wantErr        bool
	}{
		{channel: "{empty}", atLeast: Never, atMost: Never},
		{channel: "{due}", delayed: []redis.Z{{Score: now - 1, Member: "m"}, {Score: now + 60, Member: "n"}}, atLeast: -time.Hour},
		{channel: "{soon}", delayed: []redis.Z{{Score: now + 120, Member: "m"}, {Score: now + 60, Member: "n"}}, atLeast: 50 * time.Second, atMost: time.Minute},
		{channel: "{beside}", known: []redis.Z{{Score: now + 60, Member: "w/1:m"}}, delayed: []redis.Z{{Score: now + 120, Member: "n"}}, atLeast: 50 * time.Second, atMost: time.Minute},
		{channel: "{odd}", delayed: []redis.Z{{Score: math.Inf(1), Member: "m"}}, atLeast: time.Hour, atMost: Never},
		{channel: "{older}", delayed: []redis.Z{{Score: math.Inf(-1), Member: "m"}}, atLeast: -Never},
		{channel: "{spoilt}", wantErr: true},
	}
	var keepers []*Keeper
	for _, test := range tests {
		q, err := New(rdb, test.channel)
		if err != nil {
			t.Fatal(err)
		}
		if len(test.known) > 0 {
			if err := rdb.ZAdd(ctx, q.keys.beside, test.known...).Err(); err != nil {
				t.Fatal(err)
			}
		}
		keepers = append(keepers, q.NewKeeper(KeeperConfig{}))
	}
	for i, result := range DueIn(ctx, rdb, keepers) {
		if result.Err != nil || result.In > 0 {
			t.Errorf("%s before the keeper tended: %+v", tests[i].channel, result)
		}
	}
	TendAll(ctx, rdb, keepers)
	for _, k := range keepers {
		k.atRest = false // of these, TestDueInNoticesWhatComes
	}
	for _, test := range tests {
		var err error
		if test.wantErr {
			err = rdb.Set(ctx, test.channel+":delayed", "text", 0).Err()
		} else if len(test.delayed) > 0 {
			err = rdb.ZAdd(ctx, test.channel+":delayed", test.delayed...).Err()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, result := range DueIn(ctx, rdb, keepers) {
		test := tests[i]
		if (result.Err != nil) != test.wantErr || !test.wantErr && (result.In < test.atLeast || result.In > test.atMost) {
			t.Errorf("%s: %+v, want %v to %v", test.channel, result, test.atLeast, test.atMost)
		}
	}
	if results := DueIn(ctx, rdb, nil); len(results) != 0 {
		t.Error(results)
	}
	_ = rdb.Close()
	for _, result := range DueIn(ctx, rdb, keepers) {
		if result.Err == nil {
			t.Error("an answer without a connection")
		}
	}
}

// Where nothing stood and nobody works, whatever comes is a reason to tend at once; after that only what
// is due.
func TestDueInNoticesWhatComes(t *testing.T) {
	rdb := newTestClient(t, redistest.Start(t))
	ctx := t.Context()
	for name, test := range map[string]struct {
		push    func(*Queue) error
		wantNow bool
		atMost  time.Duration // once the keeper knows of it
	}{
		"nothing":               {func(*Queue) error { return nil }, false, Never},
		"a message":             {func(q *Queue) error { return q.Push(ctx, []byte("m")) }, true, Never},
		"a delayed one":         {func(q *Queue) error { _, err := q.PushDelayed(ctx, time.Minute, []byte("m")); return err }, true, time.Minute},
		"a key of a wrong type": {func(q *Queue) error { return rdb.Set(ctx, q.keys.waiting, "text", 0).Err() }, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			q, err := New(rdb, "{"+name+"}")
			if err != nil {
				t.Fatal(err)
			}
			keepers := []*Keeper{q.NewKeeper(KeeperConfig{})}
			TendAll(ctx, rdb, keepers)
			if got := DueIn(ctx, rdb, keepers)[0]; got.Err != nil || got.In != Never {
				t.Fatalf("at rest: %+v", got)
			}
			if err := test.push(q); err != nil {
				t.Fatal(err)
			}
			if got := DueIn(ctx, rdb, keepers)[0]; got.Err != nil || (got.In <= 0) != test.wantNow {
				t.Errorf("%+v, want now: %v", got, test.wantNow)
			}
			TendAll(ctx, rdb, keepers)
			if got := DueIn(ctx, rdb, keepers)[0]; got.Err != nil || got.In > test.atMost || test.atMost > 0 && got.In < test.atMost-time.Minute/2 {
				t.Errorf("once the keeper knows: %+v, want %s", got, test.atMost)
			}
		})
	}
}
