package command_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/worker/command"
)

// SIGTERM: what runs ends well, what has not begun stays, nothing is lost, the
// exit status is 0.
func TestSIGTERMDrains(t *testing.T) {
	p := newPlace(t)
	all := sleepers(12, time.Second)
	p.push(all...)
	w := startProcess(t, p.flags("--concurrency=5", "--listen=")...)
	await(t, 20*time.Second, "five runs", func() bool { return w.said("began") == 5 })
	w.signal(syscall.SIGTERM)
	if status := w.awaitExit(20 * time.Second); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
	began, ended := w.said("began"), w.said("ended")
	if began != ended {
		t.Errorf("%d runs began, %d ended", began, ended)
	}
	if diff := cmp.Diff(all[began:], p.list(queue.Waiting)); diff != "" {
		t.Errorf("waiting (-want +got):\n%s", diff)
	}
	if c := p.counts(); c.Reserved+c.Timeout+c.Failed+c.Delayed != 0 {
		t.Errorf("counts = %+v", c)
	}
}

// A handler that outlives the drain: its message goes the way of a lost
// worker's, and the process ends in time.
func TestSIGTERMCutsOffWhatOutlivesTheDrain(t *testing.T) {
	tests := map[string]struct {
		policy string
		where  queue.State
		job    string
		within time.Duration // the drain, and at most 10 s that pods have beyond it
	}{
		"parked":                           {"OnSchedule", queue.Timeout, "wait", 8 * time.Second},
		"redelivered":                      {"Immediately", queue.Waiting, "wait", 8 * time.Second},
		"redelivered though it never ends": {"Immediately", queue.Waiting, "sleep", 10 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			job := fmt.Sprintf(`{"specversion":"1.0","type":%q,"id":"m","source":"test","data":{"ms":3600000}}`, test.job)
			p.push(job)
			w := startProcess(t, p.flags("--drain-seconds=0.5", "--on-worker-loss="+test.policy, "--listen=")...)
			await(t, 20*time.Second, "the run", func() bool { return w.said("began") == 1 })
			w.signal(syscall.SIGTERM)
			if status := w.awaitExit(test.within); status != 0 {
				t.Errorf("exit status %d, want 0", status)
			}
			if diff := cmp.Diff([]string{job}, p.list(test.where)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.where, diff)
			}
		})
	}
}

// SIGKILL: another worker takes over within 10 s.
func TestSIGKILLIsTakenOver(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	args := p.flags("--concurrency=4", "--on-worker-loss=Immediately", "--listen=")
	first, second := startProcess(t, args...), startProcess(t, args...)
	pushed := 0
	await(t, 30*time.Second, "runs of both workers", func() bool {
		p.push(sleeper(fmt.Sprintf("m%d.", pushed), 20*time.Millisecond))
		pushed++
		return first.said("began") > 0 && second.said("began") > 0
	})
	p.push(sleeper("long", time.Hour))
	await(t, 20*time.Second, "the long run", func() bool { return first.said("began long")+second.said("began long") == 1 })
	victim, survivor := first, second
	if second.said("began long") == 1 {
		victim, survivor = second, first
	}
	victim.signal(syscall.SIGKILL)
	killed := time.Now()
	await(t, 30*time.Second, "the take-over", func() bool { return survivor.said("began long") == 1 })
	if took := time.Since(killed); took > 10*time.Second {
		t.Errorf("the take-over took %s, want at most 10s", took)
	}
	for i := range pushed {
		id := fmt.Sprintf("ended m%d.", i)
		await(t, 20*time.Second, id, func() bool { return first.said(id)+second.said(id) >= 1 })
	}
	await(t, 20*time.Second, "the acknowledgements", func() bool { return p.counts().Reserved == 1 })
	if c := p.counts(); c.Waiting+c.Delayed+c.Timeout+c.Failed != 0 {
		t.Errorf("counts = %+v, want the long run alone", c)
	}
}

// Redis stops answering for a while, with runs in hand: none is lost or doubled,
// and consumption resumes within 5 s.
func TestRedisHangs(t *testing.T) {
	t.Parallel()
	server, err := redistest.Launch(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	p := newPlaceAt(t, server.Addr)
	w := startProcess(t, p.flags("--concurrency=4", "--listen=127.0.0.1:0")...)
	p.push(sleepers(4, 2*time.Second)...)
	await(t, 20*time.Second, "four runs", func() bool { return w.said("began") == 4 })
	if err := server.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	await(t, 20*time.Second, "a warning", func() bool { return strings.Contains(w.logged(), "Redis does not answer") })
	if err := server.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	p.push(sleeper("after", 0))
	await(t, 20*time.Second, "the next run", func() bool { return w.said("ended after") == 1 })
	if took := time.Since(back); took > 5*time.Second {
		t.Errorf("consumption resumed after %s, want at most 5s", took)
	}
	await(t, 20*time.Second, "the acknowledgements", func() bool { c := p.counts(); return c.Reserved == 0 })
	if n := w.said("began"); n != 5 {
		t.Errorf("%d runs, want 5", n)
	}
	if c := p.counts(); c.Waiting+c.Delayed+c.Timeout+c.Failed != 0 {
		t.Errorf("counts = %+v", c)
	}
}

// Redis is gone, and comes back empty on the same address: the worker registers
// again and consumes.
func TestRedisRestarts(t *testing.T) {
	t.Parallel()
	first, err := redistest.Launch(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer first.Stop()
	gate := newGate(t, first.Addr)
	p := newPlaceAt(t, gate.addr())
	w := startProcess(t, p.flags("--concurrency=4", "--listen=")...)
	p.push(sleeper("before", 0))
	await(t, 20*time.Second, "the first run", func() bool { return w.said("ended before") == 1 })
	first.Stop()
	gate.cut()
	await(t, 20*time.Second, "a warning", func() bool { return strings.Contains(w.logged(), "Redis does not answer") })
	second, err := redistest.Launch(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer second.Stop()
	gate.lead(second.Addr)
	back := time.Now()
	await(t, 5*time.Second, "a push", func() bool { return p.queue.Push(t.Context(), []byte(sleeper("after", 0))) == nil })
	await(t, 20*time.Second, "the next run", func() bool { return w.said("ended after") == 1 })
	if took := time.Since(back); took > 5*time.Second {
		t.Errorf("consumption resumed after %s, want at most 5s", took)
	}
}

// Connections break again and again: every message runs once.
func TestConnectionsBreak(t *testing.T) {
	t.Parallel()
	gate := newGate(t, redistest.Shared(t))
	p := newPlace(t)
	w := startProcess(t, "--redis=redis://"+gate.addr(), "--channel="+p.channel, "--concurrency=4", "--listen=")
	all := sleepers(200, 10*time.Millisecond)
	for batch := range slices.Chunk(all, 20) {
		before := w.said("ended")
		p.push(batch...)
		await(t, 20*time.Second, "some runs", func() bool { return w.said("ended") >= before+5 })
		gate.cut()
	}
	await(t, 30*time.Second, "all runs", func() bool { return w.said("ended") >= len(all) })
	await(t, 20*time.Second, "all acknowledgements", func() bool { c := p.counts(); return c.Reserved+c.Waiting == 0 })
	for i := range all {
		if n := w.said(fmt.Sprintf("began m%d", i)); i > 99 && n != 1 { // m1 begins m10 as well
			t.Errorf("m%d ran %d times", i, n)
		}
	}
	if c := p.counts(); c.Delayed+c.Timeout+c.Failed != 0 {
		t.Errorf("counts = %+v", c)
	}
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	server, err := redistest.Launch(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	p := newPlaceAt(t, server.Addr)
	address := freeAddress(t)
	w := startProcess(t, p.flags("--listen="+address, "--drain-seconds=1")...)
	get := func(path string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0, err.Error()
		}
		defer func() { _ = answer.Body.Close() }()
		body, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(body)
	}
	status := func(path string, want int) func() bool {
		return func() bool { got, _ := get(path); return got == want }
	}
	await(t, 20*time.Second, "readiness", status("/readyz", 200))
	p.push(sleeper("a", 0))
	await(t, 20*time.Second, "the count of the run", func() bool {
		_, body := get("/metrics")
		return strings.Contains(body, `asyncqueue_worker_runs_total{result="ack",type="sleep"} 1`)
	})
	server.Stop()
	await(t, 20*time.Second, "the end of readiness", status("/readyz", 503))
	if code, body := get("/livez"); code != 200 {
		t.Errorf("/livez without Redis answered %d %s", code, body)
	}
	w.signal(syscall.SIGTERM)
	if code := w.awaitExit(20 * time.Second); code != 0 {
		t.Errorf("exit status %d, want 0", code)
	}
}

// An address that is free, most likely.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// The worker image's own handlers, end to end: the first attempt fails, the
// second succeeds, and what is no message goes to failed.
func TestExecAndHTTP(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Ce-Attempts") == "0" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	tests := map[string][]string{
		"exec": {"--", "sh", "-c", `test "$ASYNCQUEUE_JOB_ATTEMPT" = 2 || exit 75`},
		"http": {"--http-url=" + server.URL},
	}
	for name, args := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.push(`{"specversion":"1.0","type":"a","id":"1","source":"t","maxattempts":1}`, "b:0;")
			ctx, stop := context.WithCancel(t.Context())
			var errs bytes.Buffer
			ended := make(chan int, 1)
			go func() {
				flags := append([]string{"/bin/worker"}, p.flags("--retry-seconds=0.1", "--listen=")...)
				ended <- command.Execute(ctx, nil, append(flags, args...), command.IO{
					Out: io.Discard, Err: &errs, LookupEnv: func(string) (string, bool) { return "", false },
				})
			}()
			await(t, 20*time.Second, "the end of both", func() bool {
				c := p.counts()
				return c.Failed == 1 && c.Waiting+c.Delayed+c.Reserved == 0
			})
			stop()
			if status := <-ended; status != 0 {
				t.Errorf("exit status %d", status)
			}
			for _, want := range []string{`"msg":"Retried a."`, `"msg":"Failed undecodable."`} {
				if strings.Count(errs.String(), want) != 1 {
					t.Errorf("the log lacks %s:\n%s", want, errs.String())
				}
			}
			if diff := cmp.Diff([]string{"b:0;"}, p.list(queue.Failed)); diff != "" {
				t.Errorf("failed (-want +got):\n%s", diff)
			}
		})
	}
}

// A user of Redis who may not do all that a worker needs: the worker says which
// command, and ends. Wrong credentials are waited out.
func TestPermissions(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		url      string
		wantExit bool
		wantLog  string
	}{
		"a command is missing": {"poor:secret", true, "blmove"},
		"a wrong password":     {"poor:wrong", false, "WRONGPASS"},
		"no password":          {"", false, "NOAUTH"},
	}
	server, err := redistest.Launch(t.TempDir(), "--requirepass", "root")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr, Password: "root", DisableIdentity: true})
	t.Cleanup(func() { _ = rdb.Close() })
	if err := rdb.Do(t.Context(), "acl", "setuser", "poor", "on", ">secret", "~*", "&*", "+@all", "-blmove").Err(); err != nil {
		t.Fatal(err)
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startProcess(t, "--redis=redis://"+strings.TrimPrefix(test.url+"@", "@")+server.Addr, "--channel={x}", "--listen=")
			await(t, 20*time.Second, "the reason", func() bool {
				return strings.Contains(strings.ToLower(w.logged()), strings.ToLower(test.wantLog))
			})
			if !test.wantExit {
				w.signal(syscall.SIGTERM)
			}
			if status, want := w.awaitExit(20*time.Second), map[bool]int{true: 1, false: 0}[test.wantExit]; status != want {
				t.Errorf("exit status %d, want %d", status, want)
			}
			if strings.Contains(w.logged(), "secret") {
				t.Error("the log shows the password")
			}
		})
	}
}

// A Redis over maxmemory is drained by a worker that starts only then.
func TestStartOverMaxmemory(t *testing.T) {
	addr := redistest.Start(t)
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { _ = rdb.Close() })
	job := sleepers(1, 0)[0]
	if err := rdb.LPush(t.Context(), "{full}:waiting", job).Err(); err != nil {
		t.Fatal(err)
	}
	if err := rdb.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	w := startProcess(t, "--redis=redis://"+addr, "--channel={full}", "--listen=")
	await(t, 20*time.Second, "the run", func() bool { return w.said("ended") == 1 })
	w.signal(syscall.SIGTERM)
	if status := w.awaitExit(20 * time.Second); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
}
