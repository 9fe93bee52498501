package hyperf_test

import (
	"context"
	"crypto/sha1" //nolint:gosec // names scripts, as Redis does
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// asWorker makes this test's program one of our workers: `HOST:PORT CHANNEL before|after SCRIPT N`,
// the moment at which it kills itself. Its standard input ends its drain's wait.
const asWorker = "HYPERF_TEST_AS_WORKER"

// moment is when a worker kills itself: before it sends a script (or command) for the nth time, or
// when Redis has carried that out and the answer is not read yet.
type moment struct {
	when   string // before or after
	script string
	nth    int
}

func (m moment) String() string { return fmt.Sprintf("%s %s %d", m.when, m.script, m.nth) }

// worker starts one of our workers in a process of its own.
func (c *channel) worker(t *testing.T, tell func(line string), m moment) *process {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0]) //nolint:gosec // this test's own program
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %s", asWorker, c.addr, c.name, m))
	return start(t, cmd, tell)
}

// workerMain is the worker's process. Closing its standard input stops it.
func workerMain() error {
	var addr, channel string
	var m moment
	if _, err := fmt.Sscan(os.Getenv(asWorker), &addr, &channel, &m.when, &m.script, &m.nth); err != nil {
		return err
	}
	scripts, err := readScripts()
	if err != nil {
		return err
	}
	rdb := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, DisableIdentity: true, ClientName: "dying" + channel})
	rdb.AddHook(&deathHook{moment: m, scripts: scripts, names: map[string]string{}})
	var mu sync.Mutex
	w, err := newWorker(rdb, channel, time.Second, func(line string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(line)
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	return w.Run(ctx)
}

// readScripts returns our scripts by the names of their files.
func readScripts() (map[string]string, error) {
	files, err := filepath.Glob("../../queue/scripts/*.lua")
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no scripts: %w", err)
	}
	texts := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // a file of this repository
		if err != nil {
			return nil, err
		}
		texts[strings.TrimSuffix(filepath.Base(file), ".lua")] = string(text)
	}
	return texts, nil
}

// errNoScript makes the client send a script's text.
type errNoScript struct{}

// Error is what Redis would say.
func (errNoScript) Error() string { return "NOSCRIPT the test wants to see the text" }

// RedisError marks an answer of Redis.
func (errNoScript) RedisError() {}

// deathHook kills the process at a moment.
type deathHook struct {
	moment  moment
	scripts map[string]string // text by name

	mu    sync.Mutex
	names map[string]string // by digest
	seen  int
}

// name is what a command does: the script that it runs, or its own name. known is false for a digest
// whose text was not seen yet.
func (h *deathHook) name(cmd redis.Cmder) (name string, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	args := cmd.Args()
	switch name := strings.ToLower(cmd.Name()); name {
	case "evalsha":
		name, known := h.names[fmt.Sprint(args[1])]
		return name, known
	case "eval":
		text := fmt.Sprint(args[1])
		sum := sha1.Sum([]byte(text)) //nolint:gosec // as Redis does
		h.names[hex.EncodeToString(sum[:])] = h.nameOf(text)
		return h.nameOf(text), true
	default:
		return name, true
	}
}

// nameOf finds the file whose text comes last in a script.
func (h *deathHook) nameOf(text string) string {
	last, at := "", -1
	for name, part := range h.scripts {
		if i := strings.LastIndex(text, part); i > at {
			last, at = name, i
		}
	}
	return strings.TrimSuffix(last, "_usual")
}

// pass is called before and after each command, and returns only if the process is to live on.
func (h *deathHook) pass(when string, cmd redis.Cmder) {
	if name, _ := h.name(cmd); when != h.moment.when || name != h.moment.script {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen++; h.seen == h.moment.nth {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// after passes what Redis has carried out. A wait that ended with nothing is no move.
func (h *deathHook) after(cmd redis.Cmder) {
	if err := cmd.Err(); errors.Is(err, redis.Nil) || redis.HasErrorPrefix(err, "NOSCRIPT") {
		return
	}
	h.pass("after", cmd)
}

// DialHook passes on.
func (h *deathHook) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook is around a single command.
func (h *deathHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if _, known := h.name(cmd); !known {
			cmd.SetErr(errNoScript{})
			return errNoScript{}
		}
		h.pass("before", cmd)
		err := next(ctx, cmd)
		h.after(cmd)
		return err
	}
}

// ProcessPipelineHook is around several commands.
func (h *deathHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if slices.ContainsFunc(cmds, func(cmd redis.Cmder) bool { _, known := h.name(cmd); return !known }) {
			for _, cmd := range cmds {
				cmd.SetErr(errNoScript{})
			}
			return errNoScript{}
		}
		for _, cmd := range cmds {
			h.pass("before", cmd)
		}
		err := next(ctx, cmds)
		for _, cmd := range cmds {
			h.after(cmd)
		}
		return err
	}
}

// isBlocked says whether the dying worker waits in Redis for a message.
func (c *channel) isBlocked(t *testing.T) bool {
	t.Helper()
	list, err := c.rdb.ClientList(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(list) {
		if strings.Contains(line, "name=dying"+c.name+" ") && strings.Contains(line, " cmd=blmove") && strings.Contains(line, " flags=b") {
			return true
		}
	}
	return false
}

// held returns the ids that stand in keys of our own: hands and inboxes.
func (c *channel) held(t *testing.T) map[string]int {
	t.Helper()
	all := map[string]int{}
	ctx := t.Context()
	for _, key := range c.keys(t, ":hand:*") {
		fields, err := c.rdb.HGetAll(ctx, key).Result()
		if err != nil {
			t.Fatal(err)
		}
		for field, payload := range fields {
			if _, err := strconv.ParseFloat(field, 64); err == nil {
				all[idOf(t, payload)]++
			}
		}
	}
	for _, key := range c.keys(t, ":inbox:*") {
		payloads, err := c.rdb.LRange(ctx, key, 0, -1).Result()
		if err != nil {
			t.Fatal(err)
		}
		for _, payload := range payloads {
			all[idOf(t, payload)]++
		}
	}
	return all
}

func (c *channel) keys(t *testing.T, pattern string) []string {
	t.Helper()
	keys, err := c.rdb.Keys(t.Context(), c.name+pattern).Result()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
