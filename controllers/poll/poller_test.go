package poll_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr/testr"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/poll"
)

var orders = types.NamespacedName{Namespace: "shop", Name: "orders"}

// server plays one Redis to the poller: what a look finds, and when.
type server struct {
	mu     sync.Mutex
	look   poll.Look
	err    error
	hangs  bool
	looks  int
	pings  int
	minds  int
	queues int // of the last look
	total  int // of all looks
	due    []time.Time
	late   []time.Duration // how late each message that was due has been moved
}

func (s *server) set(change func(*server)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *server) asked() (looks, pings int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.looks, s.pings
}

func (s *server) answer(ctx context.Context, count *int) error {
	s.mu.Lock()
	*count++
	hangs, err := s.hangs, s.err
	s.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

// push delays messages.
func (s *server) push(delays ...time.Duration) {
	s.set(func(s *server) {
		for _, d := range delays {
			s.due = append(s.due, time.Now().Add(d))
		}
		slices.SortFunc(s.due, time.Time.Compare)
	})
}

// move moves what is due, and sees when the next message is. It is called under the lock.
func (s *server) move() {
	s.look.DueIn = 0
	for len(s.due) > 0 && !s.due[0].After(time.Now()) {
		s.late = append(s.late, time.Since(s.due[0]))
		s.due = s.due[1:]
	}
	if len(s.due) > 0 {
		s.look.DueIn = time.Until(s.due[0])
	}
}

func (s *server) Look(ctx context.Context, queues map[types.NamespacedName]poll.Target, _ bool) (map[types.NamespacedName]poll.Result, error) {
	if err := s.answer(ctx, &s.looks); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queues = len(queues)
	s.total += len(queues)
	s.move()
	results := map[types.NamespacedName]poll.Result{}
	for key := range queues {
		results[key] = poll.Result{Look: s.look}
	}
	return results, nil
}

func (s *server) Mind(ctx context.Context, queues []types.NamespacedName) (looks map[types.NamespacedName]poll.Result, dueIn map[types.NamespacedName]time.Duration, err error) {
	if err := s.answer(ctx, &s.minds); err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	looks, dueIn = map[types.NamespacedName]poll.Result{}, map[types.NamespacedName]time.Duration{}
	moved := len(s.late)
	s.move()
	for _, key := range queues {
		if len(s.late) > moved {
			looks[key] = poll.Result{Look: s.look}
		} else {
			dueIn[key] = s.look.DueIn
		}
	}
	return looks, dueIn, nil
}

func (s *server) Ping(ctx context.Context) error { return s.answer(ctx, &s.pings) }
func (s *server) Close() error                   { return nil }

// bench is a running poller with its servers and a record of who was woken.
type bench struct {
	*poll.Poller
	servers map[string]*server

	mu    sync.Mutex
	woken []types.NamespacedName
}

// start runs a poller in a synctest bubble until the test ends.
func start(t *testing.T, ids ...string) *bench {
	b := &bench{servers: map[string]*server{}}
	for _, id := range ids {
		b.servers[id] = &server{}
	}
	b.Poller = poll.New(poll.Config{
		Connect: func(r poll.Redis) (poll.Conn, error) { return b.servers[r.ID], nil },
		Log:     testr.New(t),
	})
	b.OnWake(func(key types.NamespacedName) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.woken = append(b.woken, key)
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- b.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return b
}

// wakes returns who was woken since the last call.
func (b *bench) wakes() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.woken)
	b.woken = nil
	return n
}

// pass lets the fake time of synctest go by, and what falls due in it happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func target(id string) poll.Target {
	return poll.Target{
		Redis: &poll.Redis{ID: id, Address: id + ":6379"}, Channel: "{orders}",
		Digest: func(o poll.Observation) string {
			switch {
			case o.Fault != nil:
				return o.Fault.Message
			case o.Known() && o.Backlog.Waiting >= 100:
				return "many"
			default:
				return ""
			}
		},
	}
}

func TestLooksAtOnceAndThenEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "a")
		b.Watch(orders, target("a"))
		pass(100 * time.Millisecond)
		if seen := b.Latest(orders); !seen.Known() || b.wakes() != 1 {
			t.Errorf("after 0.1 s: %+v", seen)
		}
		pass(10 * time.Second)
		if looks, _ := b.servers["a"].asked(); looks != 11 {
			t.Errorf("%d looks in 10 s, want 11", looks)
		}
	})
}

func TestQueuesOfOneRedisShareItsLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "a", "b")
		for _, name := range []string{"one", "two", "three"} {
			b.Watch(types.NamespacedName{Name: name}, target("a"))
		}
		b.Watch(types.NamespacedName{Name: "four"}, target("b"))
		pass(5*time.Second + 500*time.Millisecond)
		looksA, _ := b.servers["a"].asked()
		if looksA > 7 || b.servers["a"].queues != 3 || b.servers["b"].queues != 1 {
			t.Errorf("%d looks at %d queues and at %d", looksA, b.servers["a"].queues, b.servers["b"].queues)
		}
	})
}

// While many queues are added, each is looked at soon, and the others no more often than ever.
func TestLooksAtAddedQueuesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "a")
		const added = 100 // one each 20 ms: for two seconds
		for n := range added {
			key := types.NamespacedName{Name: strconv.Itoa(n)}
			b.Watch(key, target("a"))
			pass(20 * time.Millisecond)
			if n >= 5 && !b.Latest(types.NamespacedName{Name: strconv.Itoa(n - 5)}).Known() {
				t.Fatalf("queue %d was not looked at within 0.1 s", n-5)
			}
		}
		pass(time.Second)
		if total := b.servers["a"].total; total < 3*added || total > 4*added {
			t.Errorf("%d queues were looked at %d times in three seconds, want each once and all every second", added, total)
		}
		if got := b.servers["a"].queues; got != added {
			t.Errorf("the last look was at %d queues, want all %d", got, added)
		}
	})
}

func TestWakesOnlyForNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "a")
		waiting := func(n int64) { b.servers["a"].set(func(s *server) { s.look.Backlog.Waiting = n }) }
		steps := []struct {
			what    string
			waiting int64
			after   time.Duration
			want    int
		}{
			{"the first look", 0, time.Second, 1},
			{"nothing happens", 0, time.Minute, 0},
			{"a state is no longer empty", 1, 2 * time.Second, 1},
			{"another number", 2, 2 * time.Second, 0},
			{"the number is shown in the end", 2, 30 * time.Second, 1},
			{"the digest changes", 100, 2 * time.Second, 1},
			{"it stays", 101, 2 * time.Second, 0},
			{"it changes back", 99, 2 * time.Second, 1},
			{"empty again", 0, 2 * time.Second, 1},
		}
		b.Watch(orders, target("a"))
		for _, step := range steps {
			waiting(step.waiting)
			pass(step.after)
			if got := b.wakes(); got != step.want {
				t.Errorf("%s: woken %d times, want %d", step.what, got, step.want)
			}
		}
	})
}

func TestOneLostAnswerIsNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "a")
		b.Watch(orders, target("a"))
		pass(100 * time.Millisecond)
		b.wakes()
		b.servers["a"].set(func(s *server) { s.err = errors.New("lost") })
		pass(time.Second)
		if seen := b.Latest(orders); seen.Fault != nil {
			t.Errorf("after one failed look: %+v", seen.Fault)
		}
		pass(time.Second)
		seen := b.Latest(orders)
		want := &poll.Fault{Reason: queuev1alpha1.ReasonRedisUnreachable, Message: "Redis at a:6379 does not answer: the connection failed"}
		if diff := cmp.Diff(want, seen.Fault, cmp.AllowUnexported(poll.Fault{}), cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "passing" }, cmp.Ignore())); diff != "" {
			t.Errorf("after two (-want +got):\n%s", diff)
		}
		if seen.Known() || b.wakes() != 1 {
			t.Error("the outage went unnoticed")
		}
	})
}

func TestNeverSeenCountsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "a")
		b.servers["a"].err = errors.New("lost")
		b.Watch(orders, target("a"))
		pass(100 * time.Millisecond)
		if b.Latest(orders).Fault == nil {
			t.Error("no fault after the first failed look")
		}
	})
}

func TestBacksOffAndSeesTheRecoverySoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "a", "b")
		b.Watch(orders, target("a"))
		other := types.NamespacedName{Name: "other"}
		b.Watch(other, target("b"))
		pass(100 * time.Millisecond)
		b.servers["a"].set(func(s *server) { s.hangs = true })
		pass(60 * time.Second)
		looks, pings := b.servers["a"].asked()
		if looks+pings > 30 || pings == 0 {
			t.Errorf("%d looks and %d pings in a minute of silence", looks, pings)
		}
		if looks, _ := b.servers["b"].asked(); looks < 58 {
			t.Errorf("the other Redis was looked at only %d times", looks)
		}
		b.servers["a"].set(func(s *server) { s.hangs = false })
		pass(5 * time.Second)
		if !b.Latest(orders).Known() {
			t.Error("5 s later it is still not seen")
		}
	})
}

func TestForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "a")
		b.Watch(orders, target("a"))
		pass(100 * time.Millisecond)
		b.Forget(orders)
		b.Forget(orders)
		before, _ := b.servers["a"].asked()
		pass(time.Minute)
		if after, _ := b.servers["a"].asked(); after != before {
			t.Errorf("%d looks at nothing", after-before)
		}
		if seen := b.Latest(orders); seen.Known() {
			t.Errorf("still known: %+v", seen)
		}
	})
}

func TestMovesToAnotherRedis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "a", "b")
		b.servers["b"].look.Backlog.Failed = 7
		b.Watch(orders, target("a"))
		pass(100 * time.Millisecond)
		b.Watch(orders, target("b"))
		if b.Latest(orders).Known() {
			t.Error("what was seen at the old place counts for the new one")
		}
		pass(100 * time.Millisecond)
		if got := b.Latest(orders).Backlog.Failed; got != 7 {
			t.Errorf("%d failed, want those of the new place", got)
		}
	})
}

func TestKeepsWhatItKnowsWhereOnlyTheWorkChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "a")
		b.Watch(orders, target("a"))
		pass(100 * time.Millisecond)
		changed := target("a")
		changed.Redeliver, changed.MaxReloads = true, 3
		b.Watch(orders, changed)
		if !b.Latest(orders).Known() {
			t.Error("forgotten")
		}
	})
}
