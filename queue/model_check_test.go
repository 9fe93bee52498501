package queue

import (
	"flag"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A move that is not possible in a state skips itself, and rapid draws another one: no test is left out.

// machine drives the scripts and the model with the same moves.
type machine struct {
	t         *testing.T
	queue     *Queue
	faulty    *Queue // the same channel, on a client that loses answers
	fault     *fault
	model     *model
	consumers []*Consumer
}

var modelPayloads = rapid.SampledFrom([]string{"a", "b", "c:1"})

// Any sequence of moves, with lost answers and Hyperf consumers among them, leads Redis and the
// model to the same state after each move; and what was pushed and not ended stands somewhere.
func TestScriptsAgreeWithTheModel(t *testing.T) {
	if steps := flag.Lookup("rapid.steps"); steps.Value.String() == steps.DefValue {
		if err := steps.Value.Set("80"); err != nil { // long ones lead to more than one equal payload in each state
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		q := newTestQueue(t)
		q, err := New(q.rdb, q.Channel()+randomSuffix())
		if err != nil {
			rt.Fatal(err)
		}
		faulty, fault := newFaultyQueue(t, q)
		m := &machine{t: t, queue: q, faulty: faulty, fault: fault, model: newModel()}
		for range 2 {
			m.join(rt)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"push": m.push, "pushDelayed": m.pushDelayed, "join": m.join, "exchange": m.exchange, "await": m.await,
			"retry": m.retry, "requeue": m.requeue, "fail": m.fail, "release": m.release, "expire": m.expire,
			"claim": m.claim, "claim twice at once": m.claimTwice, "expire again": m.expire, "expire once more": m.expire,
			"hold": m.hold, "withdraw": m.withdraw,
			"sweep": m.sweep, "tend": m.tend, "reload": m.reload, "flush": m.flush,
			"hyperfPop": m.hyperfPop, "hyperfAck": m.hyperfAck, "hyperfReload": m.hyperfReload,
			"": m.check,
		})
		if err := q.rdb.Del(t.Context(), keysLike(t, q, q.Channel())...).Err(); err != nil {
			rt.Fatal(err)
		}
	})
}

func (m *machine) check(rt *rapid.T) {
	got := snapshotOf(m.t, m.queue)
	slices.Sort(got["reserved"])
	if diff := cmp.Diff(m.model.snapshot(), got); diff != "" {
		rt.Fatalf("state (-model +Redis):\n%s", diff)
	}
	live := maps.Clone(m.model.live)
	maps.DeleteFunc(live, func(_ string, n int) bool { return n == 0 })
	if diff := cmp.Diff(live, m.model.standing()); diff != "" {
		rt.Fatalf("messages (-pushed and not ended +standing):\n%s", diff)
	}
}

// twice makes some calls lose their first answer.
func (m *machine) twice(rt *rapid.T, call func() error) {
	if rapid.Bool().Draw(rt, "answer lost") {
		m.fault.loseAnswer()
		if err := call(); err == nil {
			rt.Fatal("the fault did not strike")
		}
	}
	if err := call(); err != nil {
		rt.Fatal(err)
	}
}

func (m *machine) consumer(rt *rapid.T) *Consumer {
	if len(m.consumers) == 0 {
		rt.Skip("no worker")
	}
	return m.consumers[rapid.IntRange(0, len(m.consumers)-1).Draw(rt, "worker")]
}

// run draws a run in hand.
func (m *machine) run(rt *rapid.T) (*Consumer, modelRun) {
	c := m.consumer(rt)
	runs := m.model.workers[c.ID()].runs
	if len(runs) == 0 {
		rt.Skip("nothing in hand")
	}
	return c, rapid.SampledFrom(runs).Draw(rt, "run")
}

// runs draws some of the runs in hand.
func (m *machine) runs(rt *rapid.T, c *Consumer) []RunID {
	var ids []RunID
	for _, run := range m.model.workers[c.ID()].runs {
		if rapid.Bool().Draw(rt, "ended") {
			ids = append(ids, run.id)
		}
	}
	return ids
}

func (m *machine) push(rt *rapid.T) {
	var payloads [][]byte
	for _, payload := range rapid.SliceOfN(modelPayloads, 1, 4).Draw(rt, "payloads") {
		m.model.push(payload)
		payloads = append(payloads, []byte(payload))
	}
	if err := m.queue.Push(m.t.Context(), payloads...); err != nil {
		rt.Fatal(err)
	}
}

func drawDelay(rt *rapid.T) (far bool, delay time.Duration) {
	if rapid.Bool().Draw(rt, "far ahead") {
		return true, time.Hour
	}
	return false, 0
}

func (m *machine) pushDelayed(rt *rapid.T) {
	payload := modelPayloads.Draw(rt, "payload")
	far, delay := drawDelay(rt)
	m.model.pushDelayed(payload, far)
	if _, err := m.queue.PushDelayed(m.t.Context(), delay, []byte(payload)); err != nil {
		rt.Fatal(err)
	}
}

func (m *machine) join(rt *rapid.T) {
	c, err := m.faulty.NewConsumer(ConsumerConfig{ID: "m", HandleTimeout: time.Hour})
	if err != nil {
		rt.Fatal(err)
	}
	if err := c.Register(m.t.Context()); err != nil {
		rt.Fatal(err)
	}
	m.consumers = append(m.consumers, c)
	m.model.workers[c.ID()] = &modelWorker{}
}

func (m *machine) exchange(rt *rapid.T) {
	c := m.consumer(rt)
	m.exchangeWith(rt, c, m.runs(rt, c))
}

func (m *machine) claim(rt *rapid.T) { m.exchangeWith(rt, m.consumer(rt), nil) }

// claimTwice claims twice at once, and both answers are lost.
func (m *machine) claimTwice(rt *rapid.T) {
	c := m.consumer(rt)
	var claims [][]string
	var held []*lane
	for range MaxExchanges {
		want := rapid.IntRange(0, 3).Draw(rt, "want")
		claim := m.model.claim(c.ID(), want)
		for _, payload := range claim {
			m.model.reserved[payload] = 0 // by a run that has no name yet
		}
		claims = append(claims, claim)
		m.fault.loseAnswer()
		if _, err := c.Exchange(m.t.Context(), nil, want); err == nil {
			rt.Fatal("the fault did not strike")
		}
		held = append(held, c.lanes.enter()) // the next one goes another way
	}
	for _, l := range held {
		c.lanes.leave(l)
	}
	for _, claim := range claims {
		answer, err := c.Exchange(m.t.Context(), nil, 0)
		if got := payloadsOf(answer.Runs); err != nil || !slices.Equal(got, claim) {
			rt.Fatalf("claimed %q, want %q (%v)", got, claim, err)
		}
		m.model.hold(c.ID(), answer.Runs)
	}
}

func (m *machine) exchangeWith(rt *rapid.T, c *Consumer, done []RunID) {
	want := rapid.IntRange(0, 5).Draw(rt, "want")
	m.model.acknowledge(c.ID(), done)
	claim := m.model.claim(c.ID(), want)
	var answer Exchanged
	m.twice(rt, func() (err error) {
		answer, err = c.Exchange(m.t.Context(), done, want)
		return err
	})
	if got := payloadsOf(answer.Runs); !slices.Equal(got, claim) {
		rt.Fatalf("claimed %q, want %q", got, claim)
	}
	if len(answer.Lost) > 0 {
		rt.Fatalf("lost %v", answer.Lost)
	}
	for _, run := range answer.Runs {
		if want := m.model.redelivered[string(run.Payload)]; run.Redelivered != want {
			rt.Fatalf("%s was redelivered %d times, want %d", run.Payload, run.Redelivered, want)
		}
	}
	m.model.hold(c.ID(), answer.Runs)
}

func (m *machine) await(rt *rapid.T) {
	c := m.consumer(rt)
	if len(m.model.waiting) == 0 {
		rt.Skip("nothing waits")
	}
	w := m.model.workers[c.ID()]
	var payload string
	m.model.waiting, payload = cutTail(m.model.waiting)
	w.inbox = head(w.inbox, payload)
	if found, err := c.Await(m.t.Context(), time.Second); !found || err != nil {
		rt.Fatal(found, err)
	}
}

// end ends a run in Redis, and compares the outcome.
func (m *machine) end(rt *rapid.T, want Outcome, call func() (Outcome, error)) {
	var got Outcome
	lost := rapid.Bool().Draw(rt, "answer lost")
	if lost {
		m.fault.loseAnswer()
		if _, err := call(); err == nil {
			rt.Fatal("the fault did not strike")
		}
		want = Moved
	}
	got, err := call()
	if err != nil || got != want {
		rt.Fatalf("outcome %v, want %v (%v)", got, want, err)
	}
}

func (m *machine) retry(rt *rapid.T) {
	c, run := m.run(rt)
	payload := modelPayloads.Draw(rt, "payload")
	far, delay := drawDelay(rt)
	want := m.model.retry(c.ID(), run.id, payload, far)
	m.end(rt, want, func() (Outcome, error) { return c.Retry(m.t.Context(), run.id, []byte(payload), delay) })
}

func (m *machine) requeue(rt *rapid.T) {
	c, run := m.run(rt)
	far, delay := drawDelay(rt)
	want := m.model.retry(c.ID(), run.id, run.payload, far)
	m.end(rt, want, func() (Outcome, error) { return c.Requeue(m.t.Context(), run.id, delay) })
}

func (m *machine) fail(rt *rapid.T) {
	c, run := m.run(rt)
	want := m.model.fail(c.ID(), run.id)
	m.end(rt, want, func() (Outcome, error) { return c.Fail(m.t.Context(), run.id, "model") })
}

func (m *machine) release(rt *rapid.T) {
	c := m.consumer(rt)
	ids := m.runs(rt, c)
	if len(ids) == 0 {
		rt.Skip("nothing to release")
	}
	m.model.release(c.ID(), ids)
	m.twice(rt, func() error { return c.Release(m.t.Context(), ids...) })
}

func (m *machine) expire(rt *rapid.T) {
	c, run := m.run(rt)
	want := m.model.expire(c.ID(), run.id)
	if got, err := c.Expire(m.t.Context(), run.id); err != nil || got != want {
		rt.Fatalf("outcome %v, want %v (%v)", got, want, err)
	}
}

func (m *machine) hold(rt *rapid.T) {
	c, run := m.run(rt)
	want := m.model.keep(c.ID(), run.id)
	if got, err := c.Hold(m.t.Context(), run.id); err != nil || got != want {
		rt.Fatalf("outcome %v, want %v (%v)", got, want, err)
	}
}

func (m *machine) withdraw(rt *rapid.T) {
	c, run := m.run(rt)
	want := m.model.withdraw(c.ID(), run.id)
	m.end(rt, want, func() (Outcome, error) { return c.Withdraw(m.t.Context(), run.id) })
}

func (m *machine) sweep(rt *rapid.T) {
	c := m.consumer(rt)
	c.cfg.Loss = rapid.SampledFrom([]LossPolicy{Park, Redeliver}).Draw(rt, "loss")
	c.cfg.MaxReloads = rapid.IntRange(0, 2).Draw(rt, "most reloads")
	m.model.sweep(c.ID(), c.cfg.Loss, c.cfg.MaxReloads)
	m.twice(rt, func() error { return c.Leave(m.t.Context()) })
	m.consumers = slices.DeleteFunc(m.consumers, func(other *Consumer) bool { return other == c })
}

func (m *machine) tend(rt *rapid.T) {
	released := m.model.tend()
	if _, err := m.queue.NewKeeper(KeeperConfig{}).Tend(m.t.Context()); err != nil {
		rt.Fatal(err)
	}
	if len(released) < 2 {
		return
	}
	tail := len(m.model.waiting) - len(released)
	got := snapshotOf(m.t, m.queue)["waiting"]
	if len(got) == len(m.model.waiting) && slices.Equal(slices.Sorted(slices.Values(got[tail:])), slices.Sorted(slices.Values(released))) {
		copy(m.model.waiting[tail:], got[tail:])
	}
}

func (m *machine) reload(rt *rapid.T) {
	from := rapid.SampledFrom([]State{Timeout, Failed}).Draw(rt, "from")
	o := ReloadOptions{Max: rapid.IntRange(0, 3).Draw(rt, "max"), MaxReloads: rapid.IntRange(0, 2).Draw(rt, "most reloads")}
	want := m.model.reload(from, o.Max, o.MaxReloads)
	got, err := m.queue.Reload(m.t.Context(), from, o)
	if err != nil || got.Moved != want.Moved || got.Poisoned != want.Poisoned {
		rt.Fatalf("reloaded %+v, want %+v (%v)", got, want, err)
	}
}

func (m *machine) flush(rt *rapid.T) {
	state := rapid.SampledFrom(States()).Draw(rt, "state")
	if rapid.IntRange(0, 4).Draw(rt, "seldom") != 0 {
		rt.Skip("keep what is there")
	}
	m.model.flush(state)
	if _, err := m.queue.Flush(m.t.Context(), state); err != nil {
		rt.Fatal(err)
	}
}

func (m *machine) hyperfPop(rt *rapid.T) {
	if len(m.model.waiting) == 0 {
		rt.Skip("nothing waits")
	}
	m.model.hyperfPop()
	hyperfPop(m.t, m.queue, time.Hour)
}

func (m *machine) hyperfAck(rt *rapid.T) {
	payload := modelPayloads.Draw(rt, "payload")
	m.model.hyperfAck(payload)
	hyperfAck(m.t, m.queue, payload)
}

func (m *machine) hyperfReload(rt *rapid.T) {
	if len(m.model.timeout) == 0 {
		rt.Skip("nothing in timeout")
	}
	var payload string
	m.model.timeout, payload = cutTail(m.model.timeout)
	m.model.waiting = head(m.model.waiting, payload)
	if err := m.queue.rdb.RPopLPush(m.t.Context(), m.queue.keys.timeout, m.queue.keys.waiting).Err(); err != nil {
		rt.Fatal(err)
	}
}
