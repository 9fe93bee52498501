package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

const (
	// promisedTick is how far apart two looks at a Redis may be while another one
	// is silent.
	promisedTick = 2 * time.Second
	// promisedNotice is how soon the status says that a Redis is silent,
	// promisedReturn how soon that it is back.
	promisedNotice, promisedReturn = 10 * time.Second, 5 * time.Second
	silentNamespace, lostNamespace = "scale-silent", "scale-lost"
)

func silentQueue(n int) types.NamespacedName {
	return types.NamespacedName{Namespace: silentNamespace, Name: fmt.Sprintf("queue-%05d", n)}
}

// silent lets one Redis of many go silent with its connections open, and looks
// whether the others notice.
func (s *stage) silent(ctx context.Context) error {
	wires := make([]*wire, s.places)
	addresses := make([]string, s.places)
	for i := range wires {
		w, err := newWire(ctx, s.redis.Addr)
		if err != nil {
			return err
		}
		s.later(w.close)
		wires[i], addresses[i] = w, w.addr()
	}
	if err := s.cluster.populateAt(ctx, silentNamespace, addresses); err != nil {
		return err
	}
	if err := await(ctx, patience, "the queues of the many Redis to be ready", func() bool { return s.areReady(silentQueue, s.places) }); err != nil {
		return err
	}
	held := silentQueue(0)
	if _, err := s.burstTimes(ctx, []types.NamespacedName{held}); err != nil {
		return err
	}
	if err := s.hush(ctx, wires, held); err != nil {
		return err
	}
	return s.remove(ctx, silentNamespace, &queuev1alpha1.AsyncQueue{})
}

// hush is the time of silence of the first Redis.
func (s *stage) hush(ctx context.Context, wires []*wire, held types.NamespacedName) error {
	for _, w := range wires {
		w.reset()
	}
	s.tracker.forgetShrunk()
	began := time.Now()
	wires[0].silence()
	if err := await(ctx, patience, "the status to say so", func() bool { return !s.tracker.sight(held).reachable }); err != nil {
		return err
	}
	noticed := time.Since(began)
	var others []types.NamespacedName
	for n := 1; n <= s.bursts; n++ {
		others = append(others, silentQueue(n))
	}
	times, err := s.burstTimes(ctx, others)
	if err != nil {
		return err
	}
	if err := pass(ctx, s.hole-time.Since(began)); err != nil {
		return err
	}
	slowest := time.Duration(0)
	for _, w := range wires[1:] {
		slowest = max(slowest, w.traffic().longest)
	}
	shrunk := s.tracker.shrunkOf([]types.NamespacedName{held})
	wires[0].speak()
	back := time.Now()
	if err := await(ctx, patience, "the silent Redis to be seen again", func() bool { return s.tracker.sight(held).reachable }); err != nil {
		return err
	}
	s.results.within(fmt.Sprintf("one silent Redis of %d: noticed after", len(wires)), noticed, promisedNotice)
	s.results.promise("  its queue's scale-ins", "", float64(len(shrunk)), 0)
	s.results.within("  burst on another one to 10 replicas, slowest", longest(times), promisedBurst)
	s.results.within("  longest time between two looks at another one", slowest, promisedTick)
	s.results.within("  reachable again after", time.Since(back), promisedReturn)
	return nil
}

func (s *stage) areReady(name func(int) types.NamespacedName, size int) bool {
	for n := range size {
		if !s.tracker.sight(name(n)).ready {
			return false
		}
	}
	return true
}

// lost makes a tenth as many queues whose Secrets do not exist, and looks at what
// they cost and whether the others notice.
func (s *stage) lost(ctx context.Context) error {
	size := max(1, s.size/10)
	if err := s.cluster.populateLost(ctx, lostNamespace, size); err != nil {
		return err
	}
	name := func(n int) types.NamespacedName {
		return types.NamespacedName{Namespace: lostNamespace, Name: fmt.Sprintf("queue-%05d", n)}
	}
	if err := await(ctx, patience, "the status to say so", func() bool {
		for n := range size {
			if s.tracker.sight(name(n)).reason != queuev1alpha1.ReasonSecretNotFound {
				return false
			}
		}
		return true
	}); err != nil {
		return err
	}
	api, mgr, err := s.both(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	queues, err := s.scaling(ctx, s.bursts)
	if err != nil {
		return err
	}
	times, err := s.burstTimes(ctx, queues)
	if err != nil {
		return err
	}
	if err := pass(ctx, s.hole-time.Since(began)); err != nil {
		return err
	}
	apiNow, mgrNow, err := s.both(ctx)
	if err != nil {
		return err
	}
	seconds := time.Since(began).Seconds()
	s.results.say("Secrets missing for a tenth more queues: Secrets read per second", "/s", (secretReads(apiNow)-secretReads(api))/seconds)
	s.results.say("  reconciles per second", "/s", (mgrNow.reconciles()-mgr.reconciles())/seconds)
	s.results.within("  burst on another queue to 10 replicas, slowest", longest(times), promisedBurst)
	return s.remove(ctx, lostNamespace, &queuev1alpha1.AsyncQueue{})
}
