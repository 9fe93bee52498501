package poll_test

import (
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"k8s.io/apimachinery/pkg/types"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/poll"
	"github.com/asyncqueue/operator/internal/redisconn"
	"github.com/asyncqueue/operator/internal/redistest"
	"github.com/asyncqueue/operator/queue"
)

func TestMain(m *testing.M) { redistest.Main(m) }

func redisTarget(addr, channel string) poll.Target {
	return poll.Target{
		Redis:   &poll.Redis{ID: addr, Address: addr, Config: redisconn.Config{URL: "redis://" + addr}},
		Channel: channel, Ahead: time.Minute,
		Digest: func(poll.Observation) string { return "" },
	}
}

func client(t *testing.T, addr string) *redis.Client {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: addr, Protocol: 2})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// look connects to a real Redis and looks once.
func look(t *testing.T, targets map[types.NamespacedName]poll.Target) (map[types.NamespacedName]poll.Result, error) {
	t.Helper()
	for _, target := range targets {
		conn, err := poll.Connect(*target.Redis)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn.Look(t.Context(), targets, true)
	}
	return nil, nil
}

func TestLookCountsWhatARealRedisHolds(t *testing.T) {
	addr := redistest.Shared(t)
	ctx := t.Context()
	q, err := queue.New(client(t, addr), "{counted}")
	if err != nil {
		t.Fatal(err)
	}
	push := func(delay time.Duration, payloads ...string) {
		t.Helper()
		for _, p := range payloads {
			var err error
			if delay == 0 {
				err = q.Push(ctx, []byte(p))
			} else {
				_, err = q.PushDelayed(ctx, delay, []byte(p))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	push(0, "a", "b", "c")
	push(30*time.Second, "soon")
	push(time.Hour, "later")
	consumer, err := q.NewConsumer(queue.ConsumerConfig{ID: "w", Owner: "uid", HandleTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if err := consumer.Register(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := consumer.Exchange(ctx, nil, 1); err != nil {
		t.Fatal(err)
	}

	results, err := look(t, map[types.NamespacedName]poll.Target{orders: redisTarget(addr, "{counted}")})
	if err != nil {
		t.Fatal(err)
	}
	want := poll.Result{Look: poll.Look{Backlog: poll.Backlog{Waiting: 2, Delayed: 2, Reserved: 1}, Due: 1, InHand: 1, Owners: []string{"uid"}, Workers: []poll.Worker{{ID: consumer.ID()}}}}
	got := results[orders]
	if in := got.Look.DueIn; in <= 0 || in > 30*time.Second {
		t.Errorf("the next message is due in %v", in)
	}
	got.Look.DueIn = 0
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOneSpoiltQueueDoesNotHideTheOthers(t *testing.T) {
	addr := redistest.Shared(t)
	rdb := client(t, addr)
	if err := rdb.Set(t.Context(), "{spoilt}:waiting", "no list", 0).Err(); err != nil {
		t.Fatal(err)
	}
	spoilt := types.NamespacedName{Name: "spoilt"}
	results, err := look(t, map[types.NamespacedName]poll.Target{
		orders: redisTarget(addr, "{sound}"), spoilt: redisTarget(addr, "{spoilt}"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if results[orders].Err != nil || results[spoilt].Err == nil {
		t.Errorf("sound: %v, spoilt: %v", results[orders].Err, results[spoilt].Err)
	}
}

// At zero workers nobody but the poller moves what is due.
func TestMovesWhatIsDue(t *testing.T) {
	addr := redistest.Shared(t)
	rdb := client(t, addr)
	if err := rdb.ZAdd(t.Context(), "{due}:delayed", redis.Z{Score: 1, Member: "m"}).Err(); err != nil {
		t.Fatal(err)
	}
	woken := make(chan types.NamespacedName, 100)
	p := poll.New(poll.Config{Log: testr.New(t)})
	p.OnWake(func(key types.NamespacedName) { woken <- key })
	done := make(chan struct{})
	go func() { defer close(done); _ = p.Start(t.Context()) }()
	t.Cleanup(func() { <-done })
	p.Watch(orders, redisTarget(addr, "{due}"))
	<-woken
	if seen := p.Latest(orders); seen.Backlog.Waiting != 1 || seen.Backlog.Delayed != 0 {
		t.Errorf("after the first look: %+v", seen)
	}
}

func TestFaultsOfARealRedis(t *testing.T) {
	guarded := redistest.Start(t, "--requirepass", "open sesame")
	full := redistest.Start(t, "--maxmemory", "1")
	wrong := redisTarget(guarded, "{orders}")
	wrong.Redis.Config.Password = "wrong"
	spoilt := redisTarget(redistest.Shared(t), "{spoilt-fault}")
	if err := client(t, redistest.Shared(t)).Set(t.Context(), "{spoilt-fault}:waiting", "no list", 0).Err(); err != nil {
		t.Fatal(err)
	}
	tlsToPlain := redisTarget(redistest.Shared(t), "{orders}")
	tlsToPlain.Redis.Config.URL = "rediss://" + redistest.Shared(t)
	nobody := redisTarget("127.0.0.1:1", "{orders}")
	watched := redistest.StartSentinelGroup(t, 1, redistest.GroupConfig{SentinelPassword: "watch"})
	sentinels := func(master, password string) poll.Target {
		target := redisTarget(watched.Addresses()[0], "{orders}")
		target.Redis.Config = redisconn.Config{URL: "redis-sentinel://" + watched.Addresses()[0] + "?master=" + master, SentinelPassword: password}
		return target
	}
	tests := map[string]struct {
		target poll.Target
		want   string
	}{
		"a password is wanted": {redisTarget(guarded, "{orders}"), queuev1alpha1.ReasonRedisAuthenticationFailed},
		"the wrong password":   {wrong, queuev1alpha1.ReasonRedisAuthenticationFailed},
		"another type":         {spoilt, queuev1alpha1.ReasonRedisWrongType},
		"no TLS there":         {tlsToPlain, queuev1alpha1.ReasonRedisUnreachable},
		"nobody there":         {nobody, queuev1alpha1.ReasonRedisUnreachable},
		"through sentinels":    {sentinels(redistest.MasterName, "watch"), ""},
		"sentinels' password":  {sentinels(redistest.MasterName, "wrong"), queuev1alpha1.ReasonRedisAuthenticationFailed},
		"another master":       {sentinels("other", "watch"), queuev1alpha1.ReasonRedisMasterUnknown},
		"full, but readable":   {redisTarget(full, "{orders}"), ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			woken := make(chan types.NamespacedName, 100)
			p := poll.New(poll.Config{Log: testr.New(t)})
			p.OnWake(func(key types.NamespacedName) { woken <- key })
			done := make(chan struct{})
			go func() { defer close(done); _ = p.Start(t.Context()) }()
			t.Cleanup(func() { <-done })
			target := tc.target
			target.Digest = func(o poll.Observation) string {
				if o.Fault != nil {
					return o.Fault.Reason
				}
				return ""
			}
			p.Watch(orders, target)
			<-woken
			got := ""
			if fault := p.Latest(orders).Fault; fault != nil {
				got = fault.Reason
				t.Log(fault.Message)
			}
			if got != tc.want {
				t.Errorf("fault %q, want %q", got, tc.want)
			}
		})
	}
}

// Between two looks at all queues some are looked at alone, and minded: nothing is forgotten of the others.
func TestMindsAfterALookAtSome(t *testing.T) {
	addr := redistest.Start(t)
	ctx, rdb := t.Context(), client(t, addr)
	names := map[string]types.NamespacedName{}
	targets := map[types.NamespacedName]poll.Target{}
	for _, name := range []string{"added", "due", "idle", "later", "spoilt"} {
		names[name] = types.NamespacedName{Name: name}
		targets[names[name]] = redisTarget(addr, "{"+name+"}")
	}
	conn, err := poll.Connect(*targets[names["due"]].Redis)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	// Something stands where something is to come; the others are at rest.
	soon := float64(time.Now().Add(time.Minute).Unix())
	for name, message := range map[string]redis.Z{"later": {Score: soon + 60, Member: "known"}, "spoilt": {Score: soon, Member: "known"}} {
		if err := rdb.ZAdd(ctx, "{"+name+"}:delayed", message).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.Look(ctx, targets, true); err != nil {
		t.Fatal(err)
	}
	some := map[types.NamespacedName]poll.Target{names["added"]: targets[names["added"]]}
	if _, err := conn.Look(ctx, some, false); err != nil {
		t.Fatal(err)
	}
	for name, score := range map[string]float64{"due": 1, "later": soon} {
		if err := rdb.ZAdd(ctx, "{"+name+"}:delayed", redis.Z{Score: score, Member: "m"}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := rdb.Set(ctx, "{spoilt}:delayed", "no set", 0).Err(); err != nil {
		t.Fatal(err)
	}
	minded := []types.NamespacedName{names["due"], names["idle"], names["later"], names["spoilt"]}
	looks, dueIn, err := conn.Mind(ctx, minded)
	if err != nil {
		t.Fatal(err)
	}
	if got := looks[names["due"]]; len(looks) != 1 || got.Err != nil || got.Look.Backlog.Waiting != 1 || got.Look.Backlog.Delayed != 0 {
		t.Errorf("looks: %+v", looks)
	}
	if in := dueIn[names["later"]]; len(dueIn) != 2 || in < 50*time.Second || in > time.Minute || dueIn[names["idle"]] != 0 {
		t.Errorf("due in %v", dueIn)
	}
	_ = conn.Close()
	if _, _, err := conn.Mind(ctx, minded); err == nil {
		t.Error("no error from a Redis that does not answer")
	}
}
