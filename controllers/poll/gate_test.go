package poll_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"k8s.io/apimachinery/pkg/types"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/poll"
	"github.com/asyncqueue/operator/internal/redisconn"
	"github.com/asyncqueue/operator/internal/redistest"
)

// lookAtGates returns what a look makes of the gates of some queues.
func lookAtGates(t *testing.T, conn poll.Conn, targets map[types.NamespacedName]poll.Target) map[types.NamespacedName]poll.GateSight {
	t.Helper()
	results, err := conn.Look(t.Context(), targets, true)
	if err != nil {
		t.Fatal(err)
	}
	sights := map[types.NamespacedName]poll.GateSight{}
	for key, r := range results {
		if r.Err != nil {
			t.Errorf("%v: %v", key, r.Err)
		}
		if r.Look.Gate != (poll.GateSight{}) {
			sights[key] = r.Look.Gate
		}
	}
	return sights
}

func connected(t *testing.T, r poll.Redis) poll.Conn {
	t.Helper()
	conn, err := poll.Connect(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestGatesAreSetAsAsked(t *testing.T) {
	addr := redistest.Start(t)
	rdb := client(t, addr)
	ctx := t.Context()
	named := func(name string) types.NamespacedName { return types.NamespacedName{Name: name} }
	closed, open, changing := poll.Gate{Key: "c:IS_PUSH_a", Closed: true}, poll.Gate{Key: "c:IS_PUSH_b"}, poll.Gate{Key: "c:IS_PUSH_c", Closed: true}
	targets := map[types.NamespacedName]poll.Target{}
	for name, gate := range map[string]poll.Gate{"a": closed, "b": open, "c": changing, "alone": {}} {
		target := redisTarget(addr, "{"+name+"}")
		target.Gate = gate
		targets[named(name)] = target
	}
	for _, key := range []string{"c:IS_PUSH_b", "c:IS_PUSH_alone"} {
		if err := rdb.Set(ctx, key, "b:0;", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	conn := connected(t, *targets[named("a")].Redis)
	want := map[types.NamespacedName]poll.GateSight{named("a"): {Gate: closed}, named("b"): {Gate: open}, named("c"): {Gate: changing}}
	if diff := cmp.Diff(want, lookAtGates(t, conn, targets)); diff != "" {
		t.Errorf("sights (-want +got):\n%s", diff)
	}
	values := func() string {
		var text []string
		for _, key := range []string{"c:IS_PUSH_a", "c:IS_PUSH_b", "c:IS_PUSH_c", "c:IS_PUSH_d", "c:IS_PUSH_alone"} {
			text = append(text, rdb.Get(ctx, key).Val())
		}
		return strings.Join(text, " ")
	}
	if got, want := values(), "b:0;  b:0;  b:0;"; got != want {
		t.Errorf("the gates hold %q, want %q: one that is left alone stays", got, want)
	}
	if ttl := rdb.TTL(ctx, "c:IS_PUSH_a").Val(); ttl <= 9*time.Minute || ttl > 10*time.Minute {
		t.Errorf("a closed gate stays for %v", ttl)
	}
	// Opened, and closed under another key: both at the next look.
	target := targets[named("a")]
	target.Gate.Closed = false
	targets[named("a")] = target
	target = targets[named("c")]
	target.Gate.Key = "c:IS_PUSH_d"
	targets[named("c")] = target
	lookAtGates(t, conn, targets)
	if got, want := values(), "  b:0; b:0; b:0;"; got != want {
		t.Errorf("after a change the gates hold %q, want %q: the old key expires", got, want)
	}
}

// On a cluster the gate stands on another node than the queue, most often.
func TestGatesOnACluster(t *testing.T) {
	g := redistest.StartClusterGroup(t, redistest.GroupConfig{})
	r := poll.Redis{ID: "cluster", Config: redisconn.Config{URL: "redis-cluster://" + g.Addresses()[0]}}
	targets := map[types.NamespacedName]poll.Target{}
	for _, name := range []string{"one", "two", "three", "four"} {
		targets[types.NamespacedName{Name: name}] = poll.Target{
			Redis: &r, Channel: "{" + name + "}", Gate: poll.Gate{Key: "c:IS_PUSH_" + name, Closed: true},
		}
	}
	for key, sight := range lookAtGates(t, connected(t, r), targets) {
		if sight.Fault != nil {
			t.Errorf("%v: %s", key, sight.Fault.Message)
		}
	}
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: g.Addresses(), Protocol: 2})
	t.Cleanup(func() { _ = rdb.Close() })
	for key, target := range targets {
		if got := rdb.Get(t.Context(), target.Gate.Key).Val(); got != "b:0;" {
			t.Errorf("gate of %v: %q", key, got)
		}
	}
}

// A gate that the user may not touch is a fault of its own: the queue is seen all
// the same, and other gates are set.
func TestARefusedGateHidesNothing(t *testing.T) {
	addr := redistest.Start(t)
	rdb := client(t, addr)
	if err := rdb.Do(t.Context(), "acl", "setuser", "few", "on", ">pw", "~{*", "~c:may", "+@all").Err(); err != nil {
		t.Fatal(err)
	}
	refused, granted := redisTarget(addr, "{refused}"), redisTarget(addr, "{granted}")
	for _, target := range []*poll.Target{&refused, &granted} {
		target.Redis.Config.Username, target.Redis.Config.Password = "few", "pw"
	}
	refused.Gate, granted.Gate = poll.Gate{Key: "c:may-not", Closed: true}, poll.Gate{Key: "c:may", Closed: true}
	other := types.NamespacedName{Name: "other"}
	targets := map[types.NamespacedName]poll.Target{orders: refused, other: granted}
	conn := connected(t, *refused.Redis)
	sights := lookAtGates(t, conn, targets)
	fault := sights[orders].Fault
	if fault == nil || fault.Reason != queuev1alpha1.ReasonRedisPermissionDenied || !strings.HasPrefix(fault.Message, "the intake gate c:may-not cannot be set: ") {
		t.Errorf("the refused gate: %+v", fault)
	}
	if sights[other].Fault != nil {
		t.Errorf("the other gate: %+v", sights[other].Fault)
	}
	// It is tried again at every look.
	if err := rdb.Do(t.Context(), "acl", "setuser", "few", "~c:*").Err(); err != nil {
		t.Fatal(err)
	}
	if fault := lookAtGates(t, conn, targets)[orders].Fault; fault != nil {
		t.Errorf("once it is granted: %+v", fault)
	}
}

// What is done quickly is rarely seen in hand: one sight counts for minutes, and
// none counts as gone only after as long.
func TestForeignConsumersComeAndGoSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "a")
		watched := target("a")
		watched.Digest = func(o poll.Observation) string { return string(rune('0' + o.Consumers)) }
		b.Watch(orders, watched)
		expect := func(what string, want poll.Foreigners) {
			t.Helper()
			if got := b.Latest(orders).Consumers; got != want {
				t.Errorf("%s: %d, want %d", what, got, want)
			}
		}
		foreign := func(n int64) { b.servers["a"].set(func(s *server) { s.look.Foreign = n }) }
		pass(time.Minute)
		expect("a minute after the start", poll.ForeignersUnknown)
		pass(5 * time.Minute)
		expect("minutes later", poll.ForeignersGone)
		b.wakes()
		foreign(2)
		pass(2 * time.Second)
		foreign(0)
		pass(4 * time.Minute)
		expect("4 minutes after the last sight", poll.ForeignersSeen)
		if n := b.wakes(); n != 1 {
			t.Errorf("woken %d times for one piece of news", n)
		}
		// An outage is no time without them.
		b.servers["a"].set(func(s *server) { s.hangs = true })
		pass(10 * time.Minute)
		b.servers["a"].set(func(s *server) { s.hangs = false })
		pass(time.Minute)
		expect("after an outage", poll.ForeignersSeen)
		pass(5 * time.Minute)
		expect("5 minutes after it", poll.ForeignersGone)
	})
}
