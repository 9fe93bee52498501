package command_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/worker/payload"
)

// place is a channel of its own on the shared server.
type place struct {
	t       *testing.T
	addr    string
	channel string
	rdb     redis.UniversalClient
	queue   *queue.Queue
}

var places atomic.Int64

func newPlace(t *testing.T) *place {
	t.Helper()
	return newPlaceAt(t, redistest.Shared(t))
}

func newPlaceAt(t *testing.T, addr string) *place {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, DisableIdentity: true})
	t.Cleanup(func() { _ = rdb.Close() })
	channel := fmt.Sprintf("{command-%d}", places.Add(1))
	q, err := queue.New(rdb, channel)
	if err != nil {
		t.Fatal(err)
	}
	return &place{t: t, addr: addr, channel: channel, rdb: rdb, queue: q}
}

// flags point a command line at the place.
func (p *place) flags(more ...string) []string {
	return append(more, "--redis=redis://"+p.addr+"/0", "--channel="+p.channel)
}

// list returns the messages of one list, the next to be taken first.
func (p *place) list(state queue.State) []string {
	p.t.Helper()
	entries, err := p.rdb.LRange(p.t.Context(), p.channel+":"+string(state), 0, -1).Result()
	if err != nil {
		p.t.Fatal(err)
	}
	slices.Reverse(entries)
	return entries
}

func (p *place) counts() queue.Counts {
	p.t.Helper()
	counts, err := p.queue.Counts(p.t.Context(), 0)
	if err != nil {
		p.t.Fatal(err)
	}
	return counts
}

func (p *place) push(payloads ...string) {
	p.t.Helper()
	for batch := range slices.Chunk(payloads, 500) {
		var raw [][]byte
		for _, text := range batch {
			raw = append(raw, []byte(text))
		}
		if err := p.queue.Push(p.t.Context(), raw...); err != nil {
			p.t.Fatal(err)
		}
	}
}

func TestPushCloudEvents(t *testing.T) {
	p := newPlace(t)
	got := execute(t, nil, nil, p.flags("push", "--type=mail.send", `--data={"to":"a"}`, "--count=250", "--max-attempts=2")...)
	if want := (result{out: "pushed 250 to " + p.channel + "\n"}); got != want {
		t.Fatalf("push = %+v, want %+v", got, want)
	}
	ids := make(map[string]bool)
	for _, raw := range p.list(queue.Waiting) {
		m, err := payload.Decode([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		most, _ := m.MaxAttempts()
		if m.Type() != "mail.send" || string(m.Data()) != `{"to":"a"}` || most != 2 || m.Attempts() != 0 {
			t.Errorf("pushed %s", raw)
		}
		ids[m.ID()] = true
	}
	if len(ids) != 250 {
		t.Errorf("%d different ids, want 250", len(ids))
	}
}

// The same job as the class of the seed's page has it, byte for byte as Hyperf
// 3.2 writes it.
func TestPushHyperf(t *testing.T) {
	p := newPlace(t)
	got := execute(t, nil, nil, p.flags("push", `--hyperf-class=App\Job\DemoJob`, "--param=k=v", "--max-attempts=2", "--unique-id=u-1")...)
	if got.status != 0 {
		t.Fatalf("push = %+v", got)
	}
	want := `O:28:"Hyperf\AsyncQueue\JobMessage":2:{s:3:"job";O:15:"App\Job\DemoJob":3:{s:11:"maxAttempts";i:2;` +
		`s:8:"uniqueId";s:3:"u-1";s:6:"params";a:1:{s:1:"k";s:1:"v";}}s:8:"attempts";i:0;}`
	if diff := cmp.Diff([]string{want}, p.list(queue.Waiting)); diff != "" {
		t.Errorf("pushed (-want +got):\n%s", diff)
	}
}

func TestPushHyperfValues(t *testing.T) {
	p := newPlace(t)
	args := p.flags("push", `--hyperf-class=A`, "--param=i=4", "--param=f=0.5", "--param=b=true", "--param=n=null", "--param=s=a=b", "--count=2")
	if got := execute(t, nil, nil, args...); got.status != 0 {
		t.Fatalf("push = %+v", got)
	}
	ids := make(map[string]bool)
	for _, raw := range p.list(queue.Waiting) {
		m, err := payload.Decode([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		var job struct{ Params map[string]any }
		if err := json.Unmarshal(m.Data(), &job); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"i": 4.0, "f": 0.5, "b": true, "n": nil, "s": "a=b"}
		if diff := cmp.Diff(want, job.Params); diff != "" {
			t.Errorf("params (-want +got):\n%s", diff)
		}
		ids[m.ID()] = true
	}
	if len(ids) != 2 {
		t.Errorf("%d different messages, want 2", len(ids))
	}
}

func TestPushRaw(t *testing.T) {
	p := newPlace(t)
	var names []string
	for _, text := range []string{"a\x00\n", "b"} {
		name := filepath.Join(t.TempDir(), "message")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if got := execute(t, nil, nil, p.flags(append([]string{"push", "--raw", "--count=2"}, names...)...)...); got.status != 0 {
		t.Fatalf("push = %+v", got)
	}
	if diff := cmp.Diff([]string{"a\x00\n", "b", "a\x00\n", "b"}, p.list(queue.Waiting)); diff != "" {
		t.Errorf("pushed (-want +got):\n%s", diff)
	}
}

// S14 and S16: with a unique id the bytes are the same, so that a second delayed push
// moves the first.
func TestPushDelayedWithAUniqueID(t *testing.T) {
	for _, kind := range []string{"--type=a", "--hyperf-class=A"} {
		p := newPlace(t)
		for range 2 {
			if got := execute(t, nil, nil, p.flags("push", kind, "--unique-id=u", "--delay=1h")...); got.status != 0 {
				t.Fatalf("push = %+v", got)
			}
		}
		c := p.counts()
		if c.Delayed != 1 || time.Until(c.NextDue) < 50*time.Minute {
			t.Errorf("%s: %+v, want one message due in an hour", kind, c)
		}
	}
}

func TestPushAtARate(t *testing.T) {
	p := newPlace(t)
	began := time.Now()
	if got := execute(t, nil, nil, p.flags("push", "--type=a", "--count=11", "--rate=50")...); got.status != 0 {
		t.Fatalf("push = %+v", got)
	}
	if took := time.Since(began); took < 190*time.Millisecond {
		t.Errorf("11 messages at 50 a second took %s, want 200ms", took)
	}
	if n := len(p.list(queue.Waiting)); n != 11 {
		t.Errorf("%d pushed, want 11", n)
	}
}

func TestReload(t *testing.T) {
	p := newPlace(t)
	put := func(state queue.State, entries ...any) {
		t.Helper()
		if err := p.rdb.LPush(t.Context(), p.channel+":"+string(state), entries...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	put(queue.Timeout, "a", "b", "c")
	put(queue.Failed, "f")
	got := execute(t, nil, nil, p.flags("reload", "--max=2", "--max-reloads=1")...)
	if want := "reloaded 2 from timeout to waiting, 0 to failed for too many reloads, 0 left since their run goes on\n"; got.out != want {
		t.Errorf("reload = %+v, want %q", got, want)
	}
	if diff := cmp.Diff([]string{"a", "b"}, p.list(queue.Waiting)); diff != "" {
		t.Errorf("waiting (-want +got):\n%s", diff)
	}
	put(queue.Timeout, "a")
	env := map[string]string{"ASYNCQUEUE_MAX_RELOADS": "1", "ASYNCQUEUE_REDIS": "redis://" + p.addr, "ASYNCQUEUE_CHANNEL": p.channel}
	got = execute(t, nil, env, "reload")
	if want := "reloaded 1 from timeout to waiting, 1 to failed for too many reloads, 0 left since their run goes on\n"; got.out != want {
		t.Errorf("reload = %+v, want %q", got, want)
	}
	if diff := cmp.Diff([]string{"f", "a"}, p.list(queue.Failed)); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	if got = execute(t, nil, nil, p.flags("reload", "--state=failed", "--max=0")...); got.status != 0 || len(p.list(queue.Failed)) != 0 {
		t.Errorf("reload of failed = %+v, %q left", got, p.list(queue.Failed))
	}
}

func TestPushAtAnyRate(t *testing.T) {
	p := newPlace(t)
	if got := execute(t, nil, nil, p.flags("push", "--type=x", "--count=3", "--rate=1e300")...); got.status != 0 {
		t.Errorf("push = %+v", got)
	}
	if n := len(p.list(queue.Waiting)); n != 3 {
		t.Errorf("%d pushed, want 3", n)
	}
}

// S19: a closed gate is a sentence and an exit status of its own, and nothing is pushed.
func TestS19PushAtAClosedGate(t *testing.T) {
	p := newPlace(t)
	gate := queue.IntakeKey(queue.DefaultIntakePrefix, p.channel)
	args := p.flags("push", "--type=a", "--intake-key="+gate)
	if err := p.rdb.Set(t.Context(), gate, "b:0;", 0).Err(); err != nil {
		t.Fatal(err)
	}
	got := execute(t, nil, nil, args...)
	want := "worker: pushing to " + p.channel + ": the intake is closed (key " + gate + ") (pushed before: 0)\n"
	if got.status != 3 || got.err != want {
		t.Errorf("push at a closed gate = %+v, want status 3 and %q", got, want)
	}
	if err := p.rdb.Del(t.Context(), gate).Err(); err != nil {
		t.Fatal(err)
	}
	if got := execute(t, nil, nil, args...); got.status != 0 {
		t.Errorf("push at an open gate = %+v", got)
	}
	if n := p.counts().Waiting; n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
}

// A push that no replica confirmed says where it stands.
func TestPushWithoutReplicas(t *testing.T) {
	p := newPlace(t)
	got := execute(t, nil, nil, p.flags("push", "--type=a", "--replicas=1", "--replicas-timeout=10ms")...)
	want := "worker: pushing to " + p.channel + ": pushed, but not replicated: 0 of 1 replicas confirmed within 10ms" +
		" (pushed before: 0; the last batch stands on the primary)\n"
	if got.status != 1 || got.err != want {
		t.Errorf("push = %+v, want %q", got, want)
	}
	if n := p.counts().Waiting; n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
}
