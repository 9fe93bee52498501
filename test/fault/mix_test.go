package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asyncqueue/operator/worker/payload"
)

func mixOf(t *testing.T, seed uint64, count int) []parcel {
	t.Helper()
	m := &mix{random: rand.New(rand.NewPCG(seed, 1)), late: 3 * time.Second}
	parcels := make([]parcel, 0, count)
	for range count {
		p, err := m.next()
		if err != nil {
			t.Fatal(err)
		}
		parcels = append(parcels, p)
	}
	return parcels
}

// The mix has all that may go wrong: both kinds, equal ones, delays, failures; and an id stands for bytes.
func TestMixHasEverything(t *testing.T) {
	bodies, has := map[string]string{}, map[string]bool{}
	for _, p := range mixOf(t, 7, 3000) {
		m, err := payload.Decode(p.body)
		if err != nil {
			t.Fatal(err)
		}
		before, again := bodies[p.id]
		if again && before != string(p.body) || m.ID() != p.id {
			t.Fatalf("%s stands for %q and %q (id %s)", p.id, before, p.body, m.ID())
		}
		bodies[p.id] = string(p.body)
		has[m.Format().String()] = true
		has["pushed again"] = has["pushed again"] || again
		has["copies at once"] = has["copies at once"] || p.copies > 1
		has["delayed"] = has["delayed"] || p.delay > 0
		has["hopeless"] = has["hopeless"] || isHopeless(p.id)
		if p.delay > 0 && (again || p.copies > 1) {
			t.Errorf("%s is delayed and equal to another one: that would be one message", p.id)
		}
	}
	want := map[string]bool{
		"hyperf": true, "cloudevents": true, "pushed again": true, "copies at once": true, "delayed": true, "hopeless": true,
	}
	if diff := cmp.Diff(want, has); diff != "" {
		t.Errorf("mix (-want +got):\n%s", diff)
	}
}

func TestMixFollowsItsSeed(t *testing.T) {
	if diff := cmp.Diff(mixOf(t, 3, 200), mixOf(t, 3, 200), cmp.AllowUnexported(parcel{})); diff != "" {
		t.Errorf("the same seed made another mix:\n%s", diff)
	}
}
